# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time from the camera to the screen goes: both commands, with networks, over the loopback radio in real time."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ResividError
from ..flowgraphs.live import LiveSettings
from ..link import air

READY_S = 120.0  # for the weights to be read
END_S = 30.0
NOISE_DB_HZ, SNR_DB = -60, 12  # Es/N0 of 16.5 dB at the rate of `voice`
FRAME_RATE = 30
MOST_LOST = 0.02  # of the key frames, above which the ages of the others say little


def measure(
    seconds: float,
    source: str,
    sample_rate: str,
    arguments: list[str],
    receiver_arguments: list[str],
    settings: LiveSettings,
    progress: Callable[[float, int], None] = lambda share, count: None,
) -> dict[str, Any]:
    """Send for so many seconds, and say how old key frames were at each stage.

    Args:
        source: as of `resivid tx`.
        sample_rate: of both radios, as the commands take it.
        arguments, receiver_arguments: more of both commands, and of `resivid rx`.
        settings: what these make of the link.
        progress: called with the share of the time that is over and its seconds.
    Returns:
        `stages`: rows of stage, ms (median) and age_ms (at its end; median), which add up to `beyond_ms`; `wait_ms`: the
        S - 1 frames that come on top; `p95_ms`: of the whole; what was sent, received, dropped and lost; and `limits`:
        why these figures say little, empty where they hold.
    Raises:
        ResividError: a command failed; its last line says why.
    """
    device = f"driver=resivid_loopback,pace=real,channel={uuid.uuid4().hex}"
    both = ["--sample-rate", sample_rate, "--freq", "434M", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        received, sent = Path(folder, "rx.json"), Path(folder, "tx.json")
        page = ["--web", f"127.0.0.1:{_free_port()}"]
        noisy = ["--device", f"{device},noise_db_hz={NOISE_DB_HZ}"]
        with _Command(folder, "rx", *noisy, *both, *receiver_arguments, *page, "--json", str(received)) as rx:
            rx.wait_for("searching")
            options = ["--device", device, "--snr", str(SNR_DB), "--json", str(sent)]
            with _Command(folder, "tx", source, *options, *both) as tx:
                tx.wait_for("symbols a second")
                started = time.monotonic()
                while (passed := time.monotonic() - started) < seconds and tx.poll() is None:
                    progress(passed / seconds, int(passed))
                    time.sleep(0.2)
                tx.end()
            rx.end()
        return budget(_read(sent, tx), _read(received, rx), settings)


def budget(sent: dict[str, Any], received: dict[str, Any], settings: LiveSettings) -> dict[str, Any]:
    """The result of `measure` from the documents of both commands."""
    ages = {**sent["age_ms"], **received["age_ms"]}
    missing = {"packed", "framed", "held", "decoded", "pictured", "shown"} - set(ages)
    if missing:
        raise ResividError(
            f"bench latency: nothing was {', '.join(sorted(missing))}; is the machine too slow?"
        )
    at = {stage: spread["p50"] for stage, spread in ages.items()}
    symbols = air.frame_symbols(settings.link.symbols) + air.PREAMBLE_SYMBOLS
    air_ms = 1e3 * symbols / settings.symbol_rate(FRAME_RATE)
    spent = {
        "packed: key frame grabbed, planned, packed": at["packed"],
        "framed: waits for its place in the signal": at["framed"] - at["packed"],
        "samples between framer and radio": at["held"],
        "on the air, with the preamble behind": air_ms,
        "both radios, filters, decoded": at["decoded"] - at["framed"] - at["held"] - air_ms,
        "first picture of the key frame's": at["pictured"] - at["decoded"],
        "shown: jitter buffer": at["shown"] - at["pictured"],
    }
    rows, age_ms = [], 0.0
    for stage, ms in spent.items():
        age_ms += ms
        rows.append({"stage": stage, "ms": round(ms, 1), "age_ms": round(age_ms, 1)})
    wait_ms = 1e3 * (settings.link.stride - 1) / FRAME_RATE
    receiver = received["receiver"]
    counts = {
        **{key: sent[key] for key in ("sent", "late", "underflows")},
        **{key: receiver[key] for key in ("received", "failed", "missing", "dropped", "overflows")},
    }
    return {
        "stages": rows,
        "beyond_ms": round(at["shown"], 1),
        "wait_ms": round(wait_ms, 1),
        "latency_ms": round(at["shown"] + wait_ms, 1),
        "p95_ms": round(ages["shown"]["p95"] + wait_ms, 1),
        **counts,
        "limits": limits(counts),
    }


def limits(counts: dict[str, int]) -> str:
    """What speaks against ages that were measured while so many key frames were lost; empty: nothing.

    Args:
        counts: `sent`; `late`, `missing`, `dropped`: left out by the transmitter, on the way and at the screen;
            `underflows` and `overflows` of the radios.
    """
    made = max(counts["sent"] + counts["late"], 1)
    lost = counts["late"] + counts["missing"] + counts["dropped"]
    said = []
    if lost > MOST_LOST * made:
        said.append(
            f"{lost} of {made} key frames never reached the screen, and no age counts them"
            + ("; these figures are worthless" if 2 * lost > made else "")
        )
    if counts["underflows"] or counts["overflows"]:
        said.append(
            f"samples were late or lost {counts['underflows'] + counts['overflows']} times: this was not real time"
        )
    return "; ".join(said)


def _read(path: Path, command: _Command) -> dict[str, Any]:
    if not path.exists():
        raise ResividError(f"bench latency: {command.last_words()}")
    return json.loads(path.read_text(encoding="utf-8"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _Command(subprocess.Popen):
    """A command of this package, with what it says on stderr kept in a file."""

    def __init__(self, folder: str, *arguments: str):
        self._said = Path(folder, arguments[0] + ".log")
        package = (__package__ or "gnuradio.resivid.evaluate").rpartition(".")[0]
        with open(self._said, "w", encoding="utf-8") as said:
            super().__init__(
                [sys.executable, "-m", f"{package}.cli.main", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env={"GR_CONF_LOG_LOG_FILE": "stderr", "GR_CONF_LOG_LOG_LEVEL": "error", **os.environ},
            )

    def __exit__(self, *reason: Any) -> None:
        if self.poll() is None:
            self.kill()
        super().__exit__(*reason)

    def wait_for(self, words: str) -> None:
        """Until it says that.

        Raises:
            ResividError: it ended, or READY_S are over.
        """
        deadline = time.monotonic() + READY_S
        while words not in self._said.read_text(encoding="utf-8"):
            if self.poll() is not None or time.monotonic() > deadline:
                raise ResividError(f"bench latency: {self.last_words()}")
            time.sleep(0.1)

    def end(self) -> None:
        """As Ctrl-C does."""
        if self.poll() is None:
            self.send_signal(signal.SIGINT)
        try:
            self.wait(END_S)
        except subprocess.TimeoutExpired as error:
            raise ResividError(f"bench latency: a command did not end within {END_S:g} s") from error

    def last_words(self) -> str:
        """The last line that it wrote to stderr."""
        said = self._said.read_text(encoding="utf-8").strip().splitlines()
        return said[-1] if said else "a command ended without a word"
