"""In which precision a network is trained on a device."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from model_core.device import choose_dtype
from model_core.errors import ConfigError

Asked = Literal["auto", "bf16-mixed", "32-true"]
Precision = Literal["bf16-mixed", "32-true"]
_KNOWN: tuple[Precision, ...] = get_args(Precision)


def choose_precision(asked: str, device: torch.device) -> Precision:
    """Return the precision to train in; ``auto`` takes bfloat16 where a trial finds it faster.

    Processors without instructions for bfloat16 compute it many times slower than float32.

    Args:
        asked: ``auto``, or a precision by its name.
        device: Where the network is trained.

    Raises:
        ConfigError: There is no such precision.
    """
    if asked == "auto":
        return "bf16-mixed" if choose_dtype(device) == torch.bfloat16 else "32-true"
    for known in _KNOWN:
        if asked == known:
            return known
    raise ConfigError(f"unknown precision {asked!r}; known here: auto, bf16-mixed, 32-true")
