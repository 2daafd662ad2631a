# SPDX-License-Identifier: GPL-3.0-or-later
"""LDPC decoders of other libraries on codes of their own of the same size and rate; all-zero words over BPSK."""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .phy_speed import FIXED_ITERATIONS, NOISE_DB, Speed, processor_seconds

GR_ALIST = Path("/usr/share/gnuradio/fec/ldpc/n_1800_k_0902_gap_28.alist")
PEERS = ("gr-fec", "pyldpc", "py3gpp", "aff3ct")


@dataclass(frozen=True)
class Missing:
    """A library that was not measured, and why."""

    implementation: str
    reason: str


def measure_peers() -> Iterator[Speed | Missing]:
    """Each library that is installed, or the reason why not."""
    measurements: dict[str, tuple[str, Callable[[], Iterator[Speed]]]] = {
        "gr-fec": ("gnuradio", _gr_fec),
        "pyldpc": ("pyldpc", _pyldpc),
        "py3gpp": ("py3gpp", _py3gpp),
    }
    for name, (module, measure) in measurements.items():
        if importlib.util.find_spec(module) is None:
            yield Missing(name, "not installed")
            continue
        try:
            yield from measure()
        except (ImportError, RuntimeError, OSError) as error:
            yield Missing(name, " ".join(str(error).split())[:120])
    yield Missing("aff3ct", "has no Python module of known interface; its simulator measures itself")


def _speed(
    name: str, code: str, k: int, rate: float, iterations: float | None, seconds: float, **more: Any
) -> Speed:
    return Speed("decoder", code, k, rate, iterations, name, k / seconds / 1e6, **more)


def _noisy(num_blocks: int, length: int, snr_db: float) -> np.ndarray:
    """All-zero words as +1, with noise of variance 1/SNR, float (n, length)."""
    generator = np.random.default_rng(5)
    return 1 + 10 ** (-snr_db / 20) * generator.standard_normal((num_blocks, length))


def _gr_fec() -> Iterator[Speed]:
    """`fec.ldpc_decoder`: belief propagation, float, one block at a time; +1 means 1, and it needs the true sigma."""
    from gnuradio import blocks, fec, gr

    if not GR_ALIST.is_file():
        raise OSError(f"{GR_ALIST} is not there")
    length, k = 1800, 902
    for stop, snr_db, iterations, num_blocks in (
        ("fixed", NOISE_DB, FIXED_ITERATIONS, 40),
        ("early", 5.0, 50, 200),
    ):
        received = -_noisy(num_blocks, length, snr_db)
        samples = received.astype(np.float32).reshape(-1).tolist()

        def run(samples=samples, snr_db=snr_db, iterations=iterations):
            decoder = fec.ldpc_decoder.make(str(GR_ALIST), 10 ** (-snr_db / 20), iterations)
            flowgraph = gr.top_block()
            source = blocks.vector_source_f(samples, False)
            sink = blocks.vector_sink_b()
            flowgraph.connect(source, fec.decoder(decoder, gr.sizeof_float, gr.sizeof_char), sink)
            started = time.process_time()
            flowgraph.run()
            return time.process_time() - started, np.array(sink.data(), np.uint8)

        seconds, bits = min((run() for _ in range(3)), key=lambda result: result[0])
        bler = float(bits.reshape(num_blocks, k).any(1).mean())
        used = FIXED_ITERATIONS if stop == "fixed" else None
        yield _speed(
            "gr-fec", f"n={length} k={k}", k, k / length, used, seconds / num_blocks, stop=stop, snr_db=snr_db, bler=bler
        )  # fmt: skip


def _pyldpc() -> Iterator[Speed]:
    """`pyldpc.decode`: belief propagation compiled by Numba, regular (3, 6) code; +1 means 0."""
    import pyldpc

    length = 1026
    check, generator = pyldpc.make_ldpc(length, 3, 6, systematic=True, sparse=True, seed=1)
    k = generator.shape[1]
    num_blocks = 8
    for stop, snr_db, iterations in (("fixed", NOISE_DB, FIXED_ITERATIONS), ("early", 4.0, 50)):
        received = _noisy(num_blocks, length, snr_db).T

        def run(received=received, snr_db=snr_db, iterations=iterations):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it did not converge is what is wanted
                return pyldpc.decode(check, received, snr_db, maxiter=iterations)

        bler = float(run().any(0).mean())
        seconds = processor_seconds(run, 0.5) / num_blocks
        used = FIXED_ITERATIONS if stop == "fixed" else None
        yield _speed(
            "pyldpc", f"n={length} k={k}", k, k / length, used, seconds, stop=stop, snr_db=snr_db, bler=bler
        )


def _py3gpp() -> Iterator[Speed]:
    """`nrLDPCDecode`: layered belief propagation in NumPy; base graph 2, Zc = 104, its whole code word."""
    import py3gpp

    size, length, k = 104, 50 * 104, 1040
    received = 2 * _noisy(2, length, NOISE_DB).T * 10 ** (NOISE_DB / 10)

    def run():
        return py3gpp.nrLDPCDecode(received, 2, FIXED_ITERATIONS)

    seconds = processor_seconds(run, 0.5) / 2
    yield _speed(
        "py3gpp",
        f"BG2 Zc={size}, rate 1/5",
        k,
        k / length,
        FIXED_ITERATIONS,
        seconds,
        stop="fixed",
        snr_db=NOISE_DB,
    )
