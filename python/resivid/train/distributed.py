# SPDX-License-Identifier: GPL-3.0-or-later
"""One process a device: what torchrun's environment says, and the few things the processes tell each other."""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from ..errors import SettingsError

M = TypeVar("M", bound=torch.nn.Module)
_LONGEST = timedelta(hours=2)  # one process fits codebooks while the others wait


@dataclass(frozen=True)
class Workers:
    """This process among those of a run.

    Attributes:
        rank: 0 writes files and shows progress.
        world: number of processes.
        device: of this one.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """This process writes files and says what happens."""
        return self.rank == 0

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            dist.barrier()

    def any(self, flag: bool) -> bool:
        """Whether any process says so: all stop at the same step."""
        if self.world == 1:
            return flag
        told = torch.tensor([float(flag)], device=self.device)
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return bool(told.item())

    def largest(self, value: float) -> float:
        """The largest value of all processes: clocks that drive the schedule must agree."""
        if self.world == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.all_reduce(told, dist.ReduceOp.MAX)
        return float(told.item())

    def gathered(self, value: Any) -> list[Any]:
        """The plain values of all processes, by rank."""
        if self.world == 1:
            return [value]
        out: list[Any] = [None] * self.world
        dist.all_gather_object(out, value)
        return out

    def parallel(self, module: M) -> M | torch.nn.parallel.DistributedDataParallel:
        """The module with gradients averaged over all processes."""
        if self.world == 1:
            return module
        return torch.nn.parallel.DistributedDataParallel(
            module, device_ids=[self.device.index] if self.device.type == "cuda" else None
        )


def pick_device(name: str) -> torch.device:
    """The torch device of a name; "auto" is a GPU when there is one.

    Raises:
        SettingsError: no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingsError(f"device: expected auto, cpu, cuda or cuda:1, got {name!r}") from error
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise SettingsError(f"device {name}: torch finds no CUDA GPU on this machine")
        if (device.index or 0) >= torch.cuda.device_count():
            raise SettingsError(f"device {name}: this machine has {torch.cuda.device_count()} GPUs")
    return device


@contextmanager
def workers(device: str) -> Iterator[Workers]:
    """This process among those that torchrun started, or alone.

    What `Workers.parallel` gave must be let go of inside: it keeps the threads of the group alive, and one that still
    runs when the interpreter ends aborts the process.

    Raises:
        SettingsError: no such device, or fewer GPUs than processes.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = pick_device(device)
    if world == 1:
        yield Workers(0, 1, chosen)
        return
    if chosen.type == "cuda":
        chosen = pick_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
        torch.cuda.set_device(chosen)
    # Its functions take the group of the moment of the import as a default argument, and would keep it for ever if
    # DistributedDataParallel were the first to import it.
    importlib.import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=_LONGEST)
    try:
        yield Workers(dist.get_rank(), world, chosen)
    finally:
        gc.collect()  # modules that averaged gradients hold themselves in circles, and the group with them
        dist.destroy_process_group()
