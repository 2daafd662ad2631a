# SPDX-License-Identifier: GPL-3.0-or-later
"""Real clips over a 6 dB channel, with the trained networks: each clip runs once, all tests look at that run."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from clips import read_frames
from gnuradio.resivid.cli.main import main
from gnuradio.resivid.errors import WeightsError
from gnuradio.resivid.evaluate.metrics import load_lpips, lpips, psnr_db

SHARED = Path(__file__).resolve().parents[3] / "shared"
WEIGHTS = os.environ.get("RESIVID_WEIGHTS", str(SHARED / "weights"))
CLIPS = sorted((SHARED / "data/eval_public").glob("*.mp4"))
EVERY = (
    8  # frames that LPIPS looks at, and what is compared with: all of them would take longer than the chain
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CLIPS, reason=f"no clips in {SHARED / 'data/eval_public'}"),
]


@dataclass
class Result:
    """A clip's statistics document, LPIPS, and what both are compared with: a grey picture, and the first received one."""

    document: dict
    num_frames: int
    grey_psnr_db: float
    held_psnr_db: float
    lpips: float | None
    held_lpips: float | None


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Runs `resivid simulate` on a clip, once."""
    folder = tmp_path_factory.mktemp("evaluation")
    done: dict[str, Result] = {}

    def result(path: Path) -> Result:
        if path.stem not in done:
            done[path.stem] = simulate(path, folder)
        return done[path.stem]

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RESIVID_WEIGHTS", raising=False)  # LPIPS is taken here, of fewer frames
        yield result


def simulate(path: Path, folder: Path) -> Result:
    output, document = folder / f"{path.stem}.mp4", folder / f"{path.stem}.json"
    arguments = ["--snr", "6", "--cbr", "4e-4", "--stride", "8", "--gop", "32", "--seed", "1"]
    assert (
        main(["simulate", str(path), "-o", str(output), "--json", str(document), "--quiet", *arguments]) == 0
    )
    original, received = read_frames(path), read_frames(output)
    assert len(received) == len(original)
    first, looked_at = received[0], original[::EVERY]
    held = np.broadcast_to(first, looked_at.shape)
    return Result(
        document=json.loads(document.read_text()),
        num_frames=len(original),
        grey_psnr_db=mean_psnr_db(looked_at, np.full_like(looked_at, 128)),
        held_psnr_db=mean_psnr_db(looked_at, held),
        lpips=mean_lpips(looked_at, received[::EVERY]),
        held_lpips=mean_lpips(looked_at, held),
    )


def mean_psnr_db(original, pictures) -> float:
    return float(np.mean([psnr_db(a, b) for a, b in zip(original, pictures, strict=True)]))


def mean_lpips(original, pictures) -> float | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESIVID_WEIGHTS", WEIGHTS)
        try:
            network = load_lpips()
        except WeightsError:
            return None
    return float(np.mean(lpips(network, original, pictures)))


@pytest.mark.parametrize("path", CLIPS, ids=lambda p: p.stem)
def test_frames_symbols_errors_and_snr(results, path):
    result = results(path)
    document = result.document
    assert document["frames"] == result.num_frames
    assert document["key_frames"] == -(-result.num_frames // 8) == document["blocks"]
    assert document["symbols_mean"] == 629  # k_t = floor(4e-4 * 3 * 256^2 * 8)
    assert document["cbr_payload"] <= 4e-4
    most_bits = 1066 * document["key_frames"]  # B_t of 16QAM 434/1024, the highest row at 6 dB
    assert document["bits_source"] + document["bits_crc"] <= most_bits
    # Target 0.002 a block, so 0.08 errors a clip are expected; two would have probability 0.003.
    assert document["blocks_failed"] <= 1
    assert document["bler"] == document["blocks_failed"] / document["blocks"]
    assert abs(document["snr_est_db"] - 6.0) < 0.5


@pytest.mark.parametrize("path", CLIPS, ids=lambda p: p.stem)
def test_each_clip_is_3_db_better_than_a_grey_picture(results, path):
    result = results(path)
    assert result.document["psnr_db"] >= result.grey_psnr_db + 3.0


def test_means_over_the_clips_beat_the_held_first_picture(results):
    every = [results(path) for path in CLIPS]
    psnr = np.mean([result.document["psnr_db"] for result in every])
    assert psnr > 18.0
    assert psnr > np.mean([result.held_psnr_db for result in every])
    if every[0].lpips is None:
        pytest.skip(f"no LPIPS weights in {WEIGHTS}")
    distance = np.mean([result.lpips for result in every])
    assert distance < 0.50
    assert distance < np.mean([result.held_lpips for result in every])
