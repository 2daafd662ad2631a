# SPDX-License-Identifier: GPL-3.0-or-later
"""Header of the air interface: vectors of the document, hostile bits, numbers of key frames."""

from fractions import Fraction

import numpy as np
import pytest
from documents import table_after
from gnuradio.resivid.errors import FormatError
from gnuradio.resivid.link.air_header import (
    COUNTER_SIZE,
    AirHeader,
    FrameNumbers,
    header_bits,
    read_header,
    settings_digest,
    write_header,
)


@pytest.mark.parametrize("row", table_after("<!-- header vectors -->"))
def test_vectors(row):
    number, gop_start, rate, digest, bits = row
    header = AirHeader(int(number) % 512, gop_start == "yes", Fraction(rate), int(digest, 16))
    assert "".join(map(str, write_header(header))) == bits
    assert read_header(np.array(list(map(int, bits + "0110")), np.uint8)) == header
    assert len(bits) == header_bits(header.gop_start)


@pytest.mark.parametrize(
    "bits, expected",
    [("1000", "no room"), ("10" + "0" * 26, "wire version 2"), ("011" + "0" * 20, "no room")],
)
def test_what_is_no_header_is_refused(bits, expected):
    with pytest.raises(FormatError, match=expected):
        read_header(np.array(list(map(int, bits)), np.uint8))


def test_digest_tells_settings_apart():
    assert settings_digest("a") != settings_digest("b")
    assert 0 <= settings_digest("a") < 1 << 12


def test_numbers_go_on_over_the_counters_end_and_missing_frames_are_named():
    numbers = FrameNumbers(100.0, first=0)
    for n in (0, 1, 4, 510, 511):
        ahead = n - {0: 0, 1: 1, 4: 2, 510: 510, 511: 511}[n]
        if n == 510:
            for k in range(5, 510):
                assert numbers.good(k, None) == (range(k, k), k)
        missing, number = numbers.good(n, None)
        assert number == n and len(missing) == ahead
    assert numbers.good(0, None) == (range(512, 512), 512)
    assert numbers.good(2, None) == (range(513, 514), 514)


def test_another_stream_goes_on_behind_the_last_number():
    numbers = FrameNumbers(100.0)
    assert numbers.failed(5.0) is None  # nothing is known yet
    assert numbers.good(300, 10.0)[1] == 300
    assert numbers.good(5, 110.0) == (range(301, 301), 301)
    assert numbers.good(6, 210.0)[1] == 302


def test_failed_frames_take_their_number_from_their_time():
    numbers = FrameNumbers(100.0, first=0)
    assert numbers.good(0, 20.0)[1] == 0
    assert numbers.failed(220.5) == (range(1, 2), 2)
    assert numbers.failed(221.0) is None  # the same time: a false alarm
    assert numbers.failed(None) == (range(3, 3), 3)  # a lost slot
    assert numbers.good(4, 420.0) == (range(4, 4), 4)
    assert numbers.good((4 + 70) % COUNTER_SIZE, 520.0)[1] == 5  # too far ahead: another stream
