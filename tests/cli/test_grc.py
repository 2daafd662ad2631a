# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid grc`, `grcc` and `gnuradio-companion` of a virtual environment."""

import os

import pytest
from gnuradio.resivid.cli import grc
from gnuradio.resivid.errors import MissingPackageError

APPS = grc.Path(__file__).parents[2] / "apps"


def test_the_blocks_of_this_module_come_first():
    environment = grc.environment_with_blocks(
        {"GRC_BLOCKS_PATH": f"/a{os.pathsep}/b", "X": "y"}, grc.Path("/b")
    )
    assert environment == {"GRC_BLOCKS_PATH": f"/b{os.pathsep}/a", "X": "y"}
    assert grc.environment_with_blocks({}, grc.Path("/b")) == {"GRC_BLOCKS_PATH": "/b"}


def test_our_own_script_is_not_taken_for_the_distributions(tmp_path):
    script = (APPS / "grc_program").read_text()
    texts = {"own": script, "another": script, "theirs": "#!/usr/bin/python3\n"}
    for name, text in texts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "grcc").write_text(text)
    path = os.pathsep.join(["", *(str(tmp_path / name) for name in texts)])
    assert grc.find_program("grcc", path) == tmp_path / "theirs" / "grcc"
    for name in texts:  # the one that a shell takes
        (tmp_path / name / "grcc").chmod(0o755)
    assert grc.is_ours("grcc", path) and not grc.is_ours("grcc", str(tmp_path / "theirs"))
    assert not grc.is_ours("grcc", str(tmp_path))


def test_missing_program(tmp_path):
    with pytest.raises(MissingPackageError, match="apt-get install gnuradio"):
        grc.find_program("no-such-companion", str(tmp_path))


def test_installed_blocks_are_found():
    names = {path.name for path in grc.blocks_folder().glob("resivid_*.block.yml")}
    assert {"resivid_channel.block.yml", "resivid_ldpc_qam_encoder.block.yml"} <= names


def test_incomplete_installation(tmp_path):
    module = tmp_path / "lib/python3.11/site-packages/gnuradio/resivid/cli/grc.py"
    with pytest.raises(MissingPackageError, match="make install"):
        grc.blocks_folder(module)


@pytest.mark.parametrize("name", ["grcc", "gnuradio-companion"])
def test_program_runs_under_this_interpreter(name, monkeypatch, tmp_path):
    (tmp_path / name).touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    started = []
    monkeypatch.setattr(os, "execve", lambda *arguments: started.append(arguments))
    grc.run_program(name, ["x.grc"])
    ((program, arguments, environment),) = started
    assert program == grc.sys.executable and arguments[1:] == [str(tmp_path / name), "x.grc"]
    assert str(grc.blocks_folder()) == environment["GRC_BLOCKS_PATH"].split(os.pathsep)[0]
