# SPDX-License-Identifier: GPL-3.0-or-later
"""The wide search: where in a radio's band a signal of the wanted width stands, tried one after the other.

Oscillators that are off by 40 ppm at 434 MHz move a signal of 3 kHz by six times its width. The synchroniser bears half a
symbol rate; this finds the rest by power, which needs no knowledge of the phase: at Es/N0 = -4 dB the band of the signal
carries 1.4 times the power of the noise, and a second of it is known to some 3 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from gnuradio import blocks, gr

from ..link import air

if TYPE_CHECKING:
    from .front_end import receiver_front_end

BINS_A_SYMBOL_RATE = 16
SCAN_S = 1.0  # of spectrum behind a decision
FRAMES_TO_LOCK = 3  # a block of the search, two preambles, and a little
SPARE_S = 0.5
MAX_CANDIDATES = 8
SIGNIFICANCE = 6.0  # deviations of a level above the floor


class BandSpectrum:
    """Mean power spectrum around the tuned frequency.

    Args:
        rate: samples a second.
        symbol_rate: of the wanted signal.
    """

    def __init__(self, rate: float, symbol_rate: float):
        self.rate, self.symbol_rate = rate, symbol_rate
        self.size = 1 << math.ceil(math.log2(BINS_A_SYMBOL_RATE * rate / symbol_rate))
        self._window = np.hanning(self.size).astype(np.float32)  # a DC spike stays within four bins
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._sum, self.blocks = np.zeros(self.size), 0
        self._rest = np.zeros(0, np.complex64)

    @property
    def seconds(self) -> float:
        """Of samples in the mean."""
        return self.blocks * self.size / self.rate

    def add(self, samples: np.ndarray) -> None:
        """Take complex samples, of any number; what is not finite makes its block count for nothing."""
        samples = np.concatenate([self._rest, samples])
        count = len(samples) // self.size
        self._rest = samples[count * self.size :].copy()
        for block in samples[: count * self.size].reshape(count, self.size):
            power = np.abs(np.fft.fft(block * self._window)) ** 2
            self.blocks += 1
            if np.isfinite(power).all():
                self._sum += power

    def candidates(self, center_hz: float, reach_hz: float) -> list[float]:
        """Where signals of the wanted width may stand, the strongest first.

        The level of a place is the median of its bins, which spurs and a DC spike do not move; the floor is a low
        quantile of all levels.

        Args:
            center_hz: of the range, from the tuned frequency.
            reach_hz: either way.
        Returns:
            Hz above `center_hz`, at most MAX_CANDIDATES, half a symbol rate and more apart.
        """
        bin_hz = self.rate / self.size
        half = max(1, round(0.45 * self.symbol_rate / bin_hz))
        beyond = reach_hz + 2 * self.symbol_rate  # so that there is a floor to be seen
        first = math.ceil((center_hz - beyond) / bin_hz)
        last = math.floor((center_hz + beyond) / bin_hz)
        bins = np.arange(max(first, half - self.size // 2), min(last, self.size // 2 - 1 - half) + 1)
        if not self.blocks or len(bins) < 2 * half:
            return []
        around = bins[:, None] + np.arange(-half, half + 1)  # negative ones are counted from the end
        levels = np.median(self._sum[around], axis=1)
        floor = np.quantile(levels, 0.2)
        # a bin's mean of n powers has the deviation 1/sqrt(n); the median of bins that overlap by the window's
        # main lobe varies by 1.25 * 1.22 times that of their mean
        deviation = 1.5 / math.sqrt(self.blocks * (2 * half + 1))
        levels[np.abs(bins * bin_hz - center_hz) > reach_hz] = 0
        found: list[float] = []
        apart = round(0.75 * self.symbol_rate / bin_hz)
        while len(found) < MAX_CANDIDATES:
            best = int(np.argmax(levels))
            if not levels[best] > floor * (1 + SIGNIFICANCE * deviation):
                break
            # the middle of the stretch that is nearly as high: within it the signal covers the window
            near = slice(max(0, best - half), best + half + 1)
            high = np.flatnonzero(levels[near] - floor > 0.8 * (levels[best] - floor)) + near.start
            found.append(float(bins[high].mean() * bin_hz - center_hz))
            levels[max(0, best - apart) : best + apart + 1] = 0
        return found


class CarrierSearch:
    """Decides what to listen to: candidates in turn while nothing is locked, and where it last was.

    Args:
        rate: samples a second of the radio.
        symbol_rate: of the wanted signal.
        center_hz: where it should stand, from the tuned frequency.
        reach_hz: how far off it may be.
        dwell_s: how long the synchroniser needs to lock.
    """

    def __init__(self, rate: float, symbol_rate: float, center_hz: float, reach_hz: float, dwell_s: float):
        within = rate / 2 - abs(center_hz) - (1 + air.ROLL_OFF) / 2 * symbol_rate
        self.center_hz, self.reach_hz, self.dwell_s = center_hz, min(reach_hz, within), dwell_s
        self.needed = self.reach_hz > 0.4 * symbol_rate
        self.shift_hz = 0.0
        self._home = 0.0
        self._spectrum = BandSpectrum(rate, symbol_rate)
        self._pending: list[float] = []
        self._until = 0.0

    @property
    def block_size(self) -> int:
        """Samples of one spectrum."""
        return self._spectrum.size

    def take(self, samples: np.ndarray, judged_s: float, locked: bool) -> float | None:
        """Look at samples of the radio.

        Args:
            samples: complex64.
            judged_s: seconds of signal that the synchroniser is through with.
            locked: whether it has the signal.
        Returns:
            Hz to listen at from now on, above `center_hz`; None: where it is.
        """
        if locked:
            self._home, self._pending = self.shift_hz, []
            self._spectrum.reset()
            return None
        self._spectrum.add(samples)
        if judged_s < self._until:
            return None
        if not self._pending:
            if self._spectrum.seconds < SCAN_S:
                return None
            self._pending = self._spectrum.candidates(self.center_hz, self.reach_hz)
            self._spectrum.reset()
            self._pending.append(self._home)
        self.shift_hz = self._pending.pop(0)
        return self.shift_hz

    def dwell(self, now_s: float) -> None:
        """Stay where it is until the synchroniser had `dwell_s` of what the radio gives from `now_s` on."""
        self._until = now_s + self.dwell_s


class carrier_searcher(gr.hier_block2):
    """Listens to the radio beside the front end and shifts it: the blocks around CarrierSearch.

    Args:
        front_end: of the receiver.
        reach_hz: how far off the signal may be.
        frame_s: seconds of a frame.
        judged_s: tells how many seconds of signal the synchroniser is through with.
        locked: tells whether it is locked.
    """

    def __init__(
        self,
        front_end: receiver_front_end,
        reach_hz: float,
        frame_s: float,
        judged_s: Callable[[], float],
        locked: Callable[[], bool],
    ):
        gr.hier_block2.__init__(
            self, "carrier_searcher", gr.io_signature(1, 1, gr.sizeof_gr_complex), gr.io_signature(0, 0, 0)
        )
        plan = front_end.plan
        self.search = CarrierSearch(
            plan.radio_rate,
            front_end.symbol_rate,
            plan.lo_offset_hz,
            reach_hz,
            FRAMES_TO_LOCK * frame_s + SPARE_S,
        )
        self.search.dwell(0.0)  # where it is tuned comes first
        if not self.search.needed:
            self.connect(self, blocks.null_sink(gr.sizeof_gr_complex))
            return
        # Whole spectra at a time: a call of Python for each few samples is a sixth of a core at 2 MS/s.
        size = self.search.block_size
        self._watcher = _spectrum_watcher(self.search, front_end, judged_s, locked)
        self.connect(self, blocks.stream_to_vector(gr.sizeof_gr_complex, size), self._watcher)


class _spectrum_watcher(gr.sync_block):
    """Vectors of samples to CarrierSearch; arguments as of `carrier_searcher`."""

    def __init__(
        self,
        search: CarrierSearch,
        front_end: receiver_front_end,
        judged_s: Callable[[], float],
        locked: Callable[[], bool],
    ):
        size = search.block_size
        gr.sync_block.__init__(self, "spectrum_watcher", [(np.complex64, size)], None)
        self._search, self._front_end, self._judged_s, self._locked = search, front_end, judged_s, locked
        self._vector_s = size / front_end.plan.radio_rate

    def work(self, input_items, output_items):
        """Look at what came; it shifts the front end where the signal is found."""
        vectors = input_items[0]
        judged_s, locked = self._judged_s(), self._locked()  # in this order: locked later is locked
        shift = self._search.take(vectors.reshape(-1), judged_s, locked)
        if shift is not None:
            self._front_end.shift(shift)
        if locked or shift is not None:
            # by this block's clock: it may be ahead of the synchroniser by all that buffers hold
            self._search.dwell((self.nitems_read(0) + len(vectors)) * self._vector_s)
        return len(vectors)
