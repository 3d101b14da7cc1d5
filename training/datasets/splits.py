"""Training, validation and test sets that share nothing, block by block within cities.

A place of one part never lies near a place of another, nor sees a picture that the other sees.
Where parts touch, places of training give way first, then those of validation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_core.errors import InputError
from training.datasets.places import PlaceSet

BUFFER_M = 50.0
BLOCK_M = 250.0
SHARES = (3, 1, 1)
"""Training, validation, test. Source: the paper's same-area protocol."""

_LEFT_OUT = -1
_CELL_STRIDE = 1 << 20


@dataclass(frozen=True)
class Splits:
    """Three sets without leakage, and how many places gave way between them."""

    train: PlaceSet
    validation: PlaceSet
    test: PlaceSet
    left_out: int


def same_area(
    places: PlaceSet,
    seed: int = 0,
    buffer_m: float = BUFFER_M,
    shares: tuple[int, int, int] = SHARES,
) -> Splits:
    """Return parts of every city, whole blocks each.

    Blocks are those of the set where a city has several, else squares of ``BLOCK_M``. Within each
    city they are dealt out until the parts hold places in the ratio of the shares.

    Args:
        places: The set.
        seed: Of the dealing; the same seed and set give the same parts. Training and evaluation
            both take the default, so that what one leaves out the other tests on.
        buffer_m: How near places of different parts may not lie.
        shares: Of training, validation and test.

    Raises:
        InputError: A part has no place left.
    """
    return separate(places, _dealt(places, shares, seed), buffer_m)


def carve_validation(
    places: PlaceSet, seed: int = 0, buffer_m: float = BUFFER_M
) -> tuple[PlaceSet, PlaceSet]:
    """Return a set without a fifth of its blocks, and that fifth to validate by.

    Args:
        places: To learn from; what is tested on is no part of it.
        seed: Of the dealing; the same seed and set give the same parts.
        buffer_m: How near places of different parts may not lie.

    Raises:
        InputError: A part has no place left.
    """
    part = without_leaks(places, _dealt(places, (4, 1, 0), seed), buffer_m)
    train, validation = (places.take(np.flatnonzero(part == number)) for number in (0, 1))
    _check_left({"training": len(train), "validation": len(validation)}, buffer_m)
    return train, validation


def separate(places: PlaceSet, part: npt.NDArray[np.int64], buffer_m: float = BUFFER_M) -> Splits:
    """Return the parts of a set after whatever leaks from one to another was left out.

    Args:
        places: The set.
        part: (N,) 0 for training, 1 for validation, 2 for test, -1 for none.
        buffer_m: How near places of different parts may not lie.

    Raises:
        InputError: A part has no place left.
    """
    given = int((part != _LEFT_OUT).sum())
    part = without_leaks(places, part, buffer_m)
    train, validation, test = (places.take(np.flatnonzero(part == number)) for number in range(3))
    left = {"training": len(train), "validation": len(validation), "test": len(test)}
    _check_left(left, buffer_m)
    return Splits(train, validation, test, left_out=given - sum(left.values()))


def without_leaks(
    places: PlaceSet,
    part: npt.NDArray[np.int64],
    buffer_m: float = BUFFER_M,
    pictures: npt.NDArray[np.int64] | None = None,
    from_cameras: bool = False,
) -> npt.NDArray[np.int64]:
    """Return the parts (N,), -1 for places that lie too near to another part or see its pictures.

    Args:
        places: The set.
        part: (N,) 0 for training, 1 for validation, 2 for test, -1 for none.
        buffer_m: How near places of different parts may not lie.
        pictures: (N, P) numbers of the pictures that a place's strips are made of, 0 for none;
            equal strips alone tell where None.
        from_cameras: As for ``nearest_m``.
    """
    part = part.copy()
    seen = picture_ids(places)
    if pictures is not None:
        seen = np.concatenate([seen, pictures], axis=1)
    for gives_way in (0, 1):
        mine, others = np.flatnonzero(part == gives_way), np.flatnonzero(part > gives_way)
        shared = np.isin(seen[mine], np.setdiff1d(seen[others], [0])).any(axis=1)
        near = nearest_m(places, mine, others, from_cameras) < buffer_m
        part[mine[shared | near]] = _LEFT_OUT
    return part


def nearest_m(
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
    from_cameras: bool = False,
) -> npt.NDArray[np.float64]:
    """Return how far each row is from the nearest of others in its city, infinite without any.

    With ``from_cameras`` a place also lies where its street view and its photos were taken.
    """
    from scipy.spatial import cKDTree

    away = np.full(len(rows), np.inf)
    for city in np.unique(places.city[rows]):
        mine = np.flatnonzero(places.city[rows] == city)
        there = others[places.city[others] == city]
        if len(there):
            tree = cKDTree(_positions(places, there, from_cameras).reshape(-1, 2))
            here = _positions(places, rows[mine], from_cameras)
            away[mine] = tree.query(here)[0].min(axis=1)
    return away


def _positions(
    places: PlaceSet, rows: npt.NDArray[np.int64], from_cameras: bool
) -> npt.NDArray[np.float32]:
    """Return where places lie, (M, 1, 2), or also where their pictures were taken, (M, n, 2)."""
    centres = places.place_xy[rows][:, None]
    if not from_cameras:
        return centres
    offsets = [places.street_offset_m[rows][:, None], places.query_offset_m[rows]]
    return np.concatenate([centres, centres + np.concatenate(offsets, axis=1)], axis=1)


def picture_ids(places: PlaceSet) -> npt.NDArray[np.int64]:
    """Return a number for every street view and photo, (N, 1 + Q); 0 for one that is not there.

    Equal pictures have equal numbers.
    """
    strips = np.concatenate([places.street[:, None], places.query], axis=1)
    street_there = np.asarray(places.street_seen.any(axis=1))
    there = np.concatenate([street_there[:, None], places.photo_there], axis=1)
    ids = np.zeros(there.shape, np.int64)
    for row, column in np.argwhere(there):
        digest = hashlib.blake2b(strips[row, column].tobytes(), digest_size=8).digest()
        ids[row, column] = int.from_bytes(digest, "little", signed=True) | 1
    return ids


def blocks_of(places: PlaceSet) -> npt.NDArray[np.int64]:
    """Return (N,) numbers of blocks: the set's own, or squares where a city is all one block."""
    block = places.block.astype(np.int64)
    squares = square_blocks(places.place_xy, places.city)
    for city in np.unique(places.city):
        rows = places.city == city
        if len(np.unique(block[rows])) == 1:
            block = np.where(rows, -1 - squares, block)
    return block


def square_blocks(
    place_xy: npt.NDArray[np.float32], city: npt.NDArray[np.int64], size_m: float = BLOCK_M
) -> npt.NDArray[np.int64]:
    """Return (N,) numbers, from 0, of the squares of a city that places lie in."""
    cell = np.floor(place_xy / size_m).astype(np.int64) + _CELL_STRIDE // 2
    key = (city.astype(np.int64) * _CELL_STRIDE + cell[:, 0]) * _CELL_STRIDE + cell[:, 1]
    return np.unique(key, return_inverse=True)[1].astype(np.int64)


def _check_left(left: Mapping[str, int], buffer_m: float) -> None:
    for name, count in left.items():
        if not count:
            raise InputError(
                f"no place is left for {name} once {buffer_m:g} m are kept between the parts; "
                "take a larger area, more cities or smaller blocks"
            )


def _dealt(places: PlaceSet, shares: tuple[int, int, int], seed: int) -> npt.NDArray[np.int64]:
    """Return the part (N,) of each place, dealt out block by block within each city."""
    block = blocks_of(places)
    part = np.zeros(len(places), np.int64)
    rng = np.random.default_rng(seed)
    for city in np.unique(places.city):
        rows = np.flatnonzero(places.city == city)
        numbers, of_row = np.unique(block[rows], return_inverse=True)
        part[rows] = _deal(np.bincount(of_row, minlength=len(numbers)), shares, rng)[of_row]
    return part


def _deal(
    counts: npt.NDArray[np.int64], shares: Sequence[int], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return the part of each block: the one that lacks most when the block's turn comes."""
    wanted = np.asarray(shares, np.float64) / sum(shares) * counts.sum()
    part = np.zeros(len(counts), np.int64)
    for number in rng.permutation(len(counts)):
        part[number] = int(np.argmax(wanted))
        wanted[part[number]] -= counts[number]
    return part
