# SPDX-License-Identifier: GPL-3.0-or-later
"""The toy tokenizer at 64x64 pixels, for runs of many points."""

from __future__ import annotations

from pathlib import Path

from toy import ToyTokenizer


def tokenizer(weights: Path | None, device: str) -> ToyTokenizer:
    """For the registry: `--tokenizer small:tokenizer`."""
    return ToyTokenizer(64)
