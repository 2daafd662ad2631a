# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several subcommands share, and what reads their values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from ..errors import SettingsError
from ..link.mcs_table import McsTable
from ..models.tokenizers.base import Tokenizer

if TYPE_CHECKING:
    from ..flowgraphs.settings import LinkSettings

CODEC_OPTIONS = ("gop_prefix", "reference", "memory", "motion")  # options that only some codecs know

# The options are read by typer, which needs `Optional[...]`; their defaults stand with the parameters.
InputArgument = Annotated[str, typer.Argument(metavar="IN", help="Video file or URL that FFmpeg reads.")]
CbrOption = Annotated[
    str, typer.Option("--cbr", metavar="R", help="Channel symbols per source value (H*W*3 a frame).")
]
StrideOption = Annotated[int, typer.Option("--stride", help="S: frames per key frame; 1 sends every frame.")]
GopOption = Annotated[
    int, typer.Option("--gop", help="N: frames of a GOP, which starts from an empty state.")
]
SizeOption = Annotated[int, typer.Option("--size", help="Side of the square picture in pixels.")]
TokenizerOption = Annotated[
    str,
    typer.Option(
        "--tokenizer", metavar="NAME", help="Tokenizer: a name of `resivid models` or module:function."
    ),
]
TokenizerWeightsOption = Annotated[
    Optional[Path],
    typer.Option(
        "--tokenizer-weights", metavar="FILE", help="Tokenizer weights, such as a TiTok checkpoint."
    ),
]
InterpolatorOption = Annotated[
    str, typer.Option("--interpolator", metavar="NAME", help="Interpolator: a name of `resivid models`.")
]
InterpolatorWeightsOption = Annotated[
    Optional[Path],
    typer.Option(
        "--interpolator-weights", metavar="FILE", help="Interpolator weights, such as a RIFE checkpoint."
    ),
]
WeightsOption = Annotated[
    Optional[Path],
    typer.Option("--weights", metavar="FILE", help="Weights of the one chosen model that asks for a file."),
]
McsTableOption = Annotated[
    str,
    typer.Option(
        "--mcs-table", metavar="NAME|FILE", help="MCS table: table1, calibrated, air or a YAML file."
    ),
]
McsOption = Annotated[
    Optional[str],
    typer.Option("--mcs", metavar="ROW", help="Stay with this row of the MCS table (number or label)."),
]
SnrOption = Annotated[
    Optional[str],
    typer.Option("--snr", metavar="DB|FILE", help="Es/N0 in dB, or a file with one value per key frame."),
]
GopPrefixOption = Annotated[
    bool, typer.Option("--gop-prefix", help="One prefix length for all key frames of a GOP, equation (15).")
]
ReferenceOption = Annotated[
    Literal["state", "previous"],
    typer.Option(
        "--reference", help="Compare tokens with the receiver's state or with the previous key frame."
    ),
]
CodecOption = Annotated[
    str,
    typer.Option(
        "--codec",
        metavar="NAME",
        help="resi_vidtok: the paper's prefix of changed tokens; closed_loop: block shifts and tokens by gain per bit; "
        "auto: closed_loop where tokenizer and options allow it; or one of another package.",
    ),
]
MemoryOption = Annotated[
    Literal["gop", "refresh", "feedback"],
    typer.Option(
        "--memory",
        help="closed_loop: the state is reset each GOP, leaks so that faults fade, or is kept true by the receiver's reports.",
    ),
]
MotionOption = Annotated[
    bool,
    typer.Option(
        "--motion/--no-motion",
        help="closed_loop: blocks of the receiver's state may move, or come back from its background.",
    ),
]
JsonOption = Annotated[
    Optional[Path],
    typer.Option("--json", metavar="FILE", help="Write the statistics document here; - is standard output."),
]


def refuse_foreign_options(context: typer.Context, link: LinkSettings) -> None:
    """Refuse an option of the command line that belongs to another codec than the one in force.

    Raises:
        SettingsError: names the option.
    """
    for name in CODEC_OPTIONS:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE" and name not in link.codec_module.OPTIONS:
            option = "--" + name.replace("_", "-")
            raise SettingsError(
                f"{option} means nothing to the codec {link.codec_name}: leave it out, or see --codec"
            )


def parse_snr(text: str) -> tuple[float, ...]:
    """The SNR option: a number, or a file of numbers, in dB.

    Args:
        text: "6", or the path of a text file with one Es/N0 a key frame, separated by white space or commas;
            what follows a # is a comment.
    Returns:
        At least one finite value in dB; the last one holds for the key frames that follow.
    Raises:
        SettingsError: neither a number nor a readable file of numbers.
    """
    try:
        return (_snr(text, "--snr"),)
    except SettingsError as error:
        path = Path(text)
        if not path.is_file():
            raise SettingsError(f"--snr: expected a number of dB or a file of them, got {text!r}") from error
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--snr: {path} is no readable text file") from error
    values = [
        _snr(word, f"--snr: {path}, line {number}")
        for number, line in enumerate(lines, 1)
        for word in line.partition("#")[0].replace(",", " ").split()
    ]
    if not values:
        raise SettingsError(f"--snr: {path} holds no numbers")
    return tuple(values)


def parse_mcs(text: str | None, table: McsTable) -> int | None:
    """The MCS option: a row's number or label to its number; None stays None.

    Raises:
        SettingsError: no such row.
    """
    try:
        return None if text is None else table.index(text)
    except ValueError as error:
        raise SettingsError(f"--mcs: {error}") from error


def _snr(word: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 200:  # beyond, 10^(SNR/10) says nothing about any channel
        raise SettingsError(f"{where}: expected a number of dB, got {word!r}")
    return value


def assign_weights(
    weights: Path | None,
    tokenizer: tuple[str, Path | None],
    interpolator: tuple[str, Path | None] | None = None,
) -> tuple[Path | None, Path | None]:
    """Whose file `--weights` is: the model's that brings none, or else the only one's that takes any.

    Args:
        weights: of `--weights`.
        tokenizer: its name and the file of `--tokenizer-weights`.
        interpolator: its name and the file of `--interpolator-weights`; None where the command has none.
    Returns:
        Weight files of the tokenizer and of the interpolator.
    Raises:
        SettingsError: it could be either's, or nobody's.
    """
    from ..models.registry import INTERPOLATORS, TOKENIZERS, brings_weights

    files = {"tokenizer": tokenizer[1], "interpolator": None if interpolator is None else interpolator[1]}
    if weights is None:
        return files["tokenizer"], files["interpolator"]
    chosen = {"tokenizer": TOKENIZERS.get(tokenizer[0])}
    if interpolator is not None:
        chosen["interpolator"] = INTERPOLATORS.get(interpolator[0])
    # a model from outside the registry may take weights; a registered one does if it names a file
    takes = [k for k, entry in chosen.items() if files[k] is None and (entry is None or entry.weights)]
    asks = [k for k in takes if (entry := chosen[k]) is not None and not brings_weights(entry)]
    owners = asks or takes
    if len(owners) != 1:
        names = " or ".join(f"--{kind}-weights" for kind in chosen)
        reason = "more than one chosen model takes a file" if owners else "no chosen model takes another file"
        raise SettingsError(f"--weights: {reason}; use {names}")
    files[owners[0]] = weights
    return files["tokenizer"], files["interpolator"]


def check_size(tokenizer: Tokenizer, size: int) -> None:
    """Refuse a picture size that the tokenizer was not made for.

    Raises:
        SettingsError: with both sizes.
    """
    if tokenizer.size != size:
        raise SettingsError(
            f"--size: tokenizer {tokenizer.name} works on {tokenizer.size} x {tokenizer.size} pixels, got {size}"
        )
