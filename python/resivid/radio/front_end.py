# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the radio's samples and the modem's: channel filter, rate and local-oscillator offset."""

from __future__ import annotations

import math

import numpy as np
from gnuradio import blocks, filter, gr
from gnuradio.fft import window
from gnuradio.filter import firdes, pfb

from .rates import RatePlan

HEADROOM = 0.35  # RMS over full scale: peaks of a burst stand some 8 dB above its RMS
CORRECTION_ITEMS = 32768  # time constant of the DC and IQ estimate
HELD_S = 0.01  # of samples between two stages of a transmitter with a clock: every buffer before it is full
PAGE_ITEMS, USUAL_ITEMS = 512, 8192  # complex samples: buffers are whole pages; GNU Radio's own size


class receiver_front_end(gr.hier_block2):
    """Radio's samples in, the modem's samples out: shifted, filtered, resampled.

    With the local oscillator on the signal, DC and IQ imbalance are taken out here; beside it, the channel filter
    takes the DC spike away, and the image lies outside of the signal.

    Args:
        plan: rates and offset.
        symbol_rate: symbols a second; the band that passes is flat to 1.05 times this on each side.
    """

    def __init__(self, plan: RatePlan, symbol_rate: float):
        signature = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "receiver_front_end", signature, signature)
        self.plan, self.symbol_rate = plan, symbol_rate
        taps = firdes.low_pass(1.0, plan.radio_rate, 1.3 * symbol_rate, 0.5 * symbol_rate)
        self.filter = filter.freq_xlating_fir_filter_ccf(
            plan.decimation, taps, plan.lo_offset_hz, plan.radio_rate
        )
        chain = [self, self.filter]
        if plan.resampling != 1.0:
            chain.append(pfb.arb_resampler_ccf(plan.resampling))
        if plan.lo_offset_hz == 0:
            self.corrector = iq_corrector()  # a block in Python lives as long as somebody holds it
            chain.append(self.corrector)
        self.connect(*chain, self)

    def given_s(self) -> float:
        """Seconds of signal that went through the channel filter."""
        return self.filter.nitems_written(0) * self.plan.decimation / self.plan.radio_rate

    def shift(self, hz: float) -> None:
        """Take a signal for the wanted one that lies so far above the tuned frequency."""
        self.filter.set_center_freq(self.plan.lo_offset_hz + hz)


class transmitter_front_end(gr.hier_block2):
    """The modem's samples of RMS 1 in, the radio's samples out, at HEADROOM of full scale.

    The way up is the way down mirrored: `pfb.arb_resampler_ccf` of GNU Radio 3.10.5 takes a core for minutes where it
    has to go up by 185 and a fraction.

    Args:
        plan: rates and offset.
        prompt: samples are taken in time, so that what waits is latency: short buffers.
    """

    def __init__(self, plan: RatePlan, prompt: bool = False):
        signature = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "transmitter_front_end", signature, signature)
        chain = [self]
        if plan.resampling != 1.0:
            chain.append(pfb.arb_resampler_ccf(1 / plan.resampling))
        if plan.decimation > 1:
            taps = firdes.low_pass(
                plan.decimation,
                plan.radio_rate,
                plan.modem_rate / 2,
                plan.modem_rate / 2,
                window.WIN_BLACKMAN,  # images at -74 dB
            )
            chain.append(filter.interp_fir_filter_ccf(plan.decimation, taps))
        if plan.lo_offset_hz != 0:
            chain.append(blocks.rotator_cc(2 * math.pi * plan.lo_offset_hz / plan.radio_rate))
        chain.append(blocks.multiply_const_cc(HEADROOM))
        if prompt:
            for block in chain[1:]:
                hold_little(block, plan.radio_rate, 2 * plan.decimation)
            if plan.resampling != 1.0:
                hold_little(
                    chain[1].pfb, plan.radio_rate / plan.decimation
                )  # inside: the block around passes nothing on
        self.connect(*chain, self)


def hold_little(block: gr.basic_block, rate: float, least: int = 1) -> None:
    """Bound a block's output buffer to HELD_S of complex samples, where it would hold more.

    Args:
        rate: samples a second that it writes.
        least: items that the buffer must hold.
    """
    items = -(-max(math.ceil(HELD_S * rate), least) // PAGE_ITEMS) * PAGE_ITEMS
    if items < USUAL_ITEMS:
        block.set_max_output_buffer(items)


class iq_corrector(gr.sync_block):
    """Takes out DC and IQ imbalance that change slowly, blindly.

    A scrambled signal has mean 0 and axes of equal power at a right angle; what its long-term moments say otherwise
    is the receiver's (Gram-Schmidt: Q less its share of I, then to the power of I).
    """

    def __init__(self):
        gr.sync_block.__init__(self, "iq_corrector", [np.complex64], [np.complex64])
        self._moments = np.array([0.0, 0.0, 1.0, 1.0, 0.0])  # means of I, Q, I^2, Q^2, I Q
        self._seen = 0

    def work(self, input_items, output_items):
        """Correct what came, with moments that follow it slowly."""
        x = input_items[0]
        i, q = x.real.astype(np.float64), x.imag.astype(np.float64)
        measured = np.array([i.mean(), q.mean(), (i * i).mean(), (q * q).mean(), (i * q).mean()])
        if np.isfinite(measured).all():
            self._seen = min(self._seen + len(x), CORRECTION_ITEMS)
            share = min(1.0, len(x) / self._seen)
            self._moments += share * (measured - self._moments)
        output_items[0][:] = correct(x, self._moments)
        return len(x)


def correct(samples: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Samples without the DC and the imbalance that their moments show.

    Args:
        samples: complex (n,).
        moments: (5,), means of I, Q, I^2, Q^2 and I Q.
    Returns:
        complex64 (n,): mean 0, axes uncorrelated and of the power of I.
    """
    mean_i, mean_q, square_i, square_q, product = moments
    power_i, power_q = square_i - mean_i**2, square_q - mean_q**2
    covariance = product - mean_i * mean_q
    rest = power_q - covariance**2 / power_i if power_i > 0 else 0.0
    i, q = samples.real - mean_i, samples.imag - mean_q
    if power_i > 0 and rest > 0:
        q = (q - covariance / power_i * i) * math.sqrt(power_i / rest)
    return (i + 1j * q).astype(np.complex64)
