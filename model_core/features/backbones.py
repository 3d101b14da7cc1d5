"""The backbones by name: ConvNeXt, and torchvision's networks that it is compared with.

VGG16 (Simonyan & Zisserman 2014), ResNet-50 (He et al. 2015), EfficientNet-B0 (Tan & Le 2019) and
ViT-B/16 (Dosovitskiy et al. 2020) are cut where a row stands for 16 image rows. Their parameters
keep torchvision's names, so its ImageNet weights fit. The convolutional ones can close the circle;
ViT's positions are absolute, so a turned circle gives other features there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models
from torchvision.models import vgg

from model_core.config import Backbone
from model_core.errors import ConfigError
from model_core.features.convnext import SIZES, build_convnext, pad_azimuth
from model_core.features.imagenet import load_imagenet
from model_core.features.strides import HEIGHT_STRIDE, check_width_stride

_IMAGENET: dict[str, Any] = {
    "vgg16": models.VGG16_Weights.IMAGENET1K_V1,
    "resnet50": models.ResNet50_Weights.IMAGENET1K_V1,
    "efficientnet_b0": models.EfficientNet_B0_Weights.IMAGENET1K_V1,
    "vit": models.ViT_B_16_Weights.IMAGENET1K_V1,
}


class StripBackbone(Protocol):
    """A module from images (B, 3, H, W) to features (B, out_channels, H / 16, W / width_stride)."""

    out_channels: int
    width_stride: int

    def __call__(self, images: Tensor, circular: bool = False) -> Tensor: ...  # noqa: D102


class WrappingConv2d(nn.Conv2d):
    """A convolution that can continue from the other end of the strip instead of with zeros."""

    circular = False

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__(
            plain.in_channels,
            plain.out_channels,
            plain.kernel_size,  # type: ignore[arg-type]
            plain.stride,  # type: ignore[arg-type]
            plain.padding,  # type: ignore[arg-type]
            plain.dilation,  # type: ignore[arg-type]
            plain.groups,
            plain.bias is not None,
        )
        self.weight, self.bias = plain.weight, plain.bias

    def forward(self, input: Tensor) -> Tensor:
        """Return what the convolution gives, (B, C, h, w)."""
        if not self.circular:
            return super().forward(input)
        rows, columns = (int(reach) for reach in self.padding)
        around = pad_azimuth(input, columns, circular=True)
        return functional.conv2d(
            around, self.weight, self.bias, self.stride, (rows, 0), self.dilation, self.groups
        )


class WrappingMaxPool2d(nn.MaxPool2d):
    """Max pooling over windows that can cross the strip's ends."""

    circular = False

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns beyond the strip that a window looks at."""
        if isinstance(self.padding, int):
            return self.padding, self.padding
        rows, columns = self.padding
        return rows, columns

    def forward(self, input: Tensor) -> Tensor:
        """Return the maxima, (B, C, h, w)."""
        if not self.circular:
            plain: Tensor = super().forward(input)
            return plain
        rows, columns = self.reach
        around = pad_azimuth(input, columns, circular=True)
        pooled: Tensor = functional.max_pool2d(around, self.kernel_size, self.stride, (rows, 0))
        return pooled


class AzimuthNetwork(nn.Module):
    """The first parts of a convolutional network, up to stride 16 in height.

    Attributes:
        features: The parts, named as in torchvision.
        out_channels: Channels of the last part.
        width_stride: Columns of the image a column of the output (4, 8 or 16).
    """

    def __init__(self, features: nn.Sequential, out_channels: int, width_stride: int) -> None:
        super().__init__()
        _let_wrap(features)
        self.features = features
        self.out_channels = out_channels
        self.width_stride = width_stride

    def forward(self, images: Tensor, circular: bool = False) -> Tensor:
        """Return features (B, out_channels, H / 16, W / width_stride).

        Args:
            images: float (B, 3, H, W), ImageNet-normalised.
            circular: The columns are a full circle: wrap, instead of padding with zeros.
        """
        for layer in self.features.modules():
            if isinstance(layer, WrappingConv2d | WrappingMaxPool2d):
                layer.circular = circular
        features: Tensor = self.features(images.contiguous(memory_format=torch.channels_last))
        return features


class AzimuthViT(nn.Module):
    """ViT-B/16 without its classifier: a feature a patch of 16 rows and ``width_stride`` columns.

    The position embedding keeps the grid that ImageNet's weights have and is interpolated to each
    strip's, so widths may differ. ``circular`` changes nothing: attention sees everything.
    """

    def __init__(self, width_stride: int) -> None:
        super().__init__()
        whole = models.vit_b_16(num_classes=1)
        patch = (HEIGHT_STRIDE, width_stride)
        self.conv_proj = nn.Conv2d(3, whole.hidden_dim, kernel_size=patch, stride=patch)
        nn.init.trunc_normal_(self.conv_proj.weight, std=(3 * patch[0] * patch[1]) ** -0.5)
        self.class_token = whole.class_token
        self.encoder = whole.encoder
        self.out_channels: int = whole.hidden_dim
        self.width_stride = width_stride

    def forward(self, images: Tensor, circular: bool = False) -> Tensor:
        """Return features (B, 768, H / 16, W / width_stride) of normalised images (B, 3, H, W)."""
        patches = self.conv_proj(images)
        rows, columns = patches.shape[2:]
        tokens = torch.cat(
            (self.class_token.expand(len(images), -1, -1), patches.flatten(2).transpose(1, 2)), 1
        )
        tokens = tokens + self._positions(rows, columns)
        tokens = self.encoder.ln(self.encoder.layers(self.encoder.dropout(tokens)))
        features: Tensor = tokens[:, 1:].transpose(1, 2)
        return features.reshape(len(images), -1, rows, columns)

    def _positions(self, rows: int, columns: int) -> Tensor:
        """Return the position embedding (1, 1 + rows * columns, C) of a grid of patches."""
        kept: Tensor = self.encoder.pos_embedding
        side = round((kept.shape[1] - 1) ** 0.5)
        grid = kept[:, 1:].transpose(1, 2).reshape(1, -1, side, side)
        fitted = functional.interpolate(
            grid, size=(rows, columns), mode="bicubic", align_corners=False
        )
        return torch.cat((kept[:, :1], fitted.flatten(2).transpose(1, 2)), dim=1)


def build_backbone(
    name: Backbone,
    width_stride: int,
    pretrained: bool = False,
    stochastic_depth: float = 0.0,
) -> StripBackbone:
    """Return a backbone, stride 16 in height.

    Args:
        name: ``atto``, ``pico``, ``tiny`` or ``base`` (ConvNeXt), ``vgg16``, ``resnet50``,
            ``efficientnet_b0`` or ``vit``.
        width_stride: Stride along azimuth: 16 is the networks' own; 8 and 4 keep the width in the
            last one or two steps; 32 is 16 here, and the encoder's head halves once more.
        pretrained: Start from torchvision's ImageNet weights (not ``atto`` and ``pico``);
            downloads them unless torch's cache has them.
        stochastic_depth: Probability of dropping the deepest block's branch in training; of
            ConvNeXt and EfficientNet alone.

    Raises:
        ConfigError: Unknown name or stride, no pretrained weights exist for the size, or a network
            whose branches cannot be dropped.
        BundleError: The pretrained weights cannot be downloaded or read.
    """
    if name in SIZES:
        return build_convnext(name, width_stride, pretrained, stochastic_depth)
    builders: dict[str, Callable[[int, float], AzimuthNetwork | AzimuthViT]] = {
        "vgg16": _vgg16,
        "resnet50": _resnet50,
        "efficientnet_b0": _efficientnet_b0,
        "vit": _vit,
    }
    if name not in builders:
        raise ConfigError(f"unknown backbone {name!r}; known here: {', '.join(get_args(Backbone))}")
    check_width_stride(width_stride)
    if stochastic_depth and name != "efficientnet_b0":
        raise ConfigError(f"backbone {name!r} has no stochastic depth; leave it at 0")
    backbone = builders[name](min(width_stride, HEIGHT_STRIDE), stochastic_depth)
    if pretrained:
        load_imagenet(backbone, _IMAGENET[name])
    return backbone


def _vgg16(width_stride: int, _: float) -> AzimuthNetwork:
    # The whole network's classifier alone has 100 million weights to draw.
    parts = vgg.make_layers(vgg.cfgs["D"])[:30]
    for layer in parts:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    for number in (23, 16)[: _widths_kept(width_stride)]:
        parts[number] = nn.MaxPool2d((2, 1))
    return AzimuthNetwork(parts, 512, width_stride)


def _resnet50(width_stride: int, _: float) -> AzimuthNetwork:
    whole = models.resnet50(num_classes=1)
    for stage in (whole.layer3, whole.layer2)[: _widths_kept(width_stride)]:
        _keep_width((stage[0].conv2, stage[0].downsample[0]))
    parts = nn.Sequential()
    for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"):
        parts.add_module(name, getattr(whole, name))
    return AzimuthNetwork(parts, 1024, width_stride)


def _efficientnet_b0(width_stride: int, stochastic_depth: float) -> AzimuthNetwork:
    whole = models.efficientnet_b0(num_classes=1, stochastic_depth_prob=stochastic_depth)
    for stage in (whole.features[4], whole.features[3])[: _widths_kept(width_stride)]:
        _keep_width((stage[0].block[1][0],))
    return AzimuthNetwork(whole.features[:6], 112, width_stride)


def _vit(width_stride: int, _: float) -> AzimuthViT:
    return AzimuthViT(width_stride)


def _widths_kept(width_stride: int) -> int:
    """Return how many of the last steps keep the width."""
    return {16: 0, 8: 1, 4: 2}[width_stride]


def _keep_width(convolutions: Iterable[nn.Conv2d]) -> None:
    for convolution in convolutions:
        convolution.stride = (2, 1)


def _let_wrap(module: nn.Module) -> None:
    """Replace every layer that looks past its own column by one that can wrap."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and int(child.padding[1]) > 0:
            setattr(module, name, WrappingConv2d(child))
        elif isinstance(child, nn.MaxPool2d) and child.padding:
            setattr(module, name, WrappingMaxPool2d(child.kernel_size, child.stride, child.padding))
        else:
            _let_wrap(child)
