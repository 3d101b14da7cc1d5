"""What stands as a street view under each policy, on batches made by hand."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch

from model_core.config import ModelConfig, StreetViewConfig
from model_core.errors import BundleError, ConfigError
from model_core.references.availability import is_available
from model_core.synthesis.panogan import PanoGANConfig, PanoGANGenerator
from model_core.types import LonLat, SourceTerms, StreetView
from training.datasets.augmentation import normalize
from training.datasets.places import NO_DATE, RawBatch, in_time
from training.policies import POLICIES, check_policy, fill_in, real_street

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


def test_a_street_view_is_there_or_there_in_time(batch: RawBatch) -> None:
    assert batch.street_present().tolist() == [True, True, False, True]
    assert batch.street_available(365).tolist() == [True, False, False, True]
    assert batch.street_available(365, strict=True).tolist() == [True, False, False, False]
    undated = dataclasses.replace(batch, query_days=torch.full_like(batch.query_days, NO_DATE))
    assert undated.street_available(365, strict=True).tolist() == [True, True, False, True]


@pytest.mark.parametrize("policy", ["strict", "hybrid"])
def test_street_views_are_available_to_training_as_they_are_to_a_search(policy: str) -> None:
    days = [NO_DATE, 19_000, 19_300, 19_400]
    config = StreetViewConfig(policy=policy)
    terms, at = SourceTerms("test"), LonLat(0.0, 0.0)

    def moment(day: int) -> datetime | None:
        return None if day == NO_DATE else datetime.fromtimestamp(day * 86_400, UTC)

    views = [
        StreetView("view", Path("view.jpg"), at, "perspective", 0.0, 90.0, terms, moment(day))
        for day in days
    ]
    expected = [[is_available(view, moment(day), config) for view in views] for day in days]
    street, query = torch.tensor(days)[None], torch.tensor(days)[:, None]
    assert in_time(street, query, config.max_age_days, policy == "strict").tolist() == expected


def test_a_real_street_view_is_black_where_it_shows_nothing(batch: RawBatch) -> None:
    street, seen = real_street(batch)
    assert seen[RECENT].sum() == 100
    assert street[RECENT, :, :, 100:].abs().max() == 0.0
    assert street[MISSING].abs().max() == 0.0
    torch.testing.assert_close(street[UNDATED], batch.street[UNDATED].permute(2, 0, 1) / 255)


def test_synthetic_paints_each_place_its_own_view(batch: RawBatch) -> None:
    torch.manual_seed(0)
    generator = PanoGANGenerator(
        PanoGANConfig(channels=4, max_channels=8, levels=2, critic_channels=4, critic_levels=2)
    )
    street, seen = fill_in(batch, "synthetic", generator, CONFIG)
    assert seen.all()
    assert street[MISSING].std() > 0
    assert not torch.equal(street[OLD], street[MISSING])
    assert 0.0 <= street.min() <= street.max() <= 1.0


def test_synthetic_without_a_generator_says_what_to_do(batch: RawBatch) -> None:
    with pytest.raises(BundleError, match="panogan"):
        fill_in(batch, "synthetic", None, CONFIG)


def test_mask_is_zero_once_normalised_and_counts_as_seen(batch: RawBatch) -> None:
    street, seen = fill_in(batch, "mask", None, CONFIG)
    assert seen[MISSING].all()
    assert normalize(street)[MISSING].abs().max() < 1e-5


def test_the_mean_street_view_stands_in_where_none_is(batch: RawBatch) -> None:
    mean = torch.rand(3, *batch.street.shape[1:3])
    street, seen = fill_in(batch, "mean", None, CONFIG, mean)
    assert seen[MISSING].all()
    assert torch.equal(street[MISSING], mean)
    with pytest.raises(ConfigError, match="mean street view"):
        fill_in(batch, "mean", None, CONFIG)


def test_satellite_stands_in_for_the_street_view(batch: RawBatch) -> None:
    white = dataclasses.replace(batch, satellite=torch.full_like(batch.satellite, 255))
    street, seen = fill_in(white, "satellite", None, CONFIG)
    assert seen[OLD].all()
    assert street[OLD].min() > 0.99


def test_a_policy_that_fills_nothing_in_is_named(batch: RawBatch) -> None:
    with pytest.raises(ConfigError, match="'hybrid' fills nothing in"):
        fill_in(batch, "hybrid", None, CONFIG)


def test_an_unknown_policy_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="nearest"):
        check_policy("newest")
    assert [check_policy(policy) for policy in POLICIES] == list(POLICIES)
