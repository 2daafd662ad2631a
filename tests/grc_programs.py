# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs of GNU Radio Companion in tests: compiled by grcc, run as programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml
from gnuradio.resivid.cli.grc import blocks_folder, environment_with_blocks, find_program

ROOT = Path(__file__).resolve().parents[1]
FLOWGRAPHS = sorted((ROOT / "grc/flowgraphs").glob("*.grc"))
DESCRIPTIONS = sorted((ROOT / "grc").glob("*.block.yml"))


def environment():
    headless = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return environment_with_blocks(headless, blocks_folder())


def compile_flowgraph(path, folder):
    """Run the distribution's grcc under this interpreter; the program it wrote."""
    grcc = find_program("grcc", os.environ.get("PATH", ""))
    command = [sys.executable, str(grcc), "-o", str(folder), str(path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120)
    program = folder / f"{yaml.safe_load(path.read_text())['options']['parameters']['id']}.py"
    compiled = done.returncode == 0 and program.exists()
    assert compiled and ">>> Warning" not in done.stdout, done.stdout + done.stderr
    return program


def run(program, *arguments):
    command = [sys.executable, str(program), *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_offscreen(tmp_path, *command):
    """A program without a window system and a user's configuration."""
    alone = {**environment(), "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=alone,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def block(name, key, **parameters):
    states = {"coordinate": [0, 0], "rotation": 0, "state": "enabled"}
    return {"name": name, "id": key, "parameters": parameters, "states": states}
