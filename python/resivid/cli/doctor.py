# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid doctor`: what is missing or mismatched on this machine, each with the one line that mends it.

Every check is a pure function of facts, and `examine` is the one place that gathers them.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ..errors import MissingPackageError
from ..version import __version__
from .doctor_installation import (
    COMPILED,
    LIBRARY,
    Finding,
    check_compiled,
    check_editor,
    check_gnuradio,
    check_library,
    check_library_place,
    check_module,
    check_numpy,
    check_one_gnuradio,
    check_wheel,
    is_wheel,
    own_library,
)
from .doctor_packages import (
    PACKAGE,
    USES,
    WHEEL_USES,
    check_extra,
    check_package,
    check_plugins,
    core_requirements,
    extra_requirements,
    installed,
)
from .grc import blocks_folder, is_ours

if TYPE_CHECKING:
    import typer  # may be what is missing


def check_weights(problems: Mapping[str, str]) -> list[Finding]:
    """The weights that the package brings; `problems` maps a file to what is wrong with it."""
    if not problems:
        return [Finding("weights", "ok", "those of the package are there and verified")]
    again = "install it again (make install; pip install --force-reinstall of a wheel)"
    remedy = f"{again}, or set RESIVID_WEIGHTS to the folder that holds the file"
    return [Finding(f"weights {name}", "broken", why, remedy) for name, why in problems.items()]


def check_weights_folder(named: str | None) -> list[Finding]:
    """The folder of RESIVID_WEIGHTS, where one is named."""
    if not named:
        return []
    if not Path(named).expanduser().is_dir():
        remedy = "export RESIVID_WEIGHTS=FOLDER, or unset RESIVID_WEIGHTS"
        return [Finding("RESIVID_WEIGHTS", "broken", f"{named} is no folder", remedy)]
    return [Finding("RESIVID_WEIGHTS", "ok", named)]


def check_gpu(has_nvidia: bool, cuda_torch: bool | None) -> Finding:
    """A GPU that torch can use, where there is one.

    Args:
        has_nvidia: an NVIDIA GPU is in the machine.
        cuda_torch: torch can use it; None when torch is missing.
    """
    if cuda_torch:
        return Finding("gpu", "ok", "torch uses CUDA")
    if has_nvidia:
        remedy = f"{sys.executable} -m pip install --force-reinstall torch"
        return Finding("gpu", "broken", "an NVIDIA GPU is there, but torch cannot use it", remedy)
    return Finding("gpu", "ok", "no NVIDIA GPU: networks run on the CPU")


def check_radio(num_devices: int | None) -> Finding:
    """A radio that SoapySDR finds; None when SoapySDR itself is missing."""
    if num_devices is None:
        return Finding(
            "radio",
            "absent",
            "SoapySDR's Python module is not installed",
            "apt-get install python3-soapysdr soapysdr-module-all",
        )
    if num_devices == 0:
        return Finding("radio", "absent", "no radio found", "plug one in, then run: resivid devices")
    return Finding("radio", "ok", f"{num_devices} found")


def _gnuradio_version() -> str | None:
    try:
        from gnuradio import gr
    except ImportError:
        return None
    return gr.version()


def _fresh_python(code: str) -> tuple[int, str]:
    """Run code in a new interpreter of this environment; its exit status and the last line it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/", timeout=60, check=False
    )
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


def _compiled_errors() -> dict[str, str]:
    errors = {}
    for name in COMPILED:
        try:
            importlib.import_module(f"...{name}", __name__)
        except ImportError as error:
            errors[name] = str(error)
    return errors


def _loaded(name: str) -> list[Path]:
    """Files of a shared library in this process, after the compiled modules were imported."""
    maps = Path("/proc/self/maps")
    found = re.findall(rf"\S*/{re.escape(name)}\S*", maps.read_text()) if maps.exists() else []
    return [Path(path) for path in dict.fromkeys(found)]


def _gnuradio_packages() -> list[str]:
    return [str(p) for folder in sys.path if (p := Path(folder) / "gnuradio" / "gr").is_dir()]


def _weight_problems() -> dict[str, str]:
    try:
        from ..models import registry
    except ImportError as error:
        return {"of the package": f"cannot be checked: {error}"}
    return registry.problems()


def _cuda_torch() -> bool | None:
    try:
        import torch
    except ImportError:
        return None
    return torch.cuda.is_available()


def _descriptions() -> Path | None:
    try:
        return blocks_folder()
    except MissingPackageError:
        return None


def _searched_for_blocks() -> list[str]:
    """Folders of GNU Radio Companion: of the environment and of GNU Radio's configuration."""
    paths = [os.environ.get("GRC_BLOCKS_PATH", ""), "~/.grc_gnuradio"]
    try:
        from gnuradio import gr
    except ImportError:  # it has a finding of its own
        return []
    paths += [gr.prefs().get_string("grc", f"{place}_blocks_path", "") for place in ("local", "global")]
    return [folder for path in paths for folder in path.split(os.pathsep) if folder]


def _num_radios() -> int | None:
    code, last = _fresh_python("import SoapySDR as s; s.setLogLevel(0); print(len(s.Device.enumerate()))")
    return int(last) if code == 0 else None


def _examine_module() -> list[Finding]:
    """GNU Radio, and what the module has in it."""
    gnuradio = _gnuradio_version()
    findings = [check_gnuradio(gnuradio)]
    numpy = installed("numpy")
    if numpy is not None:  # a missing one has a finding of its own
        findings.append(check_numpy(numpy, gnuradio))
    code, last = _fresh_python("from gnuradio import resivid; print(resivid.__file__)")
    folder = PACKAGE.parents[1] if (PACKAGE / "pyproject.toml").is_file() else None
    findings.append(check_module(last, folder) if code else check_module(None, folder, Path(last).parents[2]))
    findings.append(check_compiled(_compiled_errors()))
    library = next(iter(_loaded(LIBRARY)), None)
    findings.append(check_library(__version__, None if library is None else library.name))
    runtimes = [str(path) for path in _loaded("libgnuradio-runtime.so")]
    for doubt in (
        check_library_place(library, own_library(PACKAGE, __version__)),
        check_one_gnuradio(_gnuradio_packages(), runtimes),
    ):
        if doubt is not None:
            findings.append(doubt)
    path = os.environ.get("PATH", os.defpath)
    findings.append(
        check_editor(_descriptions(), _searched_for_blocks(), is_ours("gnuradio-companion", path))
    )
    return findings


def examine() -> list[Finding]:
    """Gather the facts of this machine and check every part."""
    wheel = is_wheel(PACKAGE)
    findings = [check_wheel(PACKAGE)] if wheel else _examine_module()
    findings += [check_package(line, installed(line)) for line in core_requirements()]
    extras = extra_requirements(uses=WHEEL_USES if wheel else USES)
    findings += [check_extra(line, installed(line), use) for line, use in extras.items()]
    findings += check_plugins()
    findings += check_weights(_weight_problems())
    findings += check_weights_folder(os.environ.get("RESIVID_WEIGHTS"))
    findings.append(check_gpu(shutil.which("nvidia-smi") is not None, _cuda_torch()))
    if not wheel:
        findings.append(check_radio(_num_radios()))
    return findings


def lines_of(findings: Sequence[Finding]) -> list[str]:
    """What the command prints: one line a part, the remedy indented below what is not `ok`."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.state:7} {finding.part}: {finding.detail}")
        if finding.remedy:
            lines.append(f"        -> {finding.remedy}")
    return lines


def print_findings(findings: Sequence[Finding]) -> int:
    """Print them, a line each; gives the exit code."""
    print(*lines_of(findings), sep="\n")
    return exit_code(findings)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when something is broken."""
    return int(any(finding.state == "broken" for finding in findings))


def register(app: typer.Typer) -> None:
    """Add `resivid doctor`."""
    import typer

    @app.command()
    def doctor(
        json_file: Optional[Path] = typer.Option(
            None, "--json", help="Write the findings as JSON; - is stdout."
        ),
    ) -> int:
        """Say what is missing or mismatched here, and what mends it."""
        findings = examine()
        if json_file is None:
            return print_findings(findings)
        from . import outputs  # needs NumPy and PyYAML, which may be what is missing

        outputs.write_json(json_file, json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
        return exit_code(findings)
