# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid decode`: a token file to a video, without a radio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import FormatError, SettingsError, WeightsError
from ..models import defaults
from . import common, outputs, progress_bar

if TYPE_CHECKING:
    from ..codec.rvt import RvtReader
    from ..models.tokenizers.base import Tokenizer


def decode(
    source: Annotated[Path, typer.Argument(metavar="IN.rvt", help="Token file of `resivid encode`.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT.mp4", help="Video to write (.mp4, .m4v, .mov or .mkv)."),
    ],
    interpolator: common.InterpolatorOption = defaults.INTERPOLATOR,
    tokenizer: Annotated[
        Optional[str],
        typer.Option("--tokenizer", metavar="NAME", help="Tokenizer instead of the one the file names."),
    ] = None,
    tokenizer_weights: common.TokenizerWeightsOption = None,
    interpolator_weights: common.InterpolatorWeightsOption = None,
    weights: common.WeightsOption = None,
) -> None:
    """Decode a file of tokens into a video. Detokenization and interpolation."""
    from ..codec.registry import load_codec
    from ..codec.rvt import RvtReader
    from ..models.registry import load_interpolator, load_tokenizer
    from ..video.writer import VideoWriter, check_writable

    outputs.check_distinct(IN=source, output=output)
    with RvtReader(source) as reader, progress_bar.StopOnInterrupt() as stop:
        header = reader.header
        check_writable(output)
        name = _tokenizer_name(reader, tokenizer)
        tokenizer_weights, interpolator_weights = common.assign_weights(
            weights, (name, tokenizer_weights), (interpolator, interpolator_weights)
        )
        model = load_tokenizer(name, tokenizer_weights)
        _check_tokenizer(reader, model)
        codec = load_codec(_codec_name(reader))
        try:
            settings = codec.make_settings(stride=header.stride, gop=header.gop, **header.options)
        except (TypeError, SettingsError) as error:
            raise FormatError(f"{source}: options of codec {header.codec}: {error}") from error
        decoder = codec.make_decoder(model, load_interpolator(interpolator, interpolator_weights), settings)
        with (
            VideoWriter(output, header.rate, header.size, header.size) as writer,
            progress_bar.Progress("decode", header.num_frames) as progress,
        ):
            for unit in _units(reader, decoder, stop):
                for frame in decoder.render(unit):
                    writer.write(frame)
                progress.update(writer.num_frames)
        stop.raise_if_wanted()


def _units(reader, decoder, stop):
    """Units of the file and the end unit; ends early, without holding a picture, when Ctrl-C came."""
    from ..codec.base import Unit

    for payload, _ in reader:
        yield decoder.unpack(payload)
        if stop.wanted:
            return
    yield Unit(reader.header.num_frames, reader.header.num_frames, end=True)


def _codec_name(reader: RvtReader) -> str:
    """A file may name a codec of the registry, not code to import."""
    from ..codec.registry import CODECS

    name = reader.header.codec
    if name not in CODECS:
        raise FormatError(f"{reader.path}: names codec {name!r}; known: {', '.join(CODECS)}")
    return name


def _tokenizer_name(reader: RvtReader, wanted: str | None) -> str:
    """The name to load: a file may name a registered tokenizer, only the user may name code to import."""
    name = reader.header.tokenizer
    if wanted is None and ":" in name:
        raise FormatError(
            f"{reader.path}: names {name!r}, which is not in the registry; to use it: --tokenizer {name}"
        )
    return wanted or name


def _check_tokenizer(reader: RvtReader, tokenizer: Tokenizer) -> None:
    header = reader.header
    if (tokenizer.num_tokens, tokenizer.size) != (header.num_tokens, header.size):
        raise FormatError(
            f"{reader.path}: holds {header.num_tokens} tokens of {header.size} pixels, but tokenizer "
            f"{header.tokenizer} has {tokenizer.num_tokens} of {tokenizer.size}"
        )
    wrong = [name for name, digest in header.weights.items() if tokenizer.weights_sha256.get(name) != digest]
    if wrong or len(header.weights) != len(tokenizer.weights_sha256):
        raise WeightsError(
            f"{reader.path}: was encoded with other weights of tokenizer {header.tokenizer} "
            f"({', '.join(wrong) or 'none'}); give the same file with --tokenizer-weights"
        )


def register(app: typer.Typer) -> None:
    """Add `decode` to the command line."""
    app.command("decode")(decode)
