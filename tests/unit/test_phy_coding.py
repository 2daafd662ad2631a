# SPDX-License-Identifier: GPL-3.0-or-later
"""Every transmit stage of lib/phy against py3gpp, another implementation of TS 38.212 and TS 38.211."""

import functools

import numpy as np
import pytest

phy = pytest.importorskip("gnuradio.resivid.phy", reason="the compiled module is not installed")
pytest.importorskip("py3gpp", reason="py3gpp is the reference here")

from py3gpp.nrCodeBlockSegmentLDPC import nrCodeBlockSegmentLDPC  # noqa: E402
from py3gpp.nrCRCEncode import nrCRCEncode  # noqa: E402
from py3gpp.nrLDPCEncode import _encode, _encode_thangaraj, _gen_submat, _load_basegraph, nrLDPCEncode  # noqa: E402
from py3gpp.nrPRBS import nrPRBS  # noqa: E402
from py3gpp.nrRateMatchLDPC import nrRateMatchLDPC  # noqa: E402
from py3gpp.nrSymbolModulate import nrSymbolModulate  # noqa: E402

MODULATION = {2: "QPSK", 4: "16QAM", 6: "64QAM", 8: "256QAM"}
# TS 38.212 Table 5.3.2-1 as printed: set index i_LS and its lifting sizes.
TABLE_5_3_2_1 = [
    [2, 4, 8, 16, 32, 64, 128, 256],
    [3, 6, 12, 24, 48, 96, 192, 384],
    [5, 10, 20, 40, 80, 160, 320],
    [7, 14, 28, 56, 112, 224],
    [9, 18, 36, 72, 144, 288],
    [11, 22, 44, 88, 176, 352],
    [13, 26, 52, 104, 208],
    [15, 30, 60, 120, 240],
]
SET_INDEX = {z: index for index, row in enumerate(TABLE_5_3_2_1) for z in row}
LIFTING_SIZES = sorted(SET_INDEX)
SYSTEMATIC_COLUMNS = {1: 22, 2: 10}
ALL_VERSIONS = (0, 1, 2, 3)
# There py3gpp 0.6 turns the first parity column by Zc - 105 = -1, which it reads as "no entry".
WRONG_SHIFT = (1, 104)


def random_bits(seed, *shape):
    return np.random.default_rng(seed).integers(0, 2, shape, np.uint8)


base_matrix = functools.cache(_load_basegraph)


def encode_as_py3gpp(graph, z, bits):
    """Its encoder, given the set that holds Zc: its own choice of the set is wrong for short blocks."""
    matrix = base_matrix(SET_INDEX[z], graph)
    if (graph, z) == WRONG_SHIFT:
        systematic = SYSTEMATIC_COLUMNS[graph]
        return _encode(bits.astype(int), *_gen_submat(matrix, systematic, z, graph))
    return _encode_thangaraj(matrix, z, bits.astype(int))


def broken_checks(graph, z, word):
    """How many of the parity checks of the standard a whole code word breaks."""
    rows, columns = phy.parity_check(graph, z)
    return np.count_nonzero(np.bincount(rows, weights=word[columns]) % 2)


def with_fillers(code_blocks, fmt):
    """Columns as py3gpp wants them: (K, C), filler bits -1."""
    columns = code_blocks.astype(int).T.copy()
    columns[fmt.code_block_bits :] = -1
    return columns


@pytest.mark.parametrize(("name", "ours"), [("16", "CRC16"), ("24A", "CRC24A"), ("24B", "CRC24B")])
@pytest.mark.parametrize("num_bits", [1, 7, 8, 40, 1050, 3825])
def test_crc(name, ours, num_bits):
    bits = random_bits(num_bits, num_bits)
    crc = getattr(phy, ours)
    np.testing.assert_array_equal(crc.append(bits), nrCRCEncode(bits, name)[:, 0])
    assert crc.check(crc.append(bits))


# A payload of one code block on each base graph, and some that divide into several.
@pytest.mark.parametrize(
    ("payload", "rate", "graph", "blocks"),
    [
        (40, 434, 2, 1),
        (292, 900, 2, 1),
        (293, 900, 1, 1),
        (1050, 434, 2, 1),
        (3824, 686, 2, 1),
        (3825, 686, 1, 1),
        (4000, 250, 2, 2),
        (8424, 686, 1, 1),
        (8448, 686, 1, 2),
        (21192, 900, 1, 3),
    ],
)
def test_segmentation(payload, rate, graph, blocks):
    fmt = phy.segment_block(payload, rate, 2, 4 * payload)
    assert (fmt.base_graph, fmt.num_code_blocks) == (graph, blocks)
    bits = random_bits(payload, payload)
    block = nrCRCEncode(bits, "16" if payload <= 3824 else "24A")[:, 0]
    np.testing.assert_array_equal(
        with_fillers(phy.segment(fmt, bits), fmt), nrCodeBlockSegmentLDPC(block, graph)
    )


def test_lifting_sizes_are_those_of_the_table():
    assert phy.lifting_sizes() == LIFTING_SIZES and len(LIFTING_SIZES) == 51


@pytest.mark.parametrize("graph", [1, 2])
@pytest.mark.parametrize("z", LIFTING_SIZES)
def test_ldpc_encoder(graph, z):
    bits = random_bits(z, SYSTEMATIC_COLUMNS[graph] * z)
    np.testing.assert_array_equal(phy.ldpc_encode(graph, z, bits), encode_as_py3gpp(graph, z, bits))


@pytest.mark.parametrize("graph", [1, 2])
@pytest.mark.parametrize("z", LIFTING_SIZES)
def test_shifts_are_those_of_the_set_that_holds_the_lifting_size(graph, z):
    """Clause 5.3.2: i_LS is the set that contains Zc; P_ij = V_ij mod Zc."""
    rows, columns = phy.parity_check(graph, z)
    ours = np.full(base_matrix(0, graph).shape, -1)
    ours[rows[::z] // z, columns[::z] // z] = columns[::z] % z  # the first row of each circulant
    theirs = base_matrix(SET_INDEX[z], graph)
    np.testing.assert_array_equal(ours, np.where(theirs < 0, -1, theirs % z))


def check_suspect(graph, z, word, theirs):
    assert broken_checks(graph, z, word) == 0
    if broken_checks(graph, z, theirs):
        pytest.xfail("the word of py3gpp breaks the checks of the standard")
    np.testing.assert_array_equal(word, theirs)


# K' of which 5.2.2 chooses the lifting size by fewer than ten columns: up to 640 bits.
@pytest.mark.parametrize("payload", [40, 170, 300, 540, 560, 610])
def test_short_blocks_where_py3gpp_may_take_another_set(payload):
    """py3gpp 0.6 looks for the set whose K_b Z is next to 10 Zc, not for the one that contains Zc."""
    fmt = phy.segment_block(payload, 434, 2, 4 * payload)
    code_block = phy.segment(fmt, random_bits(payload, payload))
    z = fmt.lifting_size
    theirs = np.maximum(nrLDPCEncode(with_fillers(code_block, fmt), 2, "thangaraj")[:, 0], 0)
    word = phy.ldpc_encode(2, z, code_block[0])
    check_suspect(2, z, word, np.append(code_block[0, : 2 * z], theirs))


def test_lifting_size_where_py3gpp_drops_a_shift():
    graph, z = WRONG_SHIFT
    bits = random_bits(z, SYSTEMATIC_COLUMNS[graph] * z)
    theirs = _encode_thangaraj(base_matrix(SET_INDEX[z], graph), z, bits.astype(int))
    check_suspect(graph, z, phy.ldpc_encode(graph, z, bits), theirs.astype(int))


@pytest.mark.parametrize("graph", [1, 2])
@pytest.mark.parametrize("z", LIFTING_SIZES)
def test_every_code_word_meets_every_check(graph, z):
    rows, columns = phy.parity_check(graph, z)
    num_rows, num_columns, num_edges = {1: (46, 68, 316), 2: (42, 52, 197)}[graph]
    assert (rows.max() + 1, columns.max() + 1, rows.size) == (num_rows * z, num_columns * z, num_edges * z)
    assert (
        broken_checks(graph, z, phy.ldpc_encode(graph, z, random_bits(z, SYSTEMATIC_COLUMNS[graph] * z))) == 0
    )


@pytest.mark.parametrize("redundancy_version", [0, 1, 2, 3])
@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8])
@pytest.mark.parametrize(("payload", "rate"), [(1050, 434), (1050, 200), (1984, 900), (8448, 800)])
def test_rate_matching(payload, rate, bits_per_symbol, redundancy_version):
    symbols = payload * 1024 // rate // bits_per_symbol + 7
    fmt = phy.segment_block(payload, rate, bits_per_symbol, symbols * bits_per_symbol)
    blocks = phy.segment(fmt, random_bits(payload, payload))
    z = fmt.lifting_size
    words = [phy.ldpc_encode(fmt.base_graph, z, block) for block in blocks]
    ours = [
        phy.rate_matcher(fmt, fmt.rate_matched_bits(r), redundancy_version).match(word)
        for r, word in enumerate(words)
    ]
    columns = np.array(words).astype(int).T
    columns[fmt.code_block_bits : fmt.systematic_bits] = -1
    expected = nrRateMatchLDPC(
        columns[2 * z :], fmt.coded_bits, redundancy_version, MODULATION[bits_per_symbol], 1
    )
    np.testing.assert_array_equal(np.concatenate(ours), expected)


def payload_for(graph, z):
    """A payload of one code block whose lifting size is z, and a rate that leads to the base graph."""
    sizes = range(1, 3825) if graph == 2 else range(293, 8425)
    rate = 434 if graph == 2 else 800
    fits = [a for a in sizes if phy.segment_block(a, rate, 2, 2).lifting_size == z]
    return (int(np.random.default_rng(z).choice(fits)), rate) if fits else None


REACHABLE = [(graph, z) for graph in (1, 2) for z in LIFTING_SIZES if z > (14 if graph == 1 else 2)]


@pytest.mark.parametrize(("graph", "z"), REACHABLE)
def test_coding_chain_of_every_lifting_size(graph, z):
    """CRC, fillers, LDPC, all redundancy versions and the interleaver of each Qm, sent once and repeated.

    The smallest payloads of each graph need Zc = 15 and 3.
    """
    payload, rate = payload_for(graph, z)
    bits = random_bits(z, payload)
    block = nrCRCEncode(bits, "16" if payload <= 3824 else "24A")[:, 0]
    columns = nrCodeBlockSegmentLDPC(block, graph)
    word = encode_as_py3gpp(graph, z, np.maximum(columns[:, 0], 0))
    sent = np.where(np.append(columns[:, 0], np.zeros(word.size - len(columns))) < 0, -1, word)[2 * z :]
    for qm, name in MODULATION.items():
        coded_bits = qm * (payload // qm + 1 if qm < 6 else word.size // qm + 9)
        fmt = phy.segment_block(payload, rate, qm, coded_bits)
        ours = phy.ldpc_encode(graph, z, phy.segment(fmt, bits)[0])
        for version in ALL_VERSIONS:
            np.testing.assert_array_equal(
                phy.rate_matcher(fmt, coded_bits, version).match(ours),
                nrRateMatchLDPC(sent[:, None].astype(int), coded_bits, version, name, 1),
            )


@pytest.mark.parametrize("coded_bits", [480, 3000, 12000])
@pytest.mark.parametrize("redundancy_version", [0, 3])
def test_recovered_llrs_add_up(coded_bits, redundancy_version):
    """Rate recovery is the transpose of rate matching, fillers aside: <match(x), y> = <x, recover(y)>."""
    fmt = phy.segment_block(250, 434, 4, coded_bits)
    matcher = phy.rate_matcher(fmt, coded_bits, redundancy_version)
    rng = np.random.default_rng(5)
    word = rng.integers(0, 2, 52 * fmt.lifting_size, np.uint8)
    llr = rng.integers(-9, 10, coded_bits).astype(np.float32)
    recovered = matcher.recover(llr)
    filler = slice(fmt.code_block_bits, fmt.systematic_bits)
    assert np.all(recovered[filler] > 1000)
    assert not np.any(recovered[: 2 * fmt.lifting_size])
    recovered[filler] = 0
    assert np.dot(word, recovered) == np.dot(matcher.match(word), llr)


@pytest.mark.parametrize("bits_per_symbol", MODULATION)
def test_modulation(bits_per_symbol):
    """Every point, then random bits: the same label at the same amplitude, to the precision of float32."""
    labels = np.arange(2**bits_per_symbol)[:, None] >> np.arange(bits_per_symbol)[::-1] & 1
    bits = np.concatenate([labels.ravel(), random_bits(1, 500 * bits_per_symbol)])
    expected = nrSymbolModulate(bits.astype(int), MODULATION[bits_per_symbol])
    np.testing.assert_allclose(phy.qam_map(bits, bits_per_symbol), expected, rtol=2e-7)


@pytest.mark.parametrize("c_init", [0, 1, phy.SCRAMBLER_INIT, 2**31 - 1])
def test_scrambling_sequence(c_init):
    np.testing.assert_array_equal(phy.gold_sequence(c_init, 3000), nrPRBS(c_init, 3000))


@pytest.mark.parametrize(
    ("symbols", "bits_per_symbol", "rate"), [(629, 4, 434), (943, 2, 679), (629, 4, 658), (6000, 6, 700)]
)
def test_whole_transmitter(symbols, bits_per_symbol, rate):
    encoder = phy.link_encoder(symbols, [(bits_per_symbol, rate, 0.0)])
    fmt = encoder.format(0)
    assert fmt.systematic_bits > 640  # py3gpp chooses the wrong set index below
    payload = random_bits(symbols, encoder.payload_bits(0))
    block = nrCRCEncode(payload, "16" if payload.size <= 3824 else "24A")[:, 0]
    code_blocks = nrCodeBlockSegmentLDPC(block, fmt.base_graph)
    words = nrLDPCEncode(code_blocks, fmt.base_graph, "thangaraj")
    coded = nrRateMatchLDPC(words, symbols * bits_per_symbol, 0, MODULATION[bits_per_symbol], 1)
    scrambled = (coded + nrPRBS(phy.SCRAMBLER_INIT, coded.size)) % 2
    expected = nrSymbolModulate(scrambled.astype(int), MODULATION[bits_per_symbol])
    np.testing.assert_allclose(encoder.encode(0, payload), expected, atol=1e-6)


TABLE_I = [(2, 251), (2, 308), (2, 526), (2, 679), (4, 434), (4, 553), (4, 658)]


def test_payload_sizes_worked_by_hand():
    # B_t = floor(R 629 Qm) of Table I, less a CRC of 16 bits
    assert [phy.transport_block_size(629, rate, qm) + 16 for qm, rate in TABLE_I] == [
        308,
        378,
        646,
        834,
        1066,
        1358,
        1616,
    ]


@pytest.mark.parametrize(("bits_per_symbol", "rate"), TABLE_I + [(6, 873), (8, 948), (2, 120)])
def test_payload_sizes_equal_the_budget_of_the_packer(bits_per_symbol, rate):
    budget = pytest.importorskip("gnuradio.resivid.link.budget")
    mcs_table = pytest.importorskip("gnuradio.resivid.link.mcs_table")
    row = mcs_table.McsRow("row", "any", bits_per_symbol, rate, 0.0)
    for symbols in [80, 157, 314, 629, 943, 2231, 4400, 4413, 4500, 9001, 20011]:
        size = phy.transport_block_size(symbols, rate, bits_per_symbol)
        assert size == budget.payload_bits(symbols, row), symbols


def test_largest_payload_that_fits():
    """Around every step of the rules, no larger payload fits into B_t."""
    for symbols in [*range(3840, 3875), *range(7700, 7780)]:
        fmt = phy.plan_block(symbols, 1023, 2)
        budget = 1023 * symbols * 2 >> 10
        assert fmt.num_code_blocks * fmt.code_block_bits <= budget
        for payload in range(fmt.payload_bits + 1, fmt.payload_bits + 60):
            try:
                larger = phy.segment_block(payload, 1023, 2, fmt.coded_bits)
            except ValueError:
                continue  # does not divide into equal code blocks
            assert larger.num_code_blocks * larger.code_block_bits > budget


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10, 251, 2), "too few for a CRC"),
        ((34, 251, 2), "carry 16 bits"),
        ((0, 251, 2), "symbols must be"),
        ((629, 0, 2), "rate_1024 must be"),
        ((629, 1024, 2), "rate_1024 must be"),
        ((629, 434, 3), "bits_per_symbol must be"),
        ((629, 434, 10), "bits_per_symbol must be"),
    ],
)
def test_impossible_block_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        phy.plan_block(*arguments)


def test_smallest_block_carries_one_bit():
    assert phy.transport_block_size(35, 251, 2) == 1
