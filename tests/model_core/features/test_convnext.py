"""The backbone keeps its strides, closes the circle, and takes ImageNet's weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models import convnext_tiny

from model_core.errors import BundleError, ConfigError
from model_core.features.backbones import build_backbone
from model_core.features.convnext import SIZES, pad_azimuth
from model_core.features.imagenet import adopt_imagenet


@pytest.fixture
def circle() -> Tensor:
    torch.manual_seed(1)
    return torch.randn(2, 3, 32, 128)


@pytest.mark.parametrize("stride", [4, 8, 16, 32])
@pytest.mark.parametrize("name", ["atto", "pico"])
def test_rolling_a_full_circle_by_one_stride_rolls_the_features_by_one_bin(
    circle: Tensor, name: str, stride: int
) -> None:
    backbone = build_backbone(name, stride).eval()
    columns = backbone.width_stride
    with torch.no_grad():
        features = backbone(circle, circular=True)
        rolled = backbone(circle.roll(columns, -1), circular=True)
    assert features.shape == (2, SIZES[name].channels[-1], 2, 128 // columns)
    assert features.std() > 1e-2
    torch.testing.assert_close(rolled, features.roll(1, -1), atol=1e-4, rtol=0)


def test_the_base_size_is_equivariant_too() -> None:
    torch.manual_seed(2)
    image = torch.randn(1, 3, 32, 64)
    backbone = build_backbone("base", 16).eval()
    with torch.no_grad():
        features = backbone(image, circular=True)
        rolled = backbone(image.roll(16, -1), circular=True)
    torch.testing.assert_close(rolled, features.roll(1, -1), atol=1e-4, rtol=0)


def test_a_narrow_strip_does_not_wrap(circle: Tensor) -> None:
    backbone = build_backbone("atto", 8).eval()
    changed = circle.clone()
    changed[..., -8:] = 5.0
    with torch.no_grad():
        narrow = (backbone(changed) - backbone(circle)).abs().amax(dim=(0, 1, 2))
        wrapped = (backbone(changed, True) - backbone(circle, True)).abs().amax(dim=(0, 1, 2))
    assert wrapped[0] > 10 * narrow[0]


def test_a_circle_narrower_than_the_kernel_still_wraps() -> None:
    x = torch.arange(6.0).view(1, 1, 2, 3)
    padded = pad_azimuth(x, 5, circular=True)
    expected = x[..., torch.tensor([1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1])]
    assert torch.equal(padded, expected)
    backbone = build_backbone("atto", 16).eval()
    with torch.no_grad():
        assert torch.isfinite(backbone(torch.randn(1, 3, 32, 16), circular=True)).all()


def test_without_wrapping_it_is_torchvisions_own_network() -> None:
    torch.manual_seed(3)
    whole = convnext_tiny().eval()
    backbone = build_backbone("tiny", 16).eval()
    adopt_imagenet(backbone, whole.state_dict())
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(backbone(image), whole.features[:6](image), atol=1e-5, rtol=1e-4)


def test_adopted_downsample_answers_the_same_to_columns_that_repeat() -> None:
    torch.manual_seed(4)
    whole = convnext_tiny().eval()
    backbone = build_backbone("tiny", 8)
    adopt_imagenet(backbone, whole.state_dict())
    columns = torch.randn(1, 192, 8, 5)
    repeated = columns.repeat_interleave(2, dim=-1)
    with torch.no_grad():
        torch.testing.assert_close(
            backbone.features[4][1](columns), whole.features[4][1](repeated), atol=1e-5, rtol=1e-4
        )


def test_weights_of_another_size_are_refused() -> None:
    pico = build_backbone("pico", 16).state_dict()
    with pytest.raises(BundleError, match="another size"):
        adopt_imagenet(build_backbone("atto", 16), pico)
    with pytest.raises(BundleError, match="lack"):
        adopt_imagenet(build_backbone("tiny", 16), {})


def test_pretrained_weights_that_cannot_be_had_are_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(BundleError, match=r"convnext_tiny.*check the network"):
        build_backbone("tiny", 16, pretrained=True)
    with pytest.raises(ConfigError, match="use tiny or base"):
        build_backbone("atto", 16, pretrained=True)


def test_unknown_sizes_and_strides_are_named() -> None:
    with pytest.raises(ConfigError, match="atto, pico, tiny, base"):
        build_backbone("giant", 16)
    with pytest.raises(ConfigError, match="width_stride 12"):
        build_backbone("atto", 12)


def test_stochastic_depth_drops_branches_in_training_only(circle: Tensor) -> None:
    backbone = build_backbone("atto", 8, stochastic_depth=0.5)
    torch.manual_seed(0)
    with torch.no_grad():
        assert not torch.equal(backbone(circle), backbone(circle))
        backbone.eval()
        assert torch.equal(backbone(circle), backbone(circle))


def test_gradients_reach_the_stem_under_bf16(circle: Tensor) -> None:
    backbone = build_backbone("atto", 8)
    with torch.autocast("cpu", torch.bfloat16):
        features = backbone(circle, circular=True)
    functional.mse_loss(features.float(), torch.ones_like(features).float()).backward()
    gradient = backbone.features[0][0].weight.grad
    assert gradient is not None
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
