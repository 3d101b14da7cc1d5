"""In which precision a network is trained on a device."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from model_core.device import choose_dtype
from model_core.errors import ConfigError

Asked = Literal["auto", "bf16-mixed", "32-true"]
Precision = Literal["bf16-mixed", "32-true"]
_FIRST_WITH_BFLOAT16 = (8, 0)
"""Compute capability of Ampere; older devices only emulate it."""
_KNOWN: tuple[Precision, ...] = get_args(Precision)


def choose_precision(asked: str, device: torch.device) -> Precision:
    """Return the precision to train in; ``auto`` takes bfloat16 where the hardware has it.

    Every CUDA device that has it gains by it. Elsewhere a trial tells: processors without
    instructions for bfloat16 compute it many times slower than float32.

    Args:
        asked: ``auto``, or a precision by its name.
        device: Where the network is trained.

    Raises:
        ConfigError: There is no such precision.
    """
    if asked == "auto":
        return "bf16-mixed" if _has_bfloat16(device) else "32-true"
    for known in _KNOWN:
        if asked == known:
            return known
    raise ConfigError(f"unknown precision {asked!r}; known here: auto, bf16-mixed, 32-true")


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Return the context that a network computes in under a precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed")


def wait_for(device: torch.device) -> None:
    """Return when a device has done what it was given, so that times hold all of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.get_device_capability(device) >= _FIRST_WITH_BFLOAT16)
    return choose_dtype(device) == torch.bfloat16
