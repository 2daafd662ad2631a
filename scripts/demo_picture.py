# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the README: scripts/demo_picture.py ORIGINAL RECEIVED OUT.jpg SECONDS...

Original beside received at each time, two pairs a row. The README's is of apps/demo/clip.mp4 at 1.9, 4.5, 6.9 and 9.4 s, sent
with `resivid simulate apps/demo/clip.mp4 -o out/received.mp4 --snr 6 --cbr 4e-4 --stride 8`.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from gnuradio.resivid.video.reader import VideoReader


def frames_at(path: Path, seconds: list[float]) -> list[np.ndarray]:
    """The frames shown at these times, uint8 RGB."""
    with VideoReader(path, 256) as frames:
        video = list(frames)
        rate = float(frames.rate)
    return [video[min(round(t * rate), len(video) - 1)] for t in seconds]


def main() -> None:
    """Draw both videos beside each other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("original", type=Path)
    parser.add_argument("received", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("seconds", type=float, nargs="+")
    options = parser.parse_args()
    both = [frames_at(path, options.seconds) for path in (options.original, options.received)]
    pairs = [np.hstack(pair) for pair in zip(*both, strict=True)]
    pairs += [np.full_like(pairs[0], 255)] * (len(pairs) % 2)
    rows = [np.hstack(pairs[i : i + 2]) for i in range(0, len(pairs), 2)]
    cv2.imwrite(str(options.output), np.vstack(rows)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
