# SPDX-License-Identifier: GPL-3.0-or-later
"""What the captions of an evaluation's figures say of its videos."""

from __future__ import annotations

from collections.abc import Collection


def videos_text(numbers: Collection[int], marks: str) -> str:
    """Over how many videos the means of a figure are, and what marks their intervals.

    Args:
        numbers: of the videos of each mean; points that could not be computed are not in all of them.
        marks: such as "bars".
    """
    least, most = min(numbers), max(numbers)
    if most == 1:
        return "One video."
    count = f"{most}" if least == most else f"{least} to {most}"
    return f"Means over {count} videos; {marks}: 95 % by bootstrap over videos."
