"""CVUSA, the part in use: panoramas all over the United States with Bing images around them.

``splits/train-19zl.csv`` and ``val-19zl.csv`` name a satellite image, a panorama and a
segmentation a line. Where ``split_locations/all.csv`` is there (latitude and longitude of the
image, then of the panorama; line n belongs to file number n), places have positions, in squares of
two degrees that count as cities; else they count as far from each other.

Satellite images are 750 pixels at zoom 19, so 174 m at 39 degrees north: houses on real pairs are
of that size. Panoramas are 1232 x 224, equal angles along both axes (lanes on real pairs are then
3 m wide; were they stretched from 90 degrees, under 2 m), their horizon at 0.585 of the height,
as measured on flat ground. North is the centre column: the polar transforms that are in use with
the set, and a road with a house east of it on a real pair, say so.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from model_core.errors import InputError
from training.datasets.layouts.frames import PanoramaFrame, local_xy, tile_footprint_m
from training.datasets.layouts.index import (
    LayoutIndex,
    PhotoEntry,
    PlaceEntry,
    Split,
    without_missing,
)

IMAGE_PX, ZOOM = 750, 19
HORIZON_ROW = 0.585
MIDDLE_LATITUDE_DEG = 39.0
_LISTS: dict[Split, str] = {"train": "train-19zl.csv", "test": "val-19zl.csv"}
_CELL_DEG = 2.0
_FAR_APART_M = 1000.0


def is_here(folder: Path) -> bool:
    """Return whether a folder holds the set."""
    return any((folder / "splits" / name).is_file() for name in _LISTS.values())


def read_index(folder: Path) -> LayoutIndex:
    """Return what the folder holds.

    Args:
        folder: Holds ``splits`` and what its lists name.

    Raises:
        InputError: A line of a list is damaged.
    """
    located = _locations(folder / "split_locations" / "all.csv")
    entries: list[PlaceEntry] = []
    for split, name in _LISTS.items():
        path = folder / "splits" / name
        if path.is_file():
            entries.extend(_entries(folder, path, split, located, len(entries)))
    kept, missing = without_missing(entries)
    return LayoutIndex(
        name="CVUSA",
        entries=kept,
        photo_frame=PanoramaFrame(horizon_row=HORIZON_ROW),
        heading="north at the centre column (polar transforms in use, and a real pair)",
        terms="not stated in its repository; given for academic research, on request",
        missing=missing,
    )


def _entries(
    folder: Path, path: Path, split: Split, located: list[tuple[float, float]], before: int
) -> Iterator[PlaceEntry]:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            if not row:
                continue
            if len(row) < 2:
                raise InputError(f"{path}: line {number} names no panorama; unpack the list again")
            satellite, panorama = row[0].strip(), row[1].strip()
            digits = re.findall(r"\d+", Path(satellite).stem)
            file_number = int(digits[-1]) if digits else 0
            city, xy_m, latitude = "everywhere", (_FAR_APART_M * (before + number), 0.0), None
            if 1 <= file_number <= len(located):
                lon, latitude = located[file_number - 1]
                city, xy_m = _cell(lon, latitude)
            yield PlaceEntry(
                place_id=satellite,
                satellite=folder / satellite,
                footprint_m=tile_footprint_m(
                    IMAGE_PX, ZOOM, MIDDLE_LATITUDE_DEG if latitude is None else latitude
                ),
                photos=(PhotoEntry(folder / panorama),),
                xy_m=xy_m,
                city=city,
                split=split,
            )


def _cell(lon: float, lat: float) -> tuple[str, tuple[float, float]]:
    """Return the name of the square that a position lies in, and metres from its middle."""
    west, south = lon // _CELL_DEG * _CELL_DEG, lat // _CELL_DEG * _CELL_DEG
    x_m, y_m = local_xy(lon, lat, (west + _CELL_DEG / 2, south + _CELL_DEG / 2)).tolist()
    return f"{south:+06.1f}{west:+07.1f}", (x_m, y_m)


def _locations(path: Path) -> list[tuple[float, float]]:
    """Return longitude and latitude by file number, from 1; nothing without the file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        try:
            return [(float(row[3]), float(row[2])) for row in csv.reader(file) if row]
        except (IndexError, ValueError) as err:
            raise InputError(
                f"{path}: four numbers a line are expected, latitude and longitude twice ({err})"
            ) from err
