# SPDX-License-Identifier: GPL-3.0-or-later
"""What the radio bench counts, and the noise that it asks for: worked by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest
from gnuradio.resivid.evaluate.payload_check import PayloadCheck, known_payload
from gnuradio.resivid.evaluate.radio_bench import RadioPoint


def test_right_wrong_and_repeated_payloads():
    check = PayloadCheck(num_bits=200, seed=3)
    for number in (0, 1, 5):
        check.take(known_payload(number, 200, 3), True, 6.0)
    wrong = known_payload(6, 200, 3)
    wrong[-1] ^= 1
    check.take(wrong, True, 6.0)  # a bit that no CRC caught
    check.take(known_payload(5, 200, 3), True, 6.0)  # a second time
    check.take(known_payload(7, 200, 4), True, 6.0)  # another stream
    check.take(np.zeros(4, np.uint8), True, 6.0)
    check.take(np.zeros(0, np.uint8), False, 6.0)
    assert (check.received, check.false, check.failed) == (3, 4, 1)


def test_numbers_go_on_behind_4095():
    check = PayloadCheck(num_bits=64, seed=0)
    for number in range(0, 9000, 100):
        check.take(known_payload(number, 64, 0), True, 6.0)
    assert (check.received, check.false) == (90, 0)


@pytest.mark.parametrize(("impairment", "name", "value"), [("offsets", "frequency_offset_hz", 1216.6875),
                                                            ("phase_noise", "phase_noise", 2.70375),
                                                            ("quantiser", "quantiser_bits", 8)])  # fmt: skip
def test_arguments_of_the_receiver(impairment, name, value):
    point = RadioPoint(0, "x", 6.0, impairment, 1, "4e-4", "air", 2703.75, 48e3, 0)
    fields = dict(part.split("=") for part in point.receiver_arguments("c").split(","))
    assert float(fields[name]) == pytest.approx(value)
    # 0.35^2 over 2,703.75 symbols a second is -43.44 dB of 1/Hz, and 6 dB less
    assert float(fields["noise_db_hz"]) == pytest.approx(-49.44, abs=0.01)
    assert re.fullmatch(r"driver=resivid_loopback,pace=free,channel=c,.*", point.receiver_arguments("c"))
