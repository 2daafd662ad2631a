# SPDX-License-Identifier: GPL-3.0-or-later
"""Bits of a key frame onto its symbols, (9): for any size nothing is padded, lost, or sent unevenly."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

phy = pytest.importorskip("gnuradio.resivid.phy", reason="the compiled module is not installed")

from gnuradio.resivid.link import budget  # noqa: E402
from gnuradio.resivid.link.mcs_file import Mcs  # noqa: E402

PUNCTURED = 2  # columns of Zc systematic bits that TS 38.212 5.3.2 never sends
ORDERS = st.sampled_from([2, 4, 6, 8])
RATES = st.integers(1, 1023)
quick = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def times_sent(fmt, redundancy_version=0):
    """How often each bit of each code word is on the channel, int (C, 68 Zc or 52 Zc); fillers 0."""
    counts = []
    for r in range(fmt.num_code_blocks):
        coded_bits = fmt.rate_matched_bits(r)
        matcher = phy.rate_matcher(fmt, coded_bits, redundancy_version)
        counts.append(matcher.recover(np.ones(coded_bits, np.float32)))
        counts[-1][fmt.code_block_bits : fmt.systematic_bits] -= 10000  # what fillers start from
    return np.array(counts).astype(int)


def check_rate_matching(fmt, symbols, redundancy_version):
    """All k_t Qm bits carry a bit of the code words, each of them as often as any other or once more."""
    counts = times_sent(fmt, redundancy_version)
    assert counts.sum() == symbols * fmt.bits_per_symbol == fmt.coded_bits
    sendable = np.ones(counts.shape[1], bool)
    sendable[: PUNCTURED * fmt.lifting_size] = False
    sendable[fmt.code_block_bits : fmt.systematic_bits] = False
    assert not counts[:, ~sendable].any()
    for row in counts[:, sendable]:
        assert row.max() - row.min() <= 1
    # Code blocks share the symbols evenly: E_r differ by one symbol at most.
    assert np.ptp(counts.sum(1)) in (0, fmt.bits_per_symbol)


@given(symbols=st.integers(1, 6000), rate=RATES, qm=ORDERS)
@quick
def test_key_frame_as_planned(symbols, rate, qm):
    budget_bits = rate * symbols * qm // 1024  # (9)
    if budget_bits <= 16:
        with pytest.raises(ValueError, match="too few for a CRC"):
            phy.plan_block(symbols, rate, qm)
        return
    fmt = phy.plan_block(symbols, rate, qm)
    row = Mcs("any", "any", qm, rate)
    assert fmt.payload_bits == budget.payload_bits(symbols, row)
    used = fmt.num_code_blocks * fmt.code_block_bits
    assert used == fmt.payload_bits + budget.crc_bits(fmt.payload_bits, rate)
    if fmt.num_code_blocks == 1:
        assert used == budget_bits or 3841 <= budget_bits <= 3848 or fmt.payload_bits in (3824, 8424)
    assert fmt.code_rate == used / (symbols * qm) <= rate / 1024
    assert budget.code_rate(symbols, row) == fmt.code_rate
    check_rate_matching(fmt, symbols, 0)


@given(info=st.integers(17, 9000), rate=RATES, qm=ORDERS, version=st.integers(0, 3), more=st.integers(0, 40))
@quick
def test_any_number_of_information_bits(info, rate, qm, version, more):
    """k bits, CRC included, on the symbols that the rate needs and on some more."""
    symbols = -(-info * 1024 // (rate * qm)) + more
    if symbols > 20000:
        return
    payload = info - (16 if info - 16 <= 3824 else 24)
    try:
        fmt = phy.segment_block(payload, rate, qm, symbols * qm)
    except ValueError as error:  # code blocks of equal length alone: TS 38.212 5.2.2
        assert "does not divide into" in str(error)
        return
    if fmt.num_code_blocks == 1:
        assert fmt.code_block_bits == info
    assert fmt.code_rate == fmt.num_code_blocks * fmt.code_block_bits / (symbols * qm)
    check_rate_matching(fmt, symbols, version)


@given(symbols=st.integers(40, 1500), rate=st.integers(200, 900), qm=ORDERS, seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_every_bit_arrives(symbols, rate, qm, seed):
    if rate * symbols * qm // 1024 <= 16:
        return
    table = [(qm, rate, 0.0)]
    payload = np.random.default_rng(seed).integers(
        0, 2, phy.transport_block_size(symbols, rate, qm), np.uint8
    )
    sent = phy.link_encoder(symbols, table).encode(0, payload)
    assert sent.size == symbols
    result = phy.link_decoder(symbols, table).decode(0, phy.awgn_channel(seed).apply(sent, 35.0))
    assert result.crc_ok
    np.testing.assert_array_equal(result.payload, payload)
