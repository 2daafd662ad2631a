# SPDX-License-Identifier: GPL-3.0-or-later
"""The burst signal against a second framer, written from docs/air-interface.md alone, in NumPy and SciPy."""

import numpy as np
import pytest
from documents import table_after
from gnuradio.resivid import phy
from scipy.signal.windows import kaiser

INITS = [int(row[1]) for row in table_after("<!-- preamble vectors -->")]
IDLE = 16


def gold(c_init, n):
    """c(0) to c(n-1) of TS 38.211 5.2.1."""
    x1, x2 = [1] + [0] * 30, [c_init >> i & 1 for i in range(31)]
    for i in range(1600 + n - 31):
        x1.append(x1[i + 3] ^ x1[i])
        x2.append(x2[i + 3] ^ x2[i + 2] ^ x2[i + 1] ^ x2[i])
    return np.array(x1[1600 : 1600 + n], int) ^ np.array(x2[1600 : 1600 + n], int)


def known(c_init, n):
    c = gold(c_init, 2 * n)
    return ((1 - 2 * c[::2]) + 1j * (1 - 2 * c[1::2])) / np.sqrt(2)


def frame(preamble, payload):
    """Preamble, then the parts with four pilots between two of them."""
    k = len(payload)
    n = -(-k // 105)
    pilots = known(0x50494C54, 4 * (n - 1)).reshape(n - 1, 4)
    pieces = [known(INITS[preamble], 72)]
    for i in range(n):
        pieces.append(payload[k * i // n : k * (i + 1) // n])
        if i < n - 1:
            pieces.append(pilots[i])
    return np.concatenate(pieces)


def shaped(symbols, sps, roll_off):
    """Root-raised cosine as the mean of its spectrum over time, cut by the window; mean power 1."""
    t = np.arange(-20 * sps, 20 * sps + 1) / sps
    f = (np.arange(40000) + 0.5) / 40000 * (1 + roll_off) / 2  # the spectrum is even
    edge = np.clip((f - (1 - roll_off) / 2) / roll_off, 0, 1)
    amplitude = np.sqrt((1 + np.cos(np.pi * edge)) / 2)
    h = np.array([2 * np.mean(amplitude * np.cos(2 * np.pi * f * x)) for x in t]) * (1 + roll_off) / 2
    h *= kaiser(len(t), 2.0)
    h[[0, -1]] = 0
    h *= np.sqrt(sps / np.sum(h**2))
    upsampled = np.zeros(len(symbols) * sps, complex)
    upsampled[::sps] = symbols
    return np.convolve(upsampled, h)[: len(upsampled)]


def payload_of(symbols, c_init=5):
    return known(c_init, symbols)


@pytest.mark.parametrize(("symbols", "sps", "roll_off"), [(64, 4, 0.1), (106, 2, 0.35), (629, 3, 0.1)])
def test_a_stream_is_what_the_second_framer_makes(symbols, sps, roll_off):
    """Two rows, an idle frame, and what closes the last frame."""
    payload = payload_of(symbols)
    framer = phy.burst_framer(symbols, sps, roll_off)
    parts = [framer.frame(3, payload), framer.frame(15, payload), framer.idle(), framer.close()]
    idle = known(0x49444C45, symbols)
    sequence = [
        frame(3, payload),
        frame(15, payload),
        frame(IDLE, idle),
        known(INITS[IDLE], 72),
        np.zeros(40),
    ]
    expected = shaped(np.concatenate(sequence), sps, roll_off)
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-4)


@pytest.mark.parametrize(("sample", "real", "imaginary"), table_after("<!-- signal vectors -->"))
def test_signal_is_that_of_the_document(sample, real, imaginary):
    payload = payload_of(106)
    framer = phy.burst_framer(106, 4, 0.1)
    samples = np.concatenate([framer.frame(0, payload), framer.close()])
    assert samples[int(sample)] == pytest.approx(float(real) + 1j * float(imaginary), abs=2e-4)
    expected = shaped(np.concatenate([frame(0, payload), known(INITS[IDLE], 72), np.zeros(40)]), 4, 0.1)
    assert expected[int(sample)] == pytest.approx(float(real) + 1j * float(imaginary), abs=2e-4)


@pytest.mark.parametrize("profile_symbols", [2673, 21862])  # of `narrow` and `wide`
@pytest.mark.parametrize("snr_db", [-3.0, 6.0])
def test_long_frames_are_held_to_their_end(profile_symbols, snr_db):
    """Carrier, 80 ppm between the clocks, and noise: the last symbols are as good as the first."""
    generator = np.random.default_rng(3)
    bits = generator.integers(0, 2, (3, 2 * profile_symbols), np.uint8)
    sent = np.array([phy.qam_map(row, 2) for row in bits])
    framer = phy.burst_framer(profile_symbols, 4)
    samples = np.concatenate(
        [*[framer.frame(0, payload) for payload in sent], framer.close(), np.zeros(9000)]
    )
    channel = phy.channel_model(
        7, samples.size, symbol_rate=4.0, frequency_offset_hz=0.21, clock_offset_ppm=80.0
    )
    received = channel.apply(samples.astype(np.complex64), snr_db - 10 * np.log10(4))["items"]
    bursts = phy.burst_synchroniser(profile_symbols, [(0, 2), (1, 4)]).receive(received)
    assert len(bursts) == 3
    for payload, burst in zip(sent, bursts, strict=True):
        for a, b in zip(
            np.split(payload, [len(payload) // 2]),
            np.split(burst["symbols"], [len(payload) // 2]),
            strict=True,
        ):
            share = abs(np.vdot(a, b)) ** 2 / (np.vdot(a, a) * np.vdot(b, b)).real
            assert 10 * np.log10(share / (1 - share)) == pytest.approx(snr_db, abs=0.8)
