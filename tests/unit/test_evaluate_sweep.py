# SPDX-License-Identifier: GPL-3.0-or-later
"""The sweep: what is done stays, a failing job and a killed worker do not end it."""

import pytest
from evaluate_jobs import told_job
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.evaluate import sweep as module
from gnuradio.resivid.evaluate.sweep import DaskRunner, PointStore, ThisProcess, sweep


def runs(folder, number):
    return len(list(folder.glob(f"key{number}-*")))


class Interrupted(ThisProcess):
    """Ctrl-C after the second job."""

    def run(self, jobs):
        for number, outcome in enumerate(super().run(jobs)):
            if number == 2:
                raise KeyboardInterrupt
            yield outcome


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path):
    jobs = [told_job(tmp_path, number) for number in range(4)]
    store = PointStore(tmp_path / "points", tmp_path / "videos")
    with pytest.raises(KeyboardInterrupt):
        sweep(jobs, store, Interrupted())
    shares = []
    rows, failures = sweep(jobs, store, ThisProcess(), lambda share, count: shares.append((share, count)))
    assert [row["number"] for row in rows] == [0, 1, 2, 3] and failures == []
    assert [runs(tmp_path, number) for number in range(4)] == [1, 1, 2, 1]
    assert shares == [(0.5, 1), (1.0, 2)]


def test_a_failing_point_is_named_and_tried_again_next_time(tmp_path):
    jobs = [told_job(tmp_path, 0), told_job(tmp_path, 1, "fails"), told_job(tmp_path, 2)]
    store = PointStore(tmp_path / "points", tmp_path / "videos")
    rows, (failure,) = sweep(jobs, store, ThisProcess())
    assert [row["number"] for row in rows] == [0, 2]
    assert failure.startswith("clip1, ours") and failure.endswith("ValueError: told to fail")
    sweep(jobs, store, ThisProcess())
    assert [runs(tmp_path, number) for number in range(3)] == [1, 2, 1]


def test_half_a_file_is_no_result(tmp_path):
    job, store = told_job(tmp_path, 0), PointStore(tmp_path / "points", tmp_path / "videos")
    sweep([job], store, ThisProcess())
    file = tmp_path / "points" / "key0.json"
    file.write_text(file.read_text()[:5])
    rows, _ = sweep([job], store, ThisProcess())
    assert [row["number"] for row in rows] == [0] and runs(tmp_path, 0) == 2


def test_a_full_disk_ends_the_sweep_and_keeps_what_is_done(tmp_path, monkeypatch):
    jobs = [told_job(tmp_path, number) for number in range(3)]
    store, write = PointStore(tmp_path / "points", tmp_path / "videos"), module.write_text_atomically

    def full(path, text):
        if path.name == "key1.json":
            raise ResividError(f"{path}: cannot be written (No space left on device)")
        write(path, text)

    monkeypatch.setattr(module, "write_text_atomically", full)
    with pytest.raises(ResividError, match="No space left"):
        sweep(jobs, store, ThisProcess())
    assert store.get("key0") == {"key": "key0", "number": 0}


def test_a_killed_worker_loses_no_job(tmp_path):
    pytest.importorskip("distributed")
    ends = {1: "dies once", 2: "fails"}
    jobs = [told_job(tmp_path, number, ends.get(number, "well")) for number in range(4)]
    with DaskRunner(1) as runner:
        rows, failures = sweep(jobs, PointStore(tmp_path / "points", tmp_path / "videos"), runner)
    assert [row["number"] for row in rows] == [0, 1, 3] and len(failures) == 1
    assert [runs(tmp_path, number) for number in range(4)] == [1, 2, 1, 1]


def test_a_worker_keeps_the_memory_of_freed_pictures(tmp_path):
    pytest.importorskip("distributed")
    with DaskRunner(1) as runner:
        store = PointStore(tmp_path / "points", tmp_path / "videos")
        (row,), _ = sweep([told_job(tmp_path, 0, "tells faults")], store, runner)
    assert row["faults"] < 100 * 256 / 4  # of 100 MiB in pages of 4 KiB


def test_nobody_at_the_scheduler(tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(ResividError, match="no Dask scheduler answers"):
        DaskRunner(scheduler="tcp://127.0.0.1:9")
