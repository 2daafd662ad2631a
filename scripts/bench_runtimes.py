#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run time and quality of both networks in other runtimes, as Markdown tables: scripts/bench_runtimes.py FOLDER [ROUNDS]

FOLDER holds clips. One thread, one process; in each round every variant runs once, one after the other, so that what
disturbs the machine disturbs all. torch.compile needs a C++ compiler; a runtime that is not installed
(onnx, onnxscript and onnxruntime; openvino) is a line that says so.
"""

from __future__ import annotations

import copy
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch starts its threads

import numpy as np
import torch
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.evaluate.clips import ClipFolder
from gnuradio.resivid.evaluate.machine import machine
from gnuradio.resivid.evaluate.metrics import psnr_db
from gnuradio.resivid.models.interpolation.classical import motion_at
from gnuradio.resivid.models.interpolation.fusion import FlowPair
from gnuradio.resivid.models.lpips import Lpips
from gnuradio.resivid.models.registry import load_interpolator, load_tokenizer
from gnuradio.resivid.models.tokenizers.multiscale import state_of_tokens

TOKENS, STRIDE = 82, 8
LAST_FRAME = 121  # key frames are taken up to here
Inputs = tuple[torch.Tensor, ...]
Run = Callable[[Inputs], np.ndarray]


@dataclass(frozen=True)
class Subject:
    """A network with inputs from real clips, float32, and the frames that it should give."""

    name: str
    network: torch.nn.Module
    inputs: list[Inputs]
    wanted: list[np.ndarray]


def subjects(folder: Path) -> list[Subject]:
    """The decoder on fresh prefixes of the clips, the interpolator between the decoded pictures."""
    tokenizer, interpolator = load_tokenizer(), load_interpolator("fusion")
    states, pairs, frames, between = [], [], [], []
    for clip in ClipFolder(folder).read(tokenizer.size):
        ends = []
        for index in (LAST_FRAME - 1 - STRIDE, LAST_FRAME - 1):
            frame = clip.frames[min(index, len(clip.frames) - 1)]
            tokens = tokenizer.encode(frame[None])[:, :TOKENS]
            ends.append(tokenizer.decode(tokens)[0])
            full = np.full((1, tokenizer.num_tokens), tokenizer.zero_flag, np.int64)
            full[:, :TOKENS] = tokens
            states.append(state_of_tokens(tokenizer.pyramid, torch.from_numpy(full)))
            frames.append(frame)
        between.append(clip.frames[min(LAST_FRAME - 1, len(clip.frames) - 1) - STRIDE // 2])
        pairs.append(_between(*ends))
    return [
        Subject("decoder", tokenizer.network.float(), states, frames),
        Subject("interpolator", interpolator.network.float(), pairs, between),
    ]


def _between(first: np.ndarray, last: np.ndarray) -> Inputs:
    flows = FlowPair(first, last)
    motion = torch.from_numpy(motion_at(flows.forth, flows.back, 0.5)).permute(2, 0, 1)[None].contiguous()
    views = [
        torch.from_numpy(np.dstack([p.astype(np.float32) / 255, trust])).permute(2, 0, 1)[None].contiguous()
        for p, trust in zip((first, last), flows.trusts, strict=True)
    ]
    return (*views, motion, -motion, torch.full((1, 1, 1, 1), 0.5))


def in_torch(subject: Subject, kind: torch.dtype, compiled: bool) -> Run:
    """Channels-last, as the package runs it in bfloat16."""
    network = copy.deepcopy(subject.network).to(kind).to(memory_format=torch.channels_last)
    run = torch.compile(network) if compiled else network

    def call(inputs: Inputs) -> np.ndarray:
        with torch.no_grad():
            return run(*inputs)[0].float().numpy()

    return call


def exported(subject: Subject, folder: Path) -> Path:
    """The network as ONNX, float32."""
    path = folder / f"{subject.name}.onnx"
    torch.onnx.export(
        copy.deepcopy(subject.network),
        subject.inputs[0],
        path,
        dynamo=True,
        verbose=False,
        external_data=False,
    )
    return path


def quantised(source: Path, subject: Subject) -> Path:
    """Convolutions in 8 bits, one scale a channel, ranges from the inputs themselves (the best case)."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    names = _input_names(source)

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rows = iter(subject.inputs)

        def get_next(self) -> dict | None:
            row = next(self._rows, None)
            return None if row is None else {n: t.numpy() for n, t in zip(names, row, strict=True)}

    prepared, target = source.with_suffix(".prepared.onnx"), source.with_suffix(".int8.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(target),
        Reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return target


def _input_names(path: Path) -> list[str]:
    import onnx

    return [value.name for value in onnx.load(str(path)).graph.input]


def in_onnxruntime(path: Path) -> Run:
    """The ONNX file in ONNX Runtime, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return lambda inputs: session.run(None, {n: t.numpy() for n, t in zip(names, inputs, strict=True)})[0][0]


def in_openvino(path: Path, kind: str) -> Run:
    """The ONNX file in OpenVINO, one thread; `kind` is its INFERENCE_PRECISION_HINT."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": kind}
    model = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda inputs: np.asarray(model([t.numpy() for t in inputs])[0])[0].astype(np.float32)


def variants(subject: Subject, folder: Path) -> dict[str, Run | str]:
    """Every way to run a network, or why not."""
    made: dict[str, Run | str] = {}

    def add(name: str, make: Callable[[], Run]) -> None:
        try:
            run = make()
            run(subject.inputs[0])
            made[name] = run
        except Exception as error:  # runtimes raise errors of their own
            made[name] = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:100]}"

    for kind, short in ((torch.float32, "fp32"), (torch.bfloat16, "bf16")):
        add(f"torch, {short}", lambda kind=kind: in_torch(subject, kind, False))
        add(f"torch.compile, {short}", lambda kind=kind: in_torch(subject, kind, True))
    plain = folder / f"{subject.name}.onnx"
    eight = plain.with_suffix(".int8.onnx")
    add("ONNX Runtime, fp32", lambda: in_onnxruntime(exported(subject, folder)))
    add("ONNX Runtime, int8", lambda: in_onnxruntime(quantised(plain, subject)))
    for name, path, kind in (("fp32", plain, "f32"), ("bf16", plain, "bf16"), ("int8", eight, "f32")):
        add(f"OpenVINO, {name}", lambda path=path, kind=kind: in_openvino(path, kind))
    return made


def measure(subject: Subject, made: dict[str, Run | str], rounds: int) -> None:
    """Print the table of one network."""
    runs = {name: run for name, run in made.items() if not isinstance(run, str)}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        inputs = subject.inputs[number % len(subject.inputs)]
        for name, run in runs.items():
            start = time.process_time()
            run(inputs)
            times[name].append(1e3 * (time.process_time() - start))
    shipped = float(np.median(times["torch, bf16"]))
    distance = Lpips("alex")
    print(f"\n| {subject.name} | ms | of the first | PSNR, dB | LPIPS-Alex |\n|---|---|---|---|---|")
    for name in sorted(runs, key=lambda name: name != "torch, bf16"):
        quality = np.mean([_quality(runs[name](i), w, distance) for i, w in _both(subject)], 0)
        ms = float(np.median(times[name]))
        print(f"| {name} | {ms:.1f} | {ms / shipped:.2f} | {quality[0]:.2f} | {quality[1]:.3f} |")
    for name, why in made.items():
        if isinstance(why, str):
            print(f"\n{name}: {why}")


def _both(subject: Subject) -> Sequence[tuple[Inputs, np.ndarray]]:
    return list(zip(subject.inputs, subject.wanted, strict=True))


def _quality(made: np.ndarray, wanted: np.ndarray, distance: Lpips) -> tuple[float, float]:
    shown = np.rint(made.clip(0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    pair = [torch.from_numpy(p.copy()).permute(2, 0, 1)[None].float() / 255 for p in (shown, wanted)]
    with torch.no_grad():
        return psnr_db(wanted, shown), float(distance(*pair))


def main() -> int:
    """Print both tables; 2 for wrong use, 1 where they cannot be made."""
    words = sys.argv[1:]
    if not 1 <= len(words) <= 2 or not all(word.isdecimal() and int(word) for word in words[1:]):
        print("use: scripts/bench_runtimes.py FOLDER [ROUNDS]", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    try:
        found = subjects(Path(words[0]))
        with tempfile.TemporaryDirectory() as folder:
            for subject in found:
                measure(subject, variants(subject, Path(folder)), int(words[1]) if len(words) > 1 else 48)
    except (ResividError, OSError) as error:
        print(f"bench_runtimes: {error}", file=sys.stderr)
        return 1
    print(f"\nOne thread of {machine()}; torch {torch.__version__}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
