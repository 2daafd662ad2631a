# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics document in Prometheus' text format (exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Metric, kind, key of the statistics document, help.
_PLAIN = (
    ("resivid_frames_total", "counter", "frames", "Frames that left the receiver."),
    ("resivid_key_frames_total", "counter", "key_frames", "Key frames sent."),
    ("resivid_blocks_total", "counter", "blocks", "Transport blocks decoded."),
    ("resivid_blocks_failed_total", "counter", "blocks_failed", "Transport blocks whose CRC failed."),
    ("resivid_bits_source_total", "counter", "bits_source", "Header and body bits sent."),
    ("resivid_bler", "gauge", "bler", "Failed share of all blocks."),
    ("resivid_snr_est_db", "gauge", "snr_est_db", "Mean of all Es/N0 estimates in dB."),
    ("resivid_snr_set_db", "gauge", "snr_set_db", "Es/N0 of the simulated channel in dB."),
    ("resivid_fps", "gauge", "fps", "Frame rate of the video."),
    ("resivid_cbr_payload", "gauge", "cbr_payload", "Payload symbols per source value."),
    ("resivid_cbr_total", "gauge", "cbr_total", "All symbols per source value."),
    ("resivid_k_mean", "gauge", "k_mean", "Mean prefix K in tokens."),
    ("resivid_psnr_db", "gauge", "psnr_db", "Mean PSNR in dB, where the original is known."),
)
# Metric, kind, key, label, help: one sample a row of a mapping.
_LABELLED = (("resivid_mcs_blocks_total", "counter", "mcs", "mcs", "Blocks by row of the MCS table."),)
_SPREADS = (("resivid_stage_ms", "stage_ms", "Run time of a stage in ms."),)


def to_text(
    document: Mapping[str, Any], server: Mapping[str, float], latest: Mapping[str, float | None]
) -> str:
    """All that is known; a value that is null has no sample.

    Args:
        document: the statistics document.
        server: figures of the web server, name to value.
        latest: figures of the last block, name to value.
    """
    lines: list[str] = []
    for name, kind, key, text in _PLAIN:
        _add(lines, name, kind, text, {"": document.get(key)})
    for name, kind, key, label, text in _LABELLED:
        samples = {f'{{{label}="{_escaped(k)}"}}': v for k, v in (document.get(key) or {}).items()}
        _add(lines, name, kind, text, samples)
    for name, key, text in _SPREADS:
        stages = document.get(key) or {}
        samples = {
            f'{{stage="{_escaped(stage)}",spread="{spread}"}}': value
            for stage, spreads in stages.items()
            for spread, value in spreads.items()
        }
        _add(lines, name, "gauge", text, samples)
    latency = {
        f'{{spread="{spread}"}}': value for spread, value in (document.get("latency_ms") or {}).items()
    }
    _add(lines, "resivid_latency_ms", "gauge", "Way of a frame from camera to screen in ms.", latency)
    for name, value in latest.items():
        _add(lines, f"resivid_last_{name}", "gauge", "Of the last block.", {"": value})
    for name, value in server.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        _add(lines, f"resivid_web_{name}", kind, "Of the web page.", {"": value})
    return "\n".join(lines) + "\n"


def _add(lines: list[str], name: str, kind: str, text: str, samples: Mapping[str, float | None]) -> None:
    rows = [f"{name}{labels} {float(value):.10g}" for labels, value in samples.items() if value is not None]
    if rows:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *rows]


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
