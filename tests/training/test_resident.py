"""A set on a device: which places make a batch, and that they are the set's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest
import torch

from model_core.errors import InputError, ShapeError
from training.datasets.places import PlaceSet, RawBatch, take_batch
from training.datasets.resident import ResidentPlaces

Make = Callable[..., PlaceSet]
RADIUS_M = 25.0


def grid(side: int, step_m: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    return np.stack([x.ravel(), y.ravel()], axis=1) * step_m


@pytest.fixture(scope="module")
def places(make_places: Make) -> PlaceSet:
    """Two cities of 30 x 30 places, 15 m apart: neighbours lie within the radius."""
    xy = np.concatenate([grid(30, 15.0), grid(30, 15.0)])
    return make_places(xy, city=np.repeat([0, 1], 900))


def nearest_m(batch: RawBatch) -> float:
    away = torch.cdist(batch.place_xy, batch.place_xy)
    away += (batch.city[:, None] != batch.city[None]) * 1e9
    return float((away + torch.eye(len(away)) * 1e9).min())


def rows_of(batch: RawBatch, places: PlaceSet) -> np.ndarray:
    """Return the rows of a batch's places, told by their satellite images."""
    row = {image.tobytes(): number for number, image in enumerate(places.satellite)}
    return np.array([row[image.numpy().tobytes()] for image in batch.satellite])


def test_batches_are_the_places_own_and_the_same_for_a_seed(places: PlaceSet) -> None:
    first, again, other = (
        list(islice(iter(ResidentPlaces(places, 16, 2, seed)), 3)) for seed in (1, 1, 2)
    )
    for one, two in zip(first, again, strict=True):
        for f in fields(RawBatch):
            assert torch.equal(getattr(one, f.name), getattr(two, f.name)), f.name
    assert not torch.equal(first[0].place_xy, other[0].place_xy)
    assert not torch.equal(first[0].place_xy, first[1].place_xy)
    rows = rows_of(first[0], places)
    number = np.array(
        [
            [np.array_equal(q, photo.numpy()) for q in places.query[row]].index(True)
            for row, photo in zip(rows, first[0].query, strict=True)
        ]
    )
    expected = take_batch(places, rows, number)
    for f in fields(RawBatch):
        one, two = getattr(first[0], f.name), getattr(expected, f.name)
        assert one.dtype == two.dtype, f.name
        assert torch.equal(one, two), f.name


def test_no_two_places_of_a_batch_lie_too_near_and_most_are_neighbours(places: PlaceSet) -> None:
    spreads_m = []
    for batch in islice(iter(ResidentPlaces(places, 24, 2, seed=3)), 20):
        assert len(batch.city) == 24
        assert nearest_m(batch) >= RADIUS_M
        assert torch.bincount(batch.city, minlength=2).min() >= 8
        spreads_m += [float(batch.place_xy[batch.city == c].std(dim=0).mean()) for c in (0, 1)]
    assert np.mean(spreads_m) < 60.0, "batches from the whole city would spread over 130 m"


def test_hard_negatives_come_with_their_places_from_the_next_batch_on(places: PlaceSet) -> None:
    resident = ResidentPlaces(places, 32, 2, seed=4, negatives_per_place=3)
    batches = iter(resident)
    next(batches)
    partner = (np.arange(1800)[:, None] + 900 + np.array([[0, 3, 65, 96]])) % 1800
    resident.set_hard_negatives(partner)
    together, seen = [], []
    for batch in islice(batches, 10):
        seen.append(rows_of(batch, places).tolist())
        rows = set(seen[-1])
        assert len(rows) == 32
        assert nearest_m(batch) >= RADIUS_M
        with_partner = [len(rows & set(partner[r].tolist())) for r in rows]
        together.append(sum(with_partner))
    assert np.mean(together) > 12, "by chance a batch holds about two"
    again = ResidentPlaces(places, 32, 2, seed=4, negatives_per_place=3)
    repeated = iter(again)
    next(repeated)
    again.set_hard_negatives(partner)
    assert [rows_of(b, places).tolist() for b in islice(repeated, 10)] == seen
    resident.set_hard_negatives(None)
    after = [rows_of(b, places) for b in islice(batches, 5)]
    by_chance = [sum(len(set(r) & set(partner[x])) for x in r) for r in after]
    assert np.mean(by_chance) < 8


def test_negatives_that_fit_no_place_are_refused(places: PlaceSet) -> None:
    resident = ResidentPlaces(places, 8, 1, seed=5)
    for wrong in (np.zeros((3, 2), np.int64), np.full((1800, 1), 1800), np.full((1800, 1), -2)):
        with pytest.raises(ShapeError, match="hard negatives"):
            resident.set_hard_negatives(wrong)
    resident.set_hard_negatives(torch.full((1800, 2), -1))
    assert len(next(iter(resident)).city) == 8


def test_places_without_photo_are_never_drawn(make_places: Make) -> None:
    places = make_places(grid(6, 40.0))
    seen = places.query_seen.copy()
    seen[::2] = False
    seen[:, 0] = False
    resident = ResidentPlaces(replace(places, query_seen=seen), 8, 1, seed=6)
    resident.set_hard_negatives((np.arange(36)[:, None] + np.arange(1, 5)) % 36)
    for batch in islice(iter(resident), 10):
        assert batch.query_seen.any(dim=1).all()
    with pytest.raises(InputError, match="no place"):
        ResidentPlaces(replace(places, query_seen=seen & False), 8, 1, seed=6)


def test_a_set_smaller_than_a_batch_still_makes_batches(make_places: Make) -> None:
    places = make_places(np.array([[0.0, 0.0], [5.0, 0.0], [100.0, 0.0]]))
    batch = next(iter(ResidentPlaces(places, 8, 3, seed=7)))
    assert 1 <= len(batch.city) <= 2
    assert ResidentPlaces(places, 8, 3, seed=7).bytes_per_place == places.bytes_per_place > 0
