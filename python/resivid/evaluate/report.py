# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: one HTML file with pictures, plots and statistics, readable without a network."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ResividError
from ..part_files import write_text_atomically
from .pages import html_page
from .plots import Series, line_plot, stacked_bar

TEMPLATE = "report.html"
MOST_COLUMNS = 30  # of the contact sheet, so that a long video still gives a file of a few MB
JPEG_QUALITY = 88


@dataclass(frozen=True)
class KeyFrameRecord:
    """What became of one key frame.

    Attributes:
        frame: 0-based index in the video.
        mcs: label of the row of the MCS table, such as "16QAM 434/1024".
        snr_db: the receiver's estimate of Es/N0 in dB; NaN without one.
        crc_ok: the block arrived.
        prefix: K in tokens, (14).
        updates: changed tokens sent, (12).
        bits_header, bits_body, bits_crc: bits of each kind in the block.
        bits_coded: B_t, the block's size, (9); what the three leave of it is unused.
    """

    frame: int
    mcs: str
    snr_db: float
    crc_ok: bool
    prefix: int
    updates: int
    bits_header: int
    bits_body: int
    bits_crc: int
    bits_coded: int


@dataclass
class ReportData:
    """Everything that the report shows.

    Attributes:
        title: heading, such as the name of the video.
        statistics: the statistics document, `Statistics.to_dict()`.
        key_frames: one record for each key frame, in order; empty leaves the link's plots out.
        psnr_per_frame: PSNR in dB of each received frame; empty leaves the plot out.
        pictures: (time in s, original, received), uint8 (H, W, 3) RGB; about one a second of the video.
        settings: option to value, as the run used them.
        command_line: the command that makes this run again.
        video: file name of the received video relative to the report; "" for none.
        mcs_labels: labels of all rows of the MCS table, lowest first; empty: those that occur.
    """

    title: str
    statistics: Mapping[str, Any]
    key_frames: Sequence[KeyFrameRecord] = ()
    psnr_per_frame: Sequence[float] = ()
    pictures: Sequence[tuple[float, np.ndarray, np.ndarray]] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    command_line: str = ""
    video: str = ""
    mcs_labels: Sequence[str] = ()


def write_report(path: str | Path, data: ReportData) -> None:
    """Write the report as one self-contained HTML file, under a temporary name until it is complete.

    Args:
        path: the file to write.
        data: what to show.
    Raises:
        MissingPackageError: jinja2 is not installed.
        ResividError: the file cannot be written.
    """
    write_text_atomically(path, render_report(data))


def render_report(data: ReportData) -> str:
    """The report as HTML text; every value is escaped. Raises as `write_report`."""
    return html_page(
        TEMPLATE,
        data=data,
        figure=figure,
        statistics=_rows(data.statistics),
        headline=_headline(data.statistics),
        columns=[_column(*column) for column in _thinned(data.pictures)],
        plots=_plots(data),
        bits=_bits(data.key_frames),
    )


def figure(value: Any) -> str:
    """A value for people: four significant digits, a dash for None."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {figure(item)}" for key, item in value.items()) or "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(figure(item) for item in value) or "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _headline(statistics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The figures to see first, with units; those that could not be had are left to the table."""
    wanted = (
        ("psnr_db", "PSNR", "dB"),
        ("ssim", "SSIM", ""),
        ("lpips", "LPIPS", ""),
        ("snr_est_db", "SNR, estimated", "dB"),
        ("bler", "block errors", ""),
    )
    found = [(statistics.get(key), label, unit) for key, label, unit in wanted]
    return [(label, f"{figure(value)} {unit}".strip()) for value, label, unit in found if value is not None]


def _rows(statistics: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The table of statistics; what has a section of its own is left out."""
    apart = ("notes", "weights", "stage_ms", "version")
    return [(key, value) for key, value in statistics.items() if key not in apart]


def _thinned(
    pictures: Sequence[tuple[float, np.ndarray, np.ndarray]],
) -> list[tuple[float, np.ndarray, np.ndarray]]:
    if len(pictures) <= MOST_COLUMNS:
        return list(pictures)
    return [pictures[i] for i in np.linspace(0, len(pictures) - 1, MOST_COLUMNS).round().astype(int)]


def _column(seconds: float, original: np.ndarray, received: np.ndarray) -> dict[str, str]:
    return {"time": f"{seconds:g} s", "original": _data_url(original), "received": _data_url(received)}


def _data_url(picture: np.ndarray) -> str:
    import cv2

    done, jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ResividError(f"a picture of shape {picture.shape} cannot be stored in the report")
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")


def _plots(data: ReportData) -> list[dict[str, Any]]:
    """Heading, SVG and legend of each plot; the SVG is made here and safe."""
    plots = _link_plots(data) if data.key_frames else []
    if len(data.psnr_per_frame):
        plots.append(_plot("PSNR", [Series("PSNR", data.psnr_per_frame)], "frame", "dB"))
    return plots


def _link_plots(data: ReportData) -> list[dict[str, Any]]:
    frames = data.key_frames
    lost = [math.nan if k.crc_ok else k.snr_db for k in frames]
    snr = [Series("estimate", [k.snr_db for k in frames])]
    if not all(k.crc_ok for k in frames):
        snr.append(Series("block lost", lost, "bad", dots=True))
    used = {k.mcs for k in frames}
    labels = list(data.mcs_labels) or list(dict.fromkeys(k.mcs for k in frames))
    # rows below the lowest and above the highest one in use say nothing
    at = [i for i, label in enumerate(labels) if label in used]
    labels = labels[max(min(at) - 1, 0) : max(at) + 2]
    rows = [float(labels.index(k.mcs)) for k in frames]
    tokens = [
        Series("prefix K", [k.prefix for k in frames]),
        Series("updates", [k.updates for k in frames], "b"),
    ]
    return [
        _plot("SNR at the receiver", snr, "key frame", "Es/N0, dB"),
        _plot("Modulation and code rate", [Series("MCS", rows, step=True)], "key frame", "MCS", labels),
        _plot("Tokens", tokens, "key frame", "tokens"),
    ]


def _plot(
    heading: str, series: list[Series], x_label: str, y_label: str, y_names: Sequence[str] = ()
) -> dict[str, Any]:
    legend = [(s.label, s.colour) for s in series] if len(series) > 1 else []
    return {"heading": heading, "svg": line_plot(series, x_label, y_label, y_names), "legend": legend}


def _bits(key_frames: Sequence[KeyFrameRecord]) -> dict[str, Any] | None:
    """The bits of all blocks by kind: bar and legend; None without blocks."""
    if not key_frames:
        return None
    header, body, crc, coded = (
        sum(getattr(k, f"bits_{kind}") for k in key_frames) for kind in ("header", "body", "crc", "coded")
    )
    shares = [("header", header, "b"), ("body", body, "a"), ("CRC", crc, "c")]
    shares.append(("unused", max(coded - header - body - crc, 0), "none"))
    total = sum(size for _, size, _ in shares) or 1
    legend = [(f"{label} {size:,} ({size / total:.1%})", colour) for label, size, colour in shares]
    return {"svg": stacked_bar(shares), "legend": legend}
