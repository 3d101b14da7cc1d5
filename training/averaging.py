"""A short fit of some modules: warm-up, cosine, averaged weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

_WARMUP_STEPS = 50
_WEIGHT_DECAY = 0.05
_TOLD_EVERY = 100


def fit(
    name: str,
    modules: Sequence[nn.Module],
    losses_of_batch: Callable[[], Mapping[str, Tensor]],
    steps: int,
    learning_rate: float,
    ema_decay: float,
    say: Callable[[str], None],
) -> None:
    """Train modules on a sum of losses and leave their averaged weights in them.

    Args:
        name: Of the stage, for the lines.
        modules: What is trained.
        losses_of_batch: Draws a batch and returns its weighted losses by name.
        steps: Optimiser steps; the cosine ends with them.
        learning_rate: Its peak.
        ema_decay: Of the average, reached after some steps.
        say: Where lines for people go.
    """
    params: list[Tensor] = [p for module in modules for p in module.parameters()]
    averaged = [p.detach().clone() for p in params]
    groups = [
        {"params": [p for p in params if p.ndim > 1], "weight_decay": _WEIGHT_DECAY},
        {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = params[0].device.type in ("cpu", "cuda")
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), fused=fused)
    mean: dict[str, Tensor] = {}
    for step in range(1, steps + 1):
        cosine = 0.03 + 0.97 * 0.5 * (1.0 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, step / _WARMUP_STEPS) * cosine
        losses = losses_of_batch()
        optimizer.zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        decay = decay_at(step, ema_decay)
        with torch.no_grad():
            torch._foreach_lerp_(averaged, params, 1.0 - decay)
            for key, loss in losses.items():
                mean[key] = torch.lerp(mean.get(key, loss), loss, 0.02)
        if step % _TOLD_EVERY == 0:
            say(f"{name} step {step} " + " ".join(f"{k} {float(v):.3f}" for k, v in mean.items()))
    with torch.no_grad():
        for kept, parameter in zip(averaged, params, strict=True):
            parameter.copy_(kept)


def decay_at(step: int, most: float) -> float:
    """Return the decay of averaged weights after ``step`` steps: quick at first, then ``most``."""
    return min(most, (1 + step) / (10 + step))
