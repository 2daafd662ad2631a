# SPDX-License-Identifier: GPL-3.0-or-later
"""`--profile NAME`: options that belong together, by name; what a command does not have is left out."""

from __future__ import annotations

from ..link.air import PROFILES as CHANNELS

# Section IV of the paper: "the GOP size is N=32", "matched resolution (256x256)", S=8 as "balanced", figure 3 at 6 dB.
# Its tokenizer and interpolator need weight files that are not part of the package; they are chosen apart.
_PAPER = {"codec": "resi_vidtok", "stride": "8", "gop": "32", "size": "256", "snr": "6"}

PROFILES: dict[str, dict[str, str]] = {
    **{name: {"cbr": channel.cbr} for name, channel in CHANNELS.items()},
    # figure 4: 4e-4 on WebVid, of which the first 300 frames at 30 frame/s are taken, and 5e-4 on whole UVG videos
    "paper-webvid": {**_PAPER, "cbr": "4e-4", "seconds": "10"},
    "paper-uvg": {**_PAPER, "cbr": "5e-4"},
}
