# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on the way: quality on held-out pictures and states, and sheets to look at."""

from __future__ import annotations

import copy
import logging
from pathlib import Path

import numpy as np
import torch

from ..errors import WeightsError
from ..models.lpips import Lpips
from ..models.tokenizers.moving_state import GRIDS, PictureState
from ..models.tokenizers.multiscale import MultiscaleTokenizer
from ..models.tokenizers.pyramid import resize, to_rgb
from .image_files import write_png
from .loop_states import LoopStates
from .tokenizer_run import TokenizerRun

LOG = logging.getLogger(__name__)
PREFIXES = (16, 41, 82, 149, 277, 405)
JUDGED = 82  # tokens at which the best weights are chosen
LOOP = "loop"  # name of the closed loop's row
SHEET_PREFIXES = (16, 41, 82, 128, 405)
SHEET_ROWS = 6
_PART = 16  # pictures that LPIPS takes at once


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """uint8 (n, H, W, 3) to float (n, 3, H, W) in [0, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


class Judge:
    """PSNR and LPIPS-Squeeze of pictures.

    Args:
        device: where LPIPS runs.
    """

    def __init__(self, device: torch.device):
        self._device = device
        self._lpips: Lpips | None = None
        try:
            self._lpips = Lpips("squeeze").to(device)
        except WeightsError as error:
            LOG.warning("no LPIPS-Squeeze, the best weights are chosen by PSNR: %s", error)

    def score(self, row: dict[str, float]) -> float:
        """What the best weights have least of in a row: LPIPS-Squeeze, or the negative PSNR."""
        return row["lpips_squeeze"] if self._lpips is not None else -row["psnr_db"]

    @torch.no_grad()
    def measure(self, got: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
        """Means over pictures, uint8 (n, H, W, 3)."""
        a, b = to_tensor(got), to_tensor(wanted)
        mse = (a - b).square().mean((1, 2, 3)).clamp(min=1e-10)
        out = {"psnr_db": round(float((-10 * mse.log10()).mean()), 3)}
        if self._lpips is not None:
            parts = zip(a.split(_PART), b.split(_PART), strict=True)
            distance = torch.cat([self._lpips(x.to(self._device), y.to(self._device)) for x, y in parts])
            out["lpips_squeeze"] = round(float(distance.mean()), 4)
        return out


class Checker:
    """Measures a run's averaged network, as its weights would run.

    Args:
        held_out: uint8 (n, 256, 256, 3).
        states: held-out states of the closed loop, on the CPU; None: there are none.
        device: where LPIPS runs.
    """

    ROWS = "tokens"

    def __init__(self, held_out: np.ndarray, states: LoopStates | None, device: torch.device):
        self.held_out, self.states, self._judge = held_out, states, Judge(device)

    def __call__(self, run: TokenizerRun, sheets: Path | None = None) -> dict:
        """PSNR and LPIPS-Squeeze for each prefix length and for the closed loop, and the use of the codebooks.

        Args:
            sheets: folder for the sample sheets; None: none are drawn.
        """
        tokenizer = MultiscaleTokenizer(run.codebooks, copy.deepcopy(run.average), device=str(run.device))
        tokens = tokenizer.encode(self.held_out)
        quality = {}
        for length in PREFIXES:
            quality[str(length)] = self._judge.measure(tokenizer.decode(tokens[:, :length]), self.held_out)
        if self.states is not None and len(self.states):
            truth = _pixels(self.states.rows(slice(None))[2])
            quality[LOOP] = self._judge.measure(_drawn(tokenizer, self.states), truth)
        if sheets is not None:
            self._draw(tokenizer, tokens, sheets, run.step)
        codebooks = run.use.report([str(grid) for grid in GRIDS])
        run.use.reset()
        if run.loop_use is not None:
            codebooks |= run.loop_use.report([f"{LOOP}_{grid}" for grid in GRIDS])
        return {"held_out": quality, "codebooks": codebooks}

    def score(self, check: dict) -> float:
        """What the best weights have least of: LPIPS-Squeeze at JUDGED tokens, or the negative PSNR."""
        return self._judge.score(check["held_out"][str(JUDGED)])

    def _draw(self, tokenizer: MultiscaleTokenizer, tokens: np.ndarray, folder: Path, step: int) -> None:
        """One PNG for the prefixes and one for the closed loop; columns as in the file names."""
        rows = tokens[:SHEET_ROWS]
        columns = [self.held_out[:SHEET_ROWS]]
        columns += [tokenizer.decode(rows[:, :length]) for length in SHEET_PREFIXES]
        folder.mkdir(exist_ok=True)
        names = "_".join(map(str, SHEET_PREFIXES))
        write_png(folder / f"step{step:07d}_original_{names}.png", sheet(columns))
        if self.states is not None and len(self.states):
            few = LoopStates(*(t[:SHEET_ROWS] for t in self.states.tensors().values()))
            ycc, _, target = few.rows(slice(None))
            columns = [_pixels(target), _pixels(to_rgb(resize(ycc, 256))), _drawn(tokenizer, few)]
            write_png(folder / f"step{step:07d}_loop_original_state_decoded.png", sheet(columns))


def _pixels(rgb: torch.Tensor) -> np.ndarray:
    """float (n, 3, H, W) to uint8 (n, H, W, 3)."""
    return (rgb.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def _drawn(tokenizer: MultiscaleTokenizer, states: LoopStates) -> np.ndarray:
    ycc, freshness, _ = states.rows(slice(None))
    pairs = zip(ycc, freshness, strict=True)
    return np.stack([tokenizer.picture(PictureState(y, f)) for y, f in pairs])


def sheet(columns: list[np.ndarray]) -> np.ndarray:
    """Columns of pictures (n, H, W, 3) side by side with a thin white border."""
    edged = [np.pad(c, ((0, 0), (0, 4), (0, 4), (0, 0)), constant_values=255) for c in columns]
    return np.concatenate([np.concatenate(list(c), 0) for c in edged], 1)
