# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress bars on stderr, and Ctrl-C as a wish to end."""

from __future__ import annotations

import signal
import time
from types import TracebackType
from typing import Any

import typer


class Progress:
    """A bar on stderr with frames, frame/s and time left; silent where stderr is no terminal.

    Args:
        what: the word before the bar.
        total: frames that are expected; None when nobody knows.
    """

    def __init__(self, what: str, total: int | None):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        rate = TextColumn("{task.fields[rate]}")
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            rate,
            TimeRemainingColumn(),
        )
        self._bar = Bar(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task(what, total=total, rate="")

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, num_frames: int) -> None:
        """Show that so many frames are done."""
        speed = self._bar.tasks[0].speed
        self._bar.update(self._task, completed=num_frames, rate=f"{speed:.1f} frame/s" if speed else "")


class WorkProgress:
    """A bar on stderr with the part of some work that is done, its speed and the time left.

    Args:
        what: the word before the bar.
        unit: of the speed, such as "block/s".
        quiet: show nothing; so it is too where stderr is no terminal.
    """

    def __init__(self, what: str, unit: str, quiet: bool = False):
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        rate = TextColumn("{task.fields[rate]}")
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"), rate)
        disable = quiet or not console.is_terminal
        self._bar = Bar(*columns, TimeRemainingColumn(), console=console, disable=disable)
        self._task = self._bar.add_task(what, total=1.0, rate="")
        self._unit, self._started = unit, time.monotonic()

    def __enter__(self) -> WorkProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def stage(self, what: str) -> None:
        """Begin the next part of the work: the bar and its time start anew."""
        self._started = time.monotonic()
        self._bar.reset(self._task, total=1.0, description=what, rate="")

    def update(self, share: float, count: int) -> None:
        """Show the part that is done, 0 to 1, and how many things are done in this run."""
        speed = count / max(time.monotonic() - self._started, 1e-3)
        self._bar.update(self._task, completed=share, rate=f"{speed:,.0f} {self._unit}")


class StopOnInterrupt:
    """Ctrl-C as a wish that the loop sees between two frames; a second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self.wanted = False
        self._before: Any = None

    def __enter__(self) -> StopOnInterrupt:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def raise_if_wanted(self) -> None:
        """End the command as interrupted, after its file was finished.

        Raises:
            typer.Abort: Ctrl-C came; the command line says so and exits 1.
        """
        if self.wanted:
            raise typer.Abort

    def _note(self, number: int, frame: object) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
