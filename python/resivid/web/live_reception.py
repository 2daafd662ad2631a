# SPDX-License-Identifier: GPL-3.0-or-later
"""The live page of `resivid rx`: its monitor, fed from a receiver's flowgraph."""

from __future__ import annotations

from pathlib import Path

from ..blocks.symbol_tap import symbol_tap
from ..flowgraphs.reception import ReceiverStatus, reception
from .monitor import Monitor
from .recorder import Recorder


def watch(flowgraph: reception, title: str, recordings: Path) -> Monitor:
    """A monitor of a reception that has not started. Its pictures are given to `Monitor.show` by the caller, paced.

    Args:
        flowgraph: to be watched; what it computes stays the same.
        title: head of the page.
        recordings: folder of what a viewer records.
    """
    monitor = Monitor(
        title,
        rate=float(flowgraph.rate),
        mcs_labels=[row.label for row in flowgraph.settings.link.table.rows],
        document=flowgraph.live_statistics,
        recorder=Recorder(recordings, flowgraph.rate),
    )
    flowgraph.statistics.on_block = lambda decoded, packed: monitor.block(decoded)
    if flowgraph.end.synchroniser is not None:
        flowgraph.symbol_tap = symbol_tap(monitor.symbols)
        flowgraph.connect(flowgraph.end.synchroniser, flowgraph.symbol_tap)
    return monitor


def show_status(monitor: Monitor, status: ReceiverStatus) -> None:
    """State, counts and latency for the page."""
    monitor.signal(status.state)
    if status.latency_ms is not None:
        monitor.latency(status.latency_ms / 1e3)
    counts = status.to_dict()
    for name in ("received", "failed", "missing", "foreign", "repeated", "restarts", "forged", "replayed",
                 "overflows", "losses", "false_alarms"):  # fmt: skip
        monitor.detail(name, counts[name])
    if status.call_sign:
        monitor.detail("call_sign", status.call_sign)
    monitor.detail("problem", status.problem)
