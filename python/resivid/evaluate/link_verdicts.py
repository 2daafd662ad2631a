# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wins and how surely: differences paired over the videos, and the paper's claim: holds or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .clip_means import bootstrap_interval
from .link_tables import by_video, cbr_text, in_all, label, rows_of, videos_text
from .pages import figure
from .points import BEST_LPIPS, OURS, PAPER_X265
from .video_quality import HIGHER_IS_BETTER

FEWEST_VIDEOS = 6  # for a verdict: differences of one sign in five come about by chance in 6 cases of 100


def paired_interval(a: dict[str, float], b: dict[str, float], seed: int = 0) -> dict[str, Any] | None:
    """Mean of b - a over the videos of both, with its interval by the paired bootstrap.

    Returns:
        `difference`, `ci` ([low, high] at 95 %; None for one video), `videos`; None without a common video.
    """
    common = in_all((a, b))
    if not common:
        return None
    differences = [b[video] - a[video] for video in common]
    return {
        "difference": float(np.mean(differences)),
        "ci": bootstrap_interval(differences, seed),
        "videos": len(common),
    }


def verdict(metric: str, interval: dict[str, Any] | None) -> str:
    """Of b - a: "better", "worse", "open" where the interval holds 0, "" without one or with too few videos to say it."""
    if interval is None or interval["ci"] is None or interval["videos"] < FEWEST_VIDEOS:
        return ""
    low, high = interval["ci"]
    if low <= 0 <= high:
        return "open"
    return "better" if (low > 0) == HIGHER_IS_BETTER[metric] else "worse"


def winners(rows: Sequence[dict[str, Any]], axis: str) -> list[dict[str, Any]]:
    """For each value of the axis and each metric: the best method in the mean, and what ours is to the best classical one.

    Means are taken over the videos that all curves have there, whose number is `videos`: a method must not win because
    it failed on a hard one. There is no line where the curves have no video in common.

    Args:
        rows: of one figure.
        axis: "cbr" or "snr_db".
    """
    out = []
    for value in sorted({row[axis] for row in rows}):
        here = [row for row in rows if row[axis] == value]
        for metric in ("psnr_db", "ms_ssim", "lpips", "clip"):
            curves: dict[str, list[dict[str, Any]]] = {}
            for row in here:
                if row.get(metric) is not None:
                    name = label(row) if axis == "cbr" else f"{label(row)}, CBR {cbr_text(row['cbr'])}"
                    curves.setdefault(name, []).append(row)
            measured = {name: by_video(members, metric) for name, members in curves.items()}
            common = in_all(measured.values()) if measured else []
            if not common:
                continue
            best = _best(metric)
            found = {name: {video: values[video] for video in common} for name, values in measured.items()}
            mean = {name: float(np.mean(list(values.values()))) for name, values in found.items()}
            winner = best(mean, key=mean.__getitem__)
            ours = [name for name in mean if name.startswith(OURS)]
            others = [name for name in mean if not name.startswith(OURS)]
            line = {
                axis: value,
                "metric": metric,
                "winner": winner,
                "value": mean[winner],
                "videos": len(common),
            }
            if ours and others:
                a, b = (best(names, key=mean.__getitem__) for names in (others, ours))
                gap = paired_interval(found[a], found[b])
                line |= {"ours": b, "classical": a, "gap": gap, "verdict": verdict(metric, gap)}
            out.append(line)
    return out


def _best(metric: str) -> Callable[..., Any]:
    return max if HIGHER_IS_BETTER[metric] else min


def claim(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The paper's claim at each SNR: ours at the lowest CBR against H.265 at more than three times of it.

    Also against the best classical chain at equal CBR.
    """
    rows, out = rows_of(document, "snr"), []
    ours_cbr, *_ = sorted(float(text) for text in document["settings"]["snr_cbrs"])
    high_cbr, *_ = sorted(float(text) for text in document["settings"]["snr_classical_cbrs"])
    for snr_db in sorted({row["snr_db"] for row in rows}):
        here = [row for row in rows if row["snr_db"] == snr_db]
        ours = [row for row in here if row["method"] == OURS and row["cbr"] == ours_cbr]
        for method, cbr in ((PAPER_X265, high_cbr), (BEST_LPIPS, ours_cbr)):
            other = [row for row in here if row["method"] == method and row["cbr"] == cbr]
            for metric in ("lpips", "clip", "psnr_db"):
                a, b = by_video(other, metric), by_video(ours, metric)
                gap = paired_interval(a, b)
                if gap is not None:
                    common = in_all((a, b))
                    out.append(
                        {
                            "snr_db": snr_db,
                            "metric": metric,
                            "ours": float(np.mean([b[v] for v in common])),
                            "ours_cbr": ours_cbr,
                            "other": method,
                            "other_cbr": cbr,
                            "other_value": float(np.mean([a[v] for v in common])),
                            "gap": gap,
                            "verdict": verdict(metric, gap),
                        }
                    )
    return out


def gap_text(gap: dict[str, Any], digits: int, document: dict[str, Any]) -> str:
    """A result of `paired_interval`; with the number of videos where it is less than all."""
    return ", ".join(
        filter(None, (figure(gap["difference"], digits, gap["ci"]), videos_text(gap["videos"], document)))
    )
