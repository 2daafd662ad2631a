# SPDX-License-Identifier: GPL-3.0-or-later
"""What figures depend on beside the settings: the libraries that code and measure, the weights that rows were measured with."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

from .vmaf import find_ffmpeg

MODULES = {"PyAV": "av", "torch": "torch", "numpy": "numpy", "OpenCV": "cv2"}


def libraries(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Library to version, as they are in this process; those of metrics only where a row has the metric."""
    found = {name: version for name, module in MODULES.items() if (version := _version(module))}
    found |= _codec_libraries()
    measured = {name for row in rows for name in ("clip", "vmaf") if row.get(name) is not None}
    if "clip" in measured:
        found["open_clip"] = _package("open_clip_torch")
    if "vmaf" in measured:
        found["FFmpeg of VMAF"] = _program(find_ffmpeg()[0])
    return {name: version for name, version in found.items() if version}


def measuring_weights(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], list[str]]:
    """File to SHA-256 of the networks that measured the rows, and a line for each file that was not the same in all of them."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, digest in row.get("weights", {}).items():
            found.setdefault(name, {})[digest] = None
    notes = [
        f"rows were measured with {len(digests)} different files {name}: `weights` of each row says which"
        for name, digests in found.items()
        if len(digests) > 1
    ]
    return {name: next(reversed(digests)) for name, digests in found.items()}, notes


def _codec_libraries() -> dict[str, str]:
    try:
        import av
    except ImportError:
        return {}
    version = ".".join(map(str, av.library_versions.get("libavcodec", ())))
    return {"FFmpeg": str(getattr(av, "ffmpeg_version_info", "")), "libavcodec": version}


def _version(module: str) -> str:
    try:
        return str(getattr(importlib.import_module(module), "__version__", ""))
    except ImportError:
        return ""


def _package(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _program(ffmpeg: str) -> str:
    """Such as "7.0.2-static"."""
    if not ffmpeg:
        return ""
    try:
        run = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = run.stdout.partition("\n")[0].removeprefix("ffmpeg version ").split()
    return words[0] if words else ""
