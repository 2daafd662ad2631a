# SPDX-License-Identifier: GPL-3.0-or-later
"""In which precision a machine computes fastest."""

from __future__ import annotations

import torch


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the machine computes in it, else float32: without such instructions bfloat16 is slower."""
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return torch.bfloat16 if device.type != "cpu" or has_bf16() else torch.float32
