# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of docs/air-interface.md, for the tests that compare the code with them."""

from __future__ import annotations

from pathlib import Path

AIR_INTERFACE = (Path(__file__).parents[1] / "docs" / "air-interface.md").read_text(encoding="utf-8")


def table_after(mark: str) -> list[list[str]]:
    """Cells of the Markdown table that follows a mark, without its two head lines."""
    lines = AIR_INTERFACE[AIR_INTERFACE.index(mark) :].splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows
