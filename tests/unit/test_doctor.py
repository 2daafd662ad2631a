# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid doctor`: each fault is named with the line that mends it."""

import ast
import json
import subprocess
import sys

import numpy as np
import pytest
from gnuradio.resivid import __version__
from gnuradio.resivid.cli import doctor, doctor_packages
from gnuradio.resivid.cli.main import main


@pytest.mark.parametrize(
    "numpy, gnuradio, state",
    [
        ("1.26.4", "3.10.5.1", "ok"),
        ("2.1.0", "3.10.5.1", "broken"),  # Debian 12: built against NumPy 1
        ("2.1.0", "v3.10.12.0", "ok"),  # built against NumPy 2
        ("2.1.0", None, "ok"),  # no GNU Radio, nothing to disagree with
    ],
)
def test_numpy_must_fit_gnuradio(numpy, gnuradio, state):
    finding = doctor.check_numpy(numpy, gnuradio)
    assert finding.state == state
    assert ("numpy<2" in finding.remedy) == (state == "broken")


@pytest.mark.parametrize(
    "version, state",
    [
        ("3.10.5.1", "ok"),
        ("3.10.12.0", "ok"),
        ("3.10.4", "broken"),
        ("3.9.0", "broken"),
        ("3.11.0", "broken"),
        (None, "broken"),
    ],
)
def test_gnuradio_version(version, state):
    finding = doctor.check_gnuradio(version)
    assert finding.state == state
    assert ("not tested" in finding.detail) == (version == "3.10.12.0")


def test_module_off_the_path():
    finding = doctor.check_module("ImportError: cannot import name 'resivid' from 'gnuradio'")
    assert (
        finding.state == "broken" and "not on the path" in finding.detail and finding.remedy == "make install"
    )


def test_a_prefix_off_the_path_is_named(tmp_path):
    finding = doctor.check_module("ImportError: x", tmp_path)
    assert finding.remedy == f"export PYTHONPATH={tmp_path}:$PYTHONPATH"


def test_another_copy_on_the_path_is_named(tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    assert doctor.check_module(None, mine, mine).state == "ok"
    finding = doctor.check_module(None, mine, other)
    assert finding.state == "broken" and str(other) in finding.detail
    assert finding.remedy == f"export PYTHONPATH={mine}:$PYTHONPATH"


def test_descriptions_that_the_editor_does_not_search_are_named(tmp_path):
    assert doctor.check_editor(tmp_path, ["/usr/share", str(tmp_path)]).state == "ok"
    finding = doctor.check_editor(tmp_path / "a", [str(tmp_path)])
    assert finding.state == "absent" and f"GRC_BLOCKS_PATH={tmp_path / 'a'}" in finding.remedy
    assert doctor.check_editor(tmp_path / "a", [], ours=True).state == "ok"
    assert doctor.check_editor(None, []).state == "broken"


def test_the_editor_s_folders_are_those_of_environment_and_gnuradio(monkeypatch, tmp_path):
    pytest.importorskip("gnuradio.gr")
    monkeypatch.setenv("GRC_BLOCKS_PATH", f"{tmp_path}:/b")
    monkeypatch.setenv("GR_CONF_GRC_LOCAL_BLOCKS_PATH", "/c")
    code = "from gnuradio.resivid.cli import doctor as d; print(d._searched_for_blocks())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    searched = ast.literal_eval(done.stdout)
    assert searched[:2] == [str(tmp_path), "/b"] and "/c" in searched


def test_a_library_that_the_loader_does_not_find_is_named():
    error = "libvolk.so.2.5: cannot open shared object file: No such file or directory"
    finding = doctor.check_compiled({"phy_python": error})
    assert "libvolk.so.2.5" in finding.remedy and "ldconfig" in finding.remedy


def test_a_stale_library_is_told_by_its_content(tmp_path):
    prefix, other = tmp_path / "lib", tmp_path / "local"
    package = prefix / "python3.11" / "site-packages" / "gnuradio" / "resivid"
    for folder in (package, other):
        folder.mkdir(parents=True)
    own, stale = prefix / "libgnuradio-resivid.so.1.2.3", other / "libgnuradio-resivid.so.1.2.3"
    own.write_bytes(b"new")
    stale.write_bytes(b"old")
    assert doctor.own_library(package, "1.2.3") == own
    assert doctor.own_library(package, "1.2.4") is None
    assert doctor.check_library_place(own, own) is None
    finding = doctor.check_library_place(stale, own)
    assert finding.state == "broken" and str(stale) in finding.detail and "ldconfig" in finding.remedy
    stale.write_bytes(b"new")  # a copy does no harm
    assert doctor.check_library_place(stale, own) is None


@pytest.mark.parametrize(
    ("packages", "runtimes", "part"),
    [
        (["/usr/a/gr"], ["/usr/lib/libgnuradio-runtime.so.3.10.5"], None),
        ([], [], None),
        (["/opt/gr", "/usr/a/gr"], [], "gnuradio packages"),
        (
            ["/usr/a/gr"],
            ["/opt/libgnuradio-runtime.so", "/usr/lib/libgnuradio-runtime.so"],
            "gnuradio runtimes",
        ),
    ],
)
def test_two_gnuradios(packages, runtimes, part):
    finding = doctor.check_one_gnuradio(packages, runtimes)
    assert (finding.part if finding else None) == part
    assert finding is None or all(
        path in finding.detail for path in (packages if "packages" in part else runtimes)
    )


def test_compiled_module_that_does_not_load():
    finding = doctor.check_compiled({"phy_python": "undefined symbol: x"})
    assert finding.state == "broken" and "phy_python: undefined symbol: x" in finding.detail


@pytest.mark.parametrize(
    "library, state",
    [
        ("libgnuradio-resivid.so.0.2.0", "ok"),
        ("libgnuradio-resivid.so.0.1.0", "broken"),
        ("libgnuradio-resivid.so", "broken"),
        (None, "broken"),
    ],
)
def test_stale_library(library, state):
    assert doctor.check_library("0.2.0", library).state == state


@pytest.mark.parametrize(
    "installed, state", [("1.26.4", "ok"), ("2.0.0", "broken"), ("1.24.2", "broken"), (None, "broken")]
)
def test_package_bounds(installed, state):
    finding = doctor.check_package("numpy>=1.26,<2", installed)
    assert finding.state == state
    assert ('pip install "numpy>=1.26,<2"' in finding.remedy) == (state == "broken")


def test_packages_of_single_commands():
    needed = doctor.extra_requirements()
    assert needed["aiohttp>=3.9,<4"] == "--web"
    assert "resivid evaluate" in needed["matplotlib>=3.8"]
    (scipy,) = (line for line in needed if line.startswith("scipy"))  # that of this Python
    assert "resivid evaluate" in needed[scipy] and "resivid train" in needed[scipy]
    finding = doctor.check_extra("aiohttp>=3.9,<4", None, "--web")
    assert finding.state == "absent" and "--web" in finding.detail and '"aiohttp>=3.9,<4"' in finding.remedy
    assert doctor.check_extra("aiohttp>=3.9,<4", "3.8.0", "--web").state == "broken"
    assert doctor.check_extra("aiohttp>=3.9,<4", "3.9.1", "--web").state == "ok"


def test_a_missing_package_is_a_finding_and_not_an_error(monkeypatch):
    for name in ("packaging.requirements", "gnuradio.resivid.models.registry", "gnuradio.resivid.models"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it could not be imported
    assert doctor.check_package("numpy>=1.26,<2", None).state == "broken"
    assert doctor.check_package("numpy>=1.26,<2", "1.26.4").state == "ok"
    assert "cannot be checked" in str(doctor._weight_problems())


def test_weights():
    assert [f.state for f in doctor.check_weights({})] == ["ok"]
    (finding,) = doctor.check_weights({"x.safetensors": "sha256 differs"})
    assert (
        finding.state == "broken" and "x.safetensors" in finding.part and "RESIVID_WEIGHTS" in finding.remedy
    )


def test_a_weights_folder_that_is_not_there_is_named(tmp_path):
    assert doctor.check_weights_folder(None) == []
    assert [f.state for f in doctor.check_weights_folder(str(tmp_path))] == ["ok"]
    (finding,) = doctor.check_weights_folder(str(tmp_path / "nowhere"))
    assert finding.state == "broken" and "nowhere" in finding.detail


@pytest.mark.parametrize(
    "nvidia, cuda, state",
    [(True, True, "ok"), (True, False, "broken"), (False, False, "ok"), (False, None, "ok")],
)
def test_gpu(nvidia, cuda, state):
    assert doctor.check_gpu(nvidia, cuda).state == state


@pytest.mark.parametrize("devices, state", [(None, "absent"), (0, "absent"), (2, "ok")])
def test_radio(devices, state):
    assert doctor.check_radio(devices).state == state


def test_requirements_come_from_pyproject():
    (numpy,) = (
        line for line in doctor.core_requirements() if line.startswith("numpy")
    )  # that of this Python
    assert numpy == ("numpy>=1.26,<2" if sys.version_info < (3, 13) else "numpy>=2.1,<3")


def test_markers_are_of_the_kind_that_is_read_without_packaging():
    from packaging.requirements import Requirement

    lines = [*doctor_packages._project(doctor.PACKAGE)["dependencies"]]
    for more in doctor_packages._project(doctor.PACKAGE)["optional-dependencies"].values():
        lines += more
    for line in lines:
        marker = Requirement(line).marker
        assert doctor_packages._applies(line) == (marker is None or marker.evaluate())
        assert marker is None or doctor_packages.MARKER.search(line)


def test_a_plug_in_that_does_not_load_is_named(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "grey_of_mine.py").write_text("def load(:\n")
    (tmp_path / "mae_of_mine.py").write_text("mae = print\n")
    folder = tmp_path / "mine-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[resivid.tokenizers]\ngrey = grey_of_mine:load\n[resivid.metrics]\nmine = mae_of_mine:mae\n"
    )
    broken, ok = (f for f in doctor.check_plugins() if "grey" in f.detail or "mine" in f.detail)
    assert broken.state == "broken" and broken.detail.startswith("tokenizer 'grey': grey_of_mine:load cannot")
    assert "invalid syntax" in broken.detail and ok.state == "ok" and "metric 'mine'" in ok.detail


def test_an_installation_from_the_wheel_is_told_by_what_it_lacks(tmp_path):
    package = tmp_path / "gnuradio/resivid"
    package.mkdir(parents=True)
    assert not doctor.is_wheel(package)  # such as a source tree
    (tmp_path / "gr_resivid-1.0.dist-info").mkdir()
    assert doctor.is_wheel(package) and doctor.check_wheel(package).state == "ok"
    (package / "phy_python.cpython-311-x86_64-linux-gnu.so").touch()
    assert not doctor.is_wheel(package)


def test_this_machine_is_examined_part_by_part():
    gr = pytest.importorskip("gnuradio.gr")
    findings = {finding.part: finding for finding in doctor.examine()}
    assert len(findings) > 12 and all(bool(f.remedy) == (f.state != "ok") for f in findings.values())
    assert findings["gnuradio"].detail.startswith(gr.version())
    assert findings["numpy"].detail.startswith(np.__version__)
    assert findings["module"].state == findings["compiled modules"].state == "ok"
    assert findings["library"].detail.endswith(f".so.{__version__}")


def test_what_is_not_ok_has_a_remedy_below_it():
    lines = doctor.lines_of([doctor.check_radio(0), doctor.check_numpy("1.26.4", "3.10.5.1")])
    assert [line.split()[0] for line in lines] == ["absent", "->", "ok"]


@pytest.mark.parametrize("state, code", [("ok", 0), ("absent", 0), ("broken", 1)])
def test_exit_code_and_json(monkeypatch, tmp_path, state, code):
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Finding("part", state, "detail", "remedy")])
    file = tmp_path / "doctor.json"
    assert main(["doctor", "--json", str(file)]) == code
    assert json.loads(file.read_text()) == [
        {"part": "part", "state": state, "detail": "detail", "remedy": "remedy"}
    ]
