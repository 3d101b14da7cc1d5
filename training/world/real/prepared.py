"""A real city made ready: plain arrays in a folder, read with numpy alone."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from model_core.errors import InputError
from model_core.types import FloatArray, ImageU8
from training.world.streets import RoadKind

Split = Literal["train", "test"]
FORMAT = 1
ROAD_KINDS: tuple[RoadKind, ...] = ("main", "street", "lane")
_ABOUT = "city.json"
_AGAIN = "prepare it again: python -m training geometry --from FILE --out FOLDER"


@dataclass(frozen=True)
class GroundPhoto:
    """An orthophoto in the city's plane: ``pixels`` (H, W, 3) uint8, north up.

    ``west_m`` and ``north_m`` are the outer corner of its first pixel.
    """

    pixels: ImageU8
    cell_m: float
    west_m: float
    north_m: float


@dataclass(frozen=True)
class About:
    """Where a prepared city comes from, what is in it, and what it may be used for."""

    name: str
    center_lonlat: tuple[float, float]
    split: Split
    source: str
    licence: str
    counts: dict[str, float]


@dataclass(frozen=True)
class PreparedCity:
    """A real city as arrays, in metres east and north of its centre.

    Boxes (b): ``box_center``, ``box_axis``, ``box_half`` (b, 2), ``box_height_m`` of the highest
    point, ``box_roof`` a ``Roof`` or -1 where unknown, ``box_owner`` the building. Buildings (n):
    ``building_center`` (n, 2), ``building_area_m2``. Roads (r): points ``road_start[k]`` to
    ``road_start[k + 1]`` of ``road_points``, ``road_kind`` of ``ROAD_KINDS``, widths. Covers (c):
    rings ``ring_start`` of ``ring_points``, ``ring_cover`` their cover, ``cover_ground``,
    ``cover_trees`` in 100 m2. ``trees`` (t, 2).
    """

    about: About
    box_center: FloatArray
    box_axis: FloatArray
    box_half: FloatArray
    box_height_m: FloatArray
    box_roof: npt.NDArray[np.int8]
    box_owner: npt.NDArray[np.int32]
    building_center: FloatArray
    building_area_m2: FloatArray
    road_points: FloatArray
    road_start: npt.NDArray[np.int32]
    road_kind: npt.NDArray[np.uint8]
    road_width_m: FloatArray
    road_pavement_m: FloatArray
    ring_points: FloatArray
    ring_start: npt.NDArray[np.int32]
    ring_cover: npt.NDArray[np.int32]
    cover_ground: npt.NDArray[np.uint8]
    cover_trees: FloatArray
    trees: FloatArray
    photo: GroundPhoto | None = None

    def road(self, k: int) -> FloatArray:
        """Return the centre line of a road, (n, 2)."""
        return self.road_points[self.road_start[k] : self.road_start[k + 1]]

    def cover(self, k: int) -> list[FloatArray]:
        """Return the rings of a cover."""
        rows = np.flatnonzero(self.ring_cover == k)
        return [self.ring_points[self.ring_start[r] : self.ring_start[r + 1]] for r in rows]


_ARRAYS = tuple(f.name for f in fields(PreparedCity) if f.name not in ("about", "photo"))


def save_prepared(city: PreparedCity, folder: Path) -> None:
    """Write a prepared city; a folder that is there is replaced when all is written."""
    partial = folder.with_name(f"{folder.name}.partial{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in _ARRAYS:
        np.save(partial / f"{name}.npy", getattr(city, name), allow_pickle=False)
    about: dict[str, Any] = {"format": FORMAT, **vars(city.about)}
    if city.photo is not None:
        np.save(partial / "photo.npy", city.photo.pixels, allow_pickle=False)
        about["photo"] = [city.photo.cell_m, city.photo.west_m, city.photo.north_m]
    (partial / _ABOUT).write_text(json.dumps(about, indent=1, sort_keys=True), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def read_about(folder: Path) -> About:
    """Return where a prepared city comes from; its ``split`` says what it may be used for.

    Raises:
        InputError: The folder holds no prepared city, one of another format, or of no split.
    """
    return _read_about(folder)[0]


def _read_about(folder: Path) -> tuple[About, list[float] | None]:
    try:
        found = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} holds no prepared city ({error}); {_AGAIN}") from error
    if found.pop("format", None) != FORMAT:
        raise InputError(f"{folder} was written by another version; {_AGAIN}")
    if found.get("split") not in get_args(Split):
        raise InputError(
            f"{folder / _ABOUT}: its split is {found.get('split')!r} and must be train or test; "
            f"{_AGAIN}"
        )
    photo = found.pop("photo", None)
    lon, lat = found.pop("center_lonlat")
    return About(center_lonlat=(lon, lat), **found), photo


def load_prepared(folder: Path) -> PreparedCity:
    """Return a prepared city.

    Raises:
        InputError: The folder holds no prepared city, or an array is missing or broken.
    """
    about, frame = _read_about(folder)
    try:
        arrays = {n: np.load(folder / f"{n}.npy", allow_pickle=False) for n in _ARRAYS}
        photo = None
        if frame is not None:
            pixels = np.load(folder / "photo.npy", allow_pickle=False)
            photo = GroundPhoto(pixels, *frame)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{folder}: broken ({error}); {_AGAIN}") from error
    return PreparedCity(about, **arrays, photo=photo)
