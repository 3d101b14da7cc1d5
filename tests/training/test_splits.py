"""Parts of a set that share nothing: neither block, nor neighbourhood, nor picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from model_core.errors import InputError
from training.datasets.places import PlaceSet
from training.datasets.splits import (
    BUFFER_M,
    Splits,
    carve_validation,
    same_area,
    separate,
    square_blocks,
)

Make = Callable[..., PlaceSet]


@pytest.fixture(scope="module")
def places(make_places: Make) -> PlaceSet:
    """Three cities of 1.5 km a side, 400 places each; some neighbours share a street view."""
    rng = np.random.default_rng(5)
    made = make_places(rng.uniform(0, 1500, (1200, 2)), city=np.repeat([0, 1, 2], 400), photos=1)
    street = made.street.copy()
    for row in range(0, 1200, 60):
        away = np.hypot(*(made.place_xy - made.place_xy[row]).T)
        away[made.city != made.city[row]] = np.inf
        street[np.argsort(away)[1:12]] = street[row]
    return replace(made, street=street)


def parts(splits: Splits) -> list[PlaceSet]:
    return [splits.train, splits.validation, splits.test]


def assert_apart(sets: list[PlaceSet], buffer_m: float) -> None:
    for one, two in combinations(sets, 2):
        away = cdist(one.place_xy, two.place_xy)
        away[one.city[:, None] != two.city[None]] = np.inf
        assert away.min() >= buffer_m
        for mine, theirs in ((one.street, two.street), (one.query[:, 0], two.query[:, 0])):
            assert not {p.tobytes() for p in mine} & {p.tobytes() for p in theirs}


def test_parts_of_a_city_are_apart_in_the_ratio_that_was_asked_for(places: PlaceSet) -> None:
    shared = len({p.tobytes() for p in places.street})
    assert shared < 1000, "neighbours share street views, or the test shows nothing"
    splits = same_area(places, seed=1)
    assert_apart(parts(splits), 50.0)
    sizes = [len(part) for part in parts(splits)]
    assert sum(sizes) + splits.left_out == 1200
    assert 0.1 < splits.left_out / 1200 < 0.6
    for city in range(3):
        assert all((part.city == city).any() for part in parts(splits))
    assert sizes[0] > sizes[1]
    assert 160 < sizes[2] <= 280, "test places give way to none"


def test_blocks_stay_whole(places: PlaceSet) -> None:
    numbered = replace(places, block=square_blocks(places.place_xy, places.city))
    splits = same_area(numbered, seed=2)
    blocks = [set(part.block.tolist()) for part in parts(splits)]
    assert all(not one & two for one, two in combinations(blocks, 2))


def test_the_same_seed_gives_the_same_parts(places: PlaceSet) -> None:
    first, again, other = (same_area(places, seed=s).test.place_xy for s in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_set_without_a_list_to_validate_by_gives_up_a_fifth(places: PlaceSet) -> None:
    train, validation = carve_validation(places)
    assert set(validation.city) == set(train.city) == {0, 1, 2}
    assert 0.1 * len(places) < len(validation) < 0.3 * len(places)
    assert len(train) > 2 * len(validation)
    assert_apart([train, validation], BUFFER_M)


def test_a_city_too_small_to_be_parted_is_refused(make_places: Make) -> None:
    tiny = make_places(np.random.default_rng(0).uniform(0, 60, (30, 2)))
    with pytest.raises(InputError, match="50 m"):
        same_area(tiny)


def test_a_view_across_cities_still_counts(make_places: Make) -> None:
    """One picture in two cities is a copy: the one to train on goes."""
    made = make_places(np.arange(12).reshape(6, 2) * 1000.0, city=np.array([0, 0, 0, 1, 1, 1]))
    query = made.query.copy()
    query[4, 1] = query[0, 0]
    splits = separate(replace(made, query=query), np.array([0, 0, 1, 2, 2, 2]))
    assert len(splits.train) == 1
    assert splits.left_out == 1


def test_pictures_that_are_not_there_are_not_shared(make_places: Make) -> None:
    made = make_places(np.arange(12).reshape(6, 2) * 1000.0)
    blank = replace(
        made, street=made.street * 0, street_seen=made.street_seen & False, query=made.query
    )
    splits = separate(blank, np.array([0, 0, 1, 1, 2, 2]))
    assert splits.left_out == 0
