# SPDX-License-Identifier: GPL-3.0-or-later
"""Late join: the receiver joins inside the clip, and sees of a classical stream what every viewer sees."""

import math
from fractions import Fraction

import numpy as np
import pytest
from gnuradio.resivid.errors import MissingPackageError, ResividError
from gnuradio.resivid.evaluate import late_join
from gnuradio.resivid.evaluate.classical.encoder import encode, require_encoder, scaled
from gnuradio.resivid.evaluate.classical.settings import X265, ClassicalSetting
from gnuradio.resivid.evaluate.classical_point import ClassicalStream
from gnuradio.resivid.evaluate.jobs import PointJob
from gnuradio.resivid.evaluate.points import PAPER_X265, Evaluation, Point
from gnuradio.resivid.evaluate.prepared_clips import LosslessWriter, PreparedClip
from gnuradio.resivid.flowgraphs.settings import LinkSettings


def job(num_frames, number=0, path=None, **link):
    clip = PreparedClip("a", path, "0", num_frames, "30")
    evaluation = Evaluation(link=LinkSettings(**link)) if link else Evaluation()
    return PointJob(clip, number, Point(PAPER_X265, measures="join"), evaluation, path, path, "key")


def test_a_third_of_the_clip_and_another_place_in_the_gop():
    """600 frames: 200 and up to three key frames later; four seconds of 30 frame/s and the frame of the join."""
    assert [late_join.join_frame(job(600, number)) for number in range(5)] == [200, 208, 216, 224, 200]
    assert late_join.measured_frames(job(600)) == list(range(200, 321, 8))


def test_the_join_of_a_short_clip_lies_inside_it():
    """A second has key frames 0, 8, 16 and 24: the third of them is the last one with another one after it."""
    assert [late_join.join_frame(job(30, number)) for number in range(4)] == [8, 16, 16, 16]
    for frames in range(17, 200):
        for number in range(4):
            wanted = late_join.measured_frames(job(frames, number))
            assert len(wanted) >= 2 and 8 <= wanted[0] and wanted[-1] < frames
    with pytest.raises(ResividError, match="late join: 16 frames are too few, at least 17"):
        late_join.join_frame(job(16))


def test_coded_pictures_are_interpolated_as_for_every_viewer(tmp_path, monkeypatch):
    """A ramp of one level a frame; frames 0, 12, 24, ... are coded, every other one a key frame.

    Joined at 16 there is grey (128 against a level of 76) until 24; frame 32 lies between the coded ones 24 and 36.
    """
    setting = ClassicalSetting(X265, "ultrafast", 64, 12, 24)
    try:
        require_encoder(setting)
    except MissingPackageError as error:
        pytest.skip(str(error))
    frames = [np.full((64, 64, 3), 60 + number, np.uint8) for number in range(61)]
    with LosslessWriter(tmp_path / "a.mkv", Fraction(30), 64) as writer:
        for frame in frames:
            writer.write(frame)
    units = encode(scaled(frames, 64, 12), setting, 8, 30.0)
    monkeypatch.setattr(late_join, "budget_of", lambda *about: 0)
    monkeypatch.setattr(late_join, "stream_of", lambda *about: ClassicalStream(setting, 8, units, 0))
    monkeypatch.delenv("RESIVID_WEIGHTS", raising=False)
    found = late_join.join_classical(
        job(61, 0, tmp_path / "a.mkv", size=64, tokenizer="small:tokenizer", interpolator="blend"), 0
    )
    series = found["series_join"]
    assert series["seconds"] == [pytest.approx(8 * number / 30) for number in range(6)]
    assert series["psnr_db"][0] == pytest.approx(20 * math.log10(255 / 52), abs=0.01)
    assert min(series["psnr_db"][1:]) > 20 * math.log10(255 / 2)  # the held picture of 24 is wrong by 8 at 32
