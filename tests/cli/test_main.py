# SPDX-License-Identifier: GPL-3.0-or-later
"""The command itself: exit codes, one line for an error, help that knows every subcommand."""

import signal
import subprocess
import sys

import pytest
import typer
from gnuradio.resivid import __version__, errors
from gnuradio.resivid.cli import doctor, doctor_installation
from gnuradio.resivid.cli import main as entry
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


@pytest.mark.parametrize("name", ["gnuradio", "gnuradio.gr", "pmt", "gnuradio.resivid.phy_python"])
def test_the_wheel_is_not_told_to_install_gnu_radio(monkeypatch, name):
    monkeypatch.setattr(doctor_installation, "is_wheel", lambda package: True)
    said = str(entry._missing(ModuleNotFoundError(f"No module named {name!r}", name=name)))
    assert "the wheel does not have" in said and "apt-get" not in said


def test_a_program_that_calls_main_keeps_its_own_signal_handlers():
    def own(number, frame): ...

    before = signal.signal(signal.SIGTERM, own)
    try:
        assert main(["--version"]) == 0 and main(["frobnicate"]) == 2
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_second_interrupt_finds_the_command_finishing_and_a_late_one_ends_it(monkeypatch):
    """The clock stands in for the time that files take to be finished."""
    ended, now = [], [100.0]
    monkeypatch.setattr(entry.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(entry.os, "_exit", ended.append)
    interrupts = entry._Interrupts()
    with pytest.raises(KeyboardInterrupt):
        interrupts(signal.SIGINT, None)
    for seconds, expected in ((0.0, []), (entry.FINISHING_S, []), (entry.FINISHING_S + 0.1, [1])):
        now[0] = 100.0 + seconds
        interrupts(signal.SIGINT, None)
        assert ended == expected


def test_interrupts_while_a_program_finishes_and_leaves_are_no_traceback():
    """A stand-in for a command whose files take a second; another Ctrl-C comes while Python takes its modules apart."""
    program = """
import atexit, os, signal, sys, time
from gnuradio.resivid.cli import doctor, main
def examine():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    finally:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        print("finished", flush=True)
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
doctor.examine = examine
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["resivid", "doctor"]
sys.exit(main.main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (1, "finished\n", "resivid: interrupted\n")


@pytest.mark.parametrize("group", [(), ("bench",), ("evaluate",), ("models",), ("train",)], ids="".join)
def test_no_description_in_a_list_of_commands_is_cut(capsys, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*group, "--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:")[2]
    assert len(commands.splitlines()) > 2 and "..." not in commands
