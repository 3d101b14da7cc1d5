"""ConvNeXt's first three stages over strips, with padding that closes the circle.

The blocks are torchvision's (Liu et al. 2022, "A ConvNet for the 2020s"), so its parameter names
and its ImageNet weights fit. Only the 7x7 depthwise convolutions look past a column's own patch;
they alone need padding along azimuth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ConvNeXt_Base_Weights, ConvNeXt_Tiny_Weights
from torchvision.models.convnext import CNBlock, CNBlockConfig, ConvNeXt

from model_core.errors import ConfigError
from model_core.features.depthwise import conv_depthwise
from model_core.features.imagenet import load_imagenet
from model_core.features.strides import HEIGHT_STRIDE, check_width_stride

_PRETRAINED = {"tiny": ConvNeXt_Tiny_Weights, "base": ConvNeXt_Base_Weights}
_SECOND_DOWNSAMPLE = 4
_FIRST_DOWNSAMPLE = 2
# torchvision starts residual branches at 1e-6, made for 300 epochs of ImageNet. The branches are
# small at the start by their own initialisation, so short trainings begin with them open.
_LAYER_SCALE = 1.0


@dataclass(frozen=True)
class BackboneSize:
    """Channels and blocks of the three stages."""

    channels: tuple[int, int, int]
    depths: tuple[int, int, int]


SIZES: dict[str, BackboneSize] = {
    "atto": BackboneSize((40, 80, 160), (2, 2, 6)),
    "pico": BackboneSize((64, 128, 256), (2, 2, 6)),
    "tiny": BackboneSize((96, 192, 384), (3, 3, 9)),
    "base": BackboneSize((128, 256, 512), (3, 3, 27)),
}


def pad_azimuth(x: Tensor, columns: int, *, circular: bool) -> Tensor:
    """Return ``x`` (B, C, H, W) with ``columns`` more columns on both sides.

    Args:
        x: Features whose last axis is azimuth.
        columns: How many columns are added on each side; may exceed W.
        circular: Continue from the other end (a full circle) instead of with zeros.
    """
    if not circular:
        return functional.pad(x, (columns, columns))
    width = x.shape[-1]
    if columns <= width:
        return torch.cat((x[..., width - columns :], x, x[..., :columns]), dim=-1)
    index = torch.arange(-columns, width + columns, device=x.device) % width
    return x.index_select(-1, index)


class AzimuthBlock(CNBlock):  # type: ignore[misc]  # torchvision has no types
    """A ConvNeXt block whose depthwise convolution can wrap around the circle."""

    def forward(self, input: Tensor, circular: bool = False) -> Tensor:
        """Return the block's output, same shape as ``input`` (B, C, H, W)."""
        depthwise = self.block[0]
        rows, columns = depthwise.padding
        x = pad_azimuth(input, columns, circular=True) if circular else input
        padding = (rows, 0 if circular else columns)
        x = conv_depthwise(x, depthwise.weight, depthwise.bias, padding)
        for layer in self.block[1:]:
            x = layer(x)
        branch: Tensor = self.stochastic_depth(self.layer_scale * x)
        return branch + input


class AzimuthConvNeXt(nn.Module):
    """Stem, stage, downsample, stage, downsample, stage: stride 16 in height.

    Attributes:
        features: The six parts, named as in torchvision.
        out_channels: Channels of the last stage.
        width_stride: Columns of the image a column of the output (4, 8 or 16).
    """

    def __init__(
        self,
        size: BackboneSize,
        width_stride: int,
        stochastic_depth: float = 0.0,
        layer_scale: float = _LAYER_SCALE,
    ) -> None:
        super().__init__()
        first, second, third = size.channels
        settings = [
            CNBlockConfig(first, second, size.depths[0]),
            CNBlockConfig(second, third, size.depths[1]),
            CNBlockConfig(third, None, size.depths[2]),
        ]
        whole = ConvNeXt(
            settings,
            stochastic_depth_prob=stochastic_depth,
            layer_scale=layer_scale,
            num_classes=1,
            block=AzimuthBlock,
        )
        self.features = whole.features
        self.out_channels = third
        self.width_stride = min(width_stride, HEIGHT_STRIDE)
        if width_stride <= 8:
            _keep_width(self.features[_SECOND_DOWNSAMPLE])
        if width_stride <= 4:
            _keep_width(self.features[_FIRST_DOWNSAMPLE])

    def forward(self, images: Tensor, circular: bool = False) -> Tensor:
        """Return features (B, out_channels, H / 16, W / width_stride).

        Args:
            images: float (B, 3, H, W), ImageNet-normalised.
            circular: The columns are a full circle: wrap, instead of padding with zeros.
        """
        x = images.contiguous(memory_format=torch.channels_last)
        for part in self.features:
            if isinstance(part, nn.Sequential) and isinstance(part[0], AzimuthBlock):
                for block in part:
                    x = block(x, circular)
            else:
                x = part(x)
        return x


def build_convnext(
    name: str,
    width_stride: int,
    pretrained: bool = False,
    stochastic_depth: float = 0.0,
) -> AzimuthConvNeXt:
    """Return ConvNeXt stages 1-3 of a size, stride 16 in height.

    Arguments and errors are those of ``features.backbones.build_backbone``.
    """
    check_width_stride(width_stride)
    backbone = AzimuthConvNeXt(SIZES[name], width_stride, stochastic_depth)
    if pretrained:
        if name not in _PRETRAINED:
            raise ConfigError(
                f"torchvision has no ImageNet weights for backbone {name!r}; "
                f"use {' or '.join(_PRETRAINED)}, or train without pretrained weights"
            )
        load_imagenet(backbone, _PRETRAINED[name].IMAGENET1K_V1)
    return backbone


def _keep_width(downsample: nn.Module) -> None:
    """Replace a downsample's 2x2 stride-2 convolution by one of (2, 1)."""
    if not isinstance(downsample, nn.Sequential) or not isinstance(downsample[1], nn.Conv2d):
        raise ConfigError("torchvision's ConvNeXt has another layout; install a supported version")
    old = downsample[1]
    new = nn.Conv2d(old.in_channels, old.out_channels, kernel_size=(2, 1), stride=(2, 1))
    nn.init.trunc_normal_(new.weight, std=0.02)
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    downsample[1] = new
