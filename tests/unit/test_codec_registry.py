# SPDX-License-Identifier: GPL-3.0-or-later
"""Codecs are found by name and keep the contract."""

import pytest
from gnuradio.resivid.codec.registry import CODECS, load_codec
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.flowgraphs.settings import LinkSettings
from loop import LoopTokenizer
from toy import ToyInterpolator


@pytest.mark.parametrize("name", sorted(CODECS))
def test_every_codec_offers_the_contract(name):
    codec = load_codec(name)
    link = LinkSettings(codec=name)
    assert set(link.codec_options) == set(codec.OPTIONS)
    settings = link.codec_settings
    assert 1 <= codec.least_bits(settings) < 100
    encoder = codec.make_encoder(LoopTokenizer(), settings)
    decoder = codec.make_decoder(LoopTokenizer(), ToyInterpolator(), settings)
    assert encoder.units_to_plan >= 1
    assert isinstance(encoder.wants_reports, bool) and isinstance(decoder.wants_restart, bool)
    for method in ("analyse", "flush", "reset", "plan", "pack", "report"):
        assert callable(getattr(encoder, method))
    for method in ("unpack", "render", "reset"):
        assert callable(getattr(decoder, method))


def test_the_smallest_payload_is_one_token():
    codec = load_codec("resi_vidtok")
    options = {"stride": 8, "gop": 32, "reference": "state"}
    assert codec.least_bits(codec.make_settings(gop_prefix=False, **options)) == 13
    assert codec.least_bits(codec.make_settings(gop_prefix=True, **options)) == 22


@pytest.mark.parametrize("name", ["h265", "no.such.module"])
def test_an_unknown_codec_is_refused(name):
    with pytest.raises(SettingsError, match="codec"):
        load_codec(name)
