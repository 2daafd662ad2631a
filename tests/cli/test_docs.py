# SPDX-License-Identifier: GPL-3.0-or-later
"""The README cannot drift from the program: its commands, options and tokenizer are those that run."""

import re
import types

import numpy as np
import pytest
from conftest import ROOT
from gnuradio.resivid import __version__
from gnuradio.resivid.cli.main import COMMANDS, main

README = (ROOT / "README.md").read_text(encoding="utf-8")
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


def test_files_that_the_readme_links_exist():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_tokenizer_of_the_readme_shows_the_mean_of_each_square():
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
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
