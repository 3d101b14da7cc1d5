"""VIGOR: four cities on a grid of satellite images, panoramas anywhere between their centres.

Each city is a folder with ``panorama`` and ``satellite``; names carry latitude and longitude. A
list in ``splits`` (or ``splits__corrected``) names for each panorama the image it lies in the
middle of, and three more that show it farther from their centres, each with an offset in pixels.
Offsets are taken from the names instead: those of the first lists rest on a wrong resolution.

Source: the data description and loader of the VIGOR repository; SliceMatch for the corrected
lists, the ground resolution (0.101 to 0.118 m by city, that of web maps at zoom 20) and that north
is the centre column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from model_core.errors import InputError
from training.datasets.layouts.frames import PanoramaFrame, local_xy, tile_footprint_m
from training.datasets.layouts.index import (
    LayoutIndex,
    PhotoEntry,
    PlaceEntry,
    Split,
    without_missing,
)

CITIES = ("Chicago", "NewYork", "SanFrancisco", "Seattle")
IMAGE_PX, ZOOM = 640, 20
_LISTS: dict[Split, str] = {
    "train": "same_area_balanced_train",
    "test": "same_area_balanced_test",
}


def is_here(folder: Path) -> bool:
    """Return whether a folder holds the set."""
    return any(folder.glob("splits*/*/satellite_list.txt"))


def read_index(folder: Path) -> LayoutIndex:
    """Return what the folder holds.

    Args:
        folder: Holds the cities and ``splits``.

    Raises:
        InputError: No list is there, or a line of one is damaged.
    """
    entries: list[PlaceEntry] = []
    lists = 0
    for city in CITIES:
        for split, name in _LISTS.items():
            paths = sorted(folder.glob(f"splits*/{city}/{name}*.txt"))
            if paths:
                lists += 1
                # The corrected list sorts after the first one.
                entries.extend(_entries(folder / city, city, split, paths[-1]))
    if not lists:
        raise InputError(
            f"{folder}: no list of panoramas in splits/<city>; unpack the set's splits there"
        )
    kept, missing = without_missing(entries)
    return LayoutIndex(
        name="VIGOR",
        entries=kept,
        photo_frame=PanoramaFrame(),
        heading="north at the centre column (SliceMatch's loader)",
        terms="academic research only, not to be passed on",
        missing=missing,
    )


def _entries(folder: Path, city: str, split: Split, path: Path) -> Iterator[PlaceEntry]:
    """Yield a place for each satellite image that is somebody's own."""
    photos: dict[str, list[str]] = defaultdict(list)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 13:
            raise InputError(
                f"{path}: line {number} has {len(words)} words, not a panorama and four images "
                "with two offsets each; unpack the list again"
            )
        photos[words[1]].append(words[0])
    if not photos:
        return
    centers = {name: _lonlat_of_satellite(name, path) for name in photos}
    origin = np.mean(list(centers.values()), axis=0)
    for name, shown in photos.items():
        center = centers[name]
        yield PlaceEntry(
            place_id=f"{city}/{name}",
            satellite=folder / "satellite" / name,
            footprint_m=tile_footprint_m(IMAGE_PX, ZOOM, center[1]),
            photos=tuple(
                PhotoEntry(
                    folder / "panorama" / pano,
                    _offset_m(_lonlat_of_panorama(pano, path), center),
                )
                for pano in shown
            ),
            xy_m=_offset_m(center, (float(origin[0]), float(origin[1]))),
            city=city,
            split=split,
        )


def _offset_m(lonlat: tuple[float, float], origin: tuple[float, float]) -> tuple[float, float]:
    x_m, y_m = local_xy(lonlat[0], lonlat[1], origin).tolist()
    return x_m, y_m


def _lonlat_of_satellite(name: str, path: Path) -> tuple[float, float]:
    """Read ``satellite_<latitude>_<longitude>.png``."""
    words = name.rsplit(".", 1)[0].split("_")
    return _lonlat(words[-1], words[-2] if len(words) > 1 else "", name, path)


def _lonlat_of_panorama(name: str, path: Path) -> tuple[float, float]:
    """Read ``<id>,<latitude>,<longitude>,.jpg``."""
    words = name.split(",")
    if len(words) < 4:
        raise InputError(f"{path}: {name!r} carries no latitude and longitude")
    return _lonlat(words[-2], words[-3], name, path)


def _lonlat(lon: str, lat: str, name: str, path: Path) -> tuple[float, float]:
    try:
        return float(lon), float(lat)
    except ValueError as err:
        raise InputError(f"{path}: {name!r} carries no latitude and longitude") from err
