# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts that the documentation names: each runs as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from clips import write_clip

ROOT = Path(__file__).parents[2]
SCRIPTS = [p for p in sorted((ROOT / "scripts").glob("*.*")) if p.read_bytes().startswith(b"#!")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "a.mp4", 17)
    return folder


def run(script, *arguments):
    """The lines that a script prints."""
    command = [sys.executable, ROOT / "scripts" / script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_executed(path):
    assert os.access(path, os.X_OK)


def test_bit_shares_add_up_to_the_payload(folder):
    rows = run("bit_shares.py", folder, 1067, 8)
    numbers = [[float(x) for x in re.findall(r"\d+(?:\.\d+)?", row.split("|", 2)[2])] for row in rows[2:]]
    *parts, total = numbers
    assert [sum(column) for column in zip(*parts, strict=True)] == pytest.approx(total, abs=4)  # rounded
    assert 600 < total[1] + total[2] <= 1067 + 4


def test_search_hysteresis_has_a_row_a_margin(folder):
    rows = run("search_hysteresis.py", folder, 0, 2)
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["0", "2"]
    assert all(10 < float(row.split("|")[2]) < 60 for row in rows[2:])


@pytest.mark.parametrize(
    "script", ["bit_shares.py", "search_hysteresis.py", "compare_tokenizers.py", "bench_runtimes.py"]
)
def test_without_arguments_they_say_how_they_are_used(script):
    command = [sys.executable, ROOT / "scripts" / script]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and script in done.stderr and "Traceback" not in done.stderr
