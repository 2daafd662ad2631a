# SPDX-License-Identifier: GPL-3.0-or-later
"""What `resivid doctor` knows of an installed module: GNU Radio, its Python, the compiled modules and their library."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import compat

COMPILED = ("phy_python", "resivid_python")
LIBRARY = "libgnuradio-resivid.so"


@dataclass(frozen=True)
class Finding:
    """One part of the installation.

    Attributes:
        part: what was looked at.
        state: `ok`, `broken` (something will not work) or `absent` (optional, not there).
        detail: what was found, in one line.
        remedy: the line that mends it; empty when `ok`.
    """

    part: str
    state: str
    detail: str
    remedy: str = ""


def is_wheel(package: Path) -> bool:
    """Whether pip installed the package from the wheel, which has no compiled module: no GNU Radio parts are meant to be there."""
    compiled = (file for name in COMPILED for file in package.glob(f"{name}*.so"))
    return next(compiled, None) is None and any(package.parents[1].glob("gr_resivid-*.dist-info"))


def check_wheel(package: Path) -> Finding:
    """What stands in place of all that is looked at in GNU Radio, where the package is from the wheel."""
    detail = "from a wheel: encode, decode, info, models, train, evaluate; no GNU Radio parts, as intended"
    return Finding("installation", "ok", f"{detail} ({package})")


def check_numpy(numpy: str, gnuradio: str | None) -> Finding:
    """NumPy 2 beside a GNU Radio whose bindings were built against NumPy 1 (before 3.10.11)."""
    old = gnuradio is not None and compat.numbers(gnuradio) < compat.NUMPY_2_SINCE
    if old and compat.numbers(numpy) >= (2,):
        return Finding(
            "numpy",
            "broken",
            f"NumPy {numpy} beside GNU Radio {gnuradio}, which is built against NumPy 1",
            f'{sys.executable} -m pip install "numpy<2"',
        )
    return Finding("numpy", "ok", numpy)


def check_gnuradio(version: str | None) -> Finding:
    """GNU Radio 3.10 can be imported."""
    if version is None:
        return Finding(
            "gnuradio",
            "broken",
            "GNU Radio cannot be imported by this interpreter",
            "apt-get install gnuradio gnuradio-dev (and make .venv with --system-site-packages: make setup)",
        )
    verdict = compat.verdict(version)
    if verdict == "unsupported":
        needed = ".".join(map(str, compat.OLDEST)) + " to " + ".".join(map(str, compat.NEWEST))
        return Finding(
            "gnuradio", "broken", f"version {version}, {needed} is needed", "apt-get install gnuradio"
        )
    return Finding(
        "gnuradio", "ok", version if verdict == "tested" else f"{version}, not tested with this module"
    )


def check_module(
    import_error: str | None, folder: Path | None = None, imported: Path | None = None
) -> Finding:
    """`from gnuradio import resivid` works in a fresh interpreter, and gives the package of this command.

    Args:
        import_error: why it does not work.
        folder: what Python's path must hold for the package that this command runs from; None: none is installed.
        imported: the same for the package that a fresh interpreter imports.
    """
    remedy = "make install" if folder is None else f"export PYTHONPATH={folder}:$PYTHONPATH"
    if import_error is not None:
        return Finding("module", "broken", f"not on the path of {sys.executable}: {import_error}", remedy)
    if folder is not None and imported is not None and imported.resolve() != folder.resolve():
        detail = f"stale or double: `from gnuradio import resivid` takes {imported}, this command {folder}"
        return Finding("module", "broken", detail, remedy)
    return Finding("module", "ok", "from gnuradio import resivid")


def check_editor(folder: Path | None, searched: Sequence[str], ours: bool = False) -> Finding:
    """GNU Radio Companion finds the descriptions of the blocks without `resivid grc`.

    Args:
        folder: where they lie; None: nowhere.
        searched: folders that the distribution's editor searches.
        ours: `gnuradio-companion` on the path is this module's, which names the folder itself.
    """
    if folder is None:
        return Finding("blocks in the editor", "broken", "their descriptions are not there", "make install")
    if ours or folder.resolve() in [Path(place).expanduser().resolve() for place in searched]:
        return Finding("blocks in the editor", "ok", str(folder))
    remedy = f"resivid grc, or export GRC_BLOCKS_PATH={folder}"
    return Finding("blocks in the editor", "absent", f"gnuradio-companion does not search {folder}", remedy)


def check_compiled(errors: Mapping[str, str]) -> Finding:
    """The compiled modules load; `errors` maps a module to why it does not."""
    if not errors:
        return Finding("compiled modules", "ok", ", ".join(COMPILED))
    detail = "; ".join(f"{name}: {why}" for name, why in errors.items())
    lost = re.search(r"(lib\S+?\.so\S*): cannot open shared object", detail)
    remedy = "make install"
    if lost and not lost.group(1).startswith(LIBRARY):
        remedy = f"install what holds {lost.group(1)}, or name its folder in /etc/ld.so.conf.d, and run ldconfig as root"
    return Finding("compiled modules", "broken", detail, remedy)


def check_library(package: str, library: str | None) -> Finding:
    """The block library that is loaded has the version of the Python package.

    Args:
        package: version of the Python package.
        library: file name of the library in use, such as `libgnuradio-resivid.so.0.1.0`; None: none loaded.
    """
    if library is None:
        return Finding("library", "broken", "libgnuradio-resivid is not loaded", "make install")
    version = library.rpartition(".so.")[2]
    if version != package:
        return Finding("library", "broken", f"stale: {library} beside package {package}", "make install")
    return Finding("library", "ok", library)


def check_library_place(loaded: Path | None, own: Path | None) -> Finding | None:
    """The library that the loader finds is the one that was installed with the package, by content.

    Args:
        loaded: the one in use; None when none is.
        own: the one that belongs to the package; None when it cannot be found.
    """
    if loaded is None or own is None or loaded.resolve() == own.resolve():
        return None
    if _digest(loaded) == _digest(own):
        return None
    return Finding(
        "library place",
        "broken",
        f"stale: {loaded} is loaded, not {own}, and they differ",
        f"rm {loaded}* && ldconfig, and take its folder out of LD_LIBRARY_PATH",
    )


def check_one_gnuradio(packages: Sequence[str], runtimes: Sequence[str]) -> Finding | None:
    """One GNU Radio only.

    Args:
        packages: folders `gnuradio` on Python's path that hold GNU Radio itself.
        runtimes: files libgnuradio-runtime that this process has loaded.
    """
    if len(set(runtimes)) > 1:
        what = "two GNU Radios are loaded at once: " + ", ".join(sorted(set(runtimes)))
        return Finding(
            "gnuradio runtimes",
            "broken",
            what,
            "cmake --fresh -B build && make install (builds for the first one)",
        )
    if len(set(packages)) > 1:
        first, *others = dict.fromkeys(packages)
        return Finding(
            "gnuradio packages",
            "broken",
            f"{first} hides {', '.join(others)}",
            "unset PYTHONPATH, or name the one prefix there that the module was built for",
        )
    return None


def own_library(package: Path, version: str) -> Path | None:
    """The library that was installed with the package; None where it is not in its prefix."""
    library = f"{LIBRARY}.{version}"
    folder = package.parents[3] if len(package.parents) > 3 else package
    return next((p for p in (folder / library, *folder.glob(f"*/{library}")) if p.is_file()), None)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
