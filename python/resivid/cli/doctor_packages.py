# SPDX-License-Identifier: GPL-3.0-or-later
"""Python packages that `resivid doctor` looks for: those that all needs, and those that single commands need."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ResividError, SettingsError
from ..plugins import GROUPS, load_plugin, plugin_names
from .doctor_installation import Finding

PACKAGE = Path(__file__).resolve().parents[1]
USES = {
    "evaluate": "resivid evaluate and --report",
    "radio": "--record and --replay",
    "web": "--web",
    "train": "resivid train",
}  # extra of pyproject.toml to what needs it; the others are for developers
WHEEL_USES = {"evaluate": "resivid evaluate", "train": "resivid train"}  # the same without GNU Radio
MARKER = re.compile(
    r";\s*python_version (<|>=) '3\.(\d+)'$"
)  # the only kind that pyproject.toml has for these


def check_package(requirement: str, installed: str | None) -> Finding:
    """An installed Python package meets its bound.

    Args:
        requirement: as in pyproject.toml, such as `numpy>=1.24,<2`.
        installed: its version; None when it is missing.
    """
    part = f"package {_name(requirement)}"
    remedy = f'{sys.executable} -m pip install "{requirement}"'
    if installed is None:
        return Finding(part, "broken", "not installed", remedy)
    try:
        from packaging.requirements import Requirement
    except ImportError:  # it has a finding of its own
        return Finding(part, "ok", f"{installed}, bounds not checked")
    wanted = Requirement(requirement).specifier
    if not wanted.contains(installed, prereleases=True):
        return Finding(part, "broken", f"{installed}, but {wanted} is needed", remedy)
    return Finding(part, "ok", installed)


def check_extra(requirement: str, installed: str | None, use: str) -> Finding:
    """A package that some commands need.

    Args:
        requirement, installed: as in `check_package`.
        use: what needs it.
    """
    finding = check_package(requirement, installed)
    if installed is not None:
        return finding
    return Finding(finding.part, "absent", f"not installed; needed for {use}", finding.remedy)


def check_plugins() -> list[Finding]:
    """Every extension that installed packages offer can be loaded."""
    findings, loaded = [], []
    for kind in GROUPS:
        for name in plugin_names(kind):
            try:
                load_plugin(kind, name)
                loaded.append(f"{kind} {name!r}")
            except SettingsError as error:
                reason = " ".join(str(error).split())
                remedy = "mend the package that brings it, or uninstall it with pip"
                findings.append(Finding("plug-in", "broken", reason, remedy))
    return findings + [Finding("plug-ins", "ok", ", ".join(loaded))] * bool(loaded)


def core_requirements(package: Path = PACKAGE) -> list[str]:
    """The core dependencies of pyproject.toml that are this Python's; the file is beside the package or in its source tree."""
    return _of_this_python(_project(package)["dependencies"])


def extra_requirements(package: Path = PACKAGE, uses: Mapping[str, str] = USES) -> dict[str, str]:
    """The dependencies of extras that are not core ones, each with what needs it.

    Args:
        package: as in `core_requirements`.
        uses: extra to what needs it.
    """
    project = _project(package)
    core = {_name(line) for line in _of_this_python(project["dependencies"])}
    needed: dict[str, list[str]] = {}
    for extra, use in uses.items():
        for line in _of_this_python(project["optional-dependencies"][extra]):
            if _name(line) not in core:
                needed.setdefault(line, []).append(use)
    return {line: ", ".join(users) for line, users in needed.items()}


def _project(package: Path) -> dict[str, Any]:
    import tomllib

    for file in (package / "pyproject.toml", package.parents[1] / "pyproject.toml"):
        if file.is_file():
            return tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    raise ResividError("pyproject.toml is not beside the package; run: make install")


def _of_this_python(lines: list[str]) -> list[str]:
    return [line.partition(";")[0].strip() for line in lines if _applies(line)]


def _applies(requirement: str) -> bool:
    """Read without `packaging`, which may be what is missing."""
    marker = MARKER.search(requirement)
    return marker is None or (sys.version_info.minor < int(marker[2])) == (marker[1] == "<")


def installed(requirement: str) -> str | None:
    """Version of the package that a requirement names; None when it is missing."""
    try:
        return importlib.metadata.version(_name(requirement))
    except importlib.metadata.PackageNotFoundError:
        return None


def _name(requirement: str) -> str:
    return re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]
