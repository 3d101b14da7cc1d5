"""The networks that ConvNeXt is compared with: strides, closed circles, ImageNet's weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision import models

from model_core.bundle import init_bundle, load_bundle
from model_core.config import ModelConfig, StripGeometry
from model_core.errors import BundleError, ConfigError
from model_core.features.backbones import build_backbone
from model_core.features.imagenet import adopt_imagenet

CONVOLUTIONAL = ("vgg16", "resnet50", "efficientnet_b0")
CHANNELS = {"vgg16": 512, "resnet50": 1024, "efficientnet_b0": 112, "vit": 768}


def settled(name: str, stride: int) -> torch.nn.Module:
    """A backbone whose batch norms have seen a few images, in evaluation mode."""
    torch.manual_seed(5)
    backbone = build_backbone(name, stride)
    with torch.no_grad():
        for _ in range(10):
            backbone(torch.randn(2, 3, 32, 64), circular=True)
    return backbone.eval()


@pytest.mark.parametrize(
    ("name", "stride"),
    [
        ("vgg16", 8),
        ("resnet50", 4),
        ("resnet50", 16),
        ("efficientnet_b0", 4),
        ("efficientnet_b0", 8),
    ],
)
def test_rolling_a_full_circle_by_one_stride_rolls_the_features_by_one_bin(
    name: str, stride: int
) -> None:
    backbone = settled(name, stride)
    circle = torch.randn(1, 3, 32, 64)
    with torch.no_grad():
        features = backbone(circle, circular=True)
        rolled = backbone(circle.roll(stride, -1), circular=True)
        flat = backbone(circle.roll(stride, -1))
    assert features.shape == (1, CHANNELS[name], 2, 64 // stride)
    size = float(features.abs().max())
    assert size > 1e-3
    torch.testing.assert_close(rolled, features.roll(1, -1), atol=1e-4 * size, rtol=0)
    assert (flat - rolled).abs().max() > 1e-2 * size  # wrapping is what closes the circle


def test_vits_positions_are_absolute_and_fit_any_width() -> None:
    torch.manual_seed(6)
    backbone = build_backbone("vit", 8).eval()
    circle = torch.randn(1, 3, 64, 128)
    with torch.no_grad():
        features = backbone(circle, circular=True)
        rolled = backbone(circle.roll(8, -1), circular=True)
        window = backbone(circle[..., :40])
        backbone.encoder.pos_embedding.zero_()
        free = backbone(circle, circular=True)
        free_rolled = backbone(circle.roll(8, -1), circular=True)
    assert features.shape == (1, 768, 4, 16)
    assert window.shape == (1, 768, 4, 5)
    assert (rolled - features.roll(1, -1)).abs().max() > 1e-2
    torch.testing.assert_close(free_rolled, free.roll(1, -1), atol=1e-4, rtol=0)


def _features_of(name: str, whole: torch.nn.Module, image: Tensor) -> Tensor:
    """What torchvision's own network gives where the backbone is cut."""
    if name == "vgg16":
        return whole.features[:30](image)
    if name == "efficientnet_b0":
        return whole.features[:6](image)
    stem = whole.maxpool(whole.relu(whole.bn1(whole.conv1(image))))
    return whole.layer3(whole.layer2(whole.layer1(stem)))


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_without_wrapping_it_is_torchvisions_own_network(name: str) -> None:
    torch.manual_seed(7)
    whole = getattr(models, name)().eval()
    backbone = build_backbone(name, 16).eval()
    adopt_imagenet(backbone, whole.state_dict())
    image = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        expected = _features_of(name, whole, image)
        size = float(expected.abs().max())
        torch.testing.assert_close(backbone(image), expected, atol=1e-5 * size, rtol=1e-4)


def test_vit_takes_torchvisions_weights_at_its_own_size_and_at_narrower_patches() -> None:
    torch.manual_seed(8)
    whole = models.vit_b_16().eval()
    state = whole.state_dict()
    backbone = build_backbone("vit", 16).eval()
    adopt_imagenet(backbone, state)
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        tokens = whole._process_input(image)
        tokens = whole.encoder(torch.cat((whole.class_token, tokens), 1))[:, 1:]
        expected = tokens.transpose(1, 2).unflatten(2, (14, 14))
        torch.testing.assert_close(backbone(image), expected, atol=1e-4, rtol=1e-4)
    narrow = torch.nn.ModuleDict({"conv_proj": torch.nn.Conv2d(3, 768, (16, 8))})
    adopt_imagenet(narrow, state)
    columns = torch.randn(1, 3, 16, 8)
    with torch.no_grad():
        torch.testing.assert_close(
            narrow["conv_proj"](columns),
            whole.conv_proj(columns.repeat_interleave(2, dim=-1)),
            atol=1e-4,
            rtol=1e-4,
        )


def test_weights_of_another_network_are_refused() -> None:
    resnet = build_backbone("resnet50", 16)
    with pytest.raises(BundleError, match="lack"):
        adopt_imagenet(resnet, build_backbone("efficientnet_b0", 16).state_dict())
    with pytest.raises(BundleError, match="another size"):
        adopt_imagenet(resnet, models.resnext50_32x4d().state_dict())


def test_pretrained_weights_that_cannot_be_had_are_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(BundleError, match=r"efficientnet_b0.*check the network"):
        build_backbone("efficientnet_b0", 16, pretrained=True)


def test_weights_in_torchs_cache_are_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(9)
    state = models.efficientnet_b0().state_dict()

    def cached(*_: object, **__: object) -> dict[str, Tensor]:
        return state

    monkeypatch.setattr(models.EfficientNet_B0_Weights, "get_state_dict", cached)
    backbone = build_backbone("efficientnet_b0", 16, pretrained=True)
    assert torch.equal(backbone.features[0][0].weight, state["features.0.0.weight"])


@pytest.mark.parametrize("name", ["resnet50", "efficientnet_b0"])
def test_a_bundle_of_it_saves_and_loads(name: str, tmp_path: Path) -> None:
    config = ModelConfig(backbone=name, geometry=StripGeometry(height=64, width=128))
    model = load_bundle(init_bundle(tmp_path / name, config))
    assert model.config.backbone == name
    with torch.no_grad():
        features = model.encoder.encode_satellite(torch.randn(1, 3, 64, 128))
    assert features.shape == (1, 16, 4, 16)
    assert torch.isfinite(features).all()


def test_what_a_network_lacks_is_said() -> None:
    with pytest.raises(ConfigError, match="vgg16, resnet50, efficientnet_b0, vit"):
        build_backbone("giant", 16)
    with pytest.raises(ConfigError, match="stochastic depth"):
        build_backbone("vgg16", 16, stochastic_depth=0.1)
    with pytest.raises(ConfigError, match="width_stride 12"):
        build_backbone("vit", 12)
