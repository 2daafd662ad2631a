# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluations against codecs, tokenizers and interpolators whose figures are known beforehand."""

import math
from fractions import Fraction

import numpy as np
import pytest
from gnuradio.resivid.codec import registry
from gnuradio.resivid.errors import SettingsError, WeightsError
from gnuradio.resivid.evaluate import memory_tables
from gnuradio.resivid.evaluate import tokenizer_quality as tq
from gnuradio.resivid.evaluate.clips import ClipFolder
from gnuradio.resivid.evaluate.interpolator_quality import (
    InterpolatorEvaluation,
    default_methods,
    evaluate_interpolators,
    text,
)
from gnuradio.resivid.evaluate.memory_quality import BURST, MemoryEvaluation, evaluate_memory, loss_draws
from gnuradio.resivid.evaluate.offline_link import LinkMaker
from gnuradio.resivid.video.writer import VideoWriter
from toy import ToyTokenizer


class CountingTokenizer:
    """Frame n has n plus the position as tokens, so that a share of them can be made to stay."""

    name, num_tokens, size, zero_flag, weights_sha256 = "counting", 100, 64, 4095, {}

    def __init__(self, changing):
        self.changing, self.num_frames = changing, 0

    def encode(self, frames, reference=None):
        tokens = np.arange(100) + np.where(np.arange(100) < self.changing, self.num_frames, 0)
        self.num_frames += 1
        return tokens[None].astype(np.uint16)

    def decode(self, tokens):
        level = 100 + 128 // (tokens.shape[1] + 1)
        return np.full((len(tokens), 64, 64, 3), level, np.uint8)


def write_grey(path, levels, size=256):
    """A clip of flat pictures: what H.264 keeps exactly but for rounding of the colours."""
    with VideoWriter(path, Fraction(30), size, size, crf=1) as writer:
        for level in levels:
            writer.write(np.full((size, size, 3), level, np.uint8))


@pytest.fixture(autouse=True)
def without_lpips(monkeypatch):
    monkeypatch.delenv("RESIVID_WEIGHTS", raising=False)


@pytest.fixture
def copying(monkeypatch):
    monkeypatch.setitem(registry.CODECS, "copying", "copying_codec")
    return LinkMaker("copying", ToyTokenizer())


def psnr(error):
    return 20 * math.log10(255 / error)


@pytest.mark.parametrize("stride, gop", [(4, 32), (8, 32), (12, 32), (1, 8)])
def test_changed_tokens_are_counted_between_key_frames_of_one_gop(stride, gop):
    frames = np.zeros((65, 64, 64, 3), np.uint8)
    shares = tq.changed_shares(CountingTokenizer(41), frames, stride, gop)
    assert shares == [0.5] * len(shares)  # 41 of the first 82
    keys = range(0, 65, stride)
    assert len(shares) == len(keys) - len({key // gop for key in keys})


def test_a_still_scene_has_the_noise_that_it_is_asked_for():
    frame = np.full((64, 64, 3), 100, np.uint8)
    noisy = tq.still_scene(frame, 6, seed=3)
    difference = noisy.astype(float) - 100
    assert noisy.shape == (6, 64, 64, 3) and difference.mean() == pytest.approx(0, abs=0.05)
    assert difference.std() == pytest.approx(math.sqrt(4 + 1 / 12), rel=0.02)  # 2 levels and the rounding
    assert np.array_equal(noisy, tq.still_scene(frame, 6, seed=3))


def test_quality_by_number_of_tokens(tmp_path):
    write_grey(tmp_path / "grey.mp4", [100] * 9, 64)
    settings = tq.TokenizerEvaluation((3, 0, 63), every=4)
    document = tq.evaluate_tokenizer(CountingTokenizer(0), ClipFolder(tmp_path), settings)
    assert [row["tokens"] for row in document["rows"]] == [0, 3, 63]
    for row, error in zip(document["rows"], (128, 32, 2), strict=True):
        assert row["psnr_db"] == pytest.approx(psnr(error), abs=0.01 if error > 2 else 3.6)
        assert row["lpips"] is None and row["decode_ms"]["mean"] >= 0
    assert document["changed_share"] == {"4": 0.0, "8": 0.0, "12": None}
    assert document["changed_share_still"] == 0.0
    assert "counting" in tq.text(document)


def test_prefix_lengths_that_the_tokenizer_has():
    assert tq.TokenizerEvaluation().counts_for(CountingTokenizer(0)) == [16, 41, 82]
    with pytest.raises(SettingsError, match="expected 0 to 100"):
        tq.TokenizerEvaluation((101,)).counts_for(CountingTokenizer(0))


def test_interpolators_between_clean_and_decoded_key_frames(tmp_path, copying):
    write_grey(tmp_path / "ramp.mp4", [40 + 4 * i for i in range(17)])
    settings = InterpolatorEvaluation((4, 8), gaps=2)
    document = evaluate_interpolators(["hold", "blend", "rife"], ClipFolder(tmp_path), copying, settings)
    rows = {(row["method"], row["stride"], row["input"]): row for row in document["rows"]}
    for source in ("clean", "decoded"):  # the codec shows every key frame as it is
        for stride in (4, 8):
            expected = np.mean([psnr(4 * i) for i in range(1, stride)])
            assert rows["hold", stride, source]["psnr_db"] == pytest.approx(expected, abs=0.5)
            assert rows["blend", stride, source]["psnr_db"] > 45
            assert rows["blend", stride, source]["ms_per_frame"] > 0
    missing = rows["rife", None, None]
    assert missing["psnr_db"] is None and "--methods rife=FILE" in missing["missing"]
    assert document["bits"] == {"4": 533, "8": 1067}
    assert text(document).count("blend") == 2 and "rife: weights" in text(document)


def test_methods_are_those_of_the_registry(tmp_path, copying):
    assert default_methods()[:3] == ["hold", "blend", "flow"] and "rife" in default_methods()
    write_grey(tmp_path / "grey.mp4", [100] * 2)
    with pytest.raises(SettingsError, match="expected one of"):
        evaluate_interpolators(["none"], ClipFolder(tmp_path), copying)
    with pytest.raises(WeightsError):
        evaluate_interpolators(["rife=absent.pkl"], ClipFolder(tmp_path), copying)


@pytest.mark.parametrize("count", [20, 34])
def test_lost_blocks_are_as_many_as_the_rate_says(count):
    draws = [loss_draws(count, (0, repeat, 0)) for repeat in range(400)]
    for rate in (0.01, 0.05, 0.5):
        lost = np.array([(d < rate).sum() for d in draws])
        assert set(lost) <= {math.floor(rate * count), math.ceil(rate * count)}
        # the rounding is by chance: a Bernoulli variable of this share
        share = rate * count % 1
        assert lost.mean() == pytest.approx(rate * count, abs=4 * math.sqrt(share * (1 - share) / 400) + 1e-9)
    places = np.concatenate([np.flatnonzero(d < 0.5) for d in draws])
    assert np.bincount(places, minlength=count) == pytest.approx(200, rel=0.3)


def test_a_memory_of_one_picture_under_losses(tmp_path, copying):
    step, stride = 5, 2
    keys = [40 + step * key for key in range(27)]
    write_grey(tmp_path / "steps.mp4", np.repeat(keys, stride))
    settings = MemoryEvaluation(losses=(0.0, 0.2), delays=(1, 2), stride=stride, gop=8)
    document = evaluate_memory(copying, ClipFolder(tmp_path), settings)
    whole, lossy = document["rows"]
    assert [row["memory"] for row in document["rows"]] == ["none", "none"]  # no option, so one row a rate
    assert (whole["blocks"], whole["blocks_lost"], whole["psnr_db"]) == (
        27,
        0,
        100,
    )  # 100 dB stand for infinity
    assert lossy["blocks_lost"] in (5, 6) and lossy["psnr_db"] < 100
    (burst,), (late,), (still,) = (document[key] for key in ("burst", "late_receiver", "still"))
    assert burst["clips"] == 1 and burst["undisturbed_psnr_db"] == [100] * 13
    assert burst["psnr_db"][0] == pytest.approx(psnr(BURST * step), abs=0.7)  # the picture of 4 steps ago
    assert burst["psnr_db"][1:] == [100] * 12 and late["psnr_db"] == [100] * 13
    assert still["first_psnr_db"] == still["last_psnr_db"] == 100
    assert "none" in memory_tables.text(document)


def test_a_clip_too_short_for_a_burst_is_left_out(tmp_path, copying):
    write_grey(tmp_path / "short.mp4", [100] * 8)
    document = evaluate_memory(
        copying, ClipFolder(tmp_path), MemoryEvaluation(losses=(0.0,), stride=4, gop=8)
    )
    (burst,) = document["burst"]
    assert burst["clips"] == 0 and burst["psnr_db"] is None
    assert "–" in memory_tables.text(document)


@pytest.mark.parametrize(
    "wrong", [{"memories": ("x",)}, {"losses": (1.0,)}, {"delays": (0,)}, {"repeats": 0}, {"losses": ()}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(SettingsError):
        MemoryEvaluation(**wrong)
