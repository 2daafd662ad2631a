#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the closed loop's bits go, as a Markdown table: scripts/bit_shares.py FOLDER [BITS [STRIDE]]

FOLDER holds clips; every block arrives. Needs the installed package, no network weights beside the tokenizer's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from gnuradio.resivid.codec.closed_loop import ClosedLoopEncoder, ClosedLoopSettings, code_length, syntax
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.evaluate.clips import ClipFolder
from gnuradio.resivid.models.registry import load_tokenizer
from gnuradio.resivid.models.tokenizers.moving_state import GRIDS

MOST_FRAMES = 600


def shares(folder: Path, budget_bits: int, stride: int) -> np.ndarray:
    """Mean over clips: (1 + len(GRIDS), 3), tokens, mask bits, value bits a key frame; motion first, its bits in the mask's place."""
    tokenizer = load_tokenizer()
    num_codes = [len(book) for book in tokenizer.codebooks]
    clips = []
    for clip in ClipFolder(folder).read(tokenizer.size):
        encoder = ClosedLoopEncoder(tokenizer, ClosedLoopSettings(stride=stride))
        counted = []
        for frame in clip.frames[:MOST_FRAMES]:
            unit = encoder.analyse(frame)
            if unit is None:
                continue
            payload = encoder.pack(unit, budget_bits)
            encoder.report(payload.first_frame, True)
            update = syntax.read(payload.bits, num_codes)
            rows = [(0.0, code_length.of_vectors(update.field, update.recalled), 0.0)]
            for number, level in enumerate(update.levels):
                tokens = level.values.size
                mask = syntax.mask_length(level.mask, number)
                rows.append((tokens, mask, tokens * float(np.log2(num_codes[number]))))
            counted.append(rows)
        clips.append(np.mean(counted, 0))
    return np.mean(clips, 0)


def main() -> int:
    """Print the table; 2 for wrong use, 1 where it cannot be made."""
    if not 2 <= len(sys.argv) <= 4 or not all(text.isdecimal() for text in sys.argv[2:]):
        print("use: scripts/bit_shares.py FOLDER [BITS [STRIDE]]", file=sys.stderr)
        return 2
    budget_bits, stride = (*map(int, sys.argv[2:]), *(1067, 8)[len(sys.argv) - 2 :])
    try:
        table = shares(Path(sys.argv[1]), budget_bits, stride)
    except (ResividError, OSError) as error:
        print(f"bit_shares: {error}", file=sys.stderr)
        return 1
    print("| part | tokens | where, bits | what, bits |\n|---|---|---|---|")
    for name, (tokens, where, what) in zip(("motion", *(f"grid {g}" for g in GRIDS)), table, strict=True):
        print(f"| {name} | {tokens:.1f} | {where:.0f} | {what:.0f} |")
    print("| all | {:.1f} | {:.0f} | {:.0f} |".format(*table.sum(0)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
