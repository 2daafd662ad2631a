# SPDX-License-Identifier: GPL-3.0-or-later
"""Codecs are found by name and keep the contract."""

import pytest
from gnuradio.resivid.codec.registry import CODECS, load_codec
from gnuradio.resivid.errors import SettingsError
from toy import ToyInterpolator, ToyTokenizer


@pytest.mark.parametrize("name", sorted(CODECS))
def test_every_codec_offers_the_contract(name):
    codec = load_codec(name)
    settings = codec.make_settings(stride=8, gop=32, gop_prefix=False, reference="state")
    encoder = codec.make_encoder(ToyTokenizer(), settings)
    decoder = codec.make_decoder(ToyTokenizer(), ToyInterpolator(), settings)
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
