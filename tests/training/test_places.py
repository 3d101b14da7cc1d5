"""Places in memory: joined, and drawn only where there is a photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from model_core.errors import InputError
from training.datasets.places import NO_DATE, PlaceSet, join_places

Make = Callable[..., PlaceSet]


def line(count: int, step_m: float = 40.0) -> np.ndarray:
    return np.stack([np.arange(count) * step_m, np.zeros(count)], axis=1)


def test_joined_sets_keep_their_cities_and_blocks_apart(make_places: Make) -> None:
    first = make_places(line(5), city=np.array([0, 0, 1, 1, 1]), photos=1)
    second = make_places(line(3), photos=3)
    joined = join_places([first, second])
    assert joined.city.tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert not set(joined.block[:5]) & set(joined.block[5:])
    assert joined.query.shape[:2] == (8, 3)
    assert joined.photo_there.sum() == 5 * 1 + 3 * 3
    assert (joined.query_days[:5, 1:] == NO_DATE).all()
    assert np.array_equal(joined.query[5:], second.query)


def test_labels_are_kept_only_where_every_set_has_them(make_places: Make) -> None:
    labelled = make_places(line(2))
    bare = replace(
        labelled,
        layout=labelled.layout[..., :0],
        query_layout=labelled.query_layout[..., :0],
    )
    assert join_places([labelled, labelled]).layout.shape[-1] == 3
    assert join_places([labelled, bare]).layout.shape[-1] == 0


def test_sets_of_other_image_sizes_are_refused(make_places: Make) -> None:
    places = make_places(line(2))
    smaller = replace(places, satellite=places.satellite[:, :5, :5])
    with pytest.raises(InputError, match="satellite"):
        join_places([places, smaller])
    with pytest.raises(InputError, match="no set"):
        join_places([])
