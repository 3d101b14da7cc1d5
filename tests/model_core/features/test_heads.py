"""Heads by name: the rows and columns that they make, and what they look at."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model_core.config import PRESETS, ModelConfig
from model_core.errors import ConfigError
from model_core.features.heads import build_head


@pytest.mark.parametrize("stride", [8, 32])
@pytest.mark.parametrize("head", ["asymmetric", "pooled", "downsample"])
def test_every_head_gives_the_documented_shape(head: str, stride: int) -> None:
    config = replace(ModelConfig(), head=head, width_stride=stride)
    if head == "downsample":
        config = replace(config, feature_height=2)
    features = build_head(24, config)(torch.randn(2, 24, 4, 16))
    columns = 8 if stride == 32 else 16
    assert features.shape == (2, 16, config.feature_height, columns)


def test_rows_tell_apart_what_averages_cannot() -> None:
    torch.manual_seed(0)
    rows = torch.randn(1, 24, 4, 16)
    swapped = rows[:, :, [1, 0, 3, 2]]
    config = replace(ModelConfig(), feature_height=2)
    with torch.no_grad():
        pooled = build_head(24, replace(config, head="pooled"))
        torch.testing.assert_close(pooled(rows), pooled(swapped))
        asymmetric = build_head(24, config)
        assert (asymmetric(rows) - asymmetric(swapped)).abs().max() > 1e-3


def test_the_released_head_makes_one_row_of_32() -> None:
    release = PRESETS["release"]
    assert build_head(8, release)(torch.randn(1, 8, 8, 32)).shape == (1, 16, 4, 16)
    with pytest.raises(ConfigError, match="set feature_height to 2"):
        build_head(8, replace(ModelConfig(), head="downsample"))


def test_an_unknown_head_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="asymmetric, pooled, downsample"):
        build_head(8, replace(ModelConfig(), head="round"))
