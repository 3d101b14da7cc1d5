"""Which places get a made street view, and what it is worth there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_core.errors import BundleError
from model_core.synthesis.fill_in import fill_in_street_views
from model_core.synthesis.panogan import PanoGANConfig, PanoGANGenerator
from model_core.types import AlignedReference, LonLat, Place, Strip

CPU = torch.device("cpu")
SIZES = PanoGANConfig(channels=4, max_channels=8, levels=2, critic_channels=4, critic_levels=2)


def strip(seed: int) -> Strip:
    pixels = np.random.default_rng(seed).integers(1, 256, (16, 32, 3), dtype=np.uint8)
    return Strip(pixels, np.ones((16, 32), np.bool_), 0.0)


def reference(index: int, satellite: Strip | None, street: Strip | None) -> AlignedReference:
    kind = "none" if street is None else "real"
    return AlignedReference(Place(index, f"p{index}", LonLat(0, 0)), satellite, street, kind)


@pytest.fixture
def generator() -> PanoGANGenerator:
    torch.manual_seed(0)
    return PanoGANGenerator(replace(SIZES, weight=0.4))


def test_only_places_without_a_street_view_get_one_and_it_counts_by_its_weight(
    generator: PanoGANGenerator,
) -> None:
    seen, alone = reference(0, strip(0), strip(1)), reference(1, strip(2), None)
    nothing, more = reference(2, None, None), [reference(k, strip(k), None) for k in (3, 4, 5)]
    given = [seen, alone, nothing, *more]
    filled = list(fill_in_street_views(given, generator, "synthetic", CPU, batch_size=2))
    assert [one.place.index for one in filled] == list(range(6))
    assert filled[0] is seen
    assert filled[2] is nothing
    for one, was in zip(filled[1:2] + filled[3:], [alone, *more], strict=True):
        assert (one.street_view_kind, one.street_weight) == ("synthetic", 0.4)
        assert one.street_strip is not None
        assert one.satellite_strip is was.satellite_strip
    assert not np.array_equal(filled[1].street_strip.pixels, filled[3].street_strip.pixels)


def test_columns_that_the_image_does_not_show_stay_unseen(generator: PanoGANGenerator) -> None:
    mask = np.ones((16, 32), np.bool_)
    mask[4:, 3:7] = False  # three quarters of the column
    mask[12:, 20:24] = False  # a quarter
    above = replace(strip(0), mask=mask)
    (filled,) = fill_in_street_views([reference(0, above, None)], generator, "synthetic", CPU)
    assert filled.street_strip is not None
    unseen = ~filled.street_strip.mask.any(axis=0)
    assert np.flatnonzero(unseen).tolist() == [3, 4, 5, 6]
    assert not filled.street_strip.pixels[:, unseen].any()


def test_other_policies_make_none(generator: PanoGANGenerator) -> None:
    given = [reference(0, strip(0), None)]
    for policy in ("strict", "hybrid", "nearest"):
        assert list(fill_in_street_views(given, generator, policy, CPU)) == given
        assert list(fill_in_street_views(given, None, policy, CPU)) == given


def test_a_model_that_makes_none_says_what_to_do() -> None:
    with pytest.raises(BundleError, match="'hybrid', which uses the imagery alone"):
        list(fill_in_street_views([reference(0, strip(0), None)], None, "synthetic", CPU))
