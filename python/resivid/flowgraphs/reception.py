# SPDX-License-Identifier: GPL-3.0-or-later
"""A live receiver: a radio or a recording to video, as one GNU Radio flowgraph that outlives its troubles."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pmt
from gnuradio import gr

from ..blocks import pdus
from ..blocks.message_ports import message_exit
from ..blocks.payload_heads import payload_head_reader
from ..blocks.token_unpacker import token_unpacker
from ..blocks.video_sink import video_sink
from ..codec.base import CodecDecoder, Unit
from ..link import air
from ..link.frame_mac import Verdict
from ..link.reception_state import ENDED, NO_RADIO, ReceptionState
from ..link.stage_ages import StageAges
from ..link.statistics import Statistics, StatisticsCollector
from ..resivid_python import mcs_selector
from ..version import __version__
from ..video.pacing import CaptureTimes
from .live import LiveSettings
from .radio_ends import ReceiverEnd
from .reporter import Reporter

POLL_S = 0.05
DRAIN_S = 1.0  # nothing moved for so long after the samples ended: all of them are through
LIVE_WAITING, MOST_WAITING = 2, 1024  # key frames between decoder and networks
HYSTERESIS_DB, MARGIN_DB = 0.5, 1.0  # of the rows that are reported


@dataclass(frozen=True)
class ReceiverStatus:
    """What a receiver sees, at one moment.

    Attributes:
        state: of link/reception_state.py: "no radio", "searching", "locked", "losing frames": locked, and blocks fail;
            "ended": a recording or pipe is over.
        snr_db, mcs: of the last frame that was no accident of noise.
        bursts: frames that the synchroniser found; false_alarms: preambles that were none.
        received, failed, foreign, repeated, missing: payloads used; with a bad CRC; of another stream, version or
            settings; that were there before; whose number was skipped, those with a bad CRC among them.
        restarts: of the transmitter. dropped: units that the video could not keep up with.
        frames: that left the receiver.
        forged, replayed: with a key: frames that it did not sign; that were sent before.
        overflows, losses: of the radio.
        shift_hz: how far above its frequency the wide search found the signal, to half a symbol rate.
        call_sign: of the transmitter, as it says; empty: none was heard.
        latency_ms: from the camera to the screen, of the last frame shown; needs clocks that agree, and no recording.
        problem: why payloads are foreign.
    """

    state: str
    snr_db: float
    mcs: int
    bursts: int
    false_alarms: int
    received: int
    failed: int
    foreign: int
    repeated: int
    missing: int
    restarts: int
    dropped: int
    frames: int
    forged: int
    replayed: int
    overflows: int
    losses: int
    shift_hz: float
    call_sign: str
    latency_ms: float | None
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        fields = asdict(self)
        fields["snr_db"] = None if np.isnan(self.snr_db) else self.snr_db
        return fields


def count_failed(statistics: StatisticsCollector, frame: int, metadata: dict[str, Any]) -> None:
    """Count a block with a bad CRC whose key frame would have begun at `frame`."""
    names = ("mcs", "snr_db", "crc_ok", "iterations", "symbols")
    statistics.received(frame, **{name: metadata[name] for name in names})


class reception(gr.top_block):
    """Radio, synchronisation, decoding, unpacking, video.

    Args:
        make_end: what gives payloads of a radio to the flowgraph that it is called with.
        settings: of the link.
        codec_decoder: the codec.
        digest: of the settings that both ends share.
        rate: frame/s of the video.
        path: the video file to write; None for none.
        on_frame: called with index and picture of each frame; returns what to write to `path`.
        live: somebody looks on: where the networks are too slow for every key frame, the newest is shown.
        recorded: the samples are of a recording: how old its frames are says nothing.
    """

    def __init__(
        self,
        make_end: Callable[[gr.top_block], ReceiverEnd],
        settings: LiveSettings,
        codec_decoder: CodecDecoder,
        digest: int,
        rate: Fraction,
        path: Path | None,
        on_frame: Callable[[int, np.ndarray], np.ndarray] | None = None,
        live: bool = False,
        recorded: bool = False,
    ):
        gr.top_block.__init__(self, "resivid rx")
        link, table = settings.link, settings.link.table
        self.rate, self.capture_times = rate, CaptureTimes(float(rate))
        self.latency_ms: float | None = None
        # of key frames when they are decoded, and of frames when the first of a burst is there and when they are shown,
        # less the S - 1 frames that the first of a burst waits for its key frame
        self.ages = StageAges()
        self._wait_s = (settings.link.stride - 1) / float(rate)
        self.settings, self.end = settings, make_end(self)
        self.statistics = StatisticsCollector(
            table, link.stride, link.gop, link.size, air.frame_symbols(link.symbols) - link.symbols
        )
        self.sequence = settings.sequence(rate)
        self.heads = payload_head_reader(
            self.sequence,
            digest,
            float(rate),
            link.stride,
            None if recorded else self._captured,
            settings.key,
        )
        self.heads.on_problem = lambda problem: None  # `status` has it
        self.heads.on_failed = lambda frame, metadata: count_failed(self.statistics, frame, metadata)
        self.unpacker = token_unpacker(codec_decoder, self.statistics)
        self._on_frame = on_frame
        self.sink = video_sink(
            path,
            codec_decoder,
            rate,
            link.size,
            self._pictured,
            statistics=self.statistics,
            max_waiting=LIVE_WAITING if live else MOST_WAITING,
            newest=live,
        )
        self.unpacker.logs_error = self.sink.logs_error = False  # `run` raises it
        self.msg_connect(self.end.payloads, (self.heads, "payload"))
        self.msg_connect((self.heads, "payload"), (self.unpacker, "payload"))
        self.msg_connect((self.unpacker, "tokens"), (self.sink, "tokens"))
        self._signal = ReceptionState(link.stride / float(rate))

    def report_to(self, send: Callable[[bytes], None]) -> None:
        """Tell the transmitter, after each block, which row can be read here and what arrived; before the flowgraph starts.

        Args:
            send: called with each report; it must not wait.
        """
        table = self.settings.link.table
        self.selector = mcs_selector(table.thresholds_db(), HYSTERESIS_DB, snr_bias_db=-MARGIN_DB)
        self.reporter = Reporter(self.heads, self.settings.key, send)
        self._exits = (
            message_exit("mcs", self.reporter.row, pmt.to_long),
            message_exit("report", self.reporter.arrived, pdus.to_report),
        )
        self.msg_connect(self.end.payloads, (self.selector, "snr"))
        self.msg_connect((self.selector, "mcs"), (self._exits[0], "mcs"))
        self.msg_connect((self.unpacker, "report"), (self._exits[1], "report"))

    def _captured(self, first_frame: int, age_s: float) -> None:
        self.statistics.latency(age_s)
        self.ages.add("decoded", age_s)
        self.capture_times.learn(first_frame, time.time() - age_s)

    def _pictured(self, index: int, frame: np.ndarray) -> np.ndarray:
        if index % self.settings.link.stride == 1:
            self._note_age("pictured", index)
        return frame if self._on_frame is None else self._on_frame(index, frame)

    def shown(self, index: int, frame: np.ndarray) -> None:
        """To be called when frame `index` is on the screen: the latency end to end."""
        age_s = self._note_age("shown", index)
        self.latency_ms = None if age_s is None else 1e3 * age_s

    def _note_age(self, stage: str, index: int) -> float | None:
        """Seconds since frame `index` was captured; None when nobody knows, or the clocks do not agree."""
        age_s = self.capture_times.age_s(index, time.time())
        if age_s is None or age_s < 0:
            return None
        self.ages.add(stage, age_s - self._wait_s)
        return age_s

    def live_statistics(self) -> Statistics:
        """The document of a run that goes on, from any thread."""
        return self.statistics.result(
            fps=float(self.rate),
            version=__version__,
            notes=["psnr_db, ssim, lpips, clip: not computed, the receiver has no original"],
        )

    @property
    def frames_waiting(self) -> int:
        """About how many frames were received and are not drawn yet; from any thread."""
        return self.sink.waiting * self.settings.link.stride

    def status(self) -> ReceiverStatus:
        """What it sees now."""
        heads, end, counters = self.heads, self.end, self.end.counters
        return ReceiverStatus(
            state=self._state(),
            snr_db=heads.last_snr_db,
            mcs=heads.last_mcs,
            bursts=end.bursts,
            false_alarms=end.false_alarms,
            received=heads.received,
            failed=heads.failed,
            foreign=heads.foreign,
            repeated=self.sequence.repeated,
            missing=self.sequence.missing,
            restarts=self.sequence.restarts,
            dropped=self.sink.dropped,
            frames=self.sink.num_frames,
            forged=heads.verdicts[Verdict.FORGED],
            replayed=heads.verdicts[Verdict.REPLAYED],
            overflows=counters.overflows,
            losses=counters.losses,
            shift_hz=end.shift_hz,
            call_sign=heads.collector.call_sign,
            latency_ms=self.latency_ms,
            problem=heads.problem or end.problem,
        )

    def _state(self) -> str:
        if self.end.ended:
            return ENDED
        if not self.end.counters.present:
            return NO_RADIO
        return self._signal.word(time.monotonic(), self.end.locked, self.heads.right, self.heads.failed)

    def run(
        self,
        ended: Callable[[reception], bool] = lambda flowgraph: False,
        progress: Callable[[reception], None] = lambda flowgraph: None,
    ) -> None:
        """Receive until the samples end, `ended` says so, or Ctrl-C; the video is finished in any case.

        Args:
            ended: asked many times a second.
            progress: called as often.
        Raises:
            ResividError: the video cannot be written, or a codec of another package cannot go on.
            KeyboardInterrupt: as it came in.
        """
        self.start()
        self.end.start()
        try:
            while not (ended(self) or self.sink.finished.is_set()):
                time.sleep(POLL_S)
                progress(self)
                if self.end.ended:
                    self._drain(progress)
                    break
        finally:
            self._finish()
        error = self.unpacker.error or self.sink.error
        if error is not None:
            raise error

    def _drain(self, progress: Callable[[reception], None]) -> None:
        """Wait until what was received is on the screen."""
        moved, since = None, time.monotonic()
        while time.monotonic() < since + DRAIN_S and not self.sink.finished.is_set():
            time.sleep(POLL_S)
            progress(self)
            now = (self.end.moved, self.heads.received, self.sink.num_frames)
            if now != moved or self.sink.waiting:
                moved, since = now, time.monotonic()

    def _finish(self) -> None:
        last = self.sink.num_frames
        self.sink.on_tokens(pdus.from_unit(Unit(first_frame=last, num_frames=last, end=True)))
        self.sink.finished.wait(30)
        self.stop()
        self.wait()
        self.end.close()
