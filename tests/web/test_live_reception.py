# SPDX-License-Identifier: GPL-3.0-or-later
"""The live page of a receiver: blocks that failed count in its BLER, though nothing of them goes further."""

import types

import numpy as np
import pytest
from gnuradio.resivid.blocks import pdus
from gnuradio.resivid.blocks.payload_heads import payload_head_reader
from gnuradio.resivid.flowgraphs.reception import count_failed
from gnuradio.resivid.link.live_sequence import LiveSequence
from gnuradio.resivid.link.mcs_table import load_mcs_table
from gnuradio.resivid.link.statistics import StatisticsCollector
from gnuradio.resivid.web import live_reception


def received(crc_ok):
    """A decoded PDU as `ldpc_qam_decoder` gives it."""
    figures = {"mcs": 2, "snr_db": 5.5, "crc_ok": crc_ok, "symbols": 629, "iterations": 7}
    return pdus.from_parts(figures, np.zeros(100 if crc_ok else 0, np.uint8))


@pytest.fixture
def flowgraph():
    """What `watch` touches of a reception, without a radio."""
    heads = payload_head_reader(LiveSequence(8, 4, 100), digest=1)
    statistics = StatisticsCollector(load_mcs_table(), 8, 32, 256)
    heads.on_failed = lambda metadata: count_failed(statistics, 24, metadata)
    row = types.SimpleNamespace(label="QPSK")
    return types.SimpleNamespace(
        heads=heads,
        rate=30,
        live_statistics=lambda: None,
        statistics=statistics,
        end=types.SimpleNamespace(synchroniser=None),
        connect=lambda *blocks: None,
        settings=types.SimpleNamespace(
            link=types.SimpleNamespace(table=types.SimpleNamespace(rows=[row] * 3))
        ),
    )


def test_failed_blocks_count(flowgraph, tmp_path):
    monitor = live_reception.watch(flowgraph, "air", tmp_path)
    flowgraph.statistics.received(16, 2, 6.0, True, 3, 629)
    flowgraph.heads.on_payload(received(False))
    assert flowgraph.heads.failed == 1
    figures = monitor.latest_figures()
    assert (figures["bler_50_blocks"], figures["crc_ok"], figures["snr_est_db"]) == (0.5, False, 5.5)
    document = flowgraph.statistics.result()
    assert (document.blocks, document.blocks_failed, document.bler) == (2, 1, 0.5)
