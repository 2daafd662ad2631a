# SPDX-License-Identifier: GPL-3.0-or-later
"""A link whose settings change while it runs, and a simulation that somebody watches."""

from dataclasses import replace

import numpy as np
import pytest
from clips import read_frames, write_clip
from gnuradio.resivid.flowgraphs import pace as pace_module
from gnuradio.resivid.flowgraphs.pace import Pace
from gnuradio.resivid.flowgraphs.settings import LinkSettings
from gnuradio.resivid.flowgraphs.simulate import SimulationSettings, simulation
from gnuradio.resivid.web.live_simulation import watch

SETTINGS = SimulationSettings(link=LinkSettings(stride=4), snr_db=(9.0,), metrics=False)


def test_a_watched_simulation_gives_the_same_file_and_tells_everything(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", 9)
    simulation(clip, tmp_path / "alone.mp4", SETTINGS).run()
    flowgraph = simulation(clip, tmp_path / "watched.mp4", replace(SETTINGS, metrics=True))
    monitor = watch(flowgraph, "a clip", tmp_path)
    shown = []
    monitor.on_news = lambda: shown.append(monitor.latest_pictures())
    final = flowgraph.run()
    assert (tmp_path / "alone.mp4").read_bytes() == (tmp_path / "watched.mp4").read_bytes()
    assert [picture.frame for picture in shown] == list(range(9))
    sent = read_frames(clip)
    assert all((picture.original == sent[picture.frame]).all() for picture in shown)
    state, document = monitor.state(), monitor.statistics()
    packed = [block.prefix for block, _ in flowgraph.statistics.blocks()]
    assert [point[5] for point in state["blocks"]] == packed and len(packed) == final.blocks == 3
    assert np.any(state["symbols"])
    for key in ("frames", "blocks", "bler", "k_mean", "snr_est_db", "cbr_total", "mcs", "fps", "psnr_db"):
        assert document[key] == final.to_dict()[key], key


def test_frames_are_held_to_the_rate_and_a_late_one_hurries_nobody(monkeypatch):
    clock = [5.0]
    monkeypatch.setattr(pace_module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(pace_module.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    pace, times = Pace(50.0), []
    for delay in (0, 0, 0, 0.1, 0, 0):
        clock[0] += delay
        pace.wait()
        times.append(clock[0] - 5.0)
    assert times == pytest.approx([0, 0.02, 0.04, 0.14, 0.16, 0.18])
