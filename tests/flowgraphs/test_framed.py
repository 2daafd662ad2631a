# SPDX-License-Identifier: GPL-3.0-or-later
"""`--phy framed`: the simulation over a burst signal with an unknown carrier, clock and start."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from clips import moving_picture, write_clip
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.flowgraphs.settings import LinkSettings
from gnuradio.resivid.flowgraphs.simulate import SimulationSettings, simulation
from gnuradio.resivid.link.channel_settings import ChannelSettings
from gnuradio.resivid.video.writer import VideoWriter
from loop import LoopTokenizer
from toy import ToyInterpolator, ToyTokenizer

LINK = LinkSettings(
    cbr="1.6e-3", stride=2, gop=8, codec="resi_vidtok", phy="framed", mcs_table="air"
)  # 629 symbols a key frame, 15 a second, 10,815 symbols a second
FRAMED = SimulationSettings(link=LINK, metrics=False, feedback_delay=2, snr_db=(9.0,))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clips") / "24.mp4", 24)


def run(clip, **changes):
    settings = replace(FRAMED, **changes)
    simulated = simulation(clip, None, settings, ToyTokenizer(), ToyInterpolator())
    statistics = simulated.run()
    return statistics, [decoded for _, decoded in simulated.statistics.blocks()]


def test_every_key_frame_arrives_under_its_number(clip):
    statistics, blocks = run(clip)
    assert [block.frame for block in blocks] == list(range(0, 24, 2))
    assert statistics.blocks_failed == 0 and statistics.frames == 24
    assert statistics.snr_est_db == pytest.approx(9, abs=0.5)
    assert statistics.cbr_total / statistics.cbr_payload == pytest.approx(721 / 629)
    rows = [block.mcs for block in blocks]
    assert rows[:2] == [0, 0] and rows[-1] > 5  # answers come two key frames late


@pytest.mark.parametrize(
    "channel",
    [
        ChannelSettings(frequency_offset_hz=4000.0),
        ChannelSettings(clock_offset_ppm=-40.0),
        ChannelSettings(
            phase_noise=1e-4, frequency_offset_hz=-1234.0, clock_offset_ppm=40.0, quantiser_bits=8
        ),
    ],
    ids=["carrier", "clock", "all"],
)
def test_impairments_are_undone(clip, channel):
    statistics, blocks = run(clip, channel=channel, mcs=4)
    assert [block.frame for block in blocks] == list(range(0, 24, 2))
    assert statistics.blocks_failed == 0


def test_the_same_seed_gives_the_same_run(clip):
    _, first = run(clip, snr_db=(2.0,), seed=5)
    assert run(clip, snr_db=(2.0,), seed=5)[1] == first


def test_a_signal_that_nobody_can_find_ends_with_every_block_lost(clip):
    statistics, blocks = run(clip, snr_db=(-15.0,))
    assert [block.frame for block in blocks] == list(range(0, 24, 2))
    assert statistics.blocks_failed == 12 and statistics.frames == 24


def test_frames_that_the_channel_loses_are_answered(clip):
    statistics, blocks = run(clip, channel=ChannelSettings(loss_rate=0.3), seed=2)
    assert [block.frame for block in blocks] == list(range(0, 24, 2))
    assert 1 <= statistics.blocks_failed < 12


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"feedback_delay": 1}, "--feedback-delay must be at least 2"),
        ({"channel": ChannelSettings(fading="rayleigh")}, "--csi none"),
    ],
)
def test_what_framed_links_cannot_have_is_refused(changes, expected):
    with pytest.raises(SettingsError, match=expected):
        replace(FRAMED, **changes)


def test_a_table_without_preambles_is_refused():
    with pytest.raises(SettingsError, match="cannot be used over the air"):
        replace(LINK, mcs_table="table1")


def test_a_scene_cut_starts_anew_and_still_fits(tmp_path):
    """A start from nothing has a longer header, wherever in the GOP it comes."""
    path = tmp_path / "cut.mp4"
    with VideoWriter(path, Fraction(30), 256, 256, crf=1) as writer:
        for level in (20, 20, 230, 230):
            for frame in moving_picture(8, seed=level):
                writer.write((0.2 * frame + 0.8 * level).astype(np.uint8))
    link = replace(LINK, cbr="4e-4", stride=8, gop=32, codec="closed_loop")
    simulated = simulation(path, None, replace(FRAMED, link=link), LoopTokenizer(), ToyInterpolator())
    statistics = simulated.run()
    assert (statistics.frames, statistics.blocks, statistics.blocks_failed) == (32, 4, 0)
