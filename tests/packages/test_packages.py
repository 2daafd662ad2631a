# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed: any prefix and back, manual pages and completion, the wheel. `make check-deb` has the Debian package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser

import pytest
from conftest import ROOT
from gnuradio.resivid import __version__
from gnuradio.resivid.cli.main import COMMANDS

BUILD = ROOT / "build"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def run(*command, **variables):
    """Standard output of a command without the caller's Python and GNU Radio settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GR", "RESIVID", "LD_"))}
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**clean, **variables},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The build folder's module, installed into a prefix that nothing searches."""
    if not (BUILD / "CMakeCache.txt").is_file():
        pytest.skip("nothing is built in build/")
    manifest, kept = BUILD / "install_manifest.txt", tmp_path_factory.mktemp("kept") / "manifest"
    if manifest.exists():
        shutil.copy(manifest, kept)
    try:
        place = tmp_path_factory.mktemp("prefix with a space") / "radio"
        run("cmake", "--install", BUILD, "--prefix", place)
        shutil.copy(manifest, place.parent / "manifest")
        yield place
    finally:
        if kept.exists():
            shutil.copy(kept, manifest)


def test_the_command_runs_from_any_prefix(prefix):
    script = prefix / "bin/resivid"
    assert run(sys.executable, script, "--version").strip() == f"resivid {__version__}"


def test_the_blocks_load_with_the_path_alone(prefix):
    code = "from gnuradio import resivid; resivid.mcs_selector; print(resivid.__file__)"
    packages = prefix / f"lib/{PYTHON}/site-packages"
    assert run(sys.executable, "-c", code, PYTHONPATH=str(packages)).startswith(str(packages))


def test_manual_pages_completion_and_blocks_are_installed(prefix):
    share = prefix / "share"
    for command in COMMANDS:
        page = (share / f"man/man1/resivid-{command}.1").read_text(encoding="utf-8")
        assert page.startswith(f'.TH RESIVID\\-{command.upper()} 1 "') and ".SH SYNOPSIS" in page
    assert "_RESIVID_COMPLETE" in (share / "bash-completion/completions/resivid").read_text()
    installed = {path.name for path in (share / "gnuradio/grc/blocks").iterdir()}
    assert installed == {path.name for path in (ROOT / "grc").glob("*.yml")}


def test_uninstall_takes_all_of_it_away_again(prefix):  # the last test that uses the prefix
    foreign = prefix / "lib/another/file"  # of somebody else, who shares the prefix
    foreign.parent.mkdir()
    foreign.touch()
    script = (BUILD / "uninstall.cmake").read_text()
    mine = prefix.parent / "uninstall.cmake"
    mine.write_text(script.replace(str(BUILD / "install_manifest.txt"), str(prefix.parent / "manifest")))
    run("cmake", "-P", mine)
    assert sorted(prefix.rglob("*")) == [foreign.parents[1], foreign.parent, foreign]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (file,) = folder.glob("*.whl")
    return file


def test_doctor_runs_on_the_wheel_alone_and_lists_every_package(wheel, tmp_path):
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "empty/lib" / PYTHON / "site-packages")
    python = tmp_path / "empty/bin/python"
    code = "import sys; sys.argv[1:] = ['doctor']; import gnuradio.resivid.cli.main"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "RESIVID"))}
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, env=clean, timeout=120)
    assert (
        done.returncode == 1 and "No module named 'typer'" in done.stderr and "Traceback" not in done.stderr
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok      installation: from a wheel")
    for package in ("numpy", "typer", "rich", "torch"):
        assert len([line for line in lines if line == f"broken  package {package}: not installed"]) == 1
    parts = {re.split(r"[: ]", line[8:])[0] for line in lines if line.startswith("broken")}
    assert parts == {"package", "weights"}  # nothing of GNU Radio


def test_the_wheel_holds_what_needs_no_gnu_radio_and_names_its_packages(wheel):
    assert wheel.name == f"gr_resivid-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (archive.read(n).decode() for n in names if n.endswith(".dist-info/METADATA"))
        (scripts,) = (archive.read(n).decode() for n in names if n.endswith(".dist-info/entry_points.txt"))
    folder = ROOT / "python/resivid"
    sources = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
        and path.name != "CMakeLists.txt"
        and not {"__pycache__", "bindings"} & set(path.parts)
    }
    assert {f"gnuradio/resivid/{name}" for name in [*sources, "pyproject.toml"]} == {
        name for name in names if ".dist-info/" not in name
    }
    assert not [name for name in names if name == "gnuradio/__init__.py" or name.endswith(".so")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [
        line for line in Parser().parsestr(metadata).get_all("Requires-Dist") if "extra ==" not in line
    ]
    assert len(required) == len(project["dependencies"])
    assert "resivid = gnuradio.resivid.cli.main:main" in scripts
