"""Depthwise convolution whose weights' gradient is quick on a processor.

The same sums are themselves a depthwise convolution, of each picture's channel with the gradient
there. A processor gets through it sooner than through torch's own gradient, most of all where
pictures are small: ``tests/bench/bench_depthwise.py``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def conv_depthwise(
    x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]
) -> Tensor:
    """Return ``x`` (B, C, H, W) convolved channel by channel, stride 1: (B, C, h, w).

    Args:
        x: What is convolved.
        weight: (C, 1, kh, kw).
        bias: (C,).
        padding: Rows and columns of zeros on either side, fewer than the kernel has.
    """
    quick = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if quick and weight.requires_grad and torch.is_grad_enabled():
        convolved: Tensor = _Depthwise.apply(x, weight, bias, padding)
        return convolved
    return functional.conv2d(x, weight, bias, padding=padding, groups=len(weight))


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        return functional.conv2d(x, weight, bias, padding=padding, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        pictures, channels, rows, columns = x.shape
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            padding = [
                edge - 1 - by for edge, by in zip(weight.shape[2:], ctx.padding, strict=True)
            ]
            of_x = functional.conv2d(grad, weight.flip(2, 3), padding=padding, groups=channels)
        if ctx.needs_input_grad[1]:
            each = functional.conv2d(
                x.reshape(1, pictures * channels, rows, columns),
                grad.reshape(pictures * channels, 1, *grad.shape[2:]),
                padding=ctx.padding,
                groups=pictures * channels,
            )
            of_weight = each.view(pictures, channels, *weight.shape[2:]).sum(0).unsqueeze(1)
        if ctx.needs_input_grad[2]:
            of_bias = grad.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None
