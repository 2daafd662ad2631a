# SPDX-License-Identifier: GPL-3.0-or-later
"""Unfinished files: where they lie, and that those of killed processes are removed by the next that writes there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from gnuradio.resivid import part_files
from gnuradio.resivid.part_files import part_path


@pytest.fixture(autouse=True)
def nothing_swept(monkeypatch):
    monkeypatch.setattr(part_files, "_swept", set())


def killed_while_writing(path):
    """The part file that a process leaves which SIGKILL ends."""
    code = (
        "import sys, pathlib\n"
        "from gnuradio.resivid.part_files import part_path\n"
        f"part = part_path(pathlib.Path({str(path)!r}), '.mp4')\n"
        "part.write_text('half'); print(part, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    part = process.stdout.readline().strip()
    assert os.path.exists(part)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    return part


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path, caplog):
    left = killed_while_writing(tmp_path / "out.mp4")
    new = part_path(tmp_path / "other.mp4", ".mp4")
    assert not os.path.exists(left) and new.parent == tmp_path and new.suffix == ".mp4"
    assert left in caplog.text


def test_files_of_the_living_of_other_machines_and_of_users_stay(tmp_path, monkeypatch):
    mine = part_path(tmp_path / "a.rvt")
    elsewhere = tmp_path / mine.name.replace(part_files._HOST, "another-host").replace(
        str(os.getpid()), "999999999"
    )
    parent = tmp_path / mine.name.replace(str(os.getpid()), str(os.getppid()))
    init = tmp_path / mine.name.replace(str(os.getpid()), "1")
    kept = [mine, elsewhere, parent, init, tmp_path / ".notes.999999999.part", tmp_path / "a.part"]
    for path in kept:
        path.write_text("x")
    gone = [tmp_path / mine.name.replace(str(os.getpid()), number) for number in ("999999999", "9" * 40)]
    for path in gone:
        path.write_text("x")
    monkeypatch.setattr(part_files, "_swept", set())
    part_path(tmp_path / "b.rvt")
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_a_folder_that_is_not_there_is_the_writer_s_to_report(tmp_path):
    assert part_path(tmp_path / "missing" / "a.rvt").parent == tmp_path / "missing"
