# SPDX-License-Identifier: GPL-3.0-or-later
"""A block of the user's that loses packets ends a lock-step run with one line, wherever it stands."""

from __future__ import annotations

import functools
import itertools
import threading

import numpy as np
import pmt
import pytest
from clips import read_frames, write_clip
from gnuradio import gr
from gnuradio.resivid.blocks import stall_watch, token_packer, token_source
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.flowgraphs.settings import LinkSettings
from gnuradio.resivid.flowgraphs.simulate import SimulationSettings, simulation
from packet_run import run_to_end
from toy import ToyInterpolator, ToyTokenizer

LINK = LinkSettings(codec="resi_vidtok")


class losing_block(gr.basic_block):
    """Messages through, but for those at these places (from 0)."""

    def __init__(self, port, lost):
        gr.basic_block.__init__(self, name="losing_block", in_sig=None, out_sig=None)
        self.port, self.lost, self.seen = pmt.intern(port), lost, -1
        self.message_port_register_in(self.port)
        self.set_msg_handler(self.port, self.on_message)
        self.message_port_register_out(self.port)

    def on_message(self, message):
        self.seen += 1
        if self.seen not in self.lost:
            self.message_port_pub(self.port, message)


@pytest.fixture
def impatient(monkeypatch):
    """Quiet for a second is enough for the packer here."""
    made = token_packer.token_packer.__init__
    with_less = functools.partialmethod(made, patience_s=1.0)
    monkeypatch.setattr(token_packer.token_packer, "__init__", with_less)


def link_that_loses(tmp_path, stage, lost, num_frames=81, feedback_delay=1):
    """A simulation with a losing block behind the packer, or before the sink."""
    settings = SimulationSettings(link=LINK, metrics=False, feedback_delay=feedback_delay)
    clip = write_clip(tmp_path / "in.mp4", num_frames)
    link = simulation(clip, tmp_path / "out.mp4", settings, ToyTokenizer(), ToyInterpolator())
    if stage == "payload":
        end, before, after, into = (
            link.transmitter,
            link.transmitter.packer,
            link.transmitter.to_stream,
            "pdus",
        )
    else:
        end, before, after, into = link.receiver, link.receiver.unpacker, link.receiver.sink, "tokens"
    link.losing = losing_block(stage, lost)
    end.msg_disconnect((before, stage), (after, into))
    end.msg_connect((before, stage), (link.losing, stage))
    end.msg_connect((link.losing, stage), (after, into))
    return link


EVERYTHING_FROM_THIRD = range(3, 1000)


@pytest.mark.parametrize(
    ("stage", "lost", "delay"),
    [
        ("payload", [2], 1),
        ("payload", [0], 1),
        ("payload", EVERYTHING_FROM_THIRD, 1),
        ("payload", [2], 3),  # seen at once, by the next answer
        ("tokens", EVERYTHING_FROM_THIRD, 1),
    ],
)
def test_a_lost_packet_ends_the_simulation_with_its_name(
    tmp_path, monkeypatch, impatient, stage, lost, delay
):
    if stage == "tokens":  # which the source alone can notice
        monkeypatch.setattr(token_source, "PATIENCE_S", 1.0)
    link = link_that_loses(tmp_path, stage, lost, feedback_delay=delay)
    named = f"at frame {8 * lost[0]} was lost" if stage == "payload" else "unit of tokens was lost"
    with pytest.raises(ResividError, match=named):
        link.run()
    assert not (tmp_path / "out.mp4").exists()


def test_a_flowgraph_of_the_user_s_ends_though_nothing_comes_through(tmp_path, impatient, capfd):
    link = link_that_loses(tmp_path, "payload", EVERYTHING_FROM_THIRD)
    run_to_end(link)
    said = capfd.readouterr()
    assert (said.out + said.err).count("was lost on its way") == 1


def test_the_last_packets_are_noted_where_the_end_comes_through(tmp_path):
    statistics = link_that_loses(tmp_path, "payload", [3], num_frames=32).run()
    assert statistics.frames == 32
    assert "key_frames: 1 of them never came out of the chain" in statistics.notes


def test_units_that_only_the_sink_misses_are_counted_and_the_run_goes_on(tmp_path):
    link = link_that_loses(
        tmp_path, "tokens", [1, 3, 4, 6, 7, 8], num_frames=96
    )  # more than there are credits
    statistics = link.run()
    assert statistics.frames == len(read_frames(tmp_path / "out.mp4")) == 96
    assert link.receiver.sink.missing == 6


def test_what_goes_on_slowly_is_no_stall(monkeypatch):
    """As the credits of a paced run, in which nearly all the time is spent asleep."""
    monkeypatch.setattr(stall_watch, "STEP_S", 0.002)
    monkeypatch.setattr(stall_watch, "others_sleep", lambda: True)
    steps, stalled = itertools.count(), threading.Event()
    seen = threading.Semaphore(0)

    def comes_every_third_step():
        seen.release()
        return next(steps) // 3

    watch = stall_watch.StallWatch(comes_every_third_step, stalled.set, 0.02)
    watch.start()
    for _ in range(200):
        assert seen.acquire(timeout=60)
    watch.stop()
    assert not stalled.is_set()
    watch = stall_watch.StallWatch(lambda: 7, stalled.set, 0.02)
    watch.start()
    assert stalled.wait(60)
    watch.stop()


def test_a_process_that_has_work_is_not_quiet():
    ready, stop = threading.Event(), threading.Event()

    def work():
        while not stop.is_set():
            np.ones((300, 300)) @ np.ones((300, 300))
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        ready.wait()
        assert not all(stall_watch.others_sleep() for _ in range(50))
    finally:
        stop.set()
        thread.join()
