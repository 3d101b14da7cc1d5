"""The presets are what they are said to be, at their own size and at a small one."""

from __future__ import annotations

import pytest
import torch

from model_core.config import PRESETS, StripGeometry, at_geometry
from model_core.features.convnext import AzimuthConvNeXt
from model_core.fusion.place_encoder import PlaceEncoder

SMALL = StripGeometry(height=64, width=128)


def test_paper_shares_weights_searches_headings_and_calibrates_with_orb() -> None:
    paper = PRESETS["paper"]
    assert (paper.backbone, paper.fusion, paper.shared_weights) == ("base", "iaff", "all")
    assert (paper.geometry.height, paper.geometry.width, paper.azimuth_bins) == (128, 512, 16)
    assert (paper.geometry.footprint_m, paper.feature_channels) == (50.0, 16)
    assert paper.heading_search
    assert (paper.calibration, paper.head, paper.attention_norm) == ("orb", "asymmetric", "batch")


def test_release_has_the_faults_of_the_released_code() -> None:
    release = PRESETS["release"]
    assert release.shared_weights == "none"
    assert not release.heading_search
    assert release.calibration == "release"
    assert (release.head, release.attention_norm) == ("downsample", "batch_missing")
    assert release.photo_fit == "resized"
    assert release.width_stride == 32
    assert release.feature_channels == 16
    with torch.device("meta"):
        encoder = PlaceEncoder(release)
        head = encoder.branches["photo"].head.layers
        assert set(encoder.branches) == {"photo", "satellite", "street"}
        strip = torch.empty(2, 3, 128, 512)
        assert isinstance(encoder.branches["photo"].backbone, AzimuthConvNeXt)
        assert encoder.encode_satellite(strip).shape == (2, 16, 4, 16)
    assert (head[1].stride, head[1].out_channels) == ((2, 2), 1024)  # the third downsample
    strides = {layer.stride for layer in head[2:] if isinstance(layer, torch.nn.Conv2d)}
    assert strides == {(1, 1)}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_keeps_its_bins_on_small_strips(name: str) -> None:
    config = at_geometry(PRESETS[name], SMALL)
    assert config.azimuth_bins == PRESETS[name].azimuth_bins == 16
    assert config.preset == name
    with torch.device("meta"):
        features = PlaceEncoder(config).encode_satellite(torch.empty(2, 3, 64, 128))
    assert features.shape == (2, 16, 2 if name == "release" else 4, 16)


def test_a_circle_too_narrow_for_the_bins_gets_fewer() -> None:
    config = at_geometry(PRESETS["default"], StripGeometry(height=64, width=32))
    assert (config.width_stride, config.azimuth_bins) == (4, 8)
