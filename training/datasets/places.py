"""Places to learn from, in memory: images, dates, where each was taken; batches of them.

Every source of training data ends here: rendered cities, a user's own city, published data sets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_core.config import ModelConfig
from model_core.errors import InputError

NO_DATE = -(2**31)
"""Stands for an unknown day of capture."""

CROP_PX = 160
CROP_MARGIN = 1.25
"""A satellite crop's width over the footprint's, so that a strip may be centred off its centre."""


@dataclass(frozen=True)
class PlaceSet:
    """N places in memory; arrays share their first axis, the places.

    Strips are full circles, north at column 0; columns that no picture shows are marked unseen and
    are zero. A photo whose heading is unknown has its left edge at column 0. Days count from
    1970-01-01, ``NO_DATE`` where unknown.

    Attributes:
        satellite: uint8 (N, S, S, 3), north up, ``CROP_MARGIN`` times the footprint.
        street: uint8 (N, H, W, 3), the nearest street view.
        street_seen: bool (N, W); no column where the place has no street view within reach.
        street_days: int32 (N,), when it was taken.
        query: uint8 (N, Q, H, W, 3), the photos.
        query_seen: bool (N, Q, W); no column where the place has fewer photos.
        query_days: int32 (N, Q).
        query_state: uint8 (N, Q), an index into ``training.world.states.STATES``; 0 is everyday.
        heading_known: bool (N, Q).
        query_offset_m: float32 (N, Q, 2), metres east and north of the place.
        imagery_shift_m: float32 (N, 2), how far east and north of their place the imagery shows
            things; 0 where unknown.
        street_offset_m: float32 (N, 2), where the street view was taken, metres east and north of
            the place.
        place_xy: float32 (N, 2), metres east and north in its own city.
        layout: float16 (N, bins, K), K is 0 where the truth around is unknown.
        query_layout: float16 (N, Q, bins, K).
        city: int64 (N,).
        block: int64 (N,), the city block, for splits without leakage.
    """

    satellite: npt.NDArray[np.uint8]
    street: npt.NDArray[np.uint8]
    street_seen: npt.NDArray[np.bool_]
    street_days: npt.NDArray[np.int32]
    query: npt.NDArray[np.uint8]
    query_seen: npt.NDArray[np.bool_]
    query_days: npt.NDArray[np.int32]
    query_state: npt.NDArray[np.uint8]
    heading_known: npt.NDArray[np.bool_]
    query_offset_m: npt.NDArray[np.float32]
    imagery_shift_m: npt.NDArray[np.float32]
    street_offset_m: npt.NDArray[np.float32]
    place_xy: npt.NDArray[np.float32]
    layout: npt.NDArray[np.float16]
    query_layout: npt.NDArray[np.float16]
    city: npt.NDArray[np.int64]
    block: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """The number of places."""
        return len(self.city)

    def take(self, rows: npt.NDArray[np.int64]) -> PlaceSet:
        """Return the places at ``rows`` as a set of their own."""
        return PlaceSet(*(getattr(self, f.name)[rows] for f in dataclasses.fields(self)))

    @property
    def photo_there(self) -> npt.NDArray[np.bool_]:
        """Whether the place has a photo of a number, (N, Q)."""
        return np.asarray(self.query_seen.any(axis=2))

    @property
    def bytes_per_place(self) -> int:
        """Bytes that one place takes."""
        total = sum(int(getattr(self, f.name).nbytes) for f in dataclasses.fields(self))
        return total // max(1, len(self))

    def layout_statistics(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return mean and standard deviation (K,) of every layout label, the latter off zero."""
        count = self.layout.shape[-1]
        if count == 0:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        labels = self.layout.reshape(-1, count).astype(np.float32)
        return labels.mean(axis=0), labels.std(axis=0) + np.float32(0.05)


@dataclass(frozen=True)
class RawBatch:
    """Places of one batch, each with one photo, still uint8; the first axis is the batch.

    Fields are those of ``PlaceSet`` without the axis of photos.
    """

    satellite: Tensor
    street: Tensor
    street_seen: Tensor
    street_days: Tensor
    query: Tensor
    query_seen: Tensor
    query_days: Tensor
    query_state: Tensor
    heading_known: Tensor
    query_offset_m: Tensor
    imagery_shift_m: Tensor
    street_offset_m: Tensor
    place_xy: Tensor
    layout: Tensor
    query_layout: Tensor
    city: Tensor
    block: Tensor

    def to(self, device: torch.device) -> RawBatch:
        """Return the batch on a device."""
        return RawBatch(*(getattr(self, f.name).to(device) for f in dataclasses.fields(self)))

    def street_present(self) -> Tensor:
        """Return bool (B,): the place has a street view, of whatever date."""
        return self.street_seen.any(dim=1)

    def street_available(self, max_age_days: float, strict: bool = False) -> Tensor:
        """Return bool (B,): it has one in time for the photo; see ``in_time``."""
        recent = in_time(self.street_days, self.query_days, max_age_days, strict)
        return self.street_present() & recent


def in_time(
    street_days: Tensor, query_days: Tensor, max_age_days: float, strict: bool = False
) -> Tensor:
    """Return bool, shapes broadcast: a street view's day is within so many days of a photo's.

    Photos without a date take every street view; one without a date serves every photo, except,
    where ``strict``, those with one. Source: ``model_core.references.availability.is_available``.
    """
    undated = street_days == NO_DATE
    recent = (street_days.long() - query_days.long()).abs() <= max_age_days
    return (query_days == NO_DATE) | (~undated & recent if strict else undated | recent)


OF_PHOTO = (
    "query",
    "query_seen",
    "query_days",
    "query_state",
    "heading_known",
    "query_offset_m",
    "query_layout",
)
"""Fields of a set with an axis of photos."""


def blank_arrays(
    count: int, photos: int, satellite_px: int, config: ModelConfig
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a set of which nothing is known yet: no picture is seen, no date known.

    Args:
        count: Places.
        photos: Photos a place.
        satellite_px: Side of the satellite images.
        config: Of the model that will learn from them.
    """
    height, width = config.geometry.height, config.geometry.width
    return {
        "satellite": np.zeros((count, satellite_px, satellite_px, 3), np.uint8),
        "street": np.zeros((count, height, width, 3), np.uint8),
        "street_seen": np.zeros((count, width), np.bool_),
        "street_days": np.full(count, NO_DATE, np.int32),
        "query": np.zeros((count, photos, height, width, 3), np.uint8),
        "query_seen": np.zeros((count, photos, width), np.bool_),
        "query_days": np.full((count, photos), NO_DATE, np.int32),
        "query_state": np.zeros((count, photos), np.uint8),
        "heading_known": np.zeros((count, photos), np.bool_),
        "query_offset_m": np.zeros((count, photos, 2), np.float32),
        "imagery_shift_m": np.zeros((count, 2), np.float32),
        "street_offset_m": np.zeros((count, 2), np.float32),
        "place_xy": np.zeros((count, 2), np.float32),
        "layout": np.zeros((count, config.azimuth_bins, 0), np.float16),
        "query_layout": np.zeros((count, photos, config.azimuth_bins, 0), np.float16),
        "city": np.zeros(count, np.int64),
        "block": np.zeros(count, np.int64),
    }


def join_places(sets: Sequence[PlaceSet]) -> PlaceSet:
    """Return several sets as one; cities and blocks of different sets stay apart.

    A set with fewer photos a place than another is filled up with unseen ones. Labels are kept
    only where every set has them.

    Raises:
        InputError: There is no set, or two have images of different sizes.
    """
    if not sets:
        raise InputError("there is no set of places to join; name at least one folder")
    photos = max(part.query.shape[1] for part in sets)
    labelled = len({part.layout.shape[1:] for part in sets}) == 1
    cities = blocks = 0
    joined: list[PlaceSet] = []
    for part in sets:
        for name in ("satellite", "street"):
            if getattr(part, name).shape[1:] != getattr(sets[0], name).shape[1:]:
                raise InputError(
                    f"sets of different {name} images {getattr(part, name).shape[1:]} and "
                    f"{getattr(sets[0], name).shape[1:]} cannot be joined; render or collect "
                    "them for the same strips"
                )
        filled = _with_photos(part, photos)
        filled = dataclasses.replace(
            filled,
            city=filled.city + cities,
            block=filled.block + blocks,
            layout=filled.layout if labelled else filled.layout[..., :0],
            query_layout=filled.query_layout if labelled else filled.query_layout[..., :0],
        )
        joined.append(filled)
        if len(part):
            cities = int(filled.city.max()) + 1
            blocks = int(filled.block.max()) + 1
    return PlaceSet(
        *(
            np.concatenate([getattr(part, f.name) for part in joined])
            for f in dataclasses.fields(PlaceSet)
        )
    )


def _with_photos(places: PlaceSet, count: int) -> PlaceSet:
    """Return the set with at least ``count`` photos a place, those added unseen."""
    more = count - places.query.shape[1]
    if more <= 0:
        return places
    filled = {}
    for name in OF_PHOTO:
        array = getattr(places, name)
        value = NO_DATE if name == "query_days" else 0
        pad = [(0, 0), (0, more)] + [(0, 0)] * (array.ndim - 2)
        filled[name] = np.pad(array, pad, constant_values=value)
    return dataclasses.replace(places, **filled)


def take_batch(
    places: PlaceSet, rows: npt.NDArray[np.int64], query: npt.NDArray[np.int64]
) -> RawBatch:
    """Return the places at ``rows``, each with its photo number ``query`` of that place."""
    taken = {}
    for f in dataclasses.fields(PlaceSet):
        array = getattr(places, f.name)
        chosen = array[rows, query] if f.name in OF_PHOTO else array[rows]
        if chosen.dtype == np.float16:
            chosen = chosen.astype(np.float32)
        taken[f.name] = torch.from_numpy(chosen)
    return RawBatch(**taken)
