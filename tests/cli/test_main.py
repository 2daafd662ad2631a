# SPDX-License-Identifier: GPL-3.0-or-later
"""The command itself: exit codes, one line for an error, help that knows every subcommand."""

import signal

import pytest
import typer
from gnuradio.resivid import __version__, errors
from gnuradio.resivid.cli import doctor
from gnuradio.resivid.cli.main import COMMANDS, main


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"resivid {__version__}\n"


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert set(COMMANDS) <= listed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"resivid {command}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["doctor", "--frob"], ["--frob"], ["info"]])
def test_wrong_use_exits_2_and_says_so_on_stderr(arguments, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err


@pytest.mark.parametrize(
    "error, code",
    [
        (errors.ResividError("a\nb"), 1),
        (errors.VideoError("a b"), 1),
        (errors.WeightsError("a b"), 1),
        (errors.MissingPackageError("a b"), 1),
        (errors.SettingsError("a b"), 2),
        (ValueError("a b"), 2),
        (typer.BadParameter("a b"), 2),
        (ModuleNotFoundError("a b"), 1),
        (OSError("a b"), 1),
        (RuntimeError("a b"), 1),
        (TypeError("a b"), 1),
        (KeyboardInterrupt(), 1),
        (typer.Exit(1), 1),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(error, code, monkeypatch, capsys):
    def fail():
        raise error

    monkeypatch.setattr(doctor, "examine", fail)
    assert main(["doctor"]) == code
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err
    expected = 0 if isinstance(error, typer.Exit) else 1
    assert len(err.splitlines()) == expected
    if expected and not isinstance(error, KeyboardInterrupt):
        assert err.startswith("resivid: ") and "a b" in err


def test_gnu_radio_that_is_not_there_is_named(monkeypatch, capsys):
    def fail():
        raise ImportError("cannot import name 'gr' from 'gnuradio' (unknown location)", name="gnuradio")

    monkeypatch.setattr(doctor, "examine", fail)
    assert main(["doctor"]) == 1
    assert "needs GNU Radio" in capsys.readouterr().err


def test_a_program_that_calls_main_keeps_its_own_signal_handlers():
    def own(number, frame): ...

    before = signal.signal(signal.SIGTERM, own)
    try:
        assert main(["--version"]) == 0 and main(["frobnicate"]) == 2
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)
