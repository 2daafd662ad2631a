# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong arguments of resivid.phy: a ValueError that names the allowed range, whatever the type of the number."""

import signal

import numpy as np
import pytest

phy = pytest.importorskip("gnuradio.resivid.phy", reason="the compiled module is not installed")

TABLE = [(2, 251, -2.0), (4, 434, 6.0)]
FORMAT = phy.plan_block(629, 434, 4)
NOT_BITS = "must hold 0 and 1 only"


def link():
    return phy.link_encoder(629, TABLE), phy.link_decoder(629, TABLE)


@pytest.mark.parametrize("number", [-1, -(2**31), -(2**80), 2**32 + 1, 2**80])
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n: phy.plan_block(n, 434, 4), "symbols must be 1 to 1048576"),
        (lambda n: phy.plan_block(629, n, 4), "rate_1024 must be 1 to 1023"),
        (lambda n: phy.plan_block(629, 434, n), "bits_per_symbol must be 2, 4, 6 or 8"),
        (lambda n: phy.transport_block_size(n, 434, 4), "symbols must be 1 to 1048576"),
        (lambda n: phy.segment_block(n, 434, 4, 4000), "payload_bits must be 1 to 8388608"),
        (lambda n: phy.segment_block(1000, 434, 4, n), "coded_bits must be 1 to 8388608"),
        (lambda n: phy.select_base_graph(1000, n), "rate_1024 must be 1 to 1023"),
        (lambda n: phy.rate_matcher(FORMAT, n), "coded_bits must be 1 to 8388608"),
        (lambda n: phy.rate_matcher(FORMAT, 4, n), "redundancy_version must be 0 to 3"),
        (lambda n: FORMAT.rate_matched_bits(n), "r must be 0 to 0"),
        (lambda n: phy.ldpc_encode(n, 8, []), "base_graph must be 1 or 2"),
        (lambda n: phy.ldpc_encode(2, n, []), "lifting_size must be 2 to 384"),
        (lambda n: phy.parity_check(2, n), "lifting_size must be 2 to 384"),
        (lambda n: phy.crc(0x1021, n), "bits must be 8 to 24"),
        (lambda n: phy.crc(n, 16), "poly must be 0 to 65535"),
        (lambda n: phy.gold_sequence(n, 8), "c_init must be 0 to 2147483647"),
        (lambda n: phy.qam_map([0, 1], n), "bits_per_symbol must be 2, 4, 6 or 8"),
        (lambda n: phy.blind_snr_db([1, 1j], n), "bits_per_symbol must be 2, 4, 6 or 8"),
        (lambda n: phy.link_encoder(n, TABLE), "symbols must be 1 to 1048576"),
        (lambda n: phy.link_decoder(n, TABLE), "symbols must be 1 to 1048576"),
        (lambda n: phy.link_encoder(629, TABLE, n), "redundancy_version must be 0 to 3"),
        (lambda n: phy.link_encoder(629, [(n, 434, 6.0)]), "bits_per_symbol must be 2, 4, 6 or 8"),
        (lambda n: phy.link_encoder(629, [(4, n, 6.0)]), "rate_1024 must be 1 to 1023"),
    ],
)
def test_numbers_out_of_range(call, message, number):
    with pytest.raises(ValueError, match=message):
        call(number)


def test_redundancy_version_four_and_lifting_size_17():
    with pytest.raises(ValueError, match="redundancy_version must be 0 to 3, got 4"):
        phy.rate_matcher(FORMAT, 400, 4)
    with pytest.raises(ValueError, match="lifting_size must be one of TS 38.212 Table 5.3.2-1, got 17"):
        phy.ldpc_encode(2, 17, np.zeros(170, np.uint8))


def test_numbers_of_numpy_are_numbers():
    assert phy.plan_block(np.int64(629), np.uint16(434), np.int8(4)).payload_bits == 1050
    with pytest.raises(TypeError):
        phy.plan_block(629.0, 434, 4)


@pytest.mark.parametrize("row", [-1, 2, 2**40])
def test_rows_outside_of_the_table(row):
    encoder, decoder = link()
    for call in (encoder.payload_bits, decoder.payload_bits, encoder.format):
        with pytest.raises(IndexError, match=f"row must be 0 to 1, got {row}"):
            call(row)
    with pytest.raises(IndexError, match="row must be 0 to 1"):
        decoder.decode(row, np.zeros(629, np.complex64))


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        (np.full(1050, 2, np.uint8), NOT_BITS),
        (np.full(1050, 256), NOT_BITS),  # a 0 once cast to bytes
        (np.full(1050, -1), NOT_BITS),
        (np.full(1050, 2**63, np.uint64), NOT_BITS),
        (np.full(1050, 0.5), "must hold integers 0 and 1, got float64"),
        (np.full(1050, np.nan), "must hold integers 0 and 1"),
        (["0"] * 1050, "must hold integers 0 and 1"),
        (np.zeros(1049, np.uint8), "must be a vector of 1050 elements, got 1 dimensions and 1049"),
        (np.zeros(0, np.uint8), "must be a vector of 1050 elements"),
        (np.zeros((1, 1050), np.uint8), "must be a vector of 1050 elements, got 2 dimensions"),
    ],
)
def test_payloads_that_hold_no_bits(bits, message):
    with pytest.raises(ValueError, match="payload " + message):
        link()[0].encode(1, bits)


def test_bits_of_any_integer_type():
    encoder, _ = link()
    bits = np.random.default_rng(1).integers(0, 2, 1050)
    expected = encoder.encode(1, bits.astype(np.uint8))
    for other in (bits, bits.astype(bool), bits.tolist()):
        np.testing.assert_array_equal(encoder.encode(1, other), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_llrs_that_are_no_numbers(value):
    matcher = phy.rate_matcher(FORMAT, 400)
    for call, size in ((matcher.recover, 400), (phy.ldpc_decoder(2, 8).decode, 416)):
        llr = np.ones(size, np.float32)
        llr[7] = value
        with pytest.raises(ValueError, match="llr must be finite"):
            call(llr)


@pytest.mark.parametrize("shape", [(0,), (628,), (629, 2)])
def test_symbols_of_another_length(shape):
    with pytest.raises(ValueError, match="symbols must be a vector of 629 elements"):
        link()[1].decode(1, np.zeros(shape, np.complex64))


def test_batches_of_another_shape():
    encoder, decoder = link()
    with pytest.raises(ValueError, match=r"payloads must have shape \(n, 1050\), got \(2, 3\)"):
        encoder.encode_many(1, np.zeros((2, 3), np.uint8))
    with pytest.raises(ValueError, match=r"symbols must have shape \(n, 629\), got \(629,\)"):
        decoder.decode_many(1, np.zeros(629, np.complex64))
    assert encoder.encode_many(1, np.zeros((0, 1050), np.uint8)).shape == (0, 629)


@pytest.mark.parametrize("snr_db", [np.nan, -np.inf])
def test_snrs_of_no_channel(snr_db):
    symbols = np.ones(8, np.complex64)
    for channel in (phy.awgn_channel(1), phy.channel_model()):
        with pytest.raises(ValueError, match="snr_db must be finite, or infinity for no noise"):
            channel.apply(symbols, snr_db)
    np.testing.assert_array_equal(phy.awgn_channel(1).apply(symbols, np.inf), symbols)


def test_bits_that_fill_no_symbol():
    with pytest.raises(ValueError, match="bits must be a multiple of 4, got 6"):
        phy.qam_map(np.zeros(6, np.uint8), 4)


def test_llrs_that_are_no_real_numbers():
    for llr in (np.zeros((1, 104), np.complex64), [["a"] * 104]):
        with pytest.raises(ValueError, match="llr must be an array of real numbers"):
            phy.ldpc_decode(llr, 2, 2)


@pytest.mark.parametrize(("symbol", "noise_variance"), [(1 + 1j, 1e-45), (3e38 + 3e38j, 1.0)])
def test_symbols_whose_llrs_no_float_holds(symbol, noise_variance):
    with pytest.raises(ValueError, match="must be finite"):
        phy.qam_llr(np.array([symbol], np.complex64), 4, noise_variance)


def test_more_blocks_than_anyone_can_wait_for():
    with pytest.raises(ValueError, match="num_blocks must be 0 to 1099511627776"):
        phy.simulate_blocks(2, 251, 629, 0.0, 2**63 - 1, 0)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize(
    "work",
    [
        lambda: phy.simulate_blocks(2, 251, 100, -20.0, 10**9, 0),
        lambda: phy.ldpc_decode(np.zeros((200_000, 104), np.float32) - 1, 2, 2, max_iterations=100_000),
    ],
    ids=["simulate_blocks", "ldpc_decode"],
)
def test_a_signal_ends_long_work(work):
    def interrupt(*_):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(Interrupted):
            work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_every_code_block_has_a_symbol():
    with pytest.raises(
        ValueError, match="coded_bits must be at least a symbol for each of the 12 code blocks"
    ):
        phy.segment_block(100008, 948, 8, 8)
    assert phy.segment_block(100008, 948, 8, 96).num_code_blocks == 12
