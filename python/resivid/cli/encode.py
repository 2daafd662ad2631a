# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid encode`: a video to a token file, without a radio."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingsError
from ..flowgraphs.settings import LinkSettings
from ..link.budget import code_rate
from ..link.statistics import Statistics, StatisticsCollector
from ..models import defaults
from ..version import __version__
from . import common, outputs, progress_bar

LOG = logging.getLogger(__name__)
NOTE = (
    "encoded without a radio: symbols follow from the settings; blocks, bits_crc, bler, snr_est_db, "
    "latency_ms and the quality of the pictures were not measured"
)


def encode(
    context: typer.Context,
    source: common.InputArgument,
    output: Annotated[Path, typer.Argument(metavar="OUT.rvt", help="Token file to write.")],
    cbr: common.CbrOption = "4e-4",
    stride: common.StrideOption = 8,
    gop: common.GopOption = 32,
    snr: common.SnrOption = None,
    mcs: common.McsOption = None,
    mcs_table: common.McsTableOption = "table1",
    size: common.SizeOption = 256,
    tokenizer: common.TokenizerOption = defaults.TOKENIZER,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    weights: common.WeightsOption = None,
    reference: common.ReferenceOption = "state",
    codec: common.CodecOption = "auto",
    memory: common.MemoryOption = "feedback",
    motion: common.MotionOption = True,
    gop_prefix: common.GopPrefixOption = False,
    json_file: common.JsonOption = None,
) -> None:
    """Encode a video into a file of tokens. What is sent is for a given MCS (--mcs) or Es/N0 (--snr, 6 dB by default)."""
    if snr is not None and mcs is not None:
        raise SettingsError("--snr and --mcs: give one of them")
    outputs.check_distinct(IN=source, OUT=output, json=json_file)
    link = LinkSettings(
        cbr=cbr,
        stride=stride,
        gop=gop,
        size=size,
        mcs_table=mcs_table,
        gop_prefix=gop_prefix,
        reference=reference,
        codec=codec,
        memory=memory,
        motion=motion,
        tokenizer=tokenizer,
        weights=common.assign_weights(weights, (tokenizer, tokenizer_weights))[0],
    )
    common.refuse_foreign_options(context, link)
    rows = _rows(link, snr, mcs)
    for row in sorted(set(rows)):
        link.check_budget(row)
    with progress_bar.StopOnInterrupt() as stop:
        statistics = _encode(source, output, link, rows, stop)
        if json_file is not None:
            outputs.write_json(json_file, statistics.to_json())
        stop.raise_if_wanted()


def _rows(link: LinkSettings, snr: str | None, mcs: str | None) -> list[int]:
    """Row of each key frame; the last one holds for those that follow."""
    row = common.parse_mcs(mcs, link.table)
    if row is not None:
        return [row]
    return [link.table.row_for(value) for value in common.parse_snr(snr or "6")]


def _encode(
    source: str, output: Path, link: LinkSettings, rows: list[int], stop: progress_bar.StopOnInterrupt
) -> Statistics:
    from ..codec.offline import OfflinePacker
    from ..codec.rvt import RvtHeader, RvtWriter
    from ..video.reader import VideoReader

    statistics = StatisticsCollector(link.table, link.stride, link.gop, link.size)
    used: Counter[int] = Counter()
    with VideoReader(source, link.size) as reader:
        tokenizer = link.load_tokenizer()
        common.check_size(tokenizer, link.size)
        encoder = link.make_encoder(tokenizer)
        packer = OfflinePacker(encoder, lambda n: rows[min(n, len(rows) - 1)], link.payload_bits)
        header = RvtHeader(
            size=link.size,
            rate=reader.rate,
            stride=link.stride,
            gop=link.gop,
            num_tokens=tokenizer.num_tokens,
            symbols=link.symbols,
            codec=link.codec_name,
            options=link.codec_options,
            tokenizer=link.tokenizer,
            mcs_table=str(link.mcs_table),
            weights=tokenizer.weights_sha256,
        )
        with (
            RvtWriter(output, header) as writer,
            progress_bar.Progress("encode", reader.num_frames_hint) as progress,
        ):

            def send(unit):
                for payload, row in packer.take(unit):
                    writer.write(payload, row)
                    statistics.packed(payload)
                    used[row] += 1

            for number, frame in enumerate(reader, 1):
                unit = encoder.analyse(frame)
                if unit is not None:
                    send(unit)
                progress.update(number)
                if stop.wanted:
                    break
            end = encoder.flush()
            send(end)
            writer.close(end.num_frames)
    statistics.frames_out(end.num_frames)
    result = statistics.result(
        fps=float(reader.rate), version=__version__, weights=tokenizer.weights_sha256, notes=[NOTE]
    )
    sent = {row: link.table.rows[row] for row in sorted(used)}
    result.mcs = {mcs.label: used[row] for row, mcs in sent.items()}
    result.code_rate = {mcs.label: code_rate(link.symbols, mcs) for mcs in sent.values()}
    result.symbols_mean = float(link.symbols)
    result.cbr_payload = result.cbr_total = link.symbols / (3 * link.size**2 * link.stride)
    LOG.info("%s: %d frames, %d key frames", output, result.frames, result.key_frames)
    return result


def register(app: typer.Typer) -> None:
    """Add `encode` to the command line."""
    app.command("encode")(encode)
