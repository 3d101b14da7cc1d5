"""Several processes as one: features of all ranks as negatives of each, gradients averaged.

Processes are started by ``torchrun``, one a GPU. Every rank takes the loss of the whole batch, from
the features that all ranks gathered, so that two ranks learn what one would learn from both parts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed

from model_core.errors import ConfigError


def join_ranks(device: torch.device) -> None:
    """Join the processes that ``torchrun`` started; nothing to do for one process alone.

    Args:
        device: Where this process computes; decides how ranks speak to each other.

    Raises:
        ConfigError: The processes do not find each other.
    """
    if started() == 1 or distributed.is_initialized():
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    try:
        distributed.init_process_group(backend)
    except (RuntimeError, ValueError) as err:
        raise ConfigError(
            f"the processes of this run do not find each other ({err}); start them with "
            "torchrun --nproc-per-node N -m training train ..."
        ) from err


def check_alone(command: str) -> None:
    """Return where one process runs a command that does not share its work.

    Raises:
        ConfigError: ``torchrun`` started several.
    """
    if started() > 1:
        raise ConfigError(
            f"{command} learns in one process and torchrun started {started()}; run: python -m "
            f"training {command} ..."
        )


def started() -> int:
    """Return how many processes ``torchrun`` started, 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def leave_ranks() -> None:
    """Part from the other processes."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def rank() -> int:
    """Return this process's number, 0 for one process alone."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def ranks() -> int:
    """Return how many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def own_device(device: torch.device) -> torch.device:
    """Return the GPU of this process, by its number on this machine; other devices as they are."""
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


class _Gather(torch.autograd.Function):
    """All ranks' rows, one rank after the other; gradients go back to the rank they belong to."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        parts = [torch.empty_like(rows) for _ in range(ranks())]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        distributed.all_reduce(total)
        first = rank() * int(ctx.count)
        return total[first : first + int(ctx.count)]


def gather(rows: Tensor) -> Tensor:
    """Return the rows (B, ...) of every rank as (ranks * B, ...), with gradient.

    The gradient of what every rank computes from them is their sum, so parameters' gradients are
    whole once they are averaged over ranks.
    """
    if ranks() == 1:
        return rows
    if rows.dtype == torch.bool:
        return gather(rows.to(torch.uint8)).bool()
    gathered: Tensor = _Gather.apply(rows)
    return gathered


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over ranks; they travel in one piece."""
    if ranks() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    distributed.all_reduce(flat)
    flat /= ranks()
    parts = torch.split(flat, [g.numel() for g in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def agreed(flag: bool, device: torch.device) -> bool:
    """Return whether any rank says so; all of them have to ask."""
    if ranks() == 1:
        return flag
    said = torch.tensor([int(flag)], device=device)
    distributed.all_reduce(said, distributed.ReduceOp.MAX)
    return bool(said.item())
