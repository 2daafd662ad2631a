# SPDX-License-Identifier: GPL-3.0-or-later
"""LDPC + QAM blocks: bits and tags through the loop, packets of any size, packets that break the rules."""

import itertools

import numpy as np
import pytest
from gnuradio import blocks, gr, resivid
from packet_run import TABLE, Collector, PacketRun, run_to_end, tagged_source

# B_t of Table I at 629 symbols (floor(629 * Qm * R / 1024), worked by hand) less the CRC of 16 bits
PAYLOAD_BITS_629 = [308 - 16, 378 - 16, 646 - 16, 834 - 16, 1066 - 16, 1358 - 16, 1616 - 16]


def random_bits(count, seed=1):
    return np.random.default_rng(seed).integers(0, 2, count, dtype=np.uint8)


def loop(symbols, snr_db, table=TABLE):
    """Encoder > channel > decoder in a running flowgraph, and the encoder."""
    encoder = resivid.ldpc_qam_encoder(symbols, table)
    chain = [
        encoder,
        resivid.channel([snr_db], 1, "packet_len", symbols),
        resivid.ldpc_qam_decoder(symbols, table),
    ]
    return PacketRun(chain, gr.types.byte_t, encoder.input_buffer_items()), encoder


def constellation(bits_per_symbol):
    """Points of TS 38.211 5.1.3 and 5.1.4 from the levels of one axis."""
    levels = {2: np.array([1, -1]) / np.sqrt(2), 4: np.array([1, 3, -1, -3]) / np.sqrt(10)}[bits_per_symbol]
    return (levels[:, None] + 1j * levels).ravel()


def test_payload_sizes_worked_by_hand():
    encoder = resivid.ldpc_qam_encoder(629, TABLE)
    assert [encoder.payload_bits(row) for row in range(7)] == PAYLOAD_BITS_629
    assert encoder.input_buffer_items() >= 2 * max(PAYLOAD_BITS_629)
    for row in (-1, 7):
        with pytest.raises(IndexError):
            encoder.payload_bits(row)


@pytest.mark.parametrize("symbols", [314, 629, 943])
def test_every_row_returns_its_bits_and_tags_in_lock_step(symbols):
    run, encoder = loop(symbols, 40.0)
    with run:
        for row in range(len(TABLE)):
            sent = random_bits(encoder.payload_bits(row), seed=row)
            tags = {"frame": 8 * row, "gop": row // 4, "gop_start": row % 4 == 0, "mcs": row}
            metadata, bits = run.exchange(sent, tags)
            np.testing.assert_array_equal(bits, sent)
            assert {key: metadata[key] for key in tags} == tags
            assert metadata["crc_ok"] is True
            assert metadata["bits"] == len(sent)
            assert metadata["symbols"] == symbols
            assert metadata["iterations"] >= 0
            assert metadata["snr_db"] > 20


@pytest.mark.parametrize("symbols", [*range(20, 65), 20000])
def test_packets_of_any_size_flow(symbols):
    """From a payload of a few bits to one far above GNU Radio's default buffers."""
    table = [(4, 658, 10.0)]
    run, encoder = loop(symbols, 40.0, table)
    with run:
        for seed in range(2):
            sent = random_bits(encoder.payload_bits(0), seed)
            metadata, bits = run.exchange(sent, {"mcs": 0})
            assert metadata["crc_ok"] is True
            np.testing.assert_array_equal(bits, sent)


@pytest.mark.parametrize("row", range(len(TABLE)))
def test_symbols_are_points_of_the_standard_constellation(row):
    encoder = resivid.ldpc_qam_encoder(629, TABLE)
    with PacketRun([encoder], gr.types.byte_t) as run:
        tags, symbols = run.exchange(random_bits(encoder.payload_bits(row)), {"mcs": row})
    assert tags == {"mcs": row}
    points = constellation(TABLE[row][0])
    nearest = np.abs(symbols[:, None] - points)
    assert len(symbols) == 629
    assert nearest.min(axis=1).max() < 1e-6
    # Coded and scrambled bits use every point about equally; 629/16 = 39, five deviations are 31
    counts = np.bincount(nearest.argmin(axis=1), minlength=len(points))
    assert np.all(np.abs(counts - 629 / len(points)) < 5 * np.sqrt(629 / len(points)))
    assert len(encoder.encode_ms()) == 1


def test_a_block_that_fails_is_reported_without_data():
    run, encoder = loop(629, -10.0)
    with run:
        for row in range(len(TABLE)):
            run.send(random_bits(encoder.payload_bits(row)), {"mcs": row, "frame": row, "crc_ok": True})
        for row, (metadata, bits) in enumerate(run.receive(len(TABLE))):
            assert metadata["frame"] == row
            assert metadata["crc_ok"] is False
            assert metadata["bits"] == PAYLOAD_BITS_629[row]
            assert len(bits) == 0


@pytest.mark.parametrize("row", range(len(TABLE)))
def test_snr_estimate_and_decoding_times(row):
    snr_db = TABLE[row][2] + 1.0
    encoder = resivid.ldpc_qam_encoder(629, TABLE)
    decoder = resivid.ldpc_qam_decoder(629, TABLE)
    chain = [encoder, resivid.channel([snr_db], 2), decoder]
    with PacketRun(chain, gr.types.byte_t) as run:
        for seed in range(6):
            run.send(random_bits(encoder.payload_bits(row), seed), {"mcs": row})
        estimates = [metadata["snr_db"] for metadata, _ in run.receive(6)]
    assert np.mean(estimates) == pytest.approx(snr_db, abs=0.5)
    assert len(decoder.decode_ms()) == 6
    assert min(decoder.decode_ms()) > 0


def test_end_marker_is_one_null_symbol_and_ends_as_a_pdu():
    marker = np.zeros(1, np.uint8)
    tags = {"end": True, "frames": 300}
    with PacketRun([resivid.ldpc_qam_encoder(629, TABLE)], gr.types.byte_t) as run:
        received_tags, symbols = run.exchange(marker, tags)
    assert received_tags == tags
    np.testing.assert_array_equal(symbols, [0])
    run, _ = loop(629, 0.0)
    with run:
        metadata, bits = run.exchange(marker, tags)
    assert metadata == tags
    assert len(bits) == 0


GOOD = random_bits(PAYLOAD_BITS_629[4])


@pytest.mark.parametrize(
    "bits, tags",
    [
        (GOOD[:-1], {"mcs": 4}),
        (np.append(GOOD, np.uint8(0)), {"mcs": 4}),
        (GOOD, {"mcs": 5}),
        (GOOD, {}),
        (GOOD, {"mcs": 7}),
        (GOOD, {"mcs": -1}),
        (GOOD, {"mcs": 4.0}),
        (GOOD, {"mcs": "4"}),
        (np.zeros(5000, np.uint8), {"mcs": 4}),
        (np.full_like(GOOD, 255), {"mcs": 4}),
        (np.zeros(1, np.uint8), {"end": False}),
    ],
)
def test_encoder_drops_a_packet_that_breaks_the_rules_and_goes_on(bits, tags):
    run, encoder = loop(629, 40.0)
    with run:
        run.send(bits, tags)
        metadata, received = run.exchange(GOOD, {"mcs": 4, "frame": 1})
    np.testing.assert_array_equal(received, GOOD)
    assert metadata["frame"] == 1
    assert encoder.dropped() == 1


@pytest.fixture(scope="module")
def good_symbols():
    with PacketRun([resivid.ldpc_qam_encoder(629, TABLE)], gr.types.byte_t) as run:
        return run.exchange(GOOD, {"mcs": 4})[1]


@pytest.mark.parametrize(
    "length, tags", [(628, {"mcs": 4}), (1, {"mcs": 4}), (1000, {"mcs": 4}), (629, {}), (629, {"mcs": 9})]
)
def test_decoder_drops_a_packet_that_breaks_the_rules_and_goes_on(good_symbols, length, tags):
    decoder = resivid.ldpc_qam_decoder(629, TABLE)
    with PacketRun([decoder], gr.types.complex_t) as run:
        run.send(np.ones(length, np.complex64), tags)
        metadata, bits = run.exchange(good_symbols, {"mcs": 4, "frame": 1})
    np.testing.assert_array_equal(bits, GOOD)
    assert metadata["frame"] == 1
    assert decoder.dropped() == 1


@pytest.mark.parametrize("value", [0, 1, 1e30, np.nan, np.inf, complex(0, -np.inf)])
@pytest.mark.parametrize("row", [0, 6])
def test_symbols_without_a_signal_never_pass_the_crc(good_symbols, value, row):
    with PacketRun([resivid.ldpc_qam_decoder(629, TABLE)], gr.types.complex_t) as run:
        metadata, bits = run.exchange(np.full(629, value, np.complex64), {"mcs": row})
        assert metadata["crc_ok"] is False
        assert len(bits) == 0
        assert run.exchange(good_symbols, {"mcs": 4})[0]["crc_ok"] is True


def test_stream_without_length_tags_ends_the_flowgraph_in_order(good_symbols):
    items = np.concatenate([np.ones(100), good_symbols, np.ones(50)]).astype(np.complex64)
    tags = [(100, "packet_len", 629), (100, "mcs", 4), (300, "mcs", 6)]
    top = gr.top_block()
    decoder, collector = resivid.ldpc_qam_decoder(629, TABLE), Collector()
    top.connect(tagged_source(items, tags), decoder)
    top.msg_connect(decoder, "payload", collector, "in")
    run_to_end(top)
    assert decoder.dropped() == 2  # the gaps before and after
    assert len(collector.wait_for(1)) == 1


def test_packets_back_to_back_from_a_stream_that_ends():
    encoder = resivid.ldpc_qam_encoder(314, TABLE)
    rows = [row for row, _ in itertools.product(range(7), range(3))]
    packets = [random_bits(encoder.payload_bits(row), seed) for seed, row in enumerate(rows)]
    starts = np.cumsum([0] + [len(packet) for packet in packets[:-1]]).tolist()
    tags = [(start, "packet_len", len(packet)) for start, packet in zip(starts, packets, strict=True)]
    tags += [(start, "mcs", row) for start, row in zip(starts, rows, strict=True)]
    sink = blocks.vector_sink_c()
    top = gr.top_block()
    top.connect(tagged_source(np.concatenate(packets), tags), encoder, sink)
    run_to_end(top)
    assert len(sink.data()) == 314 * len(rows)
    offsets = [tag.offset for tag in sink.tags() if str(tag.key) == "mcs"]
    assert offsets == [314 * index for index in range(len(rows))]


@pytest.mark.parametrize(
    "symbols, table, match",
    [
        (0, TABLE, "symbols: expected at least 1, got 0"),
        (629, [], "table"),
        (629, [(0, 434, 6.0)], "bits_per_symbol"),
        (629, [(4, -1, 6.0)], "rate_1024"),
        (3, TABLE, "."),  # no room for a payload
    ],
)
def test_refuses_a_table_or_size_that_carries_nothing(symbols, table, match):
    for make in (resivid.ldpc_qam_encoder, resivid.ldpc_qam_decoder):
        with pytest.raises(ValueError, match=match):
            make(symbols, table)


def test_refuses_no_iterations():
    with pytest.raises(ValueError, match="max_iterations: expected at least 1, got 0"):
        resivid.ldpc_qam_decoder(629, TABLE, 0)
