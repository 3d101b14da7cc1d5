"""Depthwise convolution gives torch's values and gradients, in training and out of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model_core.features.backbones import build_backbone
from model_core.features.depthwise import conv_depthwise

PADDINGS = [(3, 3), (3, 0), (0, 0)]


def drawn(rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures as backbones hold them, weights and a bias, to be learned."""
    chance = torch.Generator().manual_seed(rows * columns)
    x = torch.randn(5, 6, rows, columns, generator=chance)
    x = x.contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(6, 1, 7, 7, generator=chance), torch.randn(6, generator=chance)
    return x.requires_grad_(), weight.requires_grad_(), bias.requires_grad_()


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", [(8, 22), (7, 9)])
def test_values_and_gradients_are_those_of_torch(
    size: tuple[int, int], padding: tuple[int, int]
) -> None:
    learned = drawn(*size)
    x, weight, bias = learned
    ours = conv_depthwise(x, weight, bias, padding)
    theirs = functional.conv2d(x, weight, bias, padding=padding, groups=6)
    torch.testing.assert_close(ours, theirs)
    above = torch.randn(theirs.shape, generator=torch.Generator().manual_seed(1))
    for own, other in zip(
        torch.autograd.grad(ours, learned, above),
        torch.autograd.grad(theirs, learned, above),
        strict=True,
    ):
        torch.testing.assert_close(own, other, atol=1e-4, rtol=1e-4)


def test_what_is_not_learned_gets_no_gradient() -> None:
    x, weight, _ = drawn(8, 9)
    conv_depthwise(x.detach(), weight, None, (3, 3)).sum().backward()
    assert x.grad is None
    assert weight.grad is not None
    frozen = weight.detach()
    conv_depthwise(x, frozen, None, (3, 3)).sum().backward()
    assert x.grad is not None
    assert frozen.grad is None


@pytest.mark.parametrize("circular", [False, True])
def test_a_backbone_learns_as_with_torch_alone(
    circular: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(2)
    backbone = build_backbone("atto", 16)
    images = torch.randn(2, 3, 64, 64)
    kinds = _gradients(backbone, images, circular)
    monkeypatch.setattr("torch.is_autocast_enabled", lambda _: True)  # torch's own path
    plain = _gradients(backbone, images, circular)
    assert kinds.keys() == plain.keys()
    assert any("block.0.weight" in name for name in kinds)
    for name, gradient in kinds.items():
        scale = plain[name].abs().max().item()
        torch.testing.assert_close(gradient, plain[name], atol=1e-4 * scale, rtol=1e-3)


def _gradients(backbone: torch.nn.Module, images: Tensor, circular: bool) -> dict[str, Tensor]:
    backbone.zero_grad()
    backbone(images, circular=circular).square().mean().backward()
    return {n: p.grad.clone() for n, p in backbone.named_parameters() if p.grad is not None}


def test_under_autocast_the_result_has_its_precision() -> None:
    x, weight, bias = drawn(8, 22)
    with torch.autocast("cpu", torch.bfloat16):
        result = conv_depthwise(x, weight, bias, (3, 3))
    assert result.dtype == torch.bfloat16
    result.float().sum().backward()
    assert weight.grad is not None
    assert weight.grad.isfinite().all()
