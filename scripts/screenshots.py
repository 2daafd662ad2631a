# SPDX-License-Identifier: GPL-3.0-or-later
"""Screenshots of the documentation, after `make demo`: scripts/screenshots.py FOLDER

Writes web.jpg, report.jpg and qt.jpg. It needs what `make test` installs: chromium, xvfb. To be run by the interpreter that has
the module, such as .venv/bin/python; then look at them, and put them into docs/images.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT / "apps/demo/clip.mp4"
RESIVID = [sys.executable, "-m", "gnuradio.resivid.cli.main"]
FRAME = 136  # of the live page: after the first cut, with all rows of the ramp so far in the plots


def live_page(browser: Browser, out: Path) -> None:
    """The page of a simulation whose SNR rises from -2 to 12 dB."""
    with tempfile.TemporaryDirectory() as folder:
        ramp = Path(folder) / "snr.txt"
        ramp.write_text(" ".join(f"{-2 + 14 * i / 37:.2f}" for i in range(38)))
        command = [
            *RESIVID,
            "simulate",
            CLIP,
            "-o",
            Path(folder) / "out.mp4",
            "--snr",
            ramp,
            "--web",
            "127.0.0.1:0",
        ]
        with subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True) as simulation:
            page = browser.new_page(viewport={"width": 1180, "height": 900})
            page.set_default_timeout(600_000)
            page.goto(re.search(r"http://\S+", simulation.stderr.readline())[0])
            page.wait_for_function(
                "n => Number(/\\d+/.exec(document.getElementById('frame').textContent)) >= n", arg=FRAME
            )
            page.screenshot(path=out, quality=85)
            simulation.terminate()


def report(browser: Browser, out: Path) -> None:
    """The upper part of the report that `make demo` wrote."""
    page = browser.new_page(viewport={"width": 1100, "height": 1500})
    page.goto((ROOT / "out/demo.html").as_uri())
    page.wait_for_timeout(2000)  # the video's first picture
    page.screenshot(path=out, quality=85)


def qt_window(out: Path) -> None:
    """The window of awgn_simulation_qt on a display of its own, after its sliders were moved."""
    with tempfile.TemporaryDirectory() as folder:
        flowgraph, grab = (
            ROOT / "grc/flowgraphs/awgn_simulation_qt.grc",
            ROOT / "tests/flowgraphs/grab_window.py",
        )
        subprocess.run([Path(sys.executable).with_name("grcc"), "-o", folder, flowgraph], check=True)
        display = ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24"]
        program = [sys.executable, grab, Path(folder) / "awgn_simulation_qt.py", CLIP, folder]
        subprocess.run([*display, *program], check=True, env=os.environ, stdin=subprocess.DEVNULL)
        cv2.imwrite(str(out), cv2.imread(f"{folder}/second_window.png"), [cv2.IMWRITE_JPEG_QUALITY, 85])


def main() -> None:
    """Make every picture of the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        live_page(browser, folder / "web.jpg")
        report(browser, folder / "report.jpg")
        browser.close()
    qt_window(folder / "qt.jpg")


if __name__ == "__main__":
    main()
