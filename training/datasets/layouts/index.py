"""What a published set holds, before and after its pictures are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from model_core.config import ModelConfig
from model_core.errors import InputError
from model_core.types import ImageU8, Strip
from training.datasets.layouts.frames import Frame
from training.datasets.places import CROP_MARGIN, CROP_PX, PlaceSet, blank_arrays
from training.datasets.splits import square_blocks

Split = Literal["train", "validation", "test"]
Say = Callable[[str], None]

BLOCK_PLACES = 256
_READERS = 8
_NAMED = 5


@dataclass(frozen=True)
class PhotoEntry:
    """A ground picture and where it was taken, in metres east and north of its place."""

    path: Path
    offset_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class PlaceEntry:
    """A satellite image with the pictures taken in it.

    ``footprint_m`` is the ground width of the whole image, ``xy_m`` its centre in its city.
    """

    place_id: str
    satellite: Path
    footprint_m: float
    photos: tuple[PhotoEntry, ...]
    xy_m: tuple[float, float]
    city: str
    split: Split
    street: Path | None = None


@dataclass(frozen=True)
class LayoutIndex:
    """A published set: its places, what is missing of it, how its pictures are to be read.

    ``heading`` says in words which convention was taken, and from where; ``terms`` what its
    makers allow.
    """

    name: str
    entries: tuple[PlaceEntry, ...]
    photo_frame: Frame
    heading: str
    terms: str
    street_frame: Frame | None = None
    missing: tuple[str, ...] = field(default=())

    def part(self, split: Split | None) -> LayoutIndex:
        """Return the index of one part; all of it where none is named."""
        if split is None:
            return self
        return replace(self, entries=tuple(e for e in self.entries if e.split == split))


def without_missing(
    entries: Sequence[PlaceEntry],
) -> tuple[tuple[PlaceEntry, ...], tuple[str, ...]]:
    """Return the entries that can be learnt from, and the files that are not there.

    A photo or a street view that is missing costs itself, a satellite image its place, and so does
    the last photo.
    """
    kept, missing = [], []
    for entry in entries:
        photos = []
        for photo in entry.photos:
            if photo.path.is_file():
                photos.append(photo)
            else:
                missing.append(str(photo.path))
        street = entry.street
        if street is not None and not street.is_file():
            missing.append(str(street))
            street = None
        if not entry.satellite.is_file():
            missing.append(str(entry.satellite))
        elif photos:
            kept.append(replace(entry, photos=tuple(photos), street=street))
    return tuple(kept), tuple(missing)


def load_index(
    index: LayoutIndex,
    config: ModelConfig,
    say: Say = print,
    block_places: int = BLOCK_PLACES,
) -> PlaceSet:
    """Return an index's places with their pictures; what cannot be read is said and left out.

    Args:
        index: The set, or a part of it.
        config: Of the model that will learn from it.
        say: Where lines for people go.
        block_places: Places whose files are open at a time.

    Raises:
        InputError: No place is left.
    """
    if not index.entries:
        named = f"; missing: {', '.join(index.missing[:_NAMED])}" if index.missing else ""
        raise InputError(f"{index.name}: none of its places has all its files{named}")
    reach_m = config.geometry.footprint_m * CROP_MARGIN
    narrow = min(entry.footprint_m for entry in index.entries)
    if narrow < reach_m:
        say(
            f"{index.name}: images reach {narrow:.0f} m, less than the {reach_m:.0f} m of "
            f"footprint_m {config.geometry.footprint_m:g}; black beyond"
        )
    broken: list[str] = []
    photos = max(len(entry.photos) for entry in index.entries)
    arrays = blank_arrays(len(index.entries), photos, CROP_PX, config)
    arrays["heading_known"][:] = index.photo_frame.heading_known
    good = np.ones(len(index.entries), np.bool_)
    with ThreadPoolExecutor(_READERS) as pool:
        for first in range(0, len(index.entries), block_places):
            entries = index.entries[first : first + block_places]
            jobs = [pool.submit(_read_place, index, entry, config) for entry in entries]
            for row, job in enumerate(jobs, start=first):
                good[row] = _fill(arrays, row, job.result(), broken)
    _say_lost(index, broken, say)
    if not good.any():
        raise InputError(f"{index.name}: no picture can be decoded; for example {broken[0]}")
    places = PlaceSet(**_placed(index, arrays))
    return places if good.all() else places.take(np.flatnonzero(good))


@dataclass
class _Read:
    """The pictures of one place; None where one cannot be decoded."""

    satellite: ImageU8 | None
    street: Strip | None
    photos: list[tuple[PhotoEntry, Strip | None]]
    broken: list[str]


def _read_place(index: LayoutIndex, entry: PlaceEntry, config: ModelConfig) -> _Read:
    """Return a place's pictures in the model's frame."""
    broken: list[str] = []

    def ground(path: Path, frame: Frame) -> Strip | None:
        pixels = _read_rgb(path, broken)
        return None if pixels is None else frame.strip(pixels, config.geometry)

    image = _read_rgb(entry.satellite, broken)
    crop = None
    if image is not None:
        crop = crop_satellite(image, entry.footprint_m, config.geometry.footprint_m * CROP_MARGIN)
    street = None
    if entry.street is not None and index.street_frame is not None:
        street = ground(entry.street, index.street_frame)
    photos = [(photo, ground(photo.path, index.photo_frame)) for photo in entry.photos]
    return _Read(crop, street, photos, broken)


def _read_rgb(path: Path, broken: list[str]) -> ImageU8 | None:
    # imdecode, since imread takes no paths beyond ASCII on some systems.
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        broken.append(str(path))
        return None
    return np.ascontiguousarray(image[..., ::-1])


def crop_satellite(image: ImageU8, footprint_m: float, reach_m: float) -> ImageU8:
    """Return the middle ``reach_m`` of a square image, (CROP_PX, CROP_PX, 3); black beyond it."""
    side = image.shape[0]
    wanted = max(1, round(side * reach_m / footprint_m))
    if wanted <= side:
        first = (side - wanted) // 2
        part = image[first : first + wanted, first : first + wanted]
    else:
        part = np.zeros((wanted, wanted, 3), np.uint8)
        first = (wanted - side) // 2
        part[first : first + side, first : first + side] = image
    way = cv2.INTER_AREA if wanted > CROP_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (CROP_PX, CROP_PX), interpolation=way), np.uint8)


Arrays = dict[str, npt.NDArray[Any]]


def _fill(arrays: Arrays, row: int, read: _Read, broken: list[str]) -> bool:
    """Put one place's pictures into the arrays; whether it can be learnt from."""
    broken.extend(read.broken)
    if read.satellite is None:
        return False
    arrays["satellite"][row] = read.satellite
    if read.street is not None:
        arrays["street"][row] = read.street.pixels
        arrays["street_seen"][row] = read.street.mask.any(axis=0)
    photos = [(photo, strip) for photo, strip in read.photos if strip is not None]
    for number, (photo, strip) in enumerate(photos):
        arrays["query"][row, number] = strip.pixels
        arrays["query_seen"][row, number] = strip.mask.any(axis=0)
        arrays["query_offset_m"][row, number] = photo.offset_m
    return bool(photos)


def _numbers(index: LayoutIndex) -> dict[str, int]:
    return {name: n for n, name in enumerate(sorted({e.city for e in index.entries}))}


def _placed(index: LayoutIndex, arrays: Arrays) -> Arrays:
    """Return the arrays with where the places are."""
    numbers = _numbers(index)
    city = np.array([numbers[entry.city] for entry in index.entries], np.int64)
    place_xy = np.array([entry.xy_m for entry in index.entries], np.float32)
    return {**arrays, "place_xy": place_xy, "city": city, "block": square_blocks(place_xy, city)}


def _say_lost(index: LayoutIndex, broken: Sequence[str], say: Say) -> None:
    for what, files in (("missing", index.missing), ("damaged", broken)):
        if files:
            more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
            say(f"{index.name}: {len(files)} files {what}: {', '.join(files[:_NAMED])}{more}")
