"""From results to what a person gets: files in a folder, a summary, notes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from model_core import __version__
from model_core.bundle import ModelBundle, only_rendered
from model_core.config import to_mapping
from model_core.errors import Cancelled, GeolocatorError
from model_core.files import check_writable
from model_core.output import Backdrop, OutputFiles, Provenance, write_results
from model_core.references.area import LocalFrame
from model_core.references.survey import Survey, square_around
from model_core.references.terms import may_cache, may_display
from model_core.request import LocateRequest
from model_core.scoring import Truth, read_truth
from model_core.types import (
    CancelCheck,
    Photo,
    PhotoResult,
    ProgressCallback,
    SourceTerms,
    ignore_progress,
    never_cancelled,
)

log = logging.getLogger(__name__)

BACKDROP_PX = 1600


def describe_run(
    request: LocateRequest, survey: Survey, model: ModelBundle | None, now: datetime
) -> Provenance:
    """Return what the results were made with; ``now`` is when."""
    return Provenance(
        model_hash="" if model is None else model.model_hash,
        software_version=__version__,
        created_at=now,
        sources=survey.used_terms,
        settings=to_mapping(request.config) | _generator_of(request, model),
    )


def _generator_of(request: LocateRequest, model: ModelBundle | None) -> dict[str, str]:
    """Return what made street views, where any were."""
    if model is None or request.config.street_view.policy != "synthetic":
        return {}
    return {"generator_hash": model.generator_hash}


def prepare_output(out: Path | None, truth: Path | None) -> dict[str, Truth] | None:
    """Return the truth where there is a table, and make sure that the results can be written.

    Before the long work begins, since a wrong table or folder would cost it.

    Raises:
        InputError: The table cannot be read, or the folder not be written.
    """
    if out is not None:
        check_writable(out)
    return None if truth is None else read_truth(truth)


def write_outcome(
    out: Path | None,
    results: Sequence[PhotoResult],
    photos: Sequence[Photo],
    survey: Survey,
    model: ModelBundle | None,
    provenance: Provenance,
    truth: Mapping[str, Truth] | None = None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> tuple[OutputFiles | None, tuple[str, ...]]:
    """Write the results where a folder is named; return the files and the run's notes.

    Imagery that cannot be had now costs the map its ground, and a file that cannot be written
    costs itself; both are noted, and the results are returned.

    Raises:
        Cancelled: The user asked to stop; what was written by then stays.
    """
    notes = _notes(survey, model)
    if out is None:
        return None, tuple(notes)
    try:
        backdrop = _backdrop(survey)
    except Cancelled:
        raise
    except GeolocatorError as error:
        backdrop = None
        notes.append(f"the map has no imagery: {error}")

    def note_failure(path: Path, error: Exception) -> None:
        log.warning("%s is not written", path, exc_info=error)
        is_known = isinstance(error, GeolocatorError)
        notes.append(str(error) if is_known else f"{path}: cannot be written ({error!r})")

    files = write_results(
        out,
        results,
        {photo.path: photo for photo in photos},
        survey.places,
        survey.area,
        provenance,
        truth,
        backdrop,
        note_failure,
        progress,
        cancel,
    )
    return files, tuple(notes)


def summarize(results: Sequence[PhotoResult]) -> str:
    """Return in a sentence how the photos fared."""
    failed = sum(bool(result.error) for result in results)
    elsewhere = sum(result.not_in_area for result in results if not result.error)
    placed = len(results) - failed - elsewhere
    parts = [f"{placed} of {len(results)} photos placed"]
    if elsewhere:
        parts.append(f"{elsewhere} not in this area")
    if failed:
        parts.append(f"{failed} could not be used")
    return ", ".join(parts)


def _notes(survey: Survey, model: ModelBundle | None) -> list[str]:
    notes = []
    counted = survey.summary.describe()
    if counted:
        notes.append(counted)
    if survey.roads is not None and not any(place.kind == "road" for place in survey.places):
        notes.append(
            "no line of the roads that were given lies in the area: places were laid without roads"
        )
    if not survey.may_be_kept:
        notes.append(
            "a source's terms forbid keeping what it delivers: no gallery of this area was kept"
        )
    if model is not None and only_rendered(model.training):
        notes.append(
            "the model was trained on rendered cities only; on real imagery trust street views "
            "confirmed by local features more than its scores"
        )
    return notes


def _backdrop(survey: Survey) -> Backdrop | None:
    """Return a picture of the area for the map, None where the imagery shows none of it.

    Raises:
        ImageryError: It cannot be read.
        InputError: Its terms forbid showing it beside the map, or storing it in the map's files.
        ProviderError: Its source failed.
    """
    if survey.imagery is None:
        return None
    _may_be_drawn(survey.imagery.terms)
    center, side_m = square_around(survey.area)
    picture = survey.imagery.read(center, side_m, BACKDROP_PX)
    if picture is None:
        return None
    _may_be_drawn(picture.terms)
    half_m = side_m / 2
    lon, lat = LocalFrame(center).to_lonlat([-half_m, half_m], [-half_m, half_m])
    return Backdrop(picture.image, float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1]))


def _may_be_drawn(terms: SourceTerms) -> None:
    may_display(terms)
    may_cache(terms)
