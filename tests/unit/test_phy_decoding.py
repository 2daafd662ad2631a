# SPDX-License-Identifier: GPL-3.0-or-later
"""The LDPC decoder against pyldpc's belief propagation on the same parity-check matrix."""

import numpy as np
import pytest

phy = pytest.importorskip("gnuradio.resivid.phy", reason="the compiled module is not installed")

GRAPHS = {1: (22, 68), 2: (10, 52)}  # systematic and all columns


def parity_check_matrix(graph, z):
    rows, columns = phy.parity_check(graph, z)
    matrix = np.zeros((rows.max() + 1, columns.max() + 1), int)
    matrix[rows, columns] = 1
    return matrix


def noisy_llrs(graph, z, num_words, snr_db, seed=38):
    """Code words (n, N) and their LLRs over BPSK, the first 2 Z bits not sent."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (num_words, GRAPHS[graph][0] * z), np.uint8)
    words = np.array([phy.ldpc_encode(graph, z, b) for b in bits])
    variance = 10 ** (-snr_db / 10)
    received = 1 - 2.0 * words + rng.normal(0, variance**0.5, words.shape)
    llrs = 2 * received / variance
    llrs[:, : 2 * z] = 0
    return words, llrs.astype(np.float32)


def belief_propagation(pyldpc, matrix, llrs, num_iterations):
    """Hard decisions (n, N) of pyldpc's flooding belief propagation on LLRs (n, N).

    The steps of pyldpc.decode, whose check for regular codes fails on this matrix with NumPy 1.26. A word
    keeps its first decision that meets all checks: later ones suffer when tanh rounds to 1.
    """
    graph = pyldpc.utils._bitsandnodes(matrix)
    channel = llrs.T.astype(float)
    shape = (*matrix.shape, channel.shape[1])
    to_checks, to_bits = np.zeros(shape), np.zeros(shape)
    words = np.zeros(llrs.shape, np.uint8)
    done = np.zeros(len(llrs), bool)
    for iteration in range(num_iterations):
        to_checks, to_bits, posterior = pyldpc.decoder._logbp_numba(
            *graph, channel, to_checks, to_bits, iteration
        )
        words[~done] = (posterior.T <= 0)[~done]
        done = ~np.any(matrix @ words.T % 2, axis=0)
    return words


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("kernel", ["box-plus", "box-plus-int16", "box-plus-int8", "min-sum-int8"])
@pytest.mark.parametrize(("graph", "z"), [(1, 2), (1, 7), (1, 384), (2, 2), (2, 15), (2, 112)])
def test_without_noise_every_bit_is_right(graph, z, kernel, batch):
    words, llrs = noisy_llrs(graph, z, 5, 60.0)
    bits, parity_ok, iterations = phy.ldpc_decode(llrs, graph, z, kernel=kernel, batch=batch)
    assert parity_ok.all() and iterations.max() <= 5
    np.testing.assert_array_equal(bits, words)


@pytest.mark.parametrize(("graph", "z", "snr_db"), [(1, 3, -0.8), (2, 6, -3.7)])
def test_as_good_as_belief_propagation(graph, z, snr_db):
    pyldpc = pytest.importorskip("pyldpc", reason="pyldpc is the reference here")
    num_words = 300
    matrix = parity_check_matrix(graph, z)
    words, llrs = noisy_llrs(graph, z, num_words, snr_db)
    assert not np.any(matrix @ words.T % 2)

    reference = belief_propagation(pyldpc, matrix, llrs, 60)
    k = GRAPHS[graph][0] * z
    reference_errors = np.any(reference[:, :k] != words[:, :k], axis=1)
    assert 0.05 < reference_errors.mean() < 0.6, "the SNR of this test shall be in the waterfall"
    for kernel in ("belief-propagation", "box-plus", "box-plus-int16"):
        ours = phy.ldpc_decode(llrs, graph, z, kernel=kernel, max_iterations=50)[0]
        our_errors = np.any(ours[:, :k] != words[:, :k], axis=1)
        # Same words, same noise: where the two differ, the coin may fall either way (sign test); a layered
        # iteration does more than one of the reference, so ours may be better.
        differ = np.count_nonzero(our_errors != reference_errors)
        assert int(our_errors.sum()) - int(reference_errors.sum()) <= 3 * max(1, differ) ** 0.5
        assert differ < 0.1 * num_words


@pytest.mark.parametrize("kernel", ["box-plus", "box-plus-int16", "box-plus-int8", "min-sum-int8"])
@pytest.mark.parametrize("rows", [[], [0, 1, 2, 3, 4, 5, 9]])
def test_batches_threads_and_instruction_sets_change_nothing(kernel, rows):
    _, llrs = noisy_llrs(2, 9, 77, -2.0 if not rows else 4.0)
    single = phy.ldpc_decoder(2, 9, 12, rows, kernel)
    bits, parity_ok, iterations = map(np.array, zip(*map(single.decode, llrs), strict=True))
    assert 0 < parity_ok.sum() < 77
    for batch in (False, True):
        for threads in (1, 3):
            for instruction_set in phy.instruction_sets():
                again = phy.ldpc_decode(llrs, 2, 9, kernel, 12, rows, batch, threads, instruction_set)
                np.testing.assert_array_equal(again[0], bits)
                np.testing.assert_array_equal(again[1], parity_ok)
                np.testing.assert_array_equal(again[2], iterations)


def test_missing_and_huge_llrs():
    words, llrs = noisy_llrs(2, 36, 4, 6.0)
    llrs[:, 80::9] = 0
    llrs[:, 81::9] = np.where(words[:, 81::9], -3e38, 3e38)
    for kernel in phy.ldpc_kernels():
        bits, parity_ok, _ = phy.ldpc_decode(llrs, 2, 36, kernel)
        assert parity_ok.all()
        np.testing.assert_array_equal(bits, words)


def test_no_words_are_no_error():
    bits, parity_ok, iterations = phy.ldpc_decode(np.zeros((0, 104), np.float32), 2, 2)
    assert bits.shape == (0, 104) and parity_ok.shape == iterations.shape == (0,)


def test_skipped_rows_cost_nothing():
    """At a high rate the rows whose parity bits were not sent tell nothing about the payload."""
    fmt = phy.plan_block(629, 658, 4)
    matcher = phy.rate_matcher(fmt, fmt.coded_bits)
    rows = matcher.useful_rows()
    assert len(rows) < 20
    k, z = fmt.code_block_bits, fmt.lifting_size
    short = phy.ldpc_decoder(fmt.base_graph, z, 20, rows)
    full = phy.ldpc_decoder(fmt.base_graph, z, 20)
    rng = np.random.default_rng(9)
    for _ in range(20):
        bits = np.zeros(fmt.systematic_bits, np.uint8)
        bits[:k] = rng.integers(0, 2, k)
        sent = matcher.match(phy.ldpc_encode(fmt.base_graph, z, bits))
        llr = matcher.recover((8 * (1 - 2.0 * sent) + rng.normal(0, 4, sent.size)).astype(np.float32))
        np.testing.assert_array_equal(short.decode(llr)[0][:k], bits[:k])
        np.testing.assert_array_equal(full.decode(llr)[0][:k], bits[:k])


def test_noise_is_no_code_word_by_chance():
    bits, parity_ok, iterations = phy.ldpc_decoder(2, 8, 7).decode(
        np.random.default_rng(3).normal(0, 1, 52 * 8).astype(np.float32)
    )
    assert not parity_ok and iterations == 7 and bits.max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 8), "base_graph must be 1 or 2"),
        ((2, 17), "lifting_size must be"),
        ((2, 8, 0), "max_iterations must be"),
        ((2, 8, 20, [42]), "rows must be below 42"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        phy.ldpc_decoder(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(llr=np.zeros((1, 415), np.float32)), r"shape \(n, 416\)"),
        (dict(llr=np.zeros(416, np.float32)), r"shape \(n, 416\)"),
        (dict(llr=np.full((1, 416), np.nan, np.float32)), "llr must be finite"),
        (dict(llr=np.full((1, 416), -np.inf, np.float32)), "llr must be finite"),
        (dict(base_graph=0), "base_graph must be 1 or 2, got 0"),
        (dict(lifting_size=-1), "lifting_size must be"),
        (dict(kernel="sum-min"), "kernel must be one of belief-propagation, .*got sum-min"),
        (dict(max_iterations=0), "max_iterations must be 1 to"),
        (dict(rows=[42]), "rows must be below 42"),
        (dict(threads=257), "threads must be 0 to 256"),
        (dict(instruction_set="mmx"), "instruction_set must be one of .*baseline, got mmx"),
        (dict(kernel="belief-propagation", batch=True), "decodes no batches"),
    ],
)
def test_wrong_batches_are_refused(arguments, message):
    right = dict(llr=np.zeros((1, 416), np.float32), base_graph=2, lifting_size=8)
    with pytest.raises(ValueError, match=message):
        phy.ldpc_decode(**(right | arguments))


def test_wrong_length_is_refused():
    with pytest.raises(ValueError, match="416 elements"):
        phy.ldpc_decoder(2, 8).decode(np.zeros(415, np.float32))


def hard_llrs(graph, z, num_words, wrong, seed=5):
    """Code words (n, N) and LLRs +-1 (n, N) with a part of the bits wrong, the first 2 Z bits not sent."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (num_words, GRAPHS[graph][0] * z), np.uint8)
    words = np.array([phy.ldpc_encode(graph, z, b) for b in bits])
    llrs = (1 - 2.0 * words) * np.where(rng.random(words.shape) < wrong, -1, 1)
    llrs[:, : 2 * z] = 0
    return words, llrs.astype(np.float32)


def block_errors(llrs, words, graph, z, kernel):
    k = GRAPHS[graph][0] * z
    batch = kernel != "belief-propagation"
    found = phy.ldpc_decode(llrs, graph, z, kernel=kernel, batch=batch, threads=1)[0]
    return int(np.any(found[:, :k] != words[:, :k], axis=1).sum())


@pytest.mark.parametrize("kernel", phy.ldpc_kernels())
@pytest.mark.parametrize(("graph", "z", "wrong"), [(1, 24, 0.03), (2, 52, 0.03), (2, 52, 0.08)])
def test_wrong_bits_with_strong_llrs_are_mended(graph, z, wrong, kernel):
    """Every bit equally sure, some wrong: number formats that clip must not forget what the checks said."""
    words, llrs = hard_llrs(graph, z, 20, wrong)
    assert block_errors(llrs * 3, words, graph, z, "box-plus") == 0
    for strength in (8, 30, 100, 300, 1e4, 1e30):
        assert block_errors(llrs * np.float32(strength), words, graph, z, kernel) == 0, strength


@pytest.mark.parametrize("kernel", ["belief-propagation", "box-plus", "box-plus-int16"])
@pytest.mark.parametrize(("graph", "z", "snr_db"), [(1, 16, 5.0), (2, 30, 3.0)])
def test_stronger_llrs_decode_no_worse(graph, z, snr_db, kernel):
    """The same noise, all LLRs larger by 1 to 1000: soft evidence stays soft (not in 8 bits)."""
    words, llrs = noisy_llrs(graph, z, 40, snr_db)
    for scale in (1, 2, 5, 13, 40, 150, 1000):
        assert block_errors(llrs * np.float32(scale), words, graph, z, kernel) <= 1, scale
