# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole chain over a simulated channel as one flowgraph: what `resivid simulate` runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from gnuradio import gr

from ..errors import SettingsError
from ..link.channel_settings import ChannelSettings
from ..link.snr_trace import SnrTrace
from ..link.statistics import Statistics, StatisticsCollector
from ..models.interpolation.base import Interpolator
from ..models.tokenizers.base import Tokenizer
from ..resivid_python import channel
from ..version import __version__
from .comparison import Comparison
from .iq_recording import Annotation, IqRecording
from .receiver import receiver
from .settings import LinkSettings
from .timed import TimedInterpolator, TimedTokenizer
from .transmitter import PACKET_LEN, transmitter

MAX_FEEDBACK_DELAY = 1024  # key frames: more than any link has on its way
MOST_CLOSING_SAMPLES = 2048  # what closes a burst may be longer than a short frame
MAX_BIAS_DB = 40  # as the selector takes it


@dataclass(frozen=True)
class SimulationSettings:
    """A simulated link.

    Attributes:
        link: common configuration of both ends.
        snr_db: Es/N0 in dB, one value for each key frame; the last one holds from then on.
        snr_trace: Es/N0 over time, instead of `snr_db`.
        channel: what there is beside the noise.
        seed: of all that is random in the channel.
        mcs: row of the MCS table to stay with; None: follow the receiver's estimates.
        mcs_start: row before the first estimate.
        hysteresis_db: how far the SNR falls below a row's threshold before the row is left.
        feedback_delay: d in key frames.
        outer_loop: keep the block error rate at the table's target though the estimates be biased.
        snr_bias_db: added to the selector's estimates: a wrong estimator, for studies.
        jump_db: an estimate so far from the mean of the last ones starts the mean anew; 0: never.
        save_iq, save_sent_iq: SigMF recordings of the received and of the sent symbols; None for none.
        side_by_side: write the original left of the received picture.
        metrics: compare the received frames with the original ones.
        sample_every: keep both pictures of every n-th frame for a report; 0 keeps none.
    """

    link: LinkSettings = field(default_factory=LinkSettings)
    snr_db: tuple[float, ...] = (6.0,)
    snr_trace: SnrTrace | None = None
    channel: ChannelSettings = field(default_factory=ChannelSettings)
    seed: int = 0
    mcs: int | None = None
    mcs_start: int = 0
    hysteresis_db: float = 0.5
    feedback_delay: int = 1
    outer_loop: bool = False
    snr_bias_db: float = 0.0
    jump_db: float = 2.0
    save_iq: Path | None = None
    save_sent_iq: Path | None = None
    side_by_side: bool = False
    metrics: bool = True
    sample_every: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.feedback_delay <= MAX_FEEDBACK_DELAY:
            raise SettingsError(
                f"--feedback-delay must be 1 to {MAX_FEEDBACK_DELAY} key frames, got {self.feedback_delay}"
            )
        if not self.hysteresis_db >= 0:
            raise SettingsError(f"--hysteresis-db must be at least 0 dB, got {self.hysteresis_db}")
        if not abs(self.snr_bias_db) <= MAX_BIAS_DB:
            raise SettingsError(f"--snr-bias must be within {MAX_BIAS_DB} dB, got {self.snr_bias_db}")
        if self.link.phy == "ideal":
            self.channel.warnings_without_synchroniser()
        else:
            self.channel.check_samples()
            if self.feedback_delay < 2:
                raise SettingsError(
                    "--phy framed: a key frame is received when the next one has begun, so --feedback-delay must be "
                    f"at least 2, got {self.feedback_delay}"
                )


class simulation(gr.top_block):
    """Video file, transmitter, channel, receiver, video file; lock-step and repeatable.

    Args:
        path: file or URL that FFmpeg reads.
        output: the file to write; None for none.
        settings: all that is set.
        tokenizer, interpolator: objects to use instead of those that the settings name.
        on_frame: called with the index and the picture of each received frame, uint8 (H, W, 3).
    """

    def __init__(
        self,
        path: str | Path,
        output: str | Path | None,
        settings: SimulationSettings = SimulationSettings(),
        tokenizer: Tokenizer | None = None,
        interpolator: Interpolator | None = None,
        on_frame: Callable[[int, np.ndarray], None] | None = None,
    ):
        gr.top_block.__init__(self, "resivid simulation")
        link = settings.link
        if tokenizer is not None:  # which codec "auto" stands for depends on it
            link = replace(link, tokenizer=tokenizer.name)
        link.check_budget(settings.mcs)
        self.settings = settings
        self.tokenizer = tokenizer or link.load_tokenizer()
        self.interpolator = interpolator or link.load_interpolator()
        link.check_size(self.tokenizer)
        self.comparison = Comparison(
            path, link.size, settings.metrics, settings.side_by_side, on_frame, settings.sample_every
        )
        self.statistics = StatisticsCollector(
            link.table, link.stride, link.gop, link.size, link.frame_symbols - link.symbols
        )
        self.transmitter = transmitter(
            path,
            link,
            link.make_encoder(TimedTokenizer(self.tokenizer, self.statistics)),
            settings.feedback_delay,
            settings.mcs_start if settings.mcs is None else settings.mcs,
            self.statistics,
        )
        self.paced = False  # whether pictures are shown at the rate of the video
        self.snr_db = settings.snr_db
        if settings.snr_trace is not None:
            self.snr_db = tuple(settings.snr_trace.at_key_frames(link.stride / float(self.transmitter.rate)))
        self.channel = self._make_channel()
        self.receiver = receiver(
            output,
            link,
            self.transmitter.rate,
            link.make_decoder(
                TimedTokenizer(self.tokenizer, self.statistics),
                TimedInterpolator(self.interpolator, self.statistics),
            ),
            settings.hysteresis_db,
            settings.mcs_start,
            settings.mcs,
            self.comparison.take,
            self.comparison.picture_width,
            self.statistics,
            settings.outer_loop,
            settings.snr_bias_db,
            settings.jump_db,
        )
        self.connect(self.transmitter, self.channel, self.receiver)
        self._recordings = [
            self._record(path, source, description)
            for path, source, description in (
                (settings.save_iq, self.channel, "received symbols, one item each"),
                (settings.save_sent_iq, self.transmitter, "sent symbols, one item each"),
            )
            if path is not None
        ]
        for port in ("mcs", "report", "credit", "done"):
            self.msg_connect((self.receiver, port), (self.transmitter, port))

    def _make_channel(self) -> channel:
        """Noise and the rest for symbols, or for the samples of a framed link, whose noise is as much wider."""
        link, settings = self.settings.link, self.settings.channel
        samples = link.samples_per_symbol if link.phy == "framed" else 1
        if samples > 1:
            settings = replace(settings, phase_noise=settings.phase_noise / samples, continuous=True)
        return channel(
            [snr_db - 10 * math.log10(samples) for snr_db in self.snr_db],
            self.settings.seed,
            PACKET_LEN,
            link.frame_symbols * samples + MOST_CLOSING_SAMPLES * (samples > 1),
            **settings.as_arguments(self.symbol_rate * samples),
        )

    def _record(self, path: Path, source: gr.basic_block, description: str) -> IqRecording:
        recording = IqRecording(path, description)
        self.connect(source, recording.sink)
        return recording

    @property
    def symbol_rate(self) -> float:
        """Symbols a second of a link that sends without pauses."""
        link = self.settings.link
        return link.frame_symbols * float(self.transmitter.rate) / link.stride

    @property
    def num_frames_hint(self) -> int | None:
        """Length that the input claims, in frames."""
        return self.transmitter.source.num_frames_hint

    def log_no_errors(self) -> None:
        """For a caller who asks for `error` of both ends: the log does not say it as well."""
        for block in (
            self.transmitter.source,
            self.transmitter.packer,
            self.receiver.unpacker,
            self.receiver.sink,
        ):
            block.logs_error = False

    def run(self, progress: Callable[[int], None] = lambda num_frames: None) -> Statistics:
        """Send the whole video, once.

        Args:
            progress: called a few times a second with the number of frames that are out.
        Returns:
            The statistics document.
        Raises:
            ResividError: what ended the run early; no output is left.
            KeyboardInterrupt: as it came in; the output holds what was received until then.
        """
        self.log_no_errors()
        self.start()
        try:
            statistics = self._run(progress)
        except KeyboardInterrupt:
            self._keep_recordings()
            raise
        except BaseException:
            for recording in self._recordings:
                recording.discard()
            raise
        self._keep_recordings()
        for end in (self.transmitter, self.receiver):
            end.release()
        return statistics

    def _run(self, progress: Callable[[int], None]) -> Statistics:
        try:
            while not self.receiver.finished.wait(0.1):
                progress(self.receiver.sink.num_frames)
                if self.transmitter.error is not None:  # where its end marker is lost too
                    self.receiver.sink.give_up()
        except KeyboardInterrupt:
            self.stop()
            self.wait()
            if self.receiver.error is not None:  # then nothing is kept
                raise self.receiver.error from None
            raise KeyboardInterrupt("interrupted; what was received until then is kept") from None
        self.wait()
        error = self.transmitter.error or self.receiver.error
        if error is not None:
            raise error
        progress(self.receiver.sink.num_frames)
        return self._result()

    def _keep_recordings(self) -> None:
        rows, symbols = self.settings.link.table.rows, self.settings.link.symbols
        annotations = [
            Annotation(
                start=number * symbols,
                count=symbols,
                label=f"frame {block.frame}",
                comment=f"{rows[block.mcs].label}, {'good' if block.crc_ok else 'failed'}",
            )
            for number, (_, block) in enumerate(self.statistics.blocks())
        ]
        for recording in self._recordings:
            recording.finish(self.symbol_rate, annotations)

    def _result(self) -> Statistics:
        for stage, times_ms in (
            ("coding", self.transmitter.encoder.encode_ms()),
            ("decoding", self.receiver.decoder.decode_ms()),
        ):
            for time_ms in times_ms:
                self.statistics.stage(stage, time_ms / 1e3)
        snr_db = self.snr_db
        quality, notes = self.comparison.result()
        own_metrics, own_notes = self.comparison.own_metrics()
        notes += own_notes
        notes.append(self._latency_note())
        if len(snr_db) > 1:
            notes.append("snr_set_db: one value for each key frame, from a file or trace")
        if self.settings.channel.fading != "none":
            notes.append(f"snr_set_db: the mean; the channel fades ({self.settings.channel.fading})")
        if self.channel.lost():
            notes.append(f"blocks_failed: {self.channel.lost()} of them were lost by the channel, --loss")
        if self.statistics.blocks_missing:
            notes.append(f"key_frames: {self.statistics.blocks_missing} of them never came out of the chain")
        return self._document(quality=quality, own_metrics=own_metrics, notes=notes)

    def live_statistics(self) -> Statistics:
        """The document of a run that goes on: what is known so far, from any thread."""
        psnr_db = self.comparison.psnr_per_frame
        known_later = "the run goes on; ssim, lpips and the times of coding are known at its end"
        return self._document(
            quality={"psnr_db": float(np.mean(psnr_db)) if psnr_db else None},
            notes=[known_later, self._latency_note()],
        )

    def _document(self, **more: Any) -> Statistics:
        return self.statistics.result(
            fps=float(self.transmitter.rate),
            snr_set_db=self.snr_db[0] if len(self.snr_db) == 1 else None,
            seed=self.settings.seed,
            version=__version__,
            weights=self._weights(),
            **more,
        )

    def _latency_note(self) -> str:
        gop = self.settings.link.gop
        return (
            "latency_ms: not measured, "
            + ("a file is read ahead of its pace and has no camera" if self.paced else "the run is not paced")
            + (f"; --gop-prefix holds back a GOP of {gop} frames" if self.settings.link.gop_prefix else "")
        )

    def _weights(self) -> dict[str, str]:
        models = (self.tokenizer, self.interpolator, self.comparison)
        return {
            name: digest for model in models for name, digest in getattr(model, "weights_sha256", {}).items()
        }
