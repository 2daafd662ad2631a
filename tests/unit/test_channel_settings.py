# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the simulated channel: what they become, and what a receiver without a synchroniser refuses."""

import numpy as np
import pytest
from gnuradio.resivid import phy
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.link.channel_settings import IMPAIRMENTS, ChannelSettings, parse_impairments


def test_defaults_are_white_noise_alone():
    sent = np.ones(629, np.complex64)
    model = phy.channel_model(7, 629, **ChannelSettings().as_arguments(2400.0))
    np.testing.assert_array_equal(model.apply(sent, 3.0)["items"], phy.awgn_channel(7).apply(sent, 3.0))


def test_every_impairment_reaches_the_channel():
    values = {"dc": "0.1-0.2j", "bits": "8", "clipping": "3"}
    settings = parse_impairments(f"{name}={values.get(name, '0.5')}" for name in IMPAIRMENTS)
    assert settings == {
        "clipping_db": 3.0,
        "frequency_offset_hz": 0.5,
        "phase_noise": 0.5,
        "clock_offset_ppm": 0.5,
        "dc_offset": 0.1 - 0.2j,
        "iq_gain_db": 0.5,
        "iq_phase_deg": 0.5,
        "quantiser_bits": 8,
    }
    phy.channel_model(1, 10, **ChannelSettings(**settings).as_arguments(2400.0))


@pytest.mark.parametrize(
    "texts, match",
    [
        (["fog=1"], "--impair: expected NAME=VALUE of clipping="),
        (["clipping"], "--impair clipping: expected a number"),
        (["bits=2.5"], "--impair bits: expected a number"),
        (["dc=one"], "--impair dc: expected a number"),
        (["bits=8", "bits=4"], "bits stands twice"),
    ],
)
def test_impairments_that_cannot_be_read(texts, match):
    with pytest.raises(SettingsError, match=match):
        parse_impairments(texts)


def test_what_needs_a_synchroniser():
    assert (
        ChannelSettings(fading="rayleigh", loss_rate=0.1, quantiser_bits=8).warnings_without_synchroniser()
        == []
    )
    for settings in ({"frequency_offset_hz": 1.0}, {"phase_noise": 1e-3}, {"fading": "rician", "csi": False}):
        (line,) = ChannelSettings(**settings).warnings_without_synchroniser()
        assert "fail" in line and "\n" not in line
    with pytest.raises(SettingsError, match="clock-offset changes the number of symbols"):
        ChannelSettings(clock_offset_ppm=1.0).warnings_without_synchroniser()


def test_packets_that_are_too_large_or_no_vector_are_refused():
    model = phy.channel_model(1, 10)
    with pytest.raises(ValueError, match="expected at most 10 items, got 11"):
        model.apply(np.ones(11, np.complex64), 0.0)
    with pytest.raises(ValueError, match="items must be"):
        model.apply(np.ones((2, 2), np.complex64), 0.0)
    for max_items in (0, -1, 1 << 40):
        with pytest.raises(ValueError, match="max_items must be"):
            phy.channel_model(1, max_items)
