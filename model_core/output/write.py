"""Results on disk: GeoPackage, heat raster, map, page and JSON, each whole or not there.

``write_results`` writes into a temporary name and renames, so that an interrupted run leaves no
half file and a reader never sees one.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model_core.errors import Cancelled
from model_core.files import make_folder, remove, replacing
from model_core.output.document import results_document
from model_core.output.heat import write_heat
from model_core.output.layers import Provenance, write_geopackage
from model_core.output.page import write_page
from model_core.output.picture import draw_map
from model_core.output.scene import Backdrop
from model_core.scoring import Truth
from model_core.types import (
    Area,
    CancelCheck,
    Photo,
    PhotoResult,
    Place,
    ProgressCallback,
    ignore_progress,
    never_cancelled,
)

Failed = Callable[[Path, Exception], None]
"""Told of a file that cannot be written, and why."""


@dataclass(frozen=True)
class OutputFiles:
    """The files of one run, None for one that could not be written.

    ``heat`` is None too where no photo has a probability per place.
    """

    candidates: Path | None
    heat: Path | None
    map_picture: Path | None
    page: Path | None
    results: Path | None


def write_results(
    folder: Path,
    results: Sequence[PhotoResult],
    photos: Mapping[Path, Photo],
    places: Sequence[Place],
    area: Area,
    provenance: Provenance,
    truth: Mapping[str, Truth] | None = None,
    backdrop: Backdrop | None = None,
    on_failure: Failed | None = None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> OutputFiles:
    """Write everything that was found and return where.

    Args:
        folder: Made where it is missing; files of an earlier run are replaced.
        results: One a photo, failed ones too.
        photos: The photos that could be read, by path, for thumbnails and notes.
        places: The gallery's places in row order, as ``place_probability`` counts them.
        area: The candidate area.
        provenance: Model, version and time.
        truth: Where the photos were really taken, where known.
        backdrop: A picture to lie under the map.
        on_failure: Told of each file that cannot be written, the others still are; without it the
            first failure is an error.
        progress: Told of each photo that the page shows.
        cancel: Asked before each of them; what was written by then stays.

    Raises:
        InputError: The folder or a file in it cannot be written.
        Cancelled: The user asked to stop.
    """
    document = cache(lambda: results_document(results, photos, area, provenance, truth))

    def results_json(path: Path) -> None:
        path.write_text(json.dumps(document(), indent=1, allow_nan=False), encoding="utf-8")

    def written(name: str, write: Callable[[Path], None]) -> Path | None:
        try:
            make_folder(folder)
            with replacing(folder / name) as unfinished:
                write(unfinished)
        except Cancelled:
            raise
        except Exception as err:
            if on_failure is None:
                raise
            on_failure(folder / name, err)
            return None
        return folder / name

    with_heat = any(result.place_probability is not None for result in results)
    if not with_heat:
        with contextlib.suppress(OSError):
            remove(folder / "heat.tif")
    return OutputFiles(
        results=written("results.json", results_json),
        candidates=written(
            "candidates.gpkg", lambda path: write_geopackage(path, results, provenance, truth)
        ),
        heat=written("heat.tif", lambda path: write_heat(path, results, places, area))
        if with_heat
        else None,
        map_picture=written(
            "map.png", lambda path: draw_map(path, results, photos, places, area, truth, backdrop)
        ),
        page=written(
            "map.html",
            lambda path: write_page(
                path, document(), results, photos, places, area, truth, backdrop, progress, cancel
            ),
        ),
    )
