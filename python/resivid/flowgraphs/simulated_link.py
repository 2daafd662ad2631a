# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole simulated link as one block whose settings may change while it runs: for sliders and demonstrations."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import pmt
from gnuradio import gr

from ..blocks import pdus
from ..errors import ResividError
from .pace import Pace
from .settings import LinkSettings
from .simulate import SimulationSettings, simulation

FRAMES, ORIGINALS, SYMBOLS, BLER, STATUS = (
    pmt.intern(port) for port in ("frames", "originals", "symbols", "bler", "status")
)
BLER_WINDOW, BLER_HISTORY = 50, 200  # blocks
SETTLE_S = 0.3  # a slider that still moves makes no new link


class simulated_link(gr.basic_block):
    """A video over an AWGN channel, again and again, at the speed of the video.

    Messages out: `frames` and `originals`, one PDU a picture; `symbols`, a PDU of received complex symbols; `bler`, a PDU
    of floats, the failed share of the last BLER_WINDOW blocks over the last BLER_HISTORY blocks; `status`, a line of text.
    The SNR changes at once; another CBR, stride or GOP starts the video anew with a new transmitter and receiver, which
    run as a flowgraph of their own. Settings that cannot work are named in `status`, and the link waits for others.

    Args:
        path: file or URL that FFmpeg reads.
        cbr: R, channel symbols per source value.
        stride: S, frames per key frame.
        gop: N, frames of a GOP.
        snr_db: Es/N0 in dB.
        seed: of the channel.
    """

    def __init__(
        self,
        path: str | Path,
        cbr: float | str = "4e-4",
        stride: int = 8,
        gop: int = 32,
        snr_db: float = 6.0,
        seed: int = 0,
    ):
        gr.basic_block.__init__(self, name="simulated_link", in_sig=None, out_sig=None)
        self.logger = gr.logger(self.alias())
        self.path, self.snr_db, self.seed = path, float(snr_db), seed
        self.settings = LinkSettings(_cbr(cbr), int(stride), int(gop))
        self.flowgraph: simulation | None = None
        self._tokenizer, self._interpolator = (
            self.settings.load_tokenizer(),
            self.settings.load_interpolator(),
        )
        self._changed, self._stopping = threading.Event(), threading.Event()
        self._recent: deque[bool] = deque(maxlen=BLER_WINDOW)
        self._history: deque[float] = deque(maxlen=BLER_HISTORY)
        self._thread = threading.Thread(target=self._run, name="simulated_link", daemon=True)
        for port in (FRAMES, ORIGINALS, SYMBOLS, BLER, STATUS):
            self.message_port_register_out(port)

    def set_snr_db(self, snr_db: float) -> None:
        """Es/N0 in dB from the next key frame on."""
        self.snr_db = float(snr_db)
        if self.flowgraph is not None:
            self.flowgraph.channel.set_snr_db([self.snr_db])

    def set_cbr(self, cbr: float | str) -> None:
        """Another share of channel symbols per source value: the video starts anew."""
        self._set(cbr=_cbr(cbr))

    def set_stride(self, stride: int) -> None:
        """Another number of frames per key frame: the video starts anew."""
        self._set(stride=int(stride))

    def set_gop(self, gop: int) -> None:
        """Another number of frames of a GOP: the video starts anew."""
        self._set(gop=int(gop))

    def _set(self, **changes):
        settings = replace(self.settings, **changes)
        if settings != self.settings:
            self.settings = settings
            self._changed.set()

    def start(self):
        """Start the thread that runs the link; called by the scheduler."""
        self._thread.start()
        return True

    def stop(self):
        """End that thread and wait for it; called by the scheduler."""
        self._stopping.set()
        self._changed.set()
        self._thread.join()
        return True

    def _run(self):
        while not self._stopping.is_set():
            self._settle()
            try:
                self._run_once()
            except ResividError as error:
                self._say(str(error))
                self._changed.wait()
            except Exception as error:  # of a codec of the user's: the flowgraph lives on
                self.logger.error(f"link ended: {error}")
                self._say(f"ended: {error}")
                self._changed.wait()

    def _settle(self):
        while self._changed.is_set() and not self._stopping.is_set():
            self._changed.clear()
            time.sleep(SETTLE_S)

    def _run_once(self):
        settings = SimulationSettings(
            link=self.settings, snr_db=(self.snr_db,), seed=self.seed, metrics=False
        )
        flowgraph = simulation(self.path, None, settings, self._tokenizer, self._interpolator)
        pace, rows = Pace(float(flowgraph.transmitter.rate)), settings.link.table.rows

        def show(index, original, received):
            pace.wait()
            for port, picture in ((ORIGINALS, original), (FRAMES, received)):
                self.message_port_pub(port, pdus.from_frame(picture, index))

        def count(decoded, packed):
            self._recent.append(not decoded.crc_ok)
            self._history.append(sum(self._recent) / len(self._recent))
            self.message_port_pub(BLER, _pdu(pmt.init_f32vector, list(self._history)))
            self._say(
                f"SNR {decoded.snr_db:.1f} dB   {rows[decoded.mcs].label}   BLER {self._history[-1]:.1%}   "
                + (f"K {packed.prefix}   " if packed else "")
                + f"{settings.link.symbols} symbols a key frame"
            )

        flowgraph.comparison.watch(show)
        flowgraph.statistics.on_block = count
        flowgraph.receiver.watch_symbols(
            lambda symbols: self.message_port_pub(SYMBOLS, _pdu(pmt.init_c32vector, symbols.tolist()))
        )
        self.flowgraph = flowgraph
        flowgraph.log_no_errors()
        flowgraph.start()
        try:
            while not (self._changed.is_set() or flowgraph.receiver.finished.wait(0.05)):
                pass
        finally:
            self.flowgraph = None
            flowgraph.stop()
            flowgraph.wait()
        error = flowgraph.transmitter.error or flowgraph.receiver.error
        if error is not None:
            raise error

    def _say(self, text: str) -> None:
        self.message_port_pub(STATUS, pmt.intern(text))


def _cbr(cbr: float | str) -> str:
    return cbr if isinstance(cbr, str) else f"{cbr:.6g}"  # of a slider: 4 * 1e-4 is not 4e-4


def _pdu(make, values):
    return pmt.cons(pmt.PMT_NIL, make(len(values), values))
