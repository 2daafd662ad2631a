# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry and weight files: names, where files are looked for, and what is refused."""

import hashlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from gnuradio.resivid.errors import SettingsError, WeightsError
from gnuradio.resivid.models import registry, weight_files
from gnuradio.resivid.models.weight_files import WeightFile


@pytest.fixture
def known(tmp_path, monkeypatch):
    """A catalogue of one file, `a.bin` with b"weights", and an empty weight folder."""
    digest = hashlib.sha256(b"weights").hexdigest()
    rows = {"a.bin": WeightFile("a.bin", 7, digest, "CC0-1.0", "a file", shipped=True)}
    for module in (weight_files, registry):
        monkeypatch.setattr(module, "catalogue", lambda: rows)
    monkeypatch.setattr(weight_files, "PACKAGE_FOLDER", tmp_path / "package")
    monkeypatch.setenv("RESIVID_WEIGHTS", str(tmp_path))
    return tmp_path


def test_listing_needs_no_torch():
    code = "import sys; from gnuradio.resivid.models import registry as r; r.problems(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_weight_file_of_the_package_is_what_the_catalogue_says():
    rows = weight_files.catalogue()
    shipped = {path.name for path in weight_files.PACKAGE_FOLDER.glob("*.safetensors")}
    assert shipped == {name for name, row in rows.items() if row.shipped}
    for name in shipped:
        content = (weight_files.PACKAGE_FOLDER / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (rows[name].bytes, rows[name].sha256)


def test_catalogue_agrees_with_the_manifest_of_the_published_files(shared):
    lines = shared("weights/MANIFEST.tsv").read_text().splitlines()
    manifest = {
        name: (int(size), digest) for name, size, digest in (line.split("\t")[:3] for line in lines[1:])
    }
    foreign = [row for row in weight_files.catalogue().values() if not row.shipped]
    assert foreign
    for row in foreign:
        assert (row.bytes, row.sha256) == manifest[row.file]


def test_the_named_folder_comes_before_the_package(known):
    (known / "package").mkdir()
    (known / "package" / "a.bin").write_bytes(b"weights")
    assert weight_files.locate("a.bin") == known / "package" / "a.bin"
    (known / "a.bin").write_bytes(b"weights")
    assert weight_files.locate("a.bin") == known / "a.bin"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"other", "5 bytes, expected 7"), (b"Weights", "sha256"), (None, "missing from the package")],
)
def test_a_wrong_or_missing_file_is_named_in_one_line(known, content, message):
    if content is not None:
        (known / "a.bin").write_bytes(content)
    with pytest.raises(WeightsError, match=message) as caught:
        weight_files.locate("a.bin")
    assert "\n" not in str(caught.value)
    assert registry.problems() == {"a.bin": str(caught.value)}


def test_a_file_that_the_user_names_is_taken_as_it_is(known):
    (known / "own.bin").write_bytes(b"mine")
    assert weight_files.locate("a.bin", known / "own.bin") == known / "own.bin"
    with pytest.raises(WeightsError, match="no such weight file"):
        weight_files.locate("a.bin", known / "absent.bin")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "one of blend, ebme, flow, fusion, hold, rife"),
        ("os:nothing", "nothing"),
        ("no.such:load", r"cannot be imported \(No module named 'no'; PYTHONPATH=\. \?\)"),
    ],
)
def test_unknown_names_are_refused(name, message):
    with pytest.raises(SettingsError, match=message):
        registry.load_interpolator(name)


def test_weights_for_a_method_without_weights_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="'flow' uses none"):
        registry.load_interpolator("flow", tmp_path / "file")


def test_an_own_tokenizer_is_one_decorator(monkeypatch, known):
    monkeypatch.setattr(registry, "TOKENIZERS", {})
    (known / "a.bin").write_bytes(b"weights")

    @registry.register_tokenizer("mine", "my own", weights="a.bin")
    def load(weights: Path | None, device: str):
        return (weights, device)

    assert registry.load_tokenizer("mine", device="cuda:1") == (known / "a.bin", "cuda:1")
    assert registry.verify(registry.TOKENIZERS["mine"]) == "ok"
    with pytest.raises(ValueError, match="registered already"):
        registry.register_tokenizer("mine")(load)


class Trap:
    """Runs code where pickle is trusted."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code ran')",)


@pytest.mark.parametrize("suffix", [".pkl", ".pth", ".bin", ".safetensors"])
def test_a_pickle_that_runs_code_is_refused(tmp_path, suffix):
    path = tmp_path / f"flownet{suffix}"
    path.write_bytes(pickle.dumps({"module.a": Trap()}, protocol=2))
    with pytest.raises(WeightsError, match="not a readable") as caught:
        weight_files.read_state(path)
    assert "\n" not in str(caught.value)


def test_the_first_tensor_that_does_not_fit_is_named(tmp_path):
    torch = pytest.importorskip("torch")
    network, path = torch.nn.Linear(3, 2), tmp_path / "w"
    good = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}
    weight_files.fill(network, good, path)
    assert network(torch.ones(3)).tolist() == [4.0, 4.0]
    for change, message in (
        ({"weight": torch.ones(3, 3)}, r"weight has shape \(3, 3\), expected \(2, 3\)"),
        ({"more": torch.ones(1)}, "more is not part of it"),
    ):
        with pytest.raises(WeightsError, match=message):
            weight_files.fill(network, {**good, **change}, path)
    with pytest.raises(WeightsError, match="bias is missing"):
        weight_files.fill(network, {"weight": good["weight"]}, path)
