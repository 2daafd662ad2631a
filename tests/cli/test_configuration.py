# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files, profiles and variables: who wins, what is refused, and that a printed configuration repeats the run."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path

import pytest
import typer
import yaml
from gnuradio.resivid.cli.config_file import read_config, to_text
from gnuradio.resivid.cli.configuration import OTHER_VARIABLES, attach, key_of, variable_of
from gnuradio.resivid.cli.main import COMMANDS, build_app, build_command, main
from gnuradio.resivid.cli.profiles import PROFILES
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.link.budget import symbols_per_key_frame
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith("RESIVID_")]:
        monkeypatch.delenv(name)


def leaves(command, path=()):
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


def values_of(path, arguments):
    """What the command itself would be called with."""
    command = typer.main.get_command(build_app(path[:1]))
    leaf = dict(leaves(command))[path]
    called = []
    leaf.callback = lambda **values: called.append(values)
    attach(command, COMMANDS)
    command(args=[*path, *arguments], standalone_mode=False)
    return called[0] if called else None


def printed(path, arguments):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert values_of(path, [*arguments, "--print-config"]) is None
    return out.getvalue()


TRAIN = [("train", "tokenizer"), ("train", "interpolator")]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
OPTIONS = {
    "snr": ANY_TEXT,
    "cbr": st.sampled_from(["4e-4", "0.0004", "1/2500", "-2:10:2", "null", "~", "yes", "1_000", "0x10", "#"]),
    "stride": st.integers(-(10**6), 10**6),
    "size": st.integers(0, 4096),
    "hysteresis-db": st.floats(),
    "jump-db": st.floats(0, 40),
    "memory": st.sampled_from(["gop", "refresh", "feedback"]),
    "report": ANY_TEXT.filter(lambda text: text.strip("./") == text != ""),
    "mcs": ANY_TEXT.filter(bool),
    "seed": st.integers(0, (1 << 64) - 1),
    "profile": st.sampled_from(list(PROFILES)),
}
FLAGS = ["--motion", "--no-motion", "--no-metrics", "--quiet", "--gop-prefix"]


@settings(max_examples=25, deadline=None)
@given(
    st.fixed_dictionaries({}, optional=OPTIONS),
    st.sets(st.sampled_from(FLAGS)),
    st.lists(ANY_TEXT, max_size=3),
    ANY_TEXT.filter(bool),
)
def test_a_printed_configuration_repeats_the_run(options, flags, impairments, source):
    words = [f"--{key}={value}" for key, value in options.items()]
    words += [*flags, *(f"--impair={text}" for text in impairments), "-o", "x.mp4", "--", source]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.yaml"
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert values_of(("simulate",), ["--print-config", *words]) is None
        file.write_text(out.getvalue(), encoding="utf-8")
        again = values_of(("simulate",), ["--config", str(file)])
    expected = values_of(("simulate",), words)
    assert {k: repr(v) for k, v in again.items()} == {k: repr(v) for k, v in expected.items()}  # repr: NaN


@settings(max_examples=50, deadline=None)
@given(st.one_of(ANY_TEXT, st.booleans(), st.integers(), st.floats(), st.lists(ANY_TEXT, min_size=1)))
def test_a_value_written_is_yaml_and_reads_back_as_its_words(value):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.yaml"
        file.write_text(f"key: {to_text(value)}  # why\n", encoding="utf-8")
        yaml.safe_load(file.read_text(encoding="utf-8"))
        words = [str(v) for v in value] if isinstance(value, list) else str(value)
        read = read_config(file, (), ())["key"].value
        assert (read.capitalize() if isinstance(value, bool) else read) == words


def test_every_command_prints_its_configuration_and_takes_it_back(tmp_path):
    for path, leaf in leaves(build_command()):
        if path in TRAIN:  # has files of its own
            continue
        text = printed(path, [])
        assert text.startswith(f"# resivid {' '.join(path)}\n")
        keys = {key_of(p) for p in leaf.params} - {"config", "print-config", "help"}
        assert {line.lstrip("# ").partition(":")[0] for line in text.splitlines()[1:]} == keys
        file = tmp_path / "a.yaml"
        file.write_text(text)
        assert printed(path, ["--config", str(file)]).count(str(file)) == text.count("# default")


@pytest.mark.parametrize("path", TRAIN)
def test_training_prints_its_settings_and_takes_them_back(path, tmp_path, monkeypatch, capsys):
    given = tmp_path / "given.yaml"
    given.write_text("seed: 5\nlosses: {l1: 3.0}\n")
    monkeypatch.setenv("RESIVID_CROP", "64")
    assert main([*path, "--config", str(given), "--batch", "7", "--print-config"]) == 0
    text = capsys.readouterr().out
    assert {"batch: 7  # command line", "crop: 64  # variable RESIVID_CROP", f"seed: 5  # {given}"} < set(
        text.splitlines()
    )
    monkeypatch.delenv("RESIVID_CROP")
    whole = tmp_path / "whole.yaml"
    whole.write_text(text)
    assert main([*path, "--config", str(whole), "--print-config"]) == 0
    again = capsys.readouterr().out
    assert yaml.safe_load(again) == yaml.safe_load(text) and again.count(str(whole)) == len(
        yaml.safe_load(text)
    )
    assert yaml.safe_load(text)["losses"]["l1"] == 3.0
    given.write_text("batsh: 5\n")
    assert main([*path, "--config", str(given), "--print-config"]) == 2
    assert "unknown key batsh" in capsys.readouterr().err


def test_a_variable_that_nobody_reads_is_named_with_its_likeness(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("RESIVID_STRYDE", "4")
    monkeypatch.setenv("RESIVID_GOP", "4")  # of other commands
    for name in OTHER_VARIABLES:
        monkeypatch.setenv(name, "x")
    assert main(["info", str(tmp_path / "missing.rvt")]) == 1
    warning, error = capsys.readouterr().err.splitlines()
    assert warning == (
        "resivid: warning: variable RESIVID_STRYDE is no option of any command (did you mean RESIVID_STRIDE?)"
    )
    assert "missing.rvt" in error


def test_no_option_shares_a_variable_with_something_else():
    for _, leaf in leaves(build_command()):
        for parameter in leaf.params:
            assert parameter.envvar not in OTHER_VARIABLES
            assert parameter.envvar is None or not parameter.show_envvar  # said once for all


@pytest.mark.parametrize(
    ("arguments", "variable", "file", "expected", "origin"),
    [
        ([], None, "", "8", "default"),
        (["--profile", "narrow"], None, "", "8", "default"),
        (["--profile", "paper-uvg"], None, "", "8", "profile paper-uvg"),
        ([], None, "profile: paper-uvg", "8", "profile paper-uvg"),
        (["--profile", "paper-uvg"], None, "stride: 4", "4", "FILE, line 1"),
        ([], None, "simulate:\n  stride: 5\nstride: 4", "5", "FILE, line 2"),
        ([], None, "bench: {bler: {symbols: 3}}\nstride: 4\ntx:\n  stride: 5", "4", "FILE, line 2"),
        (["--profile", "paper-uvg"], "3", "stride: 4", "3", "variable RESIVID_STRIDE"),
        (["--stride", "2", "--profile", "paper-uvg"], "3", "stride: 4", "2", "command line"),
        ([], None, "stride: null", "8", "default"),
    ],
)
def test_the_nearest_wins(arguments, variable, file, expected, origin, tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    path.write_text(file)
    if variable is not None:
        monkeypatch.setenv("RESIVID_STRIDE", variable)
    lines = printed(("simulate",), [*arguments, "--config", str(path)]).splitlines()
    assert f"stride: {expected}  # {origin.replace('FILE', str(path))}" in lines


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (
            "gop: 32\nstryde: 4",
            "line 2: unknown key 'stryde': did you mean stride? `resivid simulate --print-config` lists all",
        ),
        ("\nstride: 8 frames", "line 2: Invalid value for '--stride': expected a whole number"),
        ("memory: long", "line 1: Invalid value for '--memory'"),
        (
            "profile: phone",
            "line 1: Invalid value for '--profile': 'phone' is not one of voice, narrow, wide",
        ),
        ("stride: [1, 2]", "line 1: stride: expected one value, got a list"),
        ("stride: {a: 1}", "line 1: stride: expected a value or a list of values"),
        (
            "simulat: {snr: 4}",
            "line 1: simulat: expected a value or a list of values (did you mean the section simulate?)",
        ),
        ("qqq: 1", "line 1: unknown key 'qqq'; `resivid simulate` takes profile, source, output, snr,"),
        ("hysteresis-db: 1dB", "line 1: Invalid value for '--hysteresis-db': expected a number"),
        ("stride: 1\nstride: 2", "line 2: stride stands there twice"),
        ("- stride", "line 1: expected lines `option: value`"),
        ("stride: [", "no YAML"),
        ("[" * 1000, "no YAML"),
        ("a" * (1 << 17), "longer than a configuration may be"),
        ("help: true", "line 1: unknown key 'help'"),
        ("config: b.yaml", "line 1: unknown key 'config'"),
        ("cbr: 7", "cbr 7 and stride 8: more than"),
        ("snr: loud", "--snr: expected a number of dB or a file of them, got 'loud' ("),
        ("mcs-start: 99", "line 1)"),
    ],
)
def test_a_mistake_is_one_line_with_its_place_and_what_is_allowed(file, message, tmp_path, capsys):
    path = tmp_path / "a.yaml"
    path.write_text(file)
    assert main(["simulate", "in.mp4", "-o", str(tmp_path / "out.mp4"), "--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert message in error and str(path) in error and error.count("\n") == 1


def test_allowed_values_are_named(tmp_path, capsys):
    path = tmp_path / "a.yaml"
    path.write_text("memory: long\n")
    assert main(["tx", "test", "--freq", "434M", "--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert all(f"'{name}'" in error for name in ("gop", "refresh", "feedback"))
    assert "line 1: Invalid value for '--memory': 'long' is not one of" in error


def test_a_variable_that_is_refused_is_named(monkeypatch, capsys):
    monkeypatch.setenv("RESIVID_STRIDE", "often")
    assert main(["simulate", "in.mp4", "-o", "out.mp4"]) == 2
    assert "(variable RESIVID_STRIDE)" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(content, tmp_path):
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_config(path, ("simulate",), COMMANDS)


@pytest.mark.parametrize("profile", PROFILES)
def test_each_value_of_a_profile_reaches_a_command(profile):
    texts = [
        printed(path, ["--profile", profile])
        for path in [("simulate",), ("evaluate", "link"), ("tx",), ("rx",), ("encode",)]
    ]
    for key in PROFILES[profile]:
        assert any(f"\n{key}: " in text and f"# profile {profile}" in text for text in texts), key


def test_the_profiles_have_the_paper_s_symbols():
    # k_t = R * 3 H W S: 4e-4 and 5e-4 of 196,608 values over 8 frames, rounded down
    for name, symbols in (("voice", 629), ("paper-webvid", 629), ("paper-uvg", 786)):
        profile = PROFILES[name]
        assert symbols_per_key_frame(profile["cbr"], 8, 256, 256) == symbols


def test_variables_have_the_name_of_their_option():
    assert variable_of("hysteresis-db") == "RESIVID_HYSTERESIS_DB"
