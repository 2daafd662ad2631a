# SPDX-License-Identifier: GPL-3.0-or-later
"""LLRs of QPSK to 256QAM: Bayes over the plane, the bound of max-log, mutual information by quadrature."""

import numpy as np
import pytest

phy = pytest.importorskip("gnuradio.resivid.phy", reason="the compiled module is not installed")

ORDERS = [2, 4, 6, 8]


def labels_of(bits_per_symbol):
    """Labels of all points, int (2^Qm, Qm)."""
    return np.arange(2**bits_per_symbol)[:, None] >> np.arange(bits_per_symbol)[::-1] & 1


def plane(bits_per_symbol):
    """Points in the order of their labels, complex128; test_phy_coding.py compares them with py3gpp's."""
    return phy.qam_map(labels_of(bits_per_symbol).ravel(), bits_per_symbol).astype(complex)


def log_sum_exp(exponents):
    largest = exponents.max(-1)
    return largest + np.log(np.exp(exponents - largest[..., None]).sum(-1))


def reference_llrs(received, bits_per_symbol, noise_variance, collect):
    """ln P(0) / P(1) of each bit in double precision, over the points of the plane that agree in it."""
    exponents = -(np.abs(received[:, None].astype(complex) - plane(bits_per_symbol)) ** 2) / noise_variance
    labels = labels_of(bits_per_symbol)
    columns = [
        collect(exponents[:, labels[:, i] == 0]) - collect(exponents[:, labels[:, i] == 1])
        for i in range(bits_per_symbol)
    ]
    return np.stack(columns, 1)


def some_symbols(num, seed=4):
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 1, num) + 1j * rng.normal(0, 1, num)).astype(np.complex64)


@pytest.mark.parametrize("bits_per_symbol", ORDERS)
@pytest.mark.parametrize("noise_variance", [0.002, 0.05, 0.5, 4.0])
@pytest.mark.parametrize(("rule", "collect"), [("exact", log_sum_exp), ("max-log", lambda e: e.max(-1))])
def test_llrs_of_the_definition(bits_per_symbol, noise_variance, rule, collect):
    received = some_symbols(129)  # more than one run of the loop over symbols, and a rest
    expected = reference_llrs(received, bits_per_symbol, noise_variance, collect)
    llrs = phy.qam_llr(received, bits_per_symbol, noise_variance, rule).reshape(expected.shape)
    np.testing.assert_allclose(llrs, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("bits_per_symbol", ORDERS)
@pytest.mark.parametrize("noise_variance", [0.01, 0.2, 1.0, 10.0])
def test_max_log_stays_within_its_bound(bits_per_symbol, noise_variance):
    """A sum of n terms lies between its largest and n times that: n = sqrt(M) / 2 levels a value of a bit."""
    received = some_symbols(2000)
    exact = phy.qam_llr(received, bits_per_symbol, noise_variance)
    max_log = phy.qam_llr(received, bits_per_symbol, noise_variance, "max-log")
    bound = np.log(2 ** (bits_per_symbol / 2) / 2)
    assert np.all(np.abs(exact - max_log) <= bound + 1e-5 * (1 + np.abs(exact)))
    if bits_per_symbol > 2 and noise_variance >= 1:
        assert np.abs(exact - max_log).max() > 0.05, "the two rules shall differ"


def mutual_information(bits_per_symbol, snr_db):
    """Bits a symbol that independent bit metrics carry (BICM), by Gauss-Hermite quadrature over one axis.

    I = sum over bits of 1 - E[log2 p(y) 2 / p(y, bit)]; both axes are alike.
    """
    n0 = 10 ** (-snr_db / 10)
    axis_bits = bits_per_symbol // 2
    labels = labels_of(axis_bits)
    spread = np.repeat(labels, 2, axis=1)  # both axes carry this label
    levels = phy.qam_map(spread.ravel(), bits_per_symbol).real.astype(float)
    nodes, weights = np.polynomial.hermite.hermgauss(200)
    y = levels[:, None] + n0**0.5 * nodes  # noise of variance n0 / 2: y = s + sqrt(2 n0 / 2) x
    density = np.exp(-((y[..., None] - levels) ** 2) / n0)
    information = 0.0
    for i in range(axis_bits):
        same = labels[:, i][:, None] == labels[:, i]
        share = (density * same[:, None, :]).sum(-1) / density.sum(-1)
        information += 1 + np.mean(np.log2(share) @ weights / np.pi**0.5)
    return 2 * information


@pytest.mark.parametrize("bits_per_symbol", ORDERS)
def test_mutual_information_of_qpsk_to_256qam(bits_per_symbol):
    """E[1 - log2(1 + exp(-L))], L signed so that positive is right, is I for true LLRs, less for others."""
    rng = np.random.default_rng(bits_per_symbol)
    channel = phy.awgn_channel(bits_per_symbol)
    for snr_db in (-2.0, 6.0, 14.0, 22.0):
        bits = rng.integers(0, 2, 40000 * bits_per_symbol, np.uint8)
        received = channel.apply(phy.qam_map(bits, bits_per_symbol), snr_db)
        information = {}
        for rule in ("exact", "max-log"):
            llrs = phy.qam_llr(received, bits_per_symbol, 10 ** (-snr_db / 10), rule).astype(float)
            lost = np.logaddexp(0, np.where(bits, llrs, -llrs)) / np.log(2)
            information[rule] = bits_per_symbol - lost.reshape(-1, bits_per_symbol).sum(1)
        deviation = information["exact"].std() / 40000**0.5
        expected = mutual_information(bits_per_symbol, snr_db)
        assert abs(information["exact"].mean() - expected) < 4 * deviation + 1e-4
        difference = information["exact"] - information["max-log"]
        assert difference.mean() > -4 * difference.std() / 40000**0.5 - 1e-6


def test_quadrature_of_a_known_capacity():
    """QPSK at 0 dB: twice the capacity of binary input at Es/N0 -3.01 dB an axis, 0.4859 bits."""
    assert mutual_information(2, 0.0) == pytest.approx(2 * 0.4859, abs=2e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bits_per_symbol": 3}, "bits_per_symbol must be 2, 4, 6 or 8, got 3"),
        ({"bits_per_symbol": -2}, "bits_per_symbol must be 2, 4, 6 or 8, got -2"),
        ({"bits_per_symbol": 10**30}, "bits_per_symbol must be 2, 4, 6 or 8"),
        ({"noise_variance": 0.0}, "noise_variance must be above 0 and finite"),
        ({"noise_variance": float("nan")}, "noise_variance must be above 0 and finite"),
        ({"noise_variance": float("inf")}, "noise_variance must be above 0 and finite"),
        ({"rule": "min-sum"}, "rule must be exact or max-log, got min-sum"),
        ({"symbols": np.array([1, np.nan], np.complex64)}, "symbols must be finite"),
        ({"symbols": np.array([1, 1j * np.inf], np.complex64)}, "symbols must be finite"),
        ({"symbols": np.zeros((2, 2), np.complex64)}, "symbols must be a vector"),
    ],
)
def test_refuses_what_has_no_llr(change, message):
    arguments = {"symbols": np.ones(2, np.complex64), "bits_per_symbol": 4, "noise_variance": 0.1}
    with pytest.raises(ValueError, match=message):
        phy.qam_llr(**{**arguments, **change})


def test_no_symbols_no_llrs():
    assert phy.qam_llr(np.zeros(0, np.complex64), 6, 0.1).size == 0
