# SPDX-License-Identifier: GPL-3.0-or-later
"""Burst framing and synchronisation against the rules of docs/air-interface.md and known signals."""

import numpy as np
import pytest
from documents import table_after
from gnuradio.resivid import phy
from gnuradio.resivid.link import air
from gnuradio.resivid.link.mcs_table import load_mcs_table

SYMBOLS = 629
ROWS = [(preamble, 2 * (preamble % 4 + 1)) for preamble in range(16)]
SPS = 4


def gold(c_init, n):
    """c(n) of TS 38.211 5.2.1, from its definition."""
    x1, x2 = [1] + [0] * 30, [c_init >> i & 1 for i in range(31)]
    for i in range(1600 + n):
        x1.append((x1[i + 3] + x1[i]) % 2)
        x2.append((x2[i + 3] + x2[i + 2] + x2[i + 1] + x2[i]) % 2)
    return np.array([(x1[i + 1600] + x2[i + 1600]) % 2 for i in range(n)])


def qpsk(c_init, n):
    bits = 1 - 2 * gold(c_init, 2 * n)
    return (bits[::2] + 1j * bits[1::2]) / np.sqrt(2)


def ambiguity(a, b):
    """Magnitudes over all lags and 256 frequencies: rows are the lags -71..71."""
    n = len(a)
    products = np.zeros((2 * n - 1, 256), complex)
    for lag in range(1 - n, n):
        k = np.arange(max(0, -lag), min(n, n - lag))
        products[lag + n - 1, k] = a[k + lag] * np.conj(b[k])
    return np.abs(np.fft.fft(products, axis=1))


@pytest.mark.parametrize("preamble, c_init, start", table_after("<!-- preamble vectors -->"))
def test_preambles_are_those_of_the_document(preamble, c_init, start):
    expected = qpsk(int(c_init), 72)
    np.testing.assert_allclose(phy.preamble_symbols(int(preamble)), expected, atol=1e-6)
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(start), np.uint8))
    np.testing.assert_array_equal(gold(int(c_init), 32), bits)


def test_preambles_correlate_little():
    preambles = [phy.preamble_symbols(i) for i in range(17)]
    for i, a in enumerate(preambles):
        own = ambiguity(a, a)
        assert own[71, 0] == pytest.approx(72)
        own[71, np.r_[:6, -5:0]] = 0
        assert own.max() <= 0.36 * 72
        for b in preambles[:i]:
            cross = ambiguity(a, b)
            assert cross.max() <= 0.40 * 72
            assert cross[71, [-1, 0, 1]].max() <= 0.20 * 72


@pytest.mark.parametrize("symbols", [64, 105, 106, 314, 629, 943, 20000])
def test_frame_is_laid_out_as_the_document_says(symbols):
    layout = phy.burst_layout(symbols)
    parts = -(-symbols // 105)
    frame = ["preamble"] * 72
    for i in range(parts):
        frame += ["pilot"] * 4 * (i > 0)
        frame += ["payload"] * (symbols * (i + 1) // parts - symbols * i // parts)
    assert layout.frame_symbols == len(frame) == air.frame_symbols(symbols)
    assert layout.payload_positions == [k for k, what in enumerate(frame) if what == "payload"]
    assert layout.pilot_positions == [k for k, what in enumerate(frame) if what == "pilot"]
    np.testing.assert_allclose(layout.pilots, qpsk(0x50494C54, 4 * (parts - 1)), atol=1e-6)


def test_overhead_is_below_15_percent():
    assert air.frame_symbols(SYMBOLS) == 721
    assert 721 / 629 - 1 < 0.15


def payloads(count, bits_per_symbol, seed=1, symbols=SYMBOLS):
    generator = np.random.default_rng(seed)
    bits = generator.integers(0, 2, (count, symbols * bits_per_symbol), np.uint8)
    return np.array([phy.qam_map(row, bits_per_symbol) for row in bits])


def signal(preambles, sent, sps=SPS, roll_off=0.1):
    framer = phy.burst_framer(sent.shape[1], sps, roll_off)
    parts = [framer.frame(p, payload) for p, payload in zip(preambles, sent, strict=True)]
    return np.concatenate([*parts, framer.close()])


def add_noise(samples, snr_db, sps=SPS, seed=2):
    """White noise at Es/N0 for a signal of mean power 1 while it is on."""
    generator = np.random.default_rng(seed)
    deviation = np.sqrt(sps * 10 ** (-snr_db / 10) / 2)
    noise = generator.standard_normal((2, samples.size))
    return (samples + deviation * (noise[0] + 1j * noise[1])).astype(np.complex64)


def correlation_snr_db(received, sent):
    """Es/N0 by the correlation coefficient, which the gain does not change."""
    share = abs(np.vdot(sent, received)) ** 2 / (np.vdot(sent, sent) * np.vdot(received, received)).real
    return 10 * np.log10(share / (1 - share))


def receive(samples, symbols=SYMBOLS, sps=SPS, rows=ROWS, tail=8000, **options):
    synchroniser = phy.burst_synchroniser(symbols, rows, sps, **options)
    return synchroniser.receive(np.concatenate([samples, np.zeros(tail, np.complex64)]))


@pytest.mark.parametrize("true, likeness", [(12, 4), (6, 7), (7, 6), (1, 7)])
def test_a_track_led_astray_finds_back(true, likeness):
    """Frames of another preamble, frequency and time, at which the true one resembles it most, lead to a track beside."""
    symbols = [phy.preamble_symbols(index) for index in (true, likeness)]
    magnitudes = ambiguity(*symbols)
    magnitudes[:, 100:157] = 0  # beyond the 0.5 symbol rates that a receiver bears
    row, column = np.unravel_index(np.argmax(magnitudes), magnitudes.shape)
    lag, frequency = row - 71, (column + 128) % 256 / 256 - 0.5
    framer = phy.burst_framer(SYMBOLS, SPS)
    before = np.concatenate([framer.frame(likeness, payload) for payload in payloads(2, 2)])
    before = np.pad(before, (0, 72 * SPS))[: before.size - lag * SPS]
    before = before * np.exp(2j * np.pi * frequency / SPS * np.arange(before.size))
    sent = payloads(14, ROWS[true][1], seed=5)
    bursts = receive(add_noise(np.concatenate([before, signal(14 * [true], sent)]), 15))
    astray = sum(burst["snr_db"] < -6 for burst in bursts)
    assert 2 <= astray <= 4
    for burst, payload in zip(bursts[-8:], sent[-8:], strict=True):
        assert burst["row"] == true and correlation_snr_db(burst["symbols"], payload) > 12


def test_shaped_signal_is_the_pulse_at_each_symbol():
    (payload,) = payloads(1, 2)
    samples = signal([3], payload[None])
    layout = phy.burst_layout(SYMBOLS)
    frame = np.zeros(layout.frame_symbols, complex)
    frame[:72] = phy.preamble_symbols(3)
    frame[layout.pilot_positions] = layout.pilots
    frame[layout.payload_positions] = payload
    frame = np.concatenate([frame, phy.preamble_symbols(16)])
    t = np.arange(-80, 81) / SPS
    h = np.array([phy.pulse(x, 0.1) for x in t])
    h *= np.sqrt(SPS / np.sum(h**2))
    up = np.zeros(frame.size * SPS, complex)
    up[::SPS] = frame
    expected = np.convolve(up, h)[: samples.size]
    np.testing.assert_allclose(samples[: expected.size], expected, atol=1e-4)


def test_pulse_is_a_root_raised_cosine():
    """Its spectrum, by a sum over time: 1 up to 0.45 symbol rates, sqrt(1/2) at 0.5, 0 from 0.55."""
    t = np.arange(-20 * 8, 20 * 8 + 1) / 8
    h = np.array([phy.pulse(x, 0.1) for x in t])
    spectrum = [abs(np.sum(h * np.exp(-2j * np.pi * f * t))) / 8 for f in (0.0, 0.3, 0.5, 0.6, 1.0)]
    np.testing.assert_allclose(spectrum, [1, 1, np.sqrt(0.5), 0, 0], atol=0.01)


@pytest.mark.parametrize("sps", [2, 3, 4, 8])
@pytest.mark.parametrize("bits_per_symbol", [2, 8])
def test_ideal_conditions_give_the_symbols_back(sps, bits_per_symbol):
    sent = payloads(3, bits_per_symbol)
    samples = signal([bits_per_symbol // 2 - 1] * 3, sent, sps)
    bursts = receive(samples * (0.02 - 0.01j), sps=sps)
    assert [burst["row"] for burst in bursts] == [bits_per_symbol // 2 - 1] * 3
    for number, burst in enumerate(bursts):
        assert burst["position"] == pytest.approx((number * 721 + 20) * sps, abs=0.03 * sps)
        assert burst["gain"] == pytest.approx(abs(0.02 - 0.01j), rel=0.02)
        assert correlation_snr_db(burst["symbols"], sent[number]) > 28


def test_every_preamble_names_its_row():
    table = load_mcs_table("air", SYMBOLS)
    rows = air.synchroniser_rows(table)
    assert air.preambles(table) == [preamble for preamble, _ in rows]
    order = list(range(len(rows))) * 2
    sent = payloads(len(order), 2)
    samples = add_noise(signal([rows[row][0] for row in order], sent), 3)
    bursts = receive(samples, rows=[(preamble, 2) for preamble, _ in rows])
    assert [burst["row"] for burst in bursts] == order


@pytest.mark.parametrize("cfo", [-0.5, -0.31, 0.0, 0.123, 0.5])
@pytest.mark.parametrize("snr_db", [-3.0, 10.0])
def test_carrier_offset_and_phase_are_taken_away(cfo, snr_db):
    sent = payloads(6, 2)
    clean = signal([0] * 6, sent)
    samples = add_noise(clean * np.exp(2j * np.pi * cfo / SPS * np.arange(clean.size) + 2j), snr_db)
    samples = np.concatenate([add_noise(np.zeros(1234), snr_db, seed=3), samples])
    bursts = receive(samples)
    # at -3 dB the first frame may be missed
    assert len(bursts) >= 5
    measured = []
    for burst in bursts:
        number = round((burst["position"] - 1234) / SPS / 721)
        assert burst["cfo"] == pytest.approx(cfo, abs=2.5e-4)
        measured.append(correlation_snr_db(burst["symbols"], sent[number]))
        # from 164 known symbols: 4.3 / sqrt(164) dB of noise and twice that of gain
        assert burst["snr_db"] == pytest.approx(snr_db, abs=2.5)
    # one frame deviates by 0.35 dB at -3 dB, and phase and timing lose 0.1 dB
    assert np.mean(measured) == pytest.approx(snr_db, abs=0.6)


def test_pieces_in_which_samples_come_do_not_matter():
    samples = add_noise(signal([1] * 4, payloads(4, 4)), 8)
    samples = np.concatenate([samples, np.zeros(8000, np.complex64)])
    whole = phy.burst_synchroniser(SYMBOLS, ROWS).receive(samples)
    synchroniser = phy.burst_synchroniser(SYMBOLS, ROWS)
    pieces = []
    for start in range(0, samples.size, 777):
        pieces += synchroniser.receive(samples[start : start + 777])
    assert len(whole) == len(pieces) == 4
    for a, b in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(a["symbols"], b["symbols"])


def test_idle_frames_are_followed_and_carry_nothing():
    sent = payloads(2, 2)
    framer = phy.burst_framer(SYMBOLS)
    samples = np.concatenate(
        [framer.idle(), framer.frame(0, sent[0]), framer.idle(), framer.idle(), framer.frame(0, sent[1])]
        + [framer.close()]
    )
    bursts = receive(add_noise(samples, 5))
    assert [round(burst["position"] / SPS / 721) for burst in bursts] == [1, 4]


def test_frames_after_a_gap_are_found_again():
    sent = payloads(4, 2)
    gap = np.zeros(3331)
    samples = add_noise(np.concatenate([signal([0, 0], sent[:2]), gap, signal([0, 0], sent[2:])]), 6)
    assert len(receive(samples)) == 4


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((63, ROWS), "symbols must be 64 to 65536"),
        ((629, []), "rows: expected 1 to 16"),
        ((629, [(1, 2), (1, 4)]), "preamble 1: expected once"),
        ((629, [(16, 2)]), "preamble must be 0 to 15"),
        ((629, [(0, 3)]), "bits_per_symbol must be 2, 4, 6 or 8"),
        ((629, ROWS, 1), "samples_per_symbol must be 2 to 16"),
        ((629, ROWS, 4, 0.01), "roll_off: expected"),
        ((629, ROWS, 4, 0.1, 0.7), "max_cfo: expected 0.001"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        phy.burst_synchroniser(*arguments)
