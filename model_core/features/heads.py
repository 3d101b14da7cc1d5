"""From a backbone's features to few rows and channels a bin: the asymmetric head and others."""

from __future__ import annotations

from typing import get_args

from torch import Tensor, nn
from torchvision.models.convnext import LayerNorm2d

from model_core.config import HeadName, ModelConfig
from model_core.errors import ConfigError
from model_core.features.strides import HEIGHT_STRIDE

_RELEASE_STRIDE = 2 * HEIGHT_STRIDE


class StripHead(nn.Module):
    """Layers from (B, in_channels, H / 16, w) to (B, feature_channels, feature_height, bins)."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, feature_channels, feature_height, bins) of (B, in_channels, H / 16, w)."""
        features: Tensor = self.layers(x)
        return features


def build_head(in_channels: int, config: ModelConfig) -> StripHead:
    """Return the head that ``config.head`` names.

    ``asymmetric``: (3, 1) convolutions reduce the height and keep the width (the paper's).
    ``pooled``: averages over rows and one 1x1 convolution, for the plain networks of its table.
    ``downsample``: one more downsample of the backbone's kind, then (3, 1) convolutions of stride 1
    (the released code's).

    Raises:
        ConfigError: Unknown name, or a height that the head cannot reach.
    """
    makers = {"asymmetric": _asymmetric, "pooled": _pooled, "downsample": _downsample}
    if config.head not in makers:
        raise ConfigError(f"unknown head {config.head!r}; known: {', '.join(get_args(HeadName))}")
    return StripHead(
        [LayerNorm2d(in_channels, eps=1e-6), *makers[config.head](in_channels, config)]
    )


def _asymmetric(in_channels: int, config: ModelConfig) -> list[nn.Module]:
    layers: list[nn.Module] = []
    if config.width_stride > HEIGHT_STRIDE:
        layers += [nn.Conv2d(in_channels, in_channels, (1, 2), stride=(1, 2)), nn.GELU()]
    for _ in range(_height_halvings(config)):
        layers += [
            nn.Conv2d(in_channels, in_channels, (3, 1), stride=(2, 1), padding=(1, 0)),
            nn.GELU(),
        ]
    return [*layers, *_narrow(in_channels, config)]


def _pooled(in_channels: int, config: ModelConfig) -> list[nn.Module]:
    columns = 2 if config.width_stride > HEIGHT_STRIDE else 1
    return [
        nn.AvgPool2d((2 ** _height_halvings(config), columns)),
        nn.Conv2d(in_channels, config.feature_channels, 1),
    ]


def _downsample(in_channels: int, config: ModelConfig) -> list[nn.Module]:
    if config.geometry.height != _RELEASE_STRIDE * config.feature_height:
        raise ConfigError(
            f"head 'downsample' makes one row of {_RELEASE_STRIDE}; set feature_height to "
            f"{config.geometry.height / _RELEASE_STRIDE:g} or change the strips' height"
        )
    kernel = (2, 2 if config.width_stride > HEIGHT_STRIDE else 1)
    wide = 2 * in_channels
    return [nn.Conv2d(in_channels, wide, kernel, stride=kernel), *_narrow(wide, config)]


def _narrow(in_channels: int, config: ModelConfig) -> list[nn.Module]:
    middle = max(in_channels // 2, config.feature_channels)
    return [
        nn.Conv2d(in_channels, middle, (3, 1), padding=(1, 0)),
        nn.GELU(),
        nn.Conv2d(middle, config.feature_channels, (3, 1), padding=(1, 0)),
    ]


def _height_halvings(config: ModelConfig) -> int:
    rows = config.geometry.height // HEIGHT_STRIDE
    ratio = rows // config.feature_height if config.feature_height > 0 else 0
    if ratio < 1 or ratio * config.feature_height != rows or ratio & (ratio - 1):
        raise ConfigError(
            f"feature_height {config.feature_height} does not follow from strips of "
            f"{config.geometry.height} rows; a strip's height must be {HEIGHT_STRIDE} x "
            "feature_height x a power of two"
        )
    return ratio.bit_length() - 1
