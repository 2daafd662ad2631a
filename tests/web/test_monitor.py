# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page is shown: bounded history, events, figures, recordings."""

import json
import math
import threading

import numpy as np
import pytest
from clips import read_frames
from gnuradio.resivid.link.statistics import DecodedBlock, Statistics, document_keys
from gnuradio.resivid.web import history
from gnuradio.resivid.web.history import LossWatch, Ring
from gnuradio.resivid.web.metrics import to_text
from gnuradio.resivid.web.monitor import MAX_SYMBOLS, Monitor
from gnuradio.resivid.web.recorder import Recorder
from toy import moving_picture


def block(frame, crc_ok=True, mcs=0, snr_db=6.0):
    return DecodedBlock(frame, mcs, snr_db, crc_ok, 629, 3)


def test_a_ring_gives_what_is_new_and_still_there():
    ring = Ring(3)
    for number in range(5):
        ring.add(number)
    assert (ring.count, ring.since(0), ring.since(4), ring.since(5)) == (5, [2, 3, 4], [4], [])


def test_a_row_of_losses_is_two_events_however_long():
    watch = LossWatch()
    said = [watch.add(8 * n, crc_ok) for n, crc_ok in enumerate([True, *[False] * 30, True, False, True])]
    assert [text for _, text in filter(None, said)] == [
        "Block of frame 8 lost",
        "Received again at frame 248, after 30 lost blocks from 8 on",
        "Block of frame 256 lost",
    ]
    assert watch.bler == 31 / 34


def test_the_state_is_json_and_holds_news_alone():
    monitor = Monitor("test", mcs_labels=["QPSK", "16QAM"])
    monitor.block(block(0, snr_db=math.nan), prefix=40)
    first = monitor.state()
    monitor.block(block(8, mcs=1))
    monitor.symbols(np.array([1 - 1j, complex(math.nan, math.inf), 9]))
    monitor.detail("cfo_hz", math.inf)
    second = json.loads(json.dumps(monitor.state(*first["seen"]), allow_nan=False))
    assert [(p[1], p[3], p[5]) for p in first["blocks"]] == [(0, None, 40)]
    assert [(p[1], p[2], p[5]) for p in second["blocks"]] == [(8, 1, None)]
    assert [e[2] for e in second["events"]] == ["MCS 16QAM from frame 8 on"]
    assert second["symbols"] == [64, -64, 0, 0, 192, 0] and second["details"] == {"cfo_hz": None}


def test_nothing_grows_without_bound():
    monitor = Monitor("test")
    for number in range(3 * history.MAX_BLOCKS):
        monitor.block(block(number, crc_ok=number % 2 == 0))
        monitor.detail(f"figure {number}", 1.0)
        monitor.event("x" * 10_000)
    monitor.symbols(np.zeros(100_000, complex))
    assert len(json.dumps(monitor.state())) < 150_000
    assert len(monitor.state()["symbols"]) == 2 * MAX_SYMBOLS


def test_a_document_that_raises_leaves_the_last_one():
    monitor = Monitor("test", document=lambda: 1 / 0)
    assert list(monitor.statistics()) == document_keys()
    monitor.document = lambda: Statistics(frames=7)
    monitor.end(ValueError("the stream broke"))
    assert monitor.statistics()["frames"] == 7
    assert monitor.state()["events"][-1][1:] == ("error", "The stream failed: the stream broke")


def test_a_recording_holds_the_frames_between_start_and_stop(tmp_path):
    recorder = Recorder(tmp_path, rate=10)
    monitor = Monitor("test", recorder=recorder)
    frames = moving_picture(6)
    monitor.pictures(0, frames[0])
    recorder.start()
    recorder.start()  # runs already
    for index, frame in enumerate(frames[1:5], 1):
        monitor.pictures(index, frame)
    recorder.stop(wait=True)
    monitor.pictures(5, frames[5])
    (name,) = recorder.state()["files"]
    received = read_frames(recorder.path(name))
    assert len(received) == 4
    assert np.abs(received.astype(int) - frames[1:5]).mean() < 8
    assert recorder.path("../etc/passwd") is None


def test_a_recording_that_cannot_be_written_ends_alone(tmp_path):
    recorder = Recorder(tmp_path / "missing")
    recorder.start()
    recorder.take(np.zeros((16, 16, 3), np.uint8))
    recorder.stop(wait=True)
    assert "missing" in recorder.state()["error"] and not recorder.state()["files"]


def test_a_slow_encoder_costs_frames_not_time(tmp_path, monkeypatch):
    go_on = threading.Event()

    def slow_writer(*arguments):
        go_on.wait(20)
        raise OSError("slow")

    monkeypatch.setattr("gnuradio.resivid.web.recorder.VideoWriter", slow_writer)
    recorder = Recorder(tmp_path)
    recorder.start()
    for _ in range(200):
        recorder.take(np.zeros((16, 16, 3), np.uint8))
    assert recorder.num_dropped >= 200 - 65
    go_on.set()
    recorder.stop(wait=True)


def test_metrics_are_what_prometheus_reads():
    parser = pytest.importorskip("prometheus_client.parser")
    document = Statistics(
        frames=80, blocks=10, blocks_failed=1, bler=0.1, mcs={'16QAM "x"\\': 9, "QPSK": 1}, psnr_db=None
    ).to_dict()
    document["stage_ms"] = {"packer": {"mean": 2.5, "p50": 2.0, "p95": 4.0}}
    document["latency_ms"] = {"p50": 120.0, "p95": 180.0}
    text = to_text(document, {"viewers": 2, "refused_total": 3}, {"snr_est_db": 5.5, "k": None})
    samples = {
        (s.name, *s.labels.values()): s.value
        for f in parser.text_string_to_metric_families(text)
        for s in f.samples
    }
    assert samples["resivid_frames_total",] == 80 and samples["resivid_blocks_failed_total",] == 1
    assert samples["resivid_mcs_blocks_total", '16QAM "x"\\'] == 9
    assert samples["resivid_stage_ms", "packer", "p95"] == 4.0
    assert samples["resivid_latency_ms", "p50"] == 120
    assert samples["resivid_web_refused_total",] == 3 and samples["resivid_last_snr_est_db",] == 5.5
    assert not any(name[0] in ("resivid_psnr_db", "resivid_last_k") for name in samples)
