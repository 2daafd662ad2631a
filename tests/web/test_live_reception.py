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
from gnuradio.resivid.link.payload_head import PayloadHead, StreamParameters, write_head
from gnuradio.resivid.link.statistics import StatisticsCollector
from gnuradio.resivid.web import live_reception

PARAMETERS = StreamParameters(digest=1, start_ms=5)


def received(number, snr_db=5.5):
    """A decoded PDU as `ldpc_qam_decoder` gives it: key frame `number`, or None where the CRC failed."""
    bits = np.zeros(0, np.uint8)
    if number is not None:
        head = PayloadHead(PARAMETERS.session, number == 0, number, PARAMETERS.slice(number))
        bits = write_head(np.zeros(100, np.uint8), head)
    figures = {"mcs": 2, "snr_db": snr_db, "crc_ok": number is not None, "symbols": 629, "iterations": 7}
    return pdus.from_parts(figures, bits)


@pytest.fixture
def flowgraph():
    """What `watch` touches of a reception, without a radio."""
    heads = payload_head_reader(LiveSequence(8, 4, 100), digest=1)
    statistics = StatisticsCollector(load_mcs_table(), 8, 32, 256)
    heads.on_failed = lambda frame, metadata: count_failed(statistics, frame, metadata)
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


def test_failed_blocks_count_when_they_turn_out_to_be_missing(flowgraph, tmp_path):
    blocks = []
    monitor = live_reception.watch(flowgraph, "air", tmp_path)
    shown, flowgraph.statistics.on_block = (
        flowgraph.statistics.on_block,
        lambda *block: (blocks.append(block[0]), shown(*block)),
    )
    for number in (0, None, None, 3):
        flowgraph.heads.on_payload(received(number))
    assert flowgraph.heads.failed == 2
    assert [(block.frame, block.crc_ok) for block in blocks] == [(8, False), (16, False)]
    figures = monitor.latest_figures()
    assert (figures["bler_50_blocks"], figures["crc_ok"], figures["snr_est_db"]) == (1.0, False, 5.5)
    document = flowgraph.statistics.result()
    assert (document.blocks, document.blocks_failed) == (2, 2)


def test_noise_taken_for_preambles_does_not_count(flowgraph, tmp_path):
    live_reception.watch(flowgraph, "air", tmp_path)
    for number in (None, None, 0, None, None, 1, None, 3):
        flowgraph.heads.on_payload(received(number, -20.0))
    assert flowgraph.heads.failed == 5
    assert flowgraph.statistics.result().blocks_failed == 1  # number 2 is missing
