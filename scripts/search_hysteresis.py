#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality over the hysteresis of `multiscale`, as a Markdown table: scripts/search_hysteresis.py FOLDER [MARGIN...]

FOLDER holds clips that the weights have not seen. Each is sent as prefixes (codec `resi_vidtok`, S = 8, 1,067 bits a key frame,
no losses); measured is what the receiver shows of the key frames.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch starts its threads

from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.evaluate.clip_means import ClipQuality
from gnuradio.resivid.evaluate.clips import ClipFolder
from gnuradio.resivid.evaluate.offline_link import LinkMaker
from gnuradio.resivid.evaluate.pages import figure, table
from gnuradio.resivid.models.registry import load_tokenizer

MARGINS = (0.0, 0.25, 0.5, 1.0, 2.0)
STRIDE, BITS = 8, 1067


def quality(maker: LinkMaker, clips: ClipFolder) -> dict[str, float | None]:
    """Means over the clips of what a receiver shows of the key frames."""
    shown = ClipQuality()
    for clip in clips.read(maker.size):
        link = maker.link(STRIDE, BITS)
        for frame in clip.frames:
            picture = link.send(frame)
            if picture is not None:
                shown.add(frame, picture)
        shown.end_clip(clip.name)
    return shown.result()


def main(arguments: list[str]) -> int:
    """Print the table, a row a margin."""
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        clips = ClipFolder(Path(arguments[0]))
        margins = [float(text) for text in arguments[1:]] or MARGINS
        tokenizer = load_tokenizer("multiscale")
        rows = []
        for margin in margins:
            tokenizer.hysteresis = margin
            found = quality(LinkMaker("resi_vidtok", tokenizer), clips)
            rows.append([f"{margin:g}", figure(found["psnr_db"], 2), figure(found["lpips"], 3)])
    except (ResividError, ValueError) as error:
        print(f"search_hysteresis.py: {error}", file=sys.stderr)
        return 1
    print(table(("margin", "PSNR, dB", "LPIPS-Alex"), rows), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
