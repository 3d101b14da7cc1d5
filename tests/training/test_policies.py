"""What stands as a street view under each policy, on batches made by hand."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from model_core.config import ModelConfig
from model_core.errors import BundleError, ConfigError
from model_core.synthesis.panogan import PanoGANConfig, PanoGANGenerator
from training.datasets.augmentation import normalize
from training.datasets.places import NO_DATE, RawBatch
from training.policies import POLICIES, check_policy, serves, street_for_policy

CPU = torch.device("cpu")
CONFIG = ModelConfig()
RECENT, OLD, MISSING, UNDATED = range(4)


@pytest.fixture
def batch() -> RawBatch:
    """Four places: a recent street view, an old one, none at all, one without a date."""
    count, height, width = 4, CONFIG.geometry.height, CONFIG.geometry.width
    chance = torch.Generator().manual_seed(1)
    street = torch.randint(1, 256, (count, height, width, 3), generator=chance, dtype=torch.uint8)
    seen = torch.ones(count, width, dtype=torch.bool)
    seen[MISSING] = False
    seen[RECENT, 100:] = False
    satellite = torch.randint(0, 256, (count, 40, 40, 3), generator=chance, dtype=torch.uint8)
    days = torch.full((count,), 1000, dtype=torch.int32)
    zeros = torch.zeros(count, dtype=torch.int64)
    return RawBatch(
        satellite=satellite,
        street=street,
        street_seen=seen,
        street_days=torch.tensor([900, 600, 1000, NO_DATE], dtype=torch.int32),
        query=street,
        query_seen=torch.ones_like(seen),
        query_days=days,
        query_state=zeros,
        heading_known=torch.ones(count, dtype=torch.bool),
        query_offset_m=torch.zeros(count, 2),
        imagery_shift_m=torch.zeros(count, 2),
        street_offset_m=torch.zeros(count, 2),
        place_xy=torch.zeros(count, 2),
        layout=torch.zeros(count, 16, 0),
        query_layout=torch.zeros(count, 16, 0),
        city=zeros,
        block=zeros,
    )


def test_strict_and_hybrid_take_recent_views_only(batch: RawBatch) -> None:
    for policy in ("strict", "hybrid"):
        street, seen = street_for_policy(batch, policy, None, CONFIG, CPU)
        assert seen.any(dim=1).tolist() == [True, False, False, True]
        assert seen[RECENT].sum() == 100
        torch.testing.assert_close(street[UNDATED], batch.street[UNDATED].permute(2, 0, 1) / 255)
        assert street[OLD].abs().max() == 0.0
        assert street[RECENT, :, :, 100:].abs().max() == 0.0


def test_nearest_takes_old_views_too(batch: RawBatch) -> None:
    assert serves(batch, "nearest").tolist() == [True, True, False, True]
    street, seen = street_for_policy(batch, "nearest", None, CONFIG, CPU)
    assert seen[OLD].all()
    torch.testing.assert_close(street[OLD], batch.street[OLD].permute(2, 0, 1) / 255)


def test_synthetic_paints_what_is_missing_and_leaves_the_rest(batch: RawBatch) -> None:
    torch.manual_seed(0)
    generator = PanoGANGenerator(
        PanoGANConfig(channels=4, max_channels=8, levels=2, critic_channels=4, critic_levels=2)
    )
    street, seen = street_for_policy(batch, "synthetic", generator, CONFIG, CPU)
    assert seen[[OLD, MISSING]].all()
    assert seen[RECENT].sum() == 100
    torch.testing.assert_close(street[UNDATED], batch.street[UNDATED].permute(2, 0, 1) / 255)
    assert street[MISSING].std() > 0
    assert not torch.equal(street[OLD], street[MISSING])
    assert 0.0 <= street.min() <= street.max() <= 1.0


def test_synthetic_without_a_generator_says_what_to_do(batch: RawBatch) -> None:
    with pytest.raises(BundleError, match="panogan"):
        street_for_policy(batch, "synthetic", None, CONFIG, CPU)


def test_synthetic_needs_no_generator_where_nothing_is_missing(batch: RawBatch) -> None:
    there = dataclasses.replace(
        batch,
        street_seen=torch.ones_like(batch.street_seen),
        street_days=torch.full_like(batch.street_days, 1000),
    )
    assert street_for_policy(there, "synthetic", None, CONFIG, CPU)[1].all()


def test_mask_is_zero_once_normalised_and_counts_as_seen(batch: RawBatch) -> None:
    street, seen = street_for_policy(batch, "mask", None, CONFIG, CPU)
    assert seen[MISSING].all()
    assert normalize(street)[MISSING].abs().max() < 1e-5


def test_mean_is_that_of_the_views_that_show_a_column(batch: RawBatch) -> None:
    street, _ = street_for_policy(batch, "mean", None, CONFIG, CPU)
    views = batch.street.permute(0, 3, 1, 2).float() / 255
    three, two = views[[RECENT, OLD, UNDATED]].mean(0), views[[OLD, UNDATED]].mean(0)
    torch.testing.assert_close(street[MISSING, :, :, :100], three[:, :, :100])
    torch.testing.assert_close(street[MISSING, :, :, 100:], two[:, :, 100:])


def test_satellite_stands_in_for_the_street_view(batch: RawBatch) -> None:
    white = dataclasses.replace(batch, satellite=torch.full_like(batch.satellite, 255))
    street, seen = street_for_policy(white, "satellite", None, CONFIG, CPU)
    assert seen[OLD].all()
    assert street[OLD].min() > 0.99


def test_an_unknown_policy_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="nearest"):
        check_policy("newest")
    assert [check_policy(policy) for policy in POLICIES] == list(POLICIES)
