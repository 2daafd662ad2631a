# SPDX-License-Identifier: GPL-3.0-or-later
"""For a clip and a bit budget: the classical setting of the best LPIPS, and that of the best PSNR."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import ResividError
from ...models.interpolation.base import Interpolator
from .judging import ClipSource, Judge
from .ladder import Choice, Ladder
from .settings import ClassicalSetting


def search(
    source: ClipSource,
    settings: Sequence[ClassicalSetting],
    budget_bits: int,
    interpolator: Interpolator,
    folder: Path,
    judge: Judge,
) -> list[Choice]:
    """Every setting at its best quality for the budget; those that cannot go so low are left out.

    Args:
        source: the clip.
        settings: of `candidates`.
        budget_bits: of the whole clip.
        folder: of the cache; what it holds is not done again.
    Raises:
        MissingPackageError: an encoder is not there.
    """
    found = []
    for setting in settings:
        ladder = Ladder(source, setting, interpolator, folder, judge)
        quality = ladder.fit(budget_bits)
        if quality is not None:
            found.append(ladder.choice(quality))
    return found


def best(choices: Sequence[Choice], metric: str) -> Choice:
    """The choice of the lowest LPIPS ("lpips") or the highest PSNR ("psnr_db").

    Raises:
        ResividError: no setting fits the budget; LPIPS is not known of all of them.
    """
    if not choices:
        raise ResividError("no classical setting fits so few bits")
    if metric == "lpips":
        if any(choice.lpips is None for choice in choices):
            raise ResividError("the pick by LPIPS needs its network: see RESIVID_WEIGHTS")
        return min(choices, key=lambda choice: (choice.lpips, -choice.psnr_db, choice.setting.name))
    return max(choices, key=lambda choice: (choice.psnr_db, choice.setting.name))
