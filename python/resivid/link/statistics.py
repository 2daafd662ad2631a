# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics document: one schema for `simulate`, `encode`, `rx`, the web page and the message port."""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from .budget import SOURCE_VALUES_PER_PIXEL, code_rate, coded_bits, crc_bits
from .budget import payload_bits as payload_bits_of
from .mcs_table import McsTable


@dataclass
class Statistics:
    """Every key of the document, in its order; None where a value could not be had, the reason in `notes`.

    Attributes:
        frames, key_frames, fps, stride, gop: frames out, key frames sent, frame/s, S, N in frames.
        cbr_payload, cbr_total: payload symbols, and all symbols, per source value of the key-frame slots.
        bits_source, bits_header, bits_body, bits_crc: totals; source is header and body, CRC stands apart.
        symbols_mean: k_t in symbols.
        k_mean, k_min: prefix K in tokens, (14). updates_mean: changed tokens sent, (12).
        blocks, blocks_failed, bler: transport blocks, one a key frame.
        snr_set_db, snr_est_db: Es/N0 of the channel, mean of all estimates.
        mcs: label of the row to blocks sent with it.
        code_rate: label of the row to its true code rate, payload and CRC bits per bit on the channel.
        stage_ms: stage to {mean, p50, p95} of its run time in ms. latency_ms: {p50, p95}, None unless paced.
        psnr_db, ssim, lpips, clip: means over the frames before the file encoder.
        own_metrics: metrics of installed extensions, name to mean over the same frames.
        settings: options of the run, name to value; empty where a command keeps none.
        seed, version, weights: what it takes to repeat the run; file name to SHA-256.
        notes: what the reader must know to read the numbers right.
    """

    frames: int = 0
    key_frames: int = 0
    fps: float | None = None
    stride: int | None = None
    gop: int | None = None
    cbr_payload: float | None = None
    cbr_total: float | None = None
    bits_source: int | None = None
    bits_header: int | None = None
    bits_body: int | None = None
    symbols_mean: float | None = None
    bits_crc: int | None = None
    k_mean: float | None = None
    k_min: int | None = None
    updates_mean: float | None = None
    blocks: int = 0
    blocks_failed: int = 0
    bler: float | None = None
    snr_set_db: float | None = None
    snr_est_db: float | None = None
    mcs: dict[str, int] = field(default_factory=dict)
    code_rate: dict[str, float] = field(default_factory=dict)
    stage_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    latency_ms: dict[str, float] | None = None
    psnr_db: float | None = None
    ssim: float | None = None
    lpips: float | None = None
    clip: float | None = None
    own_metrics: dict[str, float | None] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    version: str | None = None
    weights: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not a finite number becomes None."""
        return {key: _finite(value) for key, value in asdict(self).items()}

    def to_json(self) -> str:
        """The document as JSON text; never NaN or infinity, which JSON does not know."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


class PackedBlock(NamedTuple):
    """What the transmitter put into a block: bits of header and body, K and updates in tokens."""

    bits_header: int
    bits_body: int
    prefix: int
    updates: int


class DecodedBlock(NamedTuple):
    """What became of a block: its 0-based frame, row of the MCS table, SNR estimate, CRC, symbols,
    and the decoder iterations it took."""

    frame: int
    mcs: int
    snr_db: float
    crc_ok: bool
    symbols: int
    iterations: int


class StatisticsCollector:
    """Gathers what the stages report, from any thread, and sums it up.

    `on_block` may be set to a quick function that gets each decoded block and, in a simulation, what was packed into it.

    Args:
        table: the MCS table in force.
        stride: S in frames.
        gop: N in frames.
        size: side of the square picture in pixels.
        overhead_symbols: of each block's frame that carry no payload: preamble and pilots.
    """

    def __init__(self, table: McsTable, stride: int, gop: int, size: int, overhead_symbols: int = 0):
        self._table, self._stride, self._gop, self._size = table, stride, gop, size
        self._overhead_symbols = overhead_symbols
        self._lock = threading.Lock()
        self._payloads: list[PackedBlock] = []
        self._blocks: list[DecodedBlock] = []
        self._stages: dict[str, list[float]] = {}
        self._latencies: list[float] = []
        self._frames = 0
        self.on_block: Callable[[DecodedBlock, PackedBlock | None], None] = lambda decoded, packed: None

    def packed(self, payload: Any) -> None:
        """Count a packed `Payload` (any object with bits_header, bits_body, prefix, updates)."""
        with self._lock:
            self._payloads.append(
                PackedBlock(payload.bits_header, payload.bits_body, payload.prefix, payload.updates)
            )

    def received(
        self, frame: int, mcs: int, snr_db: float, crc_ok: bool, iterations: int, symbols: int
    ) -> None:
        """Count a decoded block.

        Args:
            frame: 0-based first frame of its unit.
            mcs: row of the MCS table.
            snr_db: estimated Es/N0 in dB; NaN when there is no estimate.
            crc_ok: the CRC holds.
            iterations: decoder iterations spent.
            symbols: payload symbols that the packet held, as counted by the decoder.
        """
        decoded = DecodedBlock(frame, mcs, snr_db, crc_ok, symbols, iterations)
        with self._lock:
            number = len(self._blocks)
            packed = self._payloads[number] if number < len(self._payloads) else None
            self._blocks.append(decoded)
        self.on_block(decoded, packed)

    def stage(self, name: str, seconds: float) -> None:
        """Count one run of a stage."""
        with self._lock:
            self._stages.setdefault(name, []).append(seconds)

    def latency(self, seconds: float) -> None:
        """Count one frame's way from camera to screen; for paced runs only."""
        with self._lock:
            self._latencies.append(seconds)

    def frames_out(self, count: int) -> None:
        """Count frames that left the receiver."""
        with self._lock:
            self._frames += count

    def blocks(self) -> list[tuple[PackedBlock, DecodedBlock]]:
        """Both ends' view of each block that was sent and decoded, in order."""
        with self._lock:
            return list(zip(self._payloads, self._blocks, strict=False))

    @property
    def blocks_missing(self) -> int:
        """Payloads that were packed and of which no block, good or failed, came out."""
        with self._lock:
            return len(self._payloads) - len(self._blocks)

    def stage_seconds(self) -> dict[str, float]:
        """Total run time of each stage so far."""
        with self._lock:
            return {name: sum(times) for name, times in self._stages.items()}

    @property
    def frames(self) -> int:
        """Frames that left the receiver so far."""
        return self._frames

    def result(
        self,
        *,
        fps: float | None = None,
        snr_set_db: float | None = None,
        seed: int | None = None,
        version: str | None = None,
        weights: Mapping[str, str] | None = None,
        quality: Mapping[str, float | None] | None = None,
        own_metrics: Mapping[str, float | None] | None = None,
        notes: Iterable[str] = (),
    ) -> Statistics:
        """Sum up.

        Args:
            fps: frame rate of the video in frame/s.
            snr_set_db: Es/N0 of the simulated channel; None for a radio or a changing channel.
            seed: of the simulated channel.
            version: of this module.
            weights: file name to SHA-256 of all weights in use.
            quality: any of psnr_db, ssim, lpips, clip; those left out or None are null, `notes` should say why.
            own_metrics: of extensions, by name.
            notes: more lines for `notes`.
        Returns:
            The document.
        Raises:
            ValueError: an unknown key in `quality`.
        """
        unknown = set(quality or {}) - {"psnr_db", "ssim", "lpips", "clip"}
        if unknown:
            raise ValueError(f"quality: expected psnr_db, ssim, lpips, clip, got {sorted(unknown)}")
        with self._lock:
            result = Statistics(
                frames=self._frames,
                key_frames=len(self._payloads) or len(self._blocks),
                fps=fps,
                stride=self._stride,
                gop=self._gop,
                snr_set_db=snr_set_db,
                seed=seed,
                version=version,
                weights=dict(weights or {}),
                own_metrics=dict(own_metrics or {}),
            )
            for name, value in (quality or {}).items():
                setattr(result, name, value)
            self._add_payloads(result)
            self._add_blocks(result)
            result.stage_ms = {name: spread_ms(times) for name, times in self._stages.items()}
            if self._latencies:
                result.latency_ms = {key: spread_ms(self._latencies)[key] for key in ("p50", "p95")}
        result.notes += [*self._stride_notes(result), *notes]
        return result

    def _add_payloads(self, result: Statistics) -> None:
        if not self._payloads:
            return
        header, body, prefix, updates = np.array(self._payloads, dtype=np.int64).T
        result.bits_header, result.bits_body = int(header.sum()), int(body.sum())
        result.bits_source = result.bits_header + result.bits_body
        result.k_mean, result.k_min = float(prefix.mean()), int(prefix.min())
        result.updates_mean = float(updates.mean())

    def _add_blocks(self, result: Statistics) -> None:
        if not self._blocks:
            return
        count = len(self._blocks)
        symbols = sum(block.symbols for block in self._blocks)
        slots = SOURCE_VALUES_PER_PIXEL * self._size**2 * self._stride * count
        result.blocks, result.blocks_failed = count, sum(not block.crc_ok for block in self._blocks)
        result.bler = result.blocks_failed / count
        result.symbols_mean = symbols / count
        result.cbr_payload = symbols / slots
        result.cbr_total = (symbols + count * self._overhead_symbols) / slots
        result.bits_crc = sum(self.bits_crc(block.mcs, block.symbols) for block in self._blocks)
        estimates = [block.snr_db for block in self._blocks if math.isfinite(block.snr_db)]
        result.snr_est_db = float(np.mean(estimates)) if estimates else None
        counts = Counter(block.mcs for block in self._blocks)
        result.mcs = {self._table.rows[row].label: counts[row] for row in sorted(counts)}
        sizes = {block.mcs: block.symbols for block in self._blocks}  # k_t is the same for all blocks
        result.code_rate = {
            self._table.rows[row].label: code_rate(sizes[row], self._table.rows[row])
            for row in sorted(counts)
            if sizes[row]
        }

    def bits_crc(self, row: int, symbols: int) -> int:
        """CRC bits of a block of this row of the MCS table."""
        mcs = self._table.rows[row]
        return crc_bits(payload_bits_of(symbols, mcs), mcs.rate_1024) if coded_bits(symbols, mcs) else 0

    def _stride_notes(self, result: Statistics) -> list[str]:
        if not result.frames or not result.cbr_payload or result.frames % self._stride == 0:
            return []
        per_frame = result.cbr_payload * self._stride * result.key_frames / result.frames
        note = (
            f"{result.frames} frames are no multiple of the stride {self._stride}: counted over the frames, "
        )
        return [note + f"as in (1), the payload CBR is {per_frame:.4g}"]


def document_keys() -> list[str]:
    """Keys of the document, in order."""
    return [f.name for f in fields(Statistics)]


def spread_ms(seconds: list[float]) -> dict[str, float]:
    """Mean, median and 95 % of some seconds, in ms."""
    values = 1e3 * np.asarray(seconds, dtype=np.float64)
    return {
        "mean": float(values.mean()),
        "p50": float(np.percentile(values, 50)),
        "p95": float(np.percentile(values, 95)),
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
