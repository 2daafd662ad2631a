# SPDX-License-Identifier: GPL-3.0-or-later
"""`from gnuradio import resivid`: every name, loaded late, and one line for what is missing."""

import subprocess
import sys

import pytest
from gnuradio import resivid
from gnuradio.resivid.errors import MissingPackageError

BLOCKS = {
    "channel",
    "ldpc_qam_encoder",
    "ldpc_qam_decoder",
    "mcs_selector",
    "token_source",
    "token_packer",
    "token_unpacker",
    "video_sink",
    "transmitter",
    "receiver",
}


def run_python(code: str) -> str:
    """Standard output of a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    ).stdout


def without(*packages: str) -> str:
    """Code that makes these packages unimportable, as on a machine that lacks them."""
    return (
        "import sys, importlib.abc\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {packages!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
    )


def test_every_block_is_listed_and_loads():
    assert set(dir(resivid)) >= BLOCKS
    for name in BLOCKS:
        assert callable(getattr(resivid, name)), name


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'frobnicator'"):
        resivid.frobnicator  # noqa: B018


def test_every_block_loads_without_torch_opencv_and_radio():
    code = without("torch", "cv2", "SoapySDR", "uhd", "PyQt5", "av", "safetensors")
    code += (
        f"from gnuradio import resivid\nfor name in {sorted(BLOCKS)}: getattr(resivid, name)\nprint('all')"
    )
    assert run_python(code) == "all\n"


def test_floors_one_to_three_and_training_load_without_gnuradio(tmp_path):
    """The package in an interpreter whose `gnuradio` is nothing but the folder that holds it."""
    (tmp_path / "gnuradio").mkdir()
    (tmp_path / "gnuradio" / "resivid").symlink_to(resivid.__path__[0])
    code = without("pmt") + f"sys.path.insert(0, {str(tmp_path)!r})\n"
    code += (
        "import types\n"
        "gnuradio = types.ModuleType('gnuradio'); gnuradio.__path__ = [sys.path[0] + '/gnuradio']\n"
        "sys.modules['gnuradio'] = gnuradio\n"
        "import importlib, pkgutil\n"
        "from gnuradio import resivid\n"
        "for floor in ('video', 'link', 'models', 'codec', 'train'):\n"
        "    package = importlib.import_module(f'gnuradio.resivid.{floor}')\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "try: resivid.token_packer\n"
        "except ImportError as error: print(error)\n"
    )
    assert "apt-get install gnuradio" in run_python(code)


def test_missing_package_is_one_line_that_says_what_to_install(monkeypatch):
    def fails(*_):
        raise ModuleNotFoundError("No module named 'cv2'", name="cv2")

    monkeypatch.setattr("importlib.import_module", fails)
    monkeypatch.delitem(vars(resivid), "video_sink", raising=False)
    with pytest.raises(MissingPackageError, match=r"resivid\.video_sink needs cv2; .*opencv-python-headless"):
        resivid.video_sink  # noqa: B018
