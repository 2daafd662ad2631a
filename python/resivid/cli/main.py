# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry of the `resivid` command: finds the subcommand, turns errors into one line and an exit code.

A subcommand is a module `cli/NAME.py` with `register(app: typer.Typer) -> None`, which adds one command to
the app; its name stands in COMMANDS. At import it needs typer, NumPy and PyYAML only: torch, OpenCV, GNU Radio and the
rest are imported inside the command, so that `--help` is quick and works on every machine.

Exit codes are the same for every command; docs/configuration.md has the table:

    0  done
    1  failed in its work, or interrupted: a file, network, radio, package or plug-in, or a check that fails
    2  wrong use, nothing was begun: an option, variable or configuration that is refused
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from ..errors import MissingPackageError, PluginError, ResividError, SettingsError
from ..version import __version__

try:
    import typer

    from .configuration import attach, origin, refusal, unknown_variables
except (
    ImportError
) as error:  # typer is the only package that the command line itself needs, and doctor can do without
    more = "; `resivid doctor` lists what is missing"
    if sys.argv[1:] == ["doctor"]:
        from .doctor import examine, print_findings

        more = ""
        print_findings(examine())
    raise SystemExit(
        f"resivid: {error} for {sys.executable}: run `make setup` and .venv/bin/resivid, or build with "
        f"-DPython3_EXECUTABLE=.../.venv/bin/python, whose packages scripts/setup.sh installs{more}"
    ) from None

COMMANDS = (
    "simulate",
    "tx",
    "rx",
    "encode",
    "decode",
    "info",
    "train",
    "evaluate",
    "bench",
    "models",
    "devices",
    "doctor",
    "grc",
)

FAILED, WRONG_USE = 1, 2
FINISHING_S = 5.0  # after Ctrl-C, in which another one changes nothing
COMPLETE_VARIABLE = "_RESIVID_COMPLETE"  # set by the shell's completion
TYPER_INTERRUPTED = 130  # some versions of typer turn Ctrl-C into this exit

# The base of every message about wrong use; typer brings its own copy of click in some versions.
ClickException: type[Any] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

log = logging.getLogger("resivid")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"resivid {__version__}")
        raise typer.Exit()


def build_app(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """The typer app with the named subcommands.

    Args:
        commands: module names in `cli`, in the order `--help` lists them.
    Returns:
        The app; calling it parses `sys.argv`.
    """
    app = typer.Typer(
        name="resivid",
        help="Video through radio channels of a few kilobits per second.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback()
    def common(
        verbose: bool = typer.Option(
            False, "--verbose", "-v", help="Log details and full tracebacks to stderr."
        ),
        version: bool = typer.Option(
            False, "--version", help="Print the version and exit.", callback=_show_version, is_eager=True
        ),
    ) -> None:
        logging.basicConfig(
            stream=sys.stderr,
            level=logging.DEBUG if verbose else logging.WARNING,
            format="%(levelname)s %(name)s: %(message)s",
        )

    for name in commands:
        importlib.import_module(f".{name}", __package__).register(app)
    return app


def build_command(commands: Sequence[str] = COMMANDS) -> Any:
    """The click command of the app, each of its commands with configuration files, profiles and variables."""
    if COMPLETE_VARIABLE in os.environ:
        from typer.completion import completion_init

        completion_init()
    command = typer.main.get_command(build_app(commands))
    attach(command, COMMANDS)
    return command


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """The subcommands to load: the one that is asked for, or all of them for help and mistakes."""
    first = next((a for a in arguments if not a.startswith("-")), "")
    return (first,) if first in COMMANDS else COMMANDS


def _warn_of_variables(command: Any) -> None:
    """Name the RESIVID_* variables that no command has: they would be passed over in silence."""
    if COMPLETE_VARIABLE in os.environ or not unknown_variables(command, os.environ):
        return
    for line in unknown_variables(build_command(), os.environ):  # the others' too, which are loaded only here
        print(f"resivid: warning: {line}", file=sys.stderr)


def _show_help(text: str) -> int:
    """Help that was not asked for: a command without what it needs."""
    print(text, file=sys.stderr)
    return WRONG_USE


def _interrupted() -> int:
    return _say(KeyboardInterrupt("interrupted"), FAILED)


def _say(error: BaseException, code: int, cause: BaseException | None = None) -> int:
    log.debug("details", exc_info=cause or error)
    print("resivid: " + " ".join(str(error).split()), file=sys.stderr)
    return code


class _Interrupts:
    """Ctrl-C: the first ends the command, those soon after it find it finishing its files, and a later one ends it at once.

    An exception in the middle of that would leave a flowgraph running while Python takes its blocks apart.
    """

    def __init__(self) -> None:
        self.first_s: float | None = None

    def __call__(self, number: int, frame: Any) -> None:
        if self.first_s is None:
            self.first_s = time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() > self.first_s + FINISHING_S:
            os._exit(FAILED)


def _end_as_interrupted(number: int, frame: Any) -> None:
    """SIGTERM ends a command as Ctrl-C does, so that files are finished or deleted."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as in a shell's background jobs
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    Args:
        arguments: as in `sys.argv[1:]`, the default.
    Returns:
        The exit code: 0 done, 1 ran and failed or was interrupted, 2 wrong use.
    """
    is_program = arguments is None
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if threading.current_thread() is not threading.main_thread():
        return _run(arguments)  # only the main thread may handle signals
    before = signal.signal(signal.SIGTERM, _end_as_interrupted)
    interrupts = _Interrupts()
    ignored = (
        signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    )  # as in a shell's background jobs
    if not ignored:
        signal.signal(signal.SIGINT, interrupts)
    try:
        return _run(arguments)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
        if not ignored and not (
            is_program and interrupts.first_s is not None
        ):  # else Python ends now, undisturbed
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _missing(error: ImportError) -> MissingPackageError:
    """What to install: without GNU Radio this package is a `gnuradio` of its own, in which `gr` cannot be found."""
    from .doctor_installation import COMPILED, is_wheel
    from .doctor_packages import PACKAGE

    part = (error.name or "").rpartition(".")[2]
    if part in (*COMPILED, "gnuradio", "gr", "pmt") and is_wheel(PACKAGE):
        text = "this command needs what the wheel does not have: GNU Radio and the compiled modules"
        return MissingPackageError(f"{text}; `make install` in a checkout builds them")
    if error.name in ("gnuradio", "gnuradio.gr", "pmt"):
        text = f"this command needs GNU Radio, which {sys.executable} does not have: apt-get install gnuradio"
        return MissingPackageError(f"{text}; `resivid doctor` says more")
    return MissingPackageError(f"{error}; `resivid doctor` says what to install")


def _run(arguments: Sequence[str]) -> int:
    try:
        command = build_command(_needed(arguments))
        _warn_of_variables(command)
        code = command(args=arguments, prog_name="resivid", standalone_mode=False)
        if code == TYPER_INTERRUPTED:
            return _interrupted()
        return code if isinstance(code, int) else 0
    except ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            return _show_help(error.format_message())
        return _say(ValueError(refusal(error) + origin(error)), error.exit_code)
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except SettingsError as error:
        return _say(error, WRONG_USE)
    except PluginError as error:
        return _say(PluginError(f"{error} (resivid -v shows where)"), FAILED, error)
    except ResividError as error:
        return _say(error, FAILED)
    except ValueError as error:
        return _say(error, WRONG_USE)
    except ImportError as error:
        return _say(_missing(error), FAILED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left; nothing more to tell it
        return FAILED
    except OSError as error:
        return _say(error, FAILED)
    except Exception as error:  # of a plugin, torch or the GPU
        return _say(RuntimeError(f"{type(error).__name__}: {error} (resivid -v shows where)"), FAILED, error)


if __name__ == "__main__":  # torchrun -m gnuradio.resivid.cli.main train ...
    sys.exit(main())
