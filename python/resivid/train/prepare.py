# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid train prepare`: a data folder as shards of tensors, with states of the closed loop if wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..models.tokenizers.multiscale import load as load_tokenizer
from . import data as training_data
from . import prepared
from .films import Films
from .loop_states import make_states


def prepare(
    source: Path,
    folder: Path,
    *,
    limit: int = 0,
    webp_quality: int = 0,
    states: int = 0,
    weights: Path | None = None,
    workers: int = 0,
    seed: int = 0,
) -> list[Path]:
    """Write the training data of `source` as prepared shards.

    Args:
        limit: at most so many pictures and clips, by chance; 0: all.
        webp_quality: pictures as WebP of that quality; 0: raw.
        states: states of the closed loop to make.
        weights: weight file whose codebooks make them.
        workers: processes that make them.
    Returns:
        the files.
    Raises:
        ResividError: data or weights cannot be read.
    """
    data = training_data.load(source)
    if states:
        if weights is None:
            raise ValueError("states of the closed loop need --weights, whose codebooks they are made with")
        films = Films(data.clips, data.training_pictures(12), [seed, 3])
        data.states = make_states(films, load_tokenizer(weights).codebooks, states, workers)
    if limit:
        rng = np.random.default_rng(seed)
        for name in prepared.LISTS:
            pictures = getattr(data, name)
            chosen = sorted(rng.permutation(len(pictures))[:limit])
            setattr(data, name, [pictures[i] for i in chosen])
    return prepared.write(data, folder, webp_quality)
