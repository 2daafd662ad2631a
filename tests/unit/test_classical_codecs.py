# SPDX-License-Identifier: GPL-3.0-or-later
"""x265 and SVT-AV1 through PyAV: bits counted by hand, order, losses, the search against trying everything."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from gnuradio.resivid.errors import MissingPackageError, ResividError
from gnuradio.resivid.evaluate import metrics
from gnuradio.resivid.evaluate.classical import encoder, judging, ladder, search, settings
from gnuradio.resivid.evaluate.classical.receiver import decode, watch
from gnuradio.resivid.evaluate.classical.settings import SVT_AV1, X265, ClassicalSetting
from gnuradio.resivid.evaluate.prepared_clips import prepare_clip
from gnuradio.resivid.models.registry import load_interpolator
from loop import smooth_clip

FRAMES = 24
FAST = {X265: "ultrafast", SVT_AV1: "10"}


@pytest.fixture(scope="module")
def pictures():
    return smooth_clip(FRAMES, drift=(6, 2))[:, ::4, ::4].copy()  # 64x64


@pytest.fixture(params=[X265, SVT_AV1])
def setting(request):
    found = ClassicalSetting(request.param, FAST[request.param], 64, 1, 8)
    try:
        encoder.require_encoder(found)
    except MissingPackageError as error:
        pytest.skip(str(error))
    return found


def test_bits_are_those_of_the_pictures_without_framing_and_parameter_sets(setting, pictures):
    units = encoder.encode(pictures, setting, 30, 30.0)
    assert sorted(unit.frame for unit in units) == list(range(FRAMES))
    assert [unit.frame for unit in units if unit.key] == [0, 8, 16]
    for unit in units:
        if setting.codec == SVT_AV1:
            assert unit.data[:2] == b"\x12\x00"  # obu_temporal_delimiter, empty
            silent = 2
            if unit.key:  # obu_sequence_header: its type and size in two bytes
                assert unit.data[2] == 1 << 3 | 1 << 1 and unit.data[3] < 128
                silent += 2 + unit.data[3]
            assert unit.bits == 8 * (len(unit.data) - silent)
        else:  # annex B: bytes between start codes of three bytes, with one more zero before some
            nals = re.split(b"\x00\x00\x01", unit.data)
            assert nals[0].strip(b"\x00") == b""
            kinds = [nal[0] >> 1 for nal in nals[1:]]
            assert (
                kinds[:3] == [32, 33, 34] if unit.key else kinds[0] < 32
            )  # parameter sets with each key frame
            pictures_of = [nal for nal, kind in zip(nals[1:], kinds, strict=True) if kind < 32]
            assert unit.bits == 8 * sum(len(nal.rstrip(b"\x00")) for nal in pictures_of)
    assert encoder.encode(pictures, setting, 30, 30.0) == units


def test_an_encoder_leaves_the_machine_to_others(setting, pictures, monkeypatch):
    """Seen from within: what threads there are while pictures are taken, as root too."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("threads are listed on Linux only")
    before, seen = os.sched_getscheduler(0), set()

    def watched():
        for picture in pictures:
            seen.update(os.sched_getscheduler(int(task.name)) for task in tasks.iterdir())
            yield picture

    encoder.encode(watched(), setting, 40, 30.0)
    assert seen == {before}


def test_equal_pictures_give_equal_bits_whatever_the_heap_held(setting, pictures):
    """Pictures smaller than a coding tree unit, where x265 reads what it has not written."""
    small = [np.ascontiguousarray(picture[::2, ::2]) for picture in pictures[:12]]
    setting = ClassicalSetting(setting.codec, setting.preset, 32, 1, 0)
    streams = []
    for seed in range(5):
        junk = [np.full(size, seed * 51, np.uint8) for size in range(256, 65536, 256)]
        del junk
        streams.append(encoder.encode(small, setting, 11, 30.0))
    assert all(stream == streams[0] for stream in streams)


def test_what_is_sent_is_shown(setting, pictures):
    units = encoder.encode(pictures, setting, 20, 30.0)
    shown = list(watch(units, setting, 64, FRAMES, load_interpolator("hold")))
    errors = [np.mean((a.astype(float) - b) ** 2) for a, b in zip(pictures, shown, strict=True)]
    others = [
        np.mean((a.astype(float) - b) ** 2) for a, b in zip(pictures, np.roll(shown, 1, 0), strict=True)
    ]
    assert max(errors) < min(others)  # each picture in its place


def test_losses_hold_the_last_picture(setting, pictures):
    units = encoder.encode(pictures, setting, 30, 30.0)
    second = [unit for unit in units if unit.frame >= 8]
    shown = list(watch(second, setting, 64, FRAMES, load_interpolator("hold")))
    assert len(shown) == FRAMES and all((frame == 128).all() for frame in shown[:8])
    whole = dict(decode(units, setting, 64))
    assert all(np.array_equal(whole[i], shown[i]) for i in range(8, FRAMES))
    first = [unit for unit in units if unit.frame < 8]
    held = list(watch(first, setting, 64, FRAMES, load_interpolator("hold")))
    assert all(np.array_equal(frame, held[7]) for frame in held[8:])
    nothing = list(watch([], setting, 64, 3, load_interpolator("hold")))
    assert [frame.tolist() for frame in nothing] == [np.full((64, 64, 3), 128).tolist()] * 3
    broken = [unit for unit in units if unit.frame != 1]
    assert len(list(watch(broken, setting, 64, FRAMES, load_interpolator("hold")))) == FRAMES


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    from fractions import Fraction

    from gnuradio.resivid.video.writer import VideoWriter

    folder = tmp_path_factory.mktemp("clip")
    with VideoWriter(folder / "a.mp4", Fraction(30), 64, 64, crf=1) as writer:
        for frame in smooth_clip(FRAMES, drift=(6, 2))[:, ::4, ::4]:
            writer.write(np.ascontiguousarray(frame))
    return judging.ClipSource(prepare_clip(folder / "a.mp4", folder / "clips", 64), 64)


def test_the_search_finds_what_trying_everything_finds(source, tmp_path, monkeypatch):
    monkeypatch.setitem(settings.ENCODERS, X265, settings.Encoder("libx265", "hevc", "yuv420p", 20, 51, 1))
    setting = ClassicalSetting(X265, "ultrafast", 32, 2, 0)
    interpolator, judge = load_interpolator("blend"), judging.Judge()
    sizes = {
        quality: encoder.total_bits(encoder.encode(source.pictures(32, 2), setting, quality, 30.0))
        for quality in range(20, 52)
    }
    budget = sizes[35]
    (choice,) = search.search(source, [setting], budget, interpolator, tmp_path, judge)
    assert choice.bits == sizes[choice.quality] <= budget
    assert choice.quality == 20 or sizes[choice.quality - 1] > budget
    assert search.search(source, [setting], min(sizes.values()) - 1, interpolator, tmp_path, judge) == []

    def never(*arguments):
        raise AssertionError("encoded again")

    monkeypatch.setattr(ladder, "encode", never)
    assert search.search(source, [setting], budget, interpolator, tmp_path, judge) == [choice]


def test_a_setting_behind_the_bar_is_given_up_early(source, tmp_path, monkeypatch):
    """What it reaches with a little more than the budget misses the bar; one that meets the bar is fitted as without it."""
    setting = ClassicalSetting(X265, "ultrafast", 32, 2, 0)
    interpolator, judge = load_interpolator("blend"), judging.Judge()

    def fresh(name):
        return ladder.Ladder(source, setting, interpolator, tmp_path / name, judge)

    free = fresh("free")
    quality = free.fit(20_000)
    reached = free.choice(quality)

    calls = []
    monkeypatch.setattr(ladder, "encode", lambda *arguments: calls.append(1) or encoder.encode(*arguments))
    bounded = fresh("low bar")
    assert (
        bounded.fit(20_000, (("psnr_db", reached.psnr_db - 1),)) == quality
        and bounded.limit(20_000, ()) is None
    )
    most, bar = len(calls), (("psnr_db", reached.psnr_db + 3),)
    calls.clear()
    behind = fresh("high bar")
    assert behind.fit(20_000, bar) is None and len(calls) < most
    choice, limit = fresh("high bar").kept(20_000, bar)  # as the file has it
    assert (
        choice is None and 20_000 < limit.bits <= ladder.NEAR * 20_000 and limit.psnr_db < reached.psnr_db + 2
    )
    with pytest.raises(LookupError):
        behind.kept(20_000, ())
    assert behind.fit(20_000) == quality  # without the bar it goes on


def test_a_setting_whose_uncoded_pictures_are_behind_is_not_coded(source, tmp_path, monkeypatch):
    """Small pictures enlarged, every fourth of them: coding makes them no better."""
    interpolator, judge = load_interpolator("blend"), judging.Judge()

    def fresh(setting):
        return ladder.Ladder(source, setting, interpolator, tmp_path, judge)

    small = ClassicalSetting(X265, "ultrafast", 16, 4, 0)
    most = fresh(small).choice(small.encoder.best).psnr_db
    next((tmp_path / source.clip.digest[:16]).glob(f"{small.name}-*.json")).unlink()

    def never(*arguments):
        raise AssertionError("coded")

    monkeypatch.setattr(ladder, "encode", never)
    assert fresh(small).fit(20_000, (("psnr_db", 40.0),)) is None
    choice, limit = fresh(small).kept(20_000, (("psnr_db", 40.0),))
    assert choice is None and limit.bits > 20_000 and most - 0.1 < limit.psnr_db < 39.0
    with pytest.raises(AssertionError, match="coded"):  # with pictures of full size there is no such bound
        fresh(ClassicalSetting(X265, "ultrafast", 64, 1, 0)).fit(20_000, (("psnr_db", 60.0),))


@pytest.mark.parametrize("cut", [False, True])
def test_judged_frames_are_those_that_a_viewer_sees(source, cut):
    setting = ClassicalSetting(X265, "ultrafast", 32, 4, 0)
    pictures = np.stack(list(source.pictures(32, 4)))
    if cut:
        pictures[3:] //= 8
    units = encoder.encode(pictures, setting, 30, 30.0)
    interpolator = load_interpolator("blend")
    shown = list(watch(units, setting, 64, FRAMES, interpolator))
    assert np.array_equal(shown[9], shown[8]) == cut
    for step in (1, 3, 6):
        coded = decode(units, setting, 64)
        judged = judging.judged_pictures(coded, 4, step, FRAMES, interpolator)
        assert all(np.array_equal(a, b) for a, b in zip(shown[::step], judged, strict=True))


def test_a_long_clip_is_read_again_instead_of_kept(source, tmp_path, monkeypatch):
    """What is found is the same."""
    setting, interpolator = ClassicalSetting(X265, "ultrafast", 32, 2, 0), load_interpolator("hold")
    found = []
    for most in (judging.MOST_KEPT_BYTES, 0):
        monkeypatch.setattr(judging, "MOST_KEPT_BYTES", most)
        fresh = judging.ClipSource(source.clip, 64)
        folder = tmp_path / str(most)
        found.append(search.search(fresh, [setting], 20_000, interpolator, folder, judging.Judge()))
        assert isinstance(fresh.pictures(32, 2), list) == isinstance(fresh.judged(), list) == bool(most)
    assert found[0] == found[1] and found[0]


@pytest.mark.parametrize("kept", [0, 500_000, 160 << 20])  # bytes: nothing, one batch, all of them
def test_judged_as_each_frame_alone(source, tmp_path, shared_weights, monkeypatch, kept):
    """Again too, and after another clip: features of originals are kept."""
    monkeypatch.setattr(judging, "MOST_FEATURE_BYTES", kept)
    monkeypatch.setattr(judging, "BATCH", 3)
    other = prepare_clip(source.clip.path, tmp_path, 32)
    judge, network = judging.Judge(), metrics.load_lpips()
    for clip in (source, source, judging.ClipSource(other, 32), source):
        originals = list(clip.judged())
        shown = [255 - picture for picture in originals]
        alone = [
            float(metrics.lpips(network, a[None], b[None])[0]) for a, b in zip(originals, shown, strict=True)
        ]
        found = judge.measure(clip, shown)
        assert found["lpips"] == pytest.approx(np.mean(alone), abs=1e-5)
        assert found["psnr_db"] == pytest.approx(
            np.mean([metrics.psnr_db(*pair) for pair in zip(originals, shown, strict=True)])
        )


def test_a_long_key_distance_is_the_whole_video():
    """More pictures than the 161 after which SVT-AV1 sets a key frame unless it is told otherwise."""
    setting = ClassicalSetting(SVT_AV1, "13", 64, 1, settings.LONG)
    try:
        encoder.require_encoder(setting)
    except MissingPackageError as error:
        pytest.skip(str(error))
    pictures = np.tile(smooth_clip(10)[:, ::4, ::4], (17, 1, 1, 1))
    assert [unit.frame for unit in encoder.encode(pictures, setting, 60, 30.0) if unit.key] == [0]


def test_results_of_another_encoder_or_judge_are_kept_beside(source, tmp_path, monkeypatch):
    setting, interpolator = ClassicalSetting(X265, "ultrafast", 32, 4, 0), load_interpolator("hold")

    def fresh():
        return ladder.Ladder(source, setting, interpolator, tmp_path, judging.Judge())

    fresh().fit(20_000)
    with monkeypatch.context() as patch:
        patch.setattr(ladder, "av_version", lambda: "0.1")
        with pytest.raises(LookupError):
            fresh().kept_fit(20_000)
        fresh().fit(30_000)
    assert fresh().kept_fit(20_000) is not None
    with pytest.raises(LookupError):
        fresh().kept_fit(30_000)


def test_the_grid_follows_the_size_of_the_pictures():
    """Full, three quarters, half, three eighths and a quarter; the quick search has the first two."""
    for size, sizes in (
        (256, {256, 192, 128, 96, 64}),
        (512, {512, 384, 256, 192, 128}),
        (128, {128, 96, 64, 48, 32}),
    ):
        assert {s.size for s in settings.candidates("full", (0,), size)} == sizes
    assert {s.size for s in settings.candidates("quick", (0,), 128)} == {128, 96}
    found = settings.candidates("full", (0, 32))
    assert len(found) == len(set(found)) == 2 * 2 * 7 * 5


def test_best_by_each_metric():
    def choice(psnr_db, lpips, size):
        return ladder.Choice(ClassicalSetting(X265, "slow", size, 1, 0), 30, 100, psnr_db, lpips)

    found = [choice(30, 0.4, 64), choice(28, 0.3, 96), choice(29, 0.5, 128)]
    assert search.best(found, "lpips").setting.size == 96
    assert search.best(found, "psnr_db").setting.size == 64
    with pytest.raises(
        ResividError, match="RESIVID_WEIGHTS"
    ):  # the best PSNR under the name of the best LPIPS
        search.best([choice(30, None, 64), choice(31, 0.1, 96)], "lpips")
    with pytest.raises(ResividError, match="no classical setting"):
        search.best([], "lpips")


def test_a_missing_encoder_is_named(monkeypatch):
    monkeypatch.setitem(settings.ENCODERS, X265, settings.Encoder("libnone", "hevc", "yuv420p", 20, 51, 1))
    with pytest.raises(MissingPackageError, match="libnone"):
        encoder.require_encoder(ClassicalSetting())
