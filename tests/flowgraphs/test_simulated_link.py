# SPDX-License-Identifier: GPL-3.0-or-later
"""A link whose settings change while it runs, and a simulation that somebody watches."""

import time
from dataclasses import replace

import numpy as np
from clips import read_frames, write_clip
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


def test_frames_are_held_to_the_rate_and_a_late_one_hurries_nobody():
    pace, started, times = Pace(50.0), time.monotonic(), []
    for delay in (0, 0, 0, 0.1, 0, 0):
        time.sleep(delay)
        pace.wait()
        times.append(time.monotonic() - started)
    assert np.diff(times).min() > 0.018 and times[2] >= 0.04
