"""Branches: layout, norms, masks, coverage, shared weights, presets."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model_core.config import PRESETS, ModelConfig, StripGeometry
from model_core.errors import ConfigError, ShapeError
from model_core.features.encoder import BranchEncoder, bin_coverage

SMALL = ModelConfig(geometry=StripGeometry(height=64, width=128))


@pytest.fixture(scope="module")
def encoder() -> BranchEncoder:
    torch.manual_seed(0)
    return BranchEncoder(SMALL).eval()


def test_features_have_the_documented_layout_and_norm(encoder: BranchEncoder) -> None:
    images = torch.randn(3, 3, 64, 128)
    with torch.no_grad():
        satellite = encoder.encode_satellite(images)
        photo = encoder.encode_photo(images[..., :40], torch.ones(3, 64, 40))
    assert satellite.shape == (3, 16, 4, 16)
    assert photo.shape == (3, 16, 4, 5)
    for features in (satellite, photo):
        assert features.dtype == torch.float32
        torch.testing.assert_close(features.flatten(1).norm(dim=1), torch.ones(3))


def test_rolling_a_circle_by_one_stride_rolls_its_features(encoder: BranchEncoder) -> None:
    images = torch.randn(2, 3, 64, 128)
    mask = torch.ones(2, 64, 128)
    mask[..., 20:70] = 0
    with torch.no_grad():
        for encode in (
            lambda x, _: encoder.encode_satellite(x),
            encoder.encode_street,
            lambda x, m: encoder.encode_photo(x, m, circular=True),
        ):
            features = encode(images, mask)
            rolled = encode(images.roll(8, -1), mask.roll(8, -1))
            error = (rolled - features.roll(1, -1)).abs().max()
            assert error < 1e-4 * features.abs().max()


def test_masked_pixels_do_not_matter_and_unseen_bins_are_zero(encoder: BranchEncoder) -> None:
    images = torch.randn(1, 3, 64, 128)
    mask = torch.ones(1, 64, 128)
    mask[..., 64:] = 0
    mask[:, :10] = 0
    other = torch.where(mask[:, None] > 0, images, 7.0)
    with torch.no_grad():
        for encode in (encoder.encode_street, encoder.encode_photo):
            features = encode(images, mask)
            torch.testing.assert_close(features, encode(other, mask))
            assert (features[..., 8:] == 0).all()
            assert features[..., :8].norm() == pytest.approx(1.0, abs=1e-5)


def test_an_empty_strip_gives_zeros_not_nan(encoder: BranchEncoder) -> None:
    images, nothing = torch.randn(1, 3, 64, 128), torch.zeros(1, 64, 128)
    with torch.no_grad():
        assert (encoder.encode_photo(images, nothing) == 0).all()
        assert (encoder.encode_street(images, nothing) == 0).all()


def test_coverage_is_the_seen_share_of_each_bin(encoder: BranchEncoder) -> None:
    mask = torch.zeros(1, 64, 32)
    mask[:, 16:48, 4:28] = 1
    torch.testing.assert_close(encoder.photo_coverage(mask), torch.tensor([[0.5, 1.0, 1.0, 0.5]]))
    sliver = torch.zeros(1, 64, 8)
    sliver[:, 0, :] = 1
    assert bin_coverage(sliver, 8).item() == pytest.approx(1 / 16)
    assert bin_coverage(mask.bool(), 8).dtype == torch.float32


def test_weights_are_shared_as_the_configuration_says() -> None:
    strip = torch.randn(1, 3, 64, 64)
    mask = torch.ones(1, 64, 64)
    same: dict[str, tuple[bool, bool]] = {}
    for shared in ("all", "ground", "svi_si", "none"):
        torch.manual_seed(0)
        encoder = BranchEncoder(replace(SMALL, shared_weights=shared)).eval()
        with torch.no_grad():
            photo = encoder.encode_photo(strip, mask, circular=True)
            satellite = encoder.encode_satellite(strip)
            street = encoder.encode_street(strip, mask)
        same[shared] = (torch.equal(photo, street), torch.equal(satellite, street))
    assert same == {
        "all": (True, True),
        "ground": (True, False),
        "svi_si": (False, True),
        "none": (False, False),
    }


@pytest.mark.parametrize(("preset", "bins"), [("default", 16), ("paper", 16)])
def test_presets_encode_to_four_rows_and_their_bins(preset: str, bins: int) -> None:
    config = PRESETS[preset]
    encoder = BranchEncoder(config).eval()
    geometry = config.geometry
    with torch.no_grad():
        features = encoder.encode_satellite(torch.randn(1, 3, geometry.height, geometry.width))
        narrow = encoder.encode_photo(
            torch.randn(1, 3, geometry.height, 2 * config.width_stride),
            torch.ones(1, geometry.height, 2 * config.width_stride),
        )
    assert features.shape == (1, 16, 4, bins)
    assert narrow.shape == (1, 16, 4, 2)


def test_the_packaged_size_stays_under_eight_megabytes_in_fp16() -> None:
    count = sum(p.numel() for p in BranchEncoder(ModelConfig()).parameters())
    assert 2 * count < 8e6


def test_training_under_bf16_gives_finite_gradients() -> None:
    torch.manual_seed(0)
    encoder = BranchEncoder(SMALL).train()
    images, mask = torch.randn(2, 3, 64, 64), torch.ones(2, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        photo = encoder.encode_photo(images, mask)
        satellite = encoder.encode_satellite(images)
        loss = 1 - (photo * satellite.roll(1, 0)).sum()
    assert photo.dtype == torch.float32
    loss.backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_inputs_that_do_not_fit_are_refused(encoder: BranchEncoder) -> None:
    with pytest.raises(ShapeError, match=r"\(B, 3, 64, W\)"):
        encoder.encode_satellite(torch.zeros(1, 3, 32, 128))
    with pytest.raises(ShapeError, match="multiple of 8"):
        encoder.encode_satellite(torch.zeros(1, 3, 64, 100))
    with pytest.raises(ShapeError, match="mask"):
        encoder.encode_photo(torch.zeros(1, 3, 64, 64), torch.zeros(1, 64, 32))


def test_geometries_that_do_not_fit_are_refused() -> None:
    def build(**changes: int) -> None:
        BranchEncoder(replace(SMALL, geometry=replace(SMALL.geometry, **changes)))

    with pytest.raises(ConfigError, match="strip height 40"):
        build(height=40)
    with pytest.raises(ConfigError, match="power of two"):
        build(height=192)
    with pytest.raises(ConfigError, match="strip width 100"):
        build(width=100)
    with pytest.raises(ConfigError, match="all, ground, svi_si, none"):
        BranchEncoder(replace(SMALL, shared_weights="some"))
