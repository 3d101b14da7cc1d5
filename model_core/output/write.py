"""Results on disk: GeoPackage, heat raster, map, page and JSON, each whole or not there.

``write_results`` writes into a temporary name and renames, so that an interrupted run leaves no
half file and a reader never sees one.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model_core.files import make_folder, remove, replacing
from model_core.output.document import results_document
from model_core.output.heat import write_heat
from model_core.output.layers import Provenance, write_geopackage
from model_core.output.page import write_page
from model_core.output.picture import draw_map
from model_core.output.scene import Backdrop
from model_core.scoring import Truth
from model_core.types import Area, Photo, PhotoResult, Place


@dataclass(frozen=True)
class OutputFiles:
    """The files of one run; ``heat`` is None where no photo has a probability per place."""

    candidates: Path
    heat: Path | None
    map_picture: Path
    page: Path
    results: Path


def write_results(
    folder: Path,
    results: Sequence[PhotoResult],
    photos: Mapping[Path, Photo],
    places: Sequence[Place],
    area: Area,
    provenance: Provenance,
    truth: Mapping[str, Truth] | None = None,
    backdrop: Backdrop | None = None,
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

    Raises:
        InputError: The folder or a file in it cannot be written.
    """
    files = OutputFiles(
        candidates=folder / "candidates.gpkg",
        heat=folder / "heat.tif",
        map_picture=folder / "map.png",
        page=folder / "map.html",
        results=folder / "results.json",
    )
    make_folder(folder)
    document = results_document(results, photos, area, provenance, truth)
    with replacing(files.results) as unfinished:
        unfinished.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    with replacing(files.candidates) as unfinished:
        write_geopackage(unfinished, results, provenance, truth)
    with_heat = any(result.place_probability is not None for result in results)
    if with_heat:
        with replacing(folder / "heat.tif") as unfinished:
            write_heat(unfinished, results, places, area)
    else:
        with contextlib.suppress(OSError):
            remove(folder / "heat.tif")
    with replacing(files.map_picture) as unfinished:
        draw_map(unfinished, results, photos, places, area, truth, backdrop)
    with replacing(files.page) as unfinished:
        write_page(unfinished, document, results, photos, places, area, truth, backdrop)
    return files if with_heat else replace(files, heat=None)
