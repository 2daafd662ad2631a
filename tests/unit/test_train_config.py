# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of a training run: every mistake one line that names file, key and what is allowed."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from conftest import ROOT
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.models.weight_files import PACKAGE_FOLDER, read_metadata
from gnuradio.resivid.train.config import from_mapping, merged, read_yaml, write_yaml
from gnuradio.resivid.train.settings import (
    InterpolatorTraining,
    LossWeights,
    RunSettings,
    TokenizerTraining,
)


def parsed(tmp_path: Path, text: str) -> TokenizerTraining:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return from_mapping(TokenizerTraining, read_yaml(path), "run.yaml")


def test_values_and_defaults(tmp_path):
    got = parsed(
        tmp_path, "rate: 1e-3\nbatch: 8\ndata: /d\nnetwork: {widths: [8, 9, 10, 11]}\nlosses: {l2: 2}\n"
    )
    assert got.rate == 1e-3 and got.batch == 8 and got.data == Path("/d")
    assert got.network.widths == (8, 9, 10, 11) and got.network.blocks == (3, 3, 2, 1)
    assert got.losses == LossWeights(l2=2.0)
    assert parsed(tmp_path, "") == TokenizerTraining()


@pytest.mark.parametrize(
    "text, message",
    [
        ("bacth: 3", r"run\.yaml, line 1: unknown key bacth; allowed: data, start, .*batch"),
        ("losses: {l3: 1}", r"run\.yaml, line 1: unknown key losses\.l3; allowed: l1, l2"),
        ("batch: many", r"run\.yaml, line 1: batch: expected a whole number from 1 to 65536, got 'many'"),
        ("batch: 2.5", "batch: expected a whole number"),
        ("batch: true", "batch: expected a whole number"),
        ("batch: 0", "batch: expected a whole number from 1"),
        ("rate: .inf", "rate: expected a number from 0 to 1, got inf"),
        ("minutes: [1]", "minutes: expected a number"),
        ("compile: 1", "compile: expected true or false, got 1"),
        ("precision: fp16", "precision: expected bf16 or fp32, got 'fp16'"),
        ("data: 5", "data: expected a path"),
        ("crop: 100", "crop: expected a multiple of 16"),
        ("network: {widths: [1, 2]}", r"network\.widths: expected a list of 4 times a whole number"),
        ("network: {widths: [1, 2, 3, 4096]}", "network: expected widths from 1 to 2048"),
        ("network: small", "network: expected keys and values"),
        ("- 1\n- 2", "expected lines `key: value`"),
        ("batch: [1", "line 1: no YAML|line 2: no YAML"),
        ("a: &a [*a]\n", "no YAML|unknown key a"),
        ("&x : " + "[" * 500, "no YAML"),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, message):
    with pytest.raises(SettingsError, match=message) as caught:
        parsed(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_written_settings_are_read_back(tmp_path):
    settings = parsed(
        tmp_path, "data: x\nsteps: 7\nlosses: {adversarial: 0.1}\nnetwork: {blocks: [1, 2, 3, 4]}\n"
    )
    write_yaml(tmp_path / "config.yaml", settings)
    assert from_mapping(TokenizerTraining, read_yaml(tmp_path / "config.yaml"), "c") == settings


@pytest.mark.parametrize(
    "kind, start, end",
    [
        (TokenizerTraining, "## Settings", "## Interpolator"),
        (InterpolatorTraining, "## Interpolator", "## Data"),
    ],
)
def test_the_docs_have_every_key_and_its_default(kind, start, end):
    text = (ROOT / "docs" / "training.md").read_text()
    part = text[text.index(start) : text.index(end)]
    keys = set(re.findall(r"`(?:losses\.)?([a-z0-9_]+)(?::[^`]*)?`", part))
    rows = [row for row in part.splitlines() if row.startswith("| `")]
    common = {field.name: field.default for field in dataclasses.fields(RunSettings)}
    for field in dataclasses.fields(kind):
        if kind is InterpolatorTraining and common.get(field.name, ...) == field.default:
            continue  # in the table before
        assert field.name in keys, field.name
        if isinstance(field.default, (int, float)) and not isinstance(field.default, bool):
            row = next(row for row in rows if f"`{field.name}`" in row)
            names, defaults = row.split("|")[1:3]
            place = re.findall(r"`([a-z_]+)`", names).index(field.name)
            assert float(defaults.split(",")[place]) == field.default, field.name


def test_options_override_key_by_key():
    assert merged({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 4}}) == {"a": 1, "b": {"c": 2, "d": 4}}


def test_command_line_names_file_and_key(tmp_path, capsys):
    (tmp_path / "run.yaml").write_text("losses: {l1: none}\n")
    arguments = ["train", "tokenizer", "--config", str(tmp_path / "run.yaml"), "-o", str(tmp_path / "out")]
    assert main(arguments) == 2
    line = capsys.readouterr().err
    assert line == (
        f"resivid: {tmp_path}/run.yaml, line 1: losses.l1: expected a number from 0 to 1e+06, got 'none'\n"
    )
    (tmp_path / "run.yaml").write_text("seed: 1\nlosses:\n  l1: 1\n  l4: 1\n")
    assert main(arguments) == 2
    assert f"{tmp_path}/run.yaml, line 4: unknown key losses.l4" in capsys.readouterr().err
    assert main(["train", "tokenizer", "--batch", "0", "-o", str(tmp_path / "out")]) == 2
    assert "options: batch: expected a whole number from 1 to 65536, got 0" in capsys.readouterr().err
    assert main(["train", "tokenizer", "-o", str(tmp_path / "out")]) == 2
    assert (
        capsys.readouterr().err
        == "resivid: no folder of pictures and videos is named: --data FOLDER, or data: in the configuration\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "kind"), [("multiscale", TokenizerTraining), ("fusion", InterpolatorTraining)]
)
def test_the_shipped_configurations_are_those_of_the_shipped_networks(name, kind):
    settings = from_mapping(kind, read_yaml(PACKAGE_FOLDER / f"{name}.yaml"), name)
    config = json.loads(read_metadata(PACKAGE_FOLDER / f"{name}.safetensors")["config"])
    assert list(settings.network.widths) == config["widths"]
    assert list(settings.network.blocks) == config["blocks"]
