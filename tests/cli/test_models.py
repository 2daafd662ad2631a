# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid models`: the list, verification, and the import of a checkpoint."""

import json

import pytest
import torch
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.models.registry import INTERPOLATORS, TOKENIZERS


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RESIVID_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("arguments", [["models"], ["models", "list"]])
def test_the_list_names_every_model(empty_folder, capsys, arguments):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for name in (*TOKENIZERS, *INTERPOLATORS):
        assert f" {name} " in out
    assert "rife_v4_0_flow.safetensors, 10.3 MB: absent" in out


def test_json_on_standard_output_is_json_alone(empty_folder, capsys):
    assert main(["models", "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)
    states = {row["name"]: row["state"] for row in rows if row["name"]}
    assert states["multiscale"] == "ok"
    assert states["flow"] == "none needed" and states["rife"] == "absent"


@pytest.mark.parametrize("verify", ["--verify", "verify"])
def test_a_damaged_file_is_one_line_and_exit_code_1(empty_folder, capsys, verify):
    assert main(["models", verify]) == 0
    capsys.readouterr()
    (empty_folder / "rife_v4_0_flow.safetensors").write_bytes(b"damaged")
    assert main(["models", verify]) == 1
    error = capsys.readouterr().err
    assert "7 bytes, expected 10333928" in error and error.count("\n") == 1


def test_an_imported_checkpoint_loads(shared, empty_folder, capsys):
    source = str(shared("weights/rife_v4_0_flow.safetensors"))
    target = empty_folder / "own.safetensors"
    assert main(["models", "import", source, str(target)]) == 0
    assert capsys.readouterr().out == f"{target}: use it with --interpolator rife --weights {target}\n"
    from gnuradio.resivid.models.registry import load_interpolator

    assert load_interpolator("rife", target).name == "rife"


@pytest.mark.parametrize(
    ("source", "target", "code", "message"),
    [
        ("absent.pkl", "out.safetensors", 1, "no such weight file"),
        ("text.pkl", "out.safetensors", 1, "not a readable file of plain weights"),
        ("other.pt", "out.safetensors", 1, "neither a TiTok or One-D-Piece tokenizer nor Practical-RIFE"),
        ("text.pkl", "out.pkl", 2, "ends in .safetensors"),
    ],
)
def test_mistakes_are_one_line(empty_folder, capsys, source, target, code, message):
    (empty_folder / "text.pkl").write_text("no weights")
    torch.save({"conv.weight": torch.zeros(2)}, empty_folder / "other.pt")
    assert main(["models", "import", str(empty_folder / source), str(empty_folder / target)]) == code
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert sorted(p.name for p in empty_folder.iterdir()) == ["other.pt", "text.pkl"]
