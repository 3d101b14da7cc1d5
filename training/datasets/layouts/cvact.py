"""CVACT: panoramas of Canberra with Google images around them.

``ACT_data.mat`` lists ids, UTM metres and parts; ``ANU_data_small`` holds ``streetview`` and
``satview_polish`` of training and validation, ``ANU_data_test`` those of the large test.

Satellite images are 1200 pixels at zoom 20 in double resolution, so 73 m: a bus on a real pair is
then 12 m long; the 144 m that are also met would make it 23 m. Panoramas are whole, 360 x 180
degrees, aligned: north is the centre column, as the polar transforms in use with the set say.

Source: the loaders of the OriCNN repository.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.datasets.layouts.frames import PanoramaFrame, tile_footprint_m
from training.datasets.layouts.index import (
    LayoutIndex,
    PhotoEntry,
    PlaceEntry,
    Split,
    without_missing,
)
from training.datasets.layouts.mat import read_mat_list

LIST_FILE = "ACT_data.mat"
IMAGE_PX, ZOOM = 1200, 21
LATITUDE_DEG = -35.3
_PARTS = {"trainSet": "trainInd", "valSet": "valInd", "valSetAll": "valInd"}
_FOLDERS: dict[str, tuple[Split, str]] = {
    "trainSet": ("train", "ANU_data_small"),
    "valSet": ("validation", "ANU_data_small"),
    "valSetAll": ("test", "ANU_data_test"),
}


def is_here(folder: Path) -> bool:
    """Return whether a folder holds the set."""
    return (folder / LIST_FILE).is_file()


def read_index(folder: Path) -> LayoutIndex:
    """Return what the folder holds; a part whose images were not downloaded is not missed.

    Args:
        folder: Holds ``ACT_data.mat`` and ``ANU_data_small``, ``ANU_data_test`` or both.

    Raises:
        InputError: The list is damaged.
    """
    listed = read_mat_list(folder / LIST_FILE, _PARTS)
    origin = np.median(listed.utm, axis=0)
    entries = []
    for part, rows in listed.rows.items():
        split, name = _FOLDERS[part]
        images = folder / name
        if not images.is_dir():
            continue
        for row in rows:
            place_id = listed.ids[row]
            x_m, y_m = (listed.utm[row] - origin).tolist()
            entries.append(
                PlaceEntry(
                    place_id=place_id,
                    satellite=images / "satview_polish" / f"{place_id}_satView_polish.jpg",
                    footprint_m=tile_footprint_m(IMAGE_PX, ZOOM, LATITUDE_DEG),
                    photos=(PhotoEntry(images / "streetview" / f"{place_id}_grdView.jpg"),),
                    xy_m=(x_m, y_m),
                    city="Canberra",
                    split=split,
                )
            )
    kept, missing = without_missing(entries)
    return LayoutIndex(
        name="CVACT",
        entries=kept,
        photo_frame=PanoramaFrame(),
        heading="north at the centre column (aligned panoramas; polar transforms in use)",
        terms="not stated in its repository; given for academic research, on request",
        missing=missing,
    )
