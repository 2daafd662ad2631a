# SPDX-License-Identifier: GPL-3.0-or-later
"""README and pages cannot drift from the program: their commands, options and tokenizer are those that run."""

import re
import shlex
import types

import numpy as np
import pytest
from conftest import ROOT
from gnuradio.resivid import __version__
from gnuradio.resivid.cli.main import COMMANDS, build_command, main

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
ROWS = re.findall(r"^\| `resivid ([^`]+)` \|", README, re.MULTILINE)


def test_the_table_lists_every_command():
    assert [row.split()[0] for row in ROWS] == list(COMMANDS)


@pytest.mark.parametrize("row", ROWS)
def test_options_of_the_table_are_in_the_help(row, capsys):
    words = [word for word in row.split() if re.fullmatch(r"--?[a-z-]+|[a-z]+", word)]
    commands = [word for word in words if not word.startswith("-")]
    assert main([*commands, "--help"]) == 0
    text = capsys.readouterr().out
    for option in set(words) - set(commands):
        assert option in text


def shown_commands(text):
    """What follows `resivid` in blocks of code, whose lines may go on after a backslash, and within a sentence."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        lines = re.findall(
            r"^(?:\S+=\S* )*(?:\.venv/bin/)?resivid ([^#>|&\n]+)", block.replace("\\\n", " "), re.MULTILINE
        )
        yield from lines
    yield from re.findall(r"(?<!`)`(?:\.venv/bin/)?resivid ([^`]+)`(?!`)", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_has_the_options_that_stand_there(page, resivid):
    for text in shown_commands(page.read_text(encoding="utf-8")):
        command, words = resivid, shlex.split(text)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        command = getattr(command, "commands", {}).get(
            "link", command
        )  # `evaluate FOLDER` is `evaluate link FOLDER`
        known = {name for parameter in [*command.params, *resivid.params] for name in parameter.opts}
        known |= {name for parameter in command.params for name in parameter.secondary_opts} | {"--help"}
        shown = {word.partition("=")[0] for word in words if re.match(r"-+[a-z]", word)}
        assert command is not resivid or not words or words[0].startswith("-"), f"no such command: {text}"
        assert shown <= known, text


@pytest.fixture(scope="module")
def resivid():
    return build_command()


def test_files_that_the_readme_links_exist():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target.partition("#")[0]).exists(), target


def test_the_tokenizer_of_the_tutorial_shows_the_mean_of_each_square():
    page = (ROOT / "docs/tutorials/tokenizer.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    module = types.ModuleType("mine")
    exec(code, vars(module))
    tokenizer = module.load(None, "cpu")
    colours = np.random.default_rng(3).integers(0, 256, (2, 8, 8, 3), np.uint8)
    frames = colours.repeat(32, 1).repeat(32, 2)
    tokens = tokenizer.encode(frames)
    assert tokens.dtype == np.uint16 and tokens.shape == (2, 64) and tokens.max() < tokenizer.zero_flag
    error = np.abs(tokenizer.decode(tokens).astype(int) - frames)
    assert error.max() <= 17  # one of 16 levels, 17 apart
    assert (tokenizer.decode(tokens[:, :10])[:, -1, -1] == 128).all()


@pytest.mark.parametrize("file", ["CITATION.cff", "MANIFEST.yml"])
def test_metadata_have_the_version_of_the_package(file):
    assert re.search(rf"^version: {re.escape(__version__)}$", (ROOT / file).read_text(), re.MULTILINE)
