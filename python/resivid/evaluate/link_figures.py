# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of an evaluation, each as PDF and PNG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .contact_sheets import draw_sheets
from .figures import save_figure
from .link_curves import over_cbr, over_losses, over_snr
from .link_evaluation import Folders
from .link_over_time import rate_split, runtime, tokens_over_time
from .link_series import over_join, over_time
from .link_style import Drawn

FORMATS = (".png", ".pdf")


def draw_all(document: dict[str, Any], folders: Folders) -> list[Drawn]:
    """Draw what there are rows for.

    Returns:
        The figures in the order of the report; the files are figures/NAME.png and NAME.pdf.
    """
    makers: list[Callable[[dict[str, Any]], tuple[Any, Drawn] | None]] = [
        over_cbr,
        over_snr,
        over_losses,
        over_join,
        over_time,
        tokens_over_time,
        rate_split,
        runtime,
    ]
    drawn = []
    for maker in makers:
        made = maker(document)
        if made is not None:
            figure, about = made
            _save(figure, folders.output / "figures", about.name)
            drawn.append(about)
    for name, title, figure in draw_sheets(document, folders):
        _save(figure, folders.output / "figures", name)
        drawn.append(
            Drawn(
                name,
                title,
                "One video, one column a second; beside it CBR, and PSNR and LPIPS in the mean over all its frames.",
            )
        )
    return drawn


def _save(figure: Any, folder: Path, name: str) -> None:
    for suffix in FORMATS:
        save_figure(figure, folder / f"{name}{suffix}")
