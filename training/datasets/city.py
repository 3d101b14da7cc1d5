"""A collected city as places to learn from.

A place's street view is what stands nearest to it: pictures taken from one spot on one day that
look different ways, as a panorama, in part where they leave gaps. Its photos are the user's own and
street views of another day or sequence than the street views of all places around. A picture whose
compass cannot be trusted has an unknown heading: it is a photo, never a street view.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from model_core.alignment.circular import circular_difference_deg
from model_core.alignment.panorama import merge_strips, street_strip, without_padding
from model_core.config import ModelConfig, StreetViewConfig
from model_core.errors import GeolocatorError, InputError
from model_core.photo import read_photo, read_pixels
from model_core.references.area import LocalFrame
from model_core.references.availability import SAME_DIRECTION_DEG
from model_core.types import ImageU8, LonLat, Projection, Strip
from training.datasets.layouts.index import crop_satellite
from training.datasets.manifest import ManifestRow, Split, read_manifest
from training.datasets.places import CROP_MARGIN, CROP_PX, NO_DATE, PlaceSet, blank_arrays
from training.datasets.sequences import Frame, Taken, are_independent
from training.datasets.splits import without_leaks

REACH_M = 50.0
"""A street view serves places as near as this. Source: the paper, section 3.1."""

STANDPOINT_M = 10.0
_STANDPOINTS_TRIED = 8
TRUSTED_SIGMA_DEG = 10.0
PHOTOS_PER_PLACE = 4
_SIDE_PX = 1024
_PARTS: tuple[Split, ...] = ("train", "validation", "test")
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class _Picture:
    """A row with where it was taken, in metres, and when."""

    row: ManifestRow
    xy: tuple[float, float]
    taken: Taken

    @property
    def heading_deg(self) -> float | None:
        """The heading where it is trustworthy."""
        sigma_deg = self.row.heading_sigma_deg
        if self.row.heading_deg is None or sigma_deg is None or sigma_deg > TRUSTED_SIGMA_DEG:
            return None
        return self.row.heading_deg


@dataclass(frozen=True)
class _Standpoint:
    """Pictures taken from one spot on one day, the best of them first."""

    pictures: tuple[_Picture, ...]

    @property
    def xy(self) -> tuple[float, float]:
        return self.pictures[0].xy


def load_city(
    folder: Path,
    config: ModelConfig,
    split: Split | None = None,
    say: Callable[[str], None] = print,
) -> PlaceSet:
    """Return the places of a collected city; what cannot be used is counted and said.

    Args:
        folder: Written by ``collect``.
        config: Of the model that will learn from them.
        split: Only this part of the manifest; where parts touch, places of the earlier ones give
            way, so that none shares a neighbourhood or a picture with another.
        say: Where lines for people go.

    Raises:
        InputError: There is no manifest, or no place that can be learnt from.
    """
    lost: Counter[str] = Counter()
    rows = _trainable(read_manifest(folder), lost)
    at_places = [(row, lonlat) for row, lonlat in rows if row.kind == "satellite"]
    if not at_places:
        raise InputError(
            f"{folder}: no place has a satellite image that may be learnt from; collect the city "
            "with --imagery"
        )
    frame = LocalFrame(LonLat(*np.mean([_pair(lonlat) for _, lonlat in at_places], axis=0)))
    place_xy = _metres(frame, [lonlat for _, lonlat in at_places])
    satellites = [row for row, _ in at_places]
    reader = _Reader(folder, config, lost)
    places, kept, pictures = _read_places(satellites, place_xy, _pictures(rows, frame), reader)
    for what, count in lost.most_common():
        say(f"{folder.name}: {count} {what}")
    if not len(places):
        raise InputError(f"{folder}: no satellite image can be read; collect the city anew")
    if split is None:
        return places
    part = np.array([_PARTS.index(satellites[row].split) for row in kept], np.int64)
    part = without_leaks(places, part, pictures=pictures, from_cameras=True)
    chosen = np.flatnonzero(part == _PARTS.index(split))
    if not len(chosen):
        raise InputError(
            f"{folder}: the manifest leaves no place for {split!r}; collect a larger area, or "
            "change the column split"
        )
    return places.take(chosen)


def _trainable(
    rows: Sequence[tuple[ManifestRow, LonLat]], lost: Counter[str]
) -> list[tuple[ManifestRow, LonLat]]:
    """Return the rows that may be learnt from."""
    kept = []
    for row, lonlat in rows:
        if row.may_train:
            kept.append((row, lonlat))
        else:
            lost[f"images of {row.provider} may not be learnt from"] += 1
    return kept


def _pair(lonlat: LonLat) -> tuple[float, float]:
    return lonlat.lon, lonlat.lat


def _metres(frame: LocalFrame, positions: Sequence[LonLat]) -> npt.NDArray[np.float32]:
    lon, lat = np.array([_pair(position) for position in positions]).reshape(-1, 2).T
    return np.stack(frame.to_xy(lon, lat), axis=1).astype(np.float32)


def _pictures(rows: Sequence[tuple[ManifestRow, LonLat]], frame: LocalFrame) -> list[_Picture]:
    """Return the pictures taken on the ground."""
    ground = [(row, lonlat) for row, lonlat in rows if row.kind != "satellite"]
    xy = _metres(frame, [lonlat for _, lonlat in ground]).tolist()
    return [
        _Picture(row, (x_m, y_m), Taken(Frame(row.sequence, row.frame), _day(row.captured_at)))
        for (row, _), (x_m, y_m) in zip(ground, xy, strict=True)
    ]


def _day(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    return int(seconds // _SECONDS_A_DAY)


def _standpoints(pictures: Sequence[_Picture]) -> list[_Standpoint]:
    """Return the street views of known heading, those of one spot and day together.

    Each belongs to one standpoint, so that two places see either the same pictures or others.
    """
    usable = [p for p in pictures if p.row.kind == "street_view" and _can_be_placed(p)]
    usable.sort(key=lambda p: (p.row.projection != "equirectangular", p.row.image_id))
    groups: list[list[_Picture]] = []
    of_cell: dict[tuple[int, int], list[list[_Picture]]] = defaultdict(list)
    for picture in usable:
        column, row = (int(np.floor(v / STANDPOINT_M)) for v in picture.xy)
        near = [
            group
            for east in (-1, 0, 1)
            for north in (-1, 0, 1)
            for group in of_cell[column + east, row + north]
            if _completes(picture, group)
        ]
        if near:
            min(near, key=lambda group: _away_m(picture.xy, group[0].xy)).append(picture)
        else:
            groups.append([picture])
            of_cell[column, row].append(groups[-1])
    return [_Standpoint(tuple(group)) for group in groups]


def _can_be_placed(picture: _Picture) -> bool:
    """Return whether it is known which way a picture looks, and how wide."""
    is_whole = picture.row.projection == "equirectangular"
    return picture.heading_deg is not None and (is_whole or picture.row.fov_deg is not None)


def _completes(picture: _Picture, group: Sequence[_Picture]) -> bool:
    """Return whether a picture belongs to a group: of the same spot, day and drive, another way.

    As in a search, where pictures that look the same way would blur each other.
    """
    first = group[0]
    return (
        len(group) < StreetViewConfig().max_views_per_place
        and all(_turned_deg(picture, other) >= SAME_DIRECTION_DEG for other in group)
        and picture.row.projection == "perspective"
        and first.row.projection == "perspective"
        and picture.taken.day == first.taken.day
        and picture.taken.frame.sequence == first.taken.frame.sequence
        and _away_m(picture.xy, first.xy) <= STANDPOINT_M
    )


def _turned_deg(one: _Picture, other: _Picture) -> float:
    return abs(circular_difference_deg(one.heading_deg or 0.0, other.heading_deg or 0.0))


def _away_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    return float(np.hypot(one[0] - other[0], one[1] - other[1]))


class _Reader:
    """Images of a city in a model's frame; what cannot be read is counted."""

    def __init__(self, folder: Path, config: ModelConfig, lost: Counter[str]):
        self.folder = folder
        self.config = config
        self.lost = lost
        self._strips: dict[tuple[str, float | None], Strip | None] = {}
        self._ids: dict[str, int] = {}

    def satellite(self, row: ManifestRow) -> npt.NDArray[np.uint8] | None:
        """Return a place's crop."""
        try:
            image = read_pixels(self.folder / row.path)
        except GeolocatorError:
            self.lost["satellite images cannot be read"] += 1
            return None
        reach_m = self.config.geometry.footprint_m * CROP_MARGIN
        return crop_satellite(image, row.footprint_m or reach_m, reach_m)

    def picture_id(self, picture: _Picture) -> int:
        """Return a number of a picture, equal for copies of one file; 0 where there is none."""
        path = picture.row.path
        if path not in self._ids:
            try:
                digest = hashlib.blake2b((self.folder / path).read_bytes(), digest_size=8).digest()
                self._ids[path] = int.from_bytes(digest, "little", signed=True) | 1
            except OSError:
                self._ids[path] = 0
        return self._ids[path]

    def strip(self, picture: _Picture, heading_deg: float | None) -> Strip | None:
        """Return a picture's circle; without heading its left edge is at column 0."""
        key = (picture.row.path, heading_deg)
        if key not in self._strips:
            self._strips[key] = self._read(picture.row, heading_deg)
        return self._strips[key]

    def _read(self, row: ManifestRow, heading_deg: float | None) -> Strip | None:
        if row.projection == "perspective" and row.fov_deg is None:
            self.lost[f"images of {row.provider} have no field of view"] += 1
            return None
        panorama = row.projection == "equirectangular"
        turn = heading_deg if heading_deg is not None else (row.fov_deg or 360.0) / 2
        geometry = self.config.geometry
        optics = (turn, row.fov_deg, row.pitch_deg, row.roll_deg, geometry)
        projection: Projection = "equirectangular" if panorama else "perspective"

        def strip_of(image: ImageU8) -> Strip:
            return street_strip(image, projection, *optics)

        try:
            photo = read_photo(self.folder / row.path, _SIDE_PX * (2 if panorama else 1))
            return without_padding(strip_of(photo.image), photo.coverage, strip_of)
        except GeolocatorError:
            self.lost[f"images of {row.provider} cannot be read"] += 1
            return None


def _read_places(
    satellites: Sequence[ManifestRow],
    place_xy: npt.NDArray[np.float32],
    pictures: Sequence[_Picture],
    reader: _Reader,
) -> tuple[PlaceSet, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the places whose satellite image can be read, and their rows among all.

    The third array, (N, P), numbers the pictures that a place's strips are made of, 0 for none.
    """
    untrusted = sum(p.row.kind == "street_view" and p.heading_deg is None for p in pictures)
    if untrusted:
        reader.lost[
            f"street views serve as photos alone: their compass is not known within "
            f"{TRUSTED_SIGMA_DEG:g} degrees"
        ] = untrusted
    of_place: dict[str, list[_Picture]] = defaultdict(list)
    for picture in pictures:
        of_place[picture.row.place_id].append(picture)
    own_days = [
        [p.taken.day for p in of_place[row.place_id] if p.row.kind == "photo"] for row in satellites
    ]
    nearest = _serving_standpoints(place_xy, _standpoints(pictures), own_days, reader)
    served = _Served(nearest)
    photos = [_photos(of_place[row.place_id], served, reader) for row in satellites]
    most = max(1, *map(len, photos))
    arrays = blank_arrays(len(satellites), most, CROP_PX, reader.config)
    good = np.zeros(len(satellites), np.bool_)
    for number, (row, standpoint) in enumerate(zip(satellites, nearest, strict=True)):
        image = reader.satellite(row)
        if image is None:
            continue
        good[number] = True
        arrays["satellite"][number] = image
        if standpoint is not None:
            _put_street(arrays, number, standpoint, reader)
            arrays["street_offset_m"][number] = np.subtract(standpoint.xy, place_xy[number])
        for slot, (picture, strip) in enumerate(photos[number]):
            arrays["query"][number, slot] = strip.pixels
            arrays["query_seen"][number, slot] = strip.mask.any(axis=0)
            arrays["query_days"][number, slot] = _day_or_none(picture)
            arrays["heading_known"][number, slot] = picture.heading_deg is not None
            arrays["query_offset_m"][number, slot] = np.subtract(picture.xy, place_xy[number])
    blocks = np.unique([row.block for row in satellites], return_inverse=True)[1]
    arrays |= {"place_xy": place_xy, "block": blocks.astype(np.int64)}
    rows = np.flatnonzero(good)
    return PlaceSet(**arrays).take(rows), rows, _made_of(nearest, photos, reader)[rows]


def _made_of(
    standpoints: Sequence[_Standpoint | None],
    photos: Sequence[Sequence[tuple[_Picture, Strip]]],
    reader: _Reader,
) -> npt.NDArray[np.int64]:
    """Return (N, P) numbers of the pictures of places' street views and photos, 0 for none."""
    ids = []
    for standpoint, chosen in zip(standpoints, photos, strict=True):
        served = () if standpoint is None else standpoint.pictures
        ids.append([reader.picture_id(p) for p in (*served, *(photo for photo, _ in chosen))])
    numbers = np.zeros((len(ids), max(map(len, ids))), np.int64)
    for row, known in zip(numbers, ids, strict=True):
        row[: len(known)] = known
    return numbers


def _serving_standpoints(
    place_xy: npt.NDArray[np.float32],
    standpoints: Sequence[_Standpoint],
    own_days: Sequence[Sequence[int | None]],
    reader: _Reader,
) -> list[_Standpoint | None]:
    """Return what serves each place, None where nothing within reach can be read.

    That is the nearest standpoint; the nearest one in time where the user's own photos of a place
    have a date, as in a search. Of two drives along one road the one that is nearest more often
    serves where it is hardly farther, so that the other is left to be found.
    """
    if not standpoints:
        return [None] * len(place_xy)
    tree = cKDTree(np.array([standpoint.xy for standpoint in standpoints]))
    tried = min(_STANDPOINTS_TRIED, len(standpoints))
    away_m, which = tree.query(place_xy, k=np.arange(1, tried + 1))
    drives = Counter(_drive(standpoints[number]) for number in which[:, 0])
    serving = []
    for away, numbers, days in zip(away_m, which, own_days, strict=True):
        near = [(m, standpoints[n]) for m, n in zip(away, numbers, strict=True) if m <= REACH_M]
        rated = [
            (not _is_in_time(one, days), m > away[0] + STANDPOINT_M, -drives[_drive(one)], m, one)
            for m, one in near
        ]
        rated.sort(key=lambda rate: rate[:-1])
        serving.append(next((one for *_, one in rated if _strips(one, reader)), None))
    return serving


def _drive(standpoint: _Standpoint) -> str | int | None:
    """Return the drive or walk that a standpoint is of, its day where none is known."""
    taken = standpoint.pictures[0].taken
    return taken.frame.sequence or taken.day


def _is_in_time(standpoint: _Standpoint, days: Sequence[int | None]) -> bool:
    """Return whether a standpoint serves a photo of one of some days, or of no known one."""
    day, most = standpoint.pictures[0].taken.day, StreetViewConfig().max_age_days
    return day is None or not days or any(d is None or abs(d - day) <= most for d in days)


def _strips(standpoint: _Standpoint, reader: _Reader) -> list[Strip]:
    """Return what of a standpoint can be read."""
    strips = [reader.strip(picture, picture.heading_deg) for picture in standpoint.pictures]
    return [strip for strip in strips if strip is not None]


class _Served:
    """The pictures that serve as street views, to be found by where they were taken."""

    def __init__(self, standpoints: Sequence[_Standpoint | None]) -> None:
        once = {id(one): one for one in standpoints if one is not None}
        self._pictures = [picture for one in once.values() for picture in one.pictures]
        at = np.array([picture.xy for picture in self._pictures]).reshape(-1, 2)
        self._tree = cKDTree(at) if len(at) else None

    def near(self, picture: _Picture) -> list[_Picture]:
        """Return those from which a place could be known that a picture is a photo of."""
        if self._tree is None:
            return []
        return [self._pictures[n] for n in self._tree.query_ball_point(picture.xy, REACH_M)]


def _photos(
    pictures: Sequence[_Picture], served: _Served, reader: _Reader
) -> list[tuple[_Picture, Strip]]:
    """Return the pictures of a place that may be its photos, the user's own first."""
    chosen: list[tuple[_Picture, Strip]] = []
    for picture in sorted(pictures, key=lambda p: (p.row.kind != "photo", p.row.image_id)):
        own, near = picture.row.kind == "photo", served.near(picture)
        if own and reader.picture_id(picture) in {*map(reader.picture_id, near)} - {0}:
            reader.lost["photos are street views of a place"] += 1
            continue
        if not own and not all(are_independent(picture.taken, o.taken) for o in near):
            reader.lost["street views are too like those of places around to be a photo"] += 1
            continue
        strip = reader.strip(picture, picture.heading_deg)
        if strip is None or not strip.mask.any():
            continue
        if len(chosen) == PHOTOS_PER_PLACE:
            reader.lost[f"photos are beyond the {PHOTOS_PER_PLACE} that a place may have"] += 1
            continue
        chosen.append((picture, strip))
    return chosen


def _put_street(
    arrays: dict[str, npt.NDArray[Any]],
    number: int,
    standpoint: _Standpoint,
    reader: _Reader,
) -> None:
    """Put what is seen from a standpoint into a place's row."""
    whole = merge_strips(_strips(standpoint, reader))
    arrays["street"][number] = whole.pixels
    arrays["street_seen"][number] = whole.mask.any(axis=0)
    arrays["street_days"][number] = _day_or_none(standpoint.pictures[0])


def _day_or_none(picture: _Picture) -> int:
    return NO_DATE if picture.taken.day is None else picture.taken.day
