# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the data that lies beside a checkout, or a skip that says so."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """`shared("data/eval_public")`: that folder or file beside the checkout; skips when it is absent."""

    def find(name: str) -> Path:
        path = ROOT.parent / "shared" / name
        if not path.exists():
            pytest.skip(f"{name} is not in a folder `shared` beside the checkout")
        return path

    return find


@pytest.fixture
def shared_weights(shared: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of published weights, made known to the library for this test."""
    folder = Path(os.environ.get("RESIVID_WEIGHTS") or shared("weights"))
    monkeypatch.setenv("RESIVID_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def air_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder where loopback radios meet, of this test alone: a socket's path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="air") as folder:
        monkeypatch.setenv("RESIVID_LOOPBACK_DIR", folder)
        yield Path(folder)
