# SPDX-License-Identifier: GPL-3.0-or-later
"""The live page of `resivid simulate`: its monitor, fed from the flowgraph, at the speed of the video."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..flowgraphs.pace import Pace
from ..flowgraphs.simulate import simulation
from .monitor import Monitor
from .recorder import Recorder


def watch(flowgraph: simulation, title: str, recordings: Path) -> Monitor:
    """A monitor of a simulation that has not started; from then on it runs no faster than the video.

    Args:
        flowgraph: to be watched; what it computes stays the same.
        title: head of the page.
        recordings: folder of what a viewer records.
    """
    rate = float(flowgraph.transmitter.rate)
    monitor = Monitor(
        title,
        simulated=True,
        rate=rate,
        mcs_labels=[row.label for row in flowgraph.settings.link.table.rows],
        document=flowgraph.live_statistics,
        recorder=Recorder(recordings, flowgraph.transmitter.rate),
    )
    pace, flowgraph.paced = Pace(rate), True

    def show(index: int, original: np.ndarray, received: np.ndarray) -> None:
        pace.wait()
        monitor.pictures(index, received, original)

    flowgraph.comparison.watch(show)
    flowgraph.statistics.on_block = monitor.block
    flowgraph.receiver.watch_symbols(monitor.symbols)
    return monitor
