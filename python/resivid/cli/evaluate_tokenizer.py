# SPDX-License-Identifier: GPL-3.0-or-later
"""`resivid evaluate tokenizer`: quality of prefixes, tokens that change between key frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ..errors import FormatError
from ..models import defaults
from . import common, progress_bar
from . import evaluate_options as options

SECTION = "evaluate tokenizer"


def tokenizer(
    folder: options.FolderArgument,
    name: common.TokenizerOption = defaults.TOKENIZER,
    weights: common.TokenizerWeightsOption = None,
    tokens: Annotated[
        Optional[str],
        typer.Option("--tokens", metavar="N,N,...", help="Prefix lengths; 16,41,82,128,256 by default."),
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, help="Quality of every n-th frame of a clip.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the still scene's sensor noise.")] = 0,
    compare: Annotated[
        Optional[list[Path]],
        typer.Option("--compare", metavar="FILE.json", help="Show an earlier result beside this one."),
    ] = None,
    sheet: Annotated[
        Optional[Path],
        typer.Option("--sheet", metavar="FILE.png", help="Write pictures: the original, then each prefix."),
    ] = None,
    clips: options.ClipsOption = None,
    frames: options.FramesOption = 600,
    json_file: options.RowsJsonOption = None,
    page: options.PageOption = None,
    quiet: options.QuietOption = False,
) -> None:
    """PSNR, SSIM and LPIPS by number of tokens. And the share of tokens that change between key frames."""
    options.check_outputs(json_file, page, SECTION)
    found = options.open_clips(folder, clips, frames)
    counts = None if tokens is None else options.parse_list(tokens, "--tokens", int)
    others = [_read_document(path) for path in compare or []]
    from ..evaluate.sample_sheet import SampleSheet, check_sheet_path
    from ..evaluate.tokenizer_quality import TokenizerEvaluation, evaluate_tokenizer, text
    from ..models.registry import load_tokenizer

    if sheet is not None:
        check_sheet_path(sheet)
    model = load_tokenizer(name, weights)
    settings = TokenizerEvaluation(counts, every, seed)
    columns = ["original", *(f"{count} tokens" for count in settings.counts_for(model))]
    pictures = None if sheet is None else SampleSheet(columns)
    with progress_bar.WorkProgress(SECTION, "frame/s", quiet) as progress:
        document = evaluate_tokenizer(model, found, settings, pictures, progress.update)
    if pictures is not None and sheet is not None:
        pictures.write(sheet)
    options.hand_over(document, text(document, others), json_file, page, SECTION, quiet)


def _read_document(path: Path) -> dict[str, Any]:
    """An earlier result of this command.

    Raises:
        FormatError: it is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            (row["tokens"], row["psnr_db_ci"], row["ssim_ci"], row["lpips_ci"]) for row in document["rows"]
        ]
        parts = [document[key] for key in ("tokenizer", "weights", "changed_share", "changed_share_still")]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"--compare: {path} is no result of `resivid {SECTION}`") from error
    if not rows or not parts:
        raise FormatError(f"--compare: {path} holds no rows")
    return document


def register(app: typer.Typer) -> None:
    """Add `tokenizer` to `resivid evaluate`."""
    app.command("tokenizer")(tokenizer)
