"""Places with one modality or both go through one model."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
import torch

from model_core.config import PRESETS, FusionName, ModelConfig, StripGeometry
from model_core.errors import ShapeError
from model_core.fusion.place_encoder import PlaceEncoder

SMALL = ModelConfig(geometry=StripGeometry(height=64, width=128))
Strips = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture
def strips() -> Strips:
    torch.manual_seed(1)
    mask = torch.ones(4, 64, 128)
    mask[..., 60:] = 0
    return torch.randn(4, 3, 64, 128), torch.randn(4, 3, 64, 128), mask


HAS_SI = torch.tensor([True, True, False, False])
HAS_SVI = torch.tensor([True, False, True, False])


@pytest.mark.parametrize("fusion", get_args(FusionName))
def test_every_mixture_of_modalities_gives_unit_features_and_coverage(
    fusion: FusionName, strips: Strips
) -> None:
    torch.manual_seed(0)
    encoder = PlaceEncoder(replace(SMALL, fusion=fusion)).eval()
    satellite, street, mask = strips
    with torch.no_grad():
        features, coverage = encoder.encode_reference(satellite, HAS_SI, street, mask, HAS_SVI)
    assert features.shape == (4, 16, 4, 16)
    assert coverage.shape == (4, 16)
    norms = features.flatten(1).norm(dim=1)
    torch.testing.assert_close(norms, torch.tensor([1.0, 1.0, 1.0, 0.0]))
    assert (coverage[:2] == 1).all()
    torch.testing.assert_close(coverage[2], encoder.photo_coverage(mask)[2])
    assert (coverage[3] == 0).all()
    assert (features[2][..., 8:] == 0).all()


def test_places_of_one_modality_carry_that_branch_itself(strips: Strips) -> None:
    encoder = PlaceEncoder(SMALL).eval()
    satellite, street, mask = strips
    with torch.no_grad():
        features, _ = encoder.encode_reference(satellite, HAS_SI, street, mask, HAS_SVI)
        torch.testing.assert_close(features[1], encoder.encode_satellite(satellite)[1])
        alone = encoder.encode_street(street, mask)[2][..., :7]
    seen = features[2][..., :7]
    torch.testing.assert_close(seen / seen.norm(), alone / alone.norm())


def test_a_place_does_not_depend_on_its_neighbours_in_the_batch(strips: Strips) -> None:
    encoder = PlaceEncoder(SMALL).eval()
    satellite, street, mask = strips
    with torch.no_grad():
        together = encoder.encode_reference(satellite, HAS_SI, street, mask, HAS_SVI)[0]
        for i in range(4):
            row = slice(i, i + 1)
            alone = encoder.encode_reference(
                satellite[row], HAS_SI[row], street[row], mask[row], HAS_SVI[row]
            )[0]
            torch.testing.assert_close(alone[0], together[i], atol=1e-5, rtol=1e-4)


def test_fusing_precomputed_branches_equals_encoding_the_reference(strips: Strips) -> None:
    encoder = PlaceEncoder(SMALL).eval()
    satellite, street, mask = strips
    both = torch.ones(4, dtype=torch.bool)
    with torch.no_grad():
        whole = encoder.encode_reference(satellite, both, street, mask, both)
        parts = encoder.fuse(
            encoder.encode_satellite(satellite),
            encoder.encode_street(street, mask),
            encoder.photo_coverage(mask),
            both,
            both,
        )
    torch.testing.assert_close(whole, parts)


def test_a_street_view_of_little_weight_leaves_a_place_to_its_satellite_image(
    strips: Strips,
) -> None:
    encoder = PlaceEncoder(replace(SMALL, fusion="linear")).eval()
    satellite, street, mask = strips
    yes = torch.ones(4, dtype=torch.bool)

    def likeness(weight: float | None) -> float:
        given = None if weight is None else torch.full((4,), weight)
        features, coverage = encoder.encode_reference(satellite, yes, street, mask, yes, given)
        assert (coverage == 1).all()
        return float((features * encoder.encode_satellite(satellite)).sum((1, 2, 3)).mean())

    with torch.no_grad():
        weighed = [likeness(weight) for weight in (1.0, 0.6, 0.2, 1e-3)]
        assert weighed == sorted(weighed)
        assert weighed[-1] == pytest.approx(1.0, abs=1e-4) != pytest.approx(weighed[0], abs=1e-2)
        assert likeness(None) == pytest.approx(weighed[0], rel=1e-6)


def test_rolling_both_strips_rolls_the_reference(strips: Strips) -> None:
    torch.manual_seed(0)
    encoder = PlaceEncoder(SMALL).eval()
    satellite, street, mask = strips
    with torch.no_grad():
        features, coverage = encoder.encode_reference(satellite, HAS_SI, street, mask, HAS_SVI)
        rolled, rolled_coverage = encoder.encode_reference(
            satellite.roll(8, -1), HAS_SI, street.roll(8, -1), mask.roll(8, -1), HAS_SVI
        )
    assert (rolled - features.roll(1, -1)).abs().max() < 1e-4 * features.abs().max()
    torch.testing.assert_close(rolled_coverage, coverage.roll(1, -1))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_training_at_batch_one(precision: torch.dtype, strips: Strips) -> None:
    torch.manual_seed(0)
    encoder = PlaceEncoder(SMALL).train()
    satellite, street, mask = (x[:1] for x in strips)
    yes = torch.tensor([True])
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        features, _ = encoder.encode_reference(satellite, yes, street, mask, yes)
        photo = encoder.encode_photo(street[..., :64], mask[..., :64])
        loss = 1 - (features[..., :8] * photo).sum()
    assert features.dtype == torch.float32
    loss.backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_a_few_steps_bring_photo_and_place_together() -> None:
    torch.manual_seed(0)
    encoder = PlaceEncoder(SMALL).train()
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3)
    satellite = torch.randn(4, 3, 64, 64)
    photo, mask = satellite.flip(1) * 0.5, torch.ones(4, 64, 64)
    losses = []
    for _ in range(8):
        logits = 10 * torch.einsum(
            "achw,bchw->ab",
            encoder.encode_photo(photo, mask, circular=True),
            encoder.encode_satellite(satellite),
        )
        loss = torch.nn.functional.cross_entropy(logits, torch.arange(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1


def test_strips_of_different_sizes_are_refused() -> None:
    encoder = PlaceEncoder(SMALL)
    yes = torch.tensor([True])
    with pytest.raises(ShapeError, match="full circles"):
        encoder.encode_reference(
            torch.zeros(1, 3, 64, 128), yes, torch.zeros(1, 3, 64, 64), torch.zeros(1, 64, 64), yes
        )


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_can_be_built(preset: str) -> None:
    config = PRESETS[preset]
    with torch.device("meta"):
        encoder = PlaceEncoder(config)
    branches = {"all": 1, "svi_si": 2, "none": 3}[config.shared_weights]
    assert len(encoder.branches) == branches
    backbone = next(iter(encoder.branches.values())).backbone
    assert backbone.out_channels == (512 if config.backbone == "base" else 160)
