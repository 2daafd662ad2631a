# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of every stage of the physical layer, in information bits a second and core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from .. import phy
from ..link.budget import coded_bits
from ..link.mcs_table import load_mcs_table
from .calibration import START_DB
from .normal_approximation import normal_approximation_snr_db

SYMBOLS = 629  # of a key frame at CBR 4e-4, stride 8
FIXED_ITERATIONS = 10
TARGET_BLER = 0.002
NOISE_DB = -10.0  # Es/N0 where no block decodes: every iteration is run
NUM_BLOCKS = 64  # different ones of a measurement
SLOW_KERNELS = ("belief-propagation",)


@dataclass(frozen=True)
class Speed:
    """One measurement.

    Attributes:
        stage: as in the architecture's table, or "decoder", "key frame".
        code: which code and block.
        info_bits, rate: k, bits into the code, and code rate.
        iterations: mean of those run; 0 where there are none, None where the library does not say.
        implementation: "resivid" or another library.
        variant: kernel of a decoder, and "batch" where it takes many blocks at once.
        mbps_per_core: Mbit/s of information bits for each core, by processor time.
        cores: that were busy with the same at the same time.
        stop: "fixed": every iteration; "early": at the operating SNR; "" without iterations.
        snr_db: Es/N0 in dB; None where it does not matter.
        bler: block error rate of the measured blocks; None where nothing is decoded.
    """

    stage: str
    code: str
    info_bits: int
    rate: float
    iterations: float | None
    implementation: str
    mbps_per_core: float
    variant: str = ""
    cores: int = 1
    stop: str = ""
    snr_db: float | None = None
    bler: float | None = None


@dataclass(frozen=True)
class Code:
    """A code block as it comes to a decoder.

    Attributes:
        name: for the rows.
        info_bits, rate_1024: k and code rate.
        bits_per_symbol: of the modulation that brings the LLRs.
    """

    name: str
    info_bits: int
    rate_1024: int
    bits_per_symbol: int = 2

    @property
    def coded_bits(self) -> int:
        """Bits on the channel, whole symbols."""
        symbols = -(-1024 * self.info_bits // (self.rate_1024 * self.bits_per_symbol))
        return symbols * self.bits_per_symbol

    @property
    def operating_snr_db(self) -> float:
        """Es/N0 in dB near a block error rate of 0.002."""
        symbols = self.coded_bits / self.bits_per_symbol
        bound = normal_approximation_snr_db(self.bits_per_symbol, self.info_bits, symbols, TARGET_BLER)
        return round(bound + START_DB, 2)


CODES = (
    Code("BG2 k=1024 R=1/3", 1024, 341),
    Code("BG2 k=1024 R=1/2", 1024, 512),
    Code("BG1 k=8448 R=2/3", 8448, 683),
)
COMPARED = CODES[1]  # the code that is nearest to those of other libraries


def processor_seconds(run: Callable[[], Any], seconds: float = 0.3) -> float:
    """Processor time of one call: the fastest of three batches that take about `seconds` together.

    Time that other programs had the core does not count; all threads of this process do.
    """
    run()
    start = time.process_time()
    run()
    once = max(time.process_time() - start, 1e-7)
    calls = max(1, int(seconds / 3 / once))
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        for _ in range(calls):
            run()
        best = min(best, (time.process_time() - start) / calls)
    return float(best)


def measure_stages(seconds: float = 0.1) -> Iterator[Speed]:
    """Every stage but the decoder, for a key frame of each modulation of Table I at its threshold."""
    for row in (load_mcs_table().rows[i] for i in (0, 4)):
        k = coded_bits(SYMBOLS, row)
        times = phy.stage_seconds(SYMBOLS, row.rate_1024, row.bits_per_symbol, row.snr_db, seconds)
        for stage, taken in times:
            yield Speed(
                stage,
                f"{row.label}, {SYMBOLS} symbols",
                k,
                row.rate_1024 / 1024,
                0,
                "resivid",
                k / taken / 1e6,
                snr_db=row.snr_db,
            )


def measure_key_frames(kernels: Sequence[str]) -> Iterator[Speed]:
    """A whole key frame each way, at the row's SNR, for each row of Table I."""
    table = load_mcs_table()
    generator = np.random.default_rng(4)
    encoder = phy.link_encoder(SYMBOLS, table.as_tuples())
    decoders = {kernel: phy.link_decoder(SYMBOLS, table.as_tuples(), kernel=kernel) for kernel in kernels}
    for number, row in enumerate(table.rows):
        payloads = generator.integers(0, 2, (NUM_BLOCKS, encoder.payload_bits(number))).astype(np.uint8)
        sent = encoder.encode_many(number, payloads)
        received = phy.awgn_channel(number).apply(sent, row.snr_db)
        k = coded_bits(SYMBOLS, row)
        taken = processor_seconds(partial(encoder.encode_many, number, payloads), 0.1)
        sender = Speed(
            "key frame, transmitter",
            f"{row.label}, {SYMBOLS} symbols",
            k,
            row.rate_1024 / 1024,
            0,
            "resivid",
            k * NUM_BLOCKS / taken / 1e6,
            snr_db=row.snr_db,
        )
        yield sender
        for kernel, decoder in decoders.items():
            _, crc_ok, iterations, _ = decoder.decode_many(number, received)
            taken = processor_seconds(partial(decoder.decode_many, number, received), 0.2)
            yield replace(
                sender,
                stage="key frame, receiver",
                iterations=float(iterations.mean()),
                variant=kernel,
                mbps_per_core=k * NUM_BLOCKS / taken / 1e6,
                stop="early",
                bler=float(1 - crc_ok.mean()),
            )


def decoder_input(code: Code, snr_db: float, num_blocks: int = NUM_BLOCKS, seed: int = 1):
    """LLRs of whole code words, float32 (n, code word), sent words, uint8 of the same shape, format, rows."""
    crc = 16 if code.info_bits <= 3840 else 24
    block = phy.segment_block(code.info_bits - crc, code.rate_1024, code.bits_per_symbol, code.coded_bits)
    matcher = phy.rate_matcher(block, code.coded_bits)
    generator = np.random.default_rng(seed)
    channel = phy.awgn_channel(seed)
    words, llrs = [], []
    for _ in range(num_blocks):
        payload = generator.integers(0, 2, block.payload_bits).astype(np.uint8)
        word = phy.ldpc_encode(block.base_graph, block.lifting_size, phy.segment(block, payload)[0])
        received = channel.apply(phy.qam_map(matcher.match(word), code.bits_per_symbol), snr_db)
        llr = phy.qam_llr(received, code.bits_per_symbol, 10 ** (-snr_db / 10))
        words.append(word)
        llrs.append(matcher.recover(llr))
    return np.array(llrs), np.array(words), block, matcher.useful_rows()


def measure_decoders(codes: Sequence[Code], kernels: Sequence[str], seconds: float = 0.15) -> Iterator[Speed]:
    """Every kernel on every code, block by block and in batches, with fixed iterations and with early stop."""
    for code in codes:
        for stop, snr_db, most in (
            ("fixed", NOISE_DB, FIXED_ITERATIONS),
            ("early", code.operating_snr_db, 50),
        ):
            llr, words, block, rows = decoder_input(code, snr_db)
            for kernel, batch in _variants(kernels):
                few = 4 if kernel in SLOW_KERNELS else len(llr)

                def run(llr=llr[:few], block=block, rows=rows, kernel=kernel, batch=batch, most=most):
                    return phy.ldpc_decode(
                        llr, block.base_graph, block.lifting_size, kernel, most, rows, batch, threads=1
                    )

                bits, _, iterations = run()
                k = block.systematic_bits
                wrong = (bits[:, :k] != words[:few, :k]).any(1)
                taken = processor_seconds(run, seconds) / few
                yield Speed(
                    "decoder",
                    code.name,
                    code.info_bits,
                    code.rate_1024 / 1024,
                    float(iterations.mean()),
                    "resivid",
                    code.info_bits / taken / 1e6,
                    variant=f"{kernel}, batch" if batch else kernel,
                    stop=stop,
                    snr_db=snr_db,
                    bler=float(wrong.mean()),
                )


def _variants(kernels: Sequence[str]) -> list[tuple[str, bool]]:
    return [
        (kernel, batch)
        for kernel in kernels
        for batch in (False, True)
        if not (batch and kernel in SLOW_KERNELS)
    ]


def measure_all(brief: bool = False) -> list[Speed]:
    """Stages, decoders and key frames of this project on one core.

    Args:
        brief: one code and a shorter time for each decoder.
    """
    kernels = [kernel for kernel in phy.ldpc_kernels() if not (brief and kernel in SLOW_KERNELS)]
    codes = [code for code in CODES if code is COMPARED or not brief]
    chosen = list(dict.fromkeys([phy.DEFAULT_LDPC_KERNEL, kernels[-1]]))
    return [*measure_stages(), *measure_decoders(codes, kernels), *measure_key_frames(chosen)]


def all_cores(measure: Callable[[], list[Speed]]) -> list[Speed]:
    """The same on every core at once: mean speed of a core."""
    cores = os.cpu_count() or 1
    context = multiprocessing.get_context(
        "fork"
    )  # the command line is no module that could be imported again
    with context.Pool(cores, initializer=_end_at_once) as pool:
        results = pool.map(_call, [measure] * cores, chunksize=1)
    return [
        replace(rows[0], cores=cores, mbps_per_core=float(np.mean([row.mbps_per_core for row in rows])))
        for rows in zip(*results, strict=True)
    ]


def _end_at_once() -> None:
    """A worker has nothing to finish: Ctrl-C is for the command, whose pool then ends its workers."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _call(measure: Callable[[], list[Speed]]) -> list[Speed]:
    return measure()
