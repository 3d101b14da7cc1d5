"""MSGD, the paper's set: crowd photos, street views and satellite images of twelve cities.

``streetview_all``, ``satview_all`` and ``crdview_resize_all`` hold the pictures of an id; a
MATLAB file lists ids, UTM metres and parts. Zones are not given, but the twelve cities' northings
lie far enough apart to tell which one a place is in.

Satellite images are 335 pixels at zoom 20: 50 m on the equator, less elsewhere. Street views are
four photos at 0, 90, 180 and 270 degrees side by side, of which the middle half of the height was
kept. Photos were resized to 128 x 170; what field of view each had is not said, nor its heading.

Source: section 3 of the paper; file names and sizes in the released loaders.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model_core.errors import InputError
from training.datasets.layouts.frames import CropsFrame, PhotoFrame, tile_footprint_m
from training.datasets.layouts.index import (
    LayoutIndex,
    PhotoEntry,
    PlaceEntry,
    Split,
    without_missing,
)
from training.datasets.layouts.mat import read_mat_list

IMAGE_PX, ZOOM = 335, 20
PHOTO_FOV_DEG = 65.0
"""Of a phone held upright or across, about; the set does not say."""

LATITUDES_DEG = {
    "Los Angeles": 34.05,
    "Sao Paulo": -23.55,
    "Berlin": 52.52,
    "Cape Town": -33.92,
    "Bangkok": 13.75,
    "Brisbane": -27.47,
    "Toronto": 43.70,
    "Lima": -12.05,
    "Stockholm": 59.33,
    "Nairobi": -1.29,
    "Hong Kong": 22.30,
    "Perth": -31.95,
}
ELSEWHERE = "elsewhere"
_M_A_DEG = 110_950.0
_FALSE_NORTHING_M = 1.0e7
_WITHIN_M = 57_000.0
_PARTS = {"trainSet": "trainInd", "valSet": "valInd", "testSet": "testInd"}
_SPLITS: dict[str, Split] = {"trainSet": "train", "valSet": "validation", "testSet": "test"}
_FOLDERS = ("satview_all", "crdview_resize_all")


def is_here(folder: Path) -> bool:
    """Return whether a folder holds the set."""
    return all((folder / name).is_dir() for name in _FOLDERS)


def read_index(folder: Path, photo_fov_deg: float = PHOTO_FOV_DEG) -> LayoutIndex:
    """Return what the folder holds.

    Args:
        folder: Holds the pictures' folders and a MATLAB list, itself or in a folder.
        photo_fov_deg: What field of view the photos are taken to have.

    Raises:
        InputError: There is no list, or it is damaged.
    """
    lists = sorted(folder.glob("*.mat")) or sorted(folder.glob("*/*.mat"))
    if not lists:
        raise InputError(f"{folder}: no .mat list of its places; put matdata.mat there")
    listed = read_mat_list(lists[0], _PARTS)
    cities = [city_of(float(northing)) for northing in listed.utm[:, 1]]
    origins = {
        city: np.median(listed.utm[[c == city for c in cities]], axis=0) for city in set(cities)
    }
    entries = []
    for part, rows in listed.rows.items():
        for row in rows:
            place_id, city = listed.ids[row], cities[row]
            x_m, y_m = (listed.utm[row] - origins[city]).tolist()
            photo = folder / "crdview_resize_all" / f"{place_id}_crdView.png"
            entries.append(
                PlaceEntry(
                    place_id=place_id,
                    satellite=folder / "satview_all" / f"{place_id}_satView.jpg",
                    footprint_m=tile_footprint_m(IMAGE_PX, ZOOM, LATITUDES_DEG.get(city, 0.0)),
                    photos=(PhotoEntry(photo),),
                    xy_m=(x_m, y_m),
                    city=city,
                    split=_SPLITS[part],
                    street=folder / "streetview_all" / f"{place_id}_grdView_pano.png",
                )
            )
    kept, missing = without_missing(entries)
    return LayoutIndex(
        name="MSGD",
        entries=kept,
        photo_frame=PhotoFrame(photo_fov_deg),
        heading="street views: photos at 0, 90, 180, 270 from the left; photos: unknown",
        terms="academic research only, not to be passed on; holds Google imagery",
        street_frame=CropsFrame(),
        missing=missing,
    )


def city_of(northing_m: float) -> str:
    """Return the city whose UTM northing is nearest, if it is near."""

    def away_m(latitude_deg: float) -> float:
        false_m = _FALSE_NORTHING_M if latitude_deg < 0 else 0.0
        return abs(latitude_deg * _M_A_DEG + false_m - northing_m)

    name, latitude_deg = min(LATITUDES_DEG.items(), key=lambda item: away_m(item[1]))
    return name if away_m(latitude_deg) <= _WITHIN_M else ELSEWHERE
