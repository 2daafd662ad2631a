# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress bars on stderr, and Ctrl-C as a wish to end."""

from __future__ import annotations

import signal
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

LINE_EVERY_S = 300.0  # where there is no terminal for a bar


class _Bar:
    """A bar on stderr, silent where stderr is no terminal: text, bar, what is done, speed and time left.

    Args:
        what: the word before the bar.
        total: of the work; None when nobody knows.
        quiet: show nothing at all.
    """

    def __init__(self, what: str, total: float | None, quiet: bool = False):
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        console = Console(stderr=True)
        self._lines = not (quiet or console.is_terminal)
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            self._done_column(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task(what, total=total, rate="")

    def _done_column(self) -> ProgressColumn:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


class Progress(_Bar):
    """A bar with frames, frame/s and time left.

    Args:
        what: the word before the bar.
        total: frames that are expected; None when nobody knows.
    """

    def _done_column(self) -> ProgressColumn:
        from rich.progress import MofNCompleteColumn

        return MofNCompleteColumn()

    def update(self, num_frames: int) -> None:
        """Show that so many frames are done."""
        speed = self._bar.tasks[0].speed
        self._bar.update(self._task, completed=num_frames, rate=f"{speed:.1f} frame/s" if speed else "")


class WorkProgress(_Bar):
    """A bar with the part of some work that is done, its speed and the time left; a line each five minutes in a log.

    Args:
        what: the word before the bar.
        unit: of the speed, such as "block/s".
        quiet: show nothing.
    """

    def __init__(self, what: str, unit: str, quiet: bool = False):
        super().__init__(what, 1.0, quiet)
        self._unit, self._what = unit, what
        self._started = self._said = time.monotonic()

    def _done_column(self) -> ProgressColumn:
        from rich.progress import TextColumn

        return TextColumn("{task.percentage:.0f} %")

    def stage(self, what: str) -> None:
        """Begin the next part of the work: the bar and its time start anew."""
        self._started, self._what = time.monotonic(), what
        self._bar.reset(self._task, total=1.0, description=what, rate="")

    def update(self, share: float, count: int) -> None:
        """Show the part that is done, 0 to 1, and how many things are done in this run."""
        now = time.monotonic()
        speed = count / max(now - self._started, 1e-3)
        self._bar.update(self._task, completed=share, rate=f"{speed:,.0f} {self._unit}")
        if self._lines and now - self._said >= LINE_EVERY_S and share > 0:
            self._said = now
            left = (now - self._started) * (1 - share) / share
            typer.echo(f"{self._what}: {100 * share:.0f} %, about {_time_text(left)} left", err=True)


def _time_text(seconds: float) -> str:
    """Such as "2 h 5 min"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


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
