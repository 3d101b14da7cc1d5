"""Around a run: what it would fetch, and fetching an area ahead for work offline."""

from __future__ import annotations

from model_core.compare.satellite import SOURCE_FOOTPRINT_M
from model_core.config import ModelConfig
from model_core.references.estimate import Estimate, estimate_run
from model_core.references.pack import Pack, write_pack
from model_core.references.survey import survey_area
from model_core.request import EstimateRequest, FetchRequest
from model_core.types import CancelCheck, ProgressCallback, ignore_progress, never_cancelled


def estimate(request: EstimateRequest, cancel: CancelCheck = never_cancelled) -> Estimate:
    """Return what a run on an area would fetch and take; nothing is fetched.

    Raises:
        GeolocatorError: The area or a source cannot be used.
        Cancelled: The user asked to stop.
    """
    geometry = ModelConfig().geometry
    return estimate_run(
        request.area, request.sources, request.config, geometry, request.photos, cancel
    )


def fetch(
    request: FetchRequest,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> Pack:
    """Fetch the references of an area into a pack that works offline, and return it.

    Raises:
        GeolocatorError: The area or a source cannot be used, or its terms forbid storing.
        Cancelled: The user asked to stop; the next fetch goes on.
    """
    survey = survey_area(request.area, request.sources, request.config, progress, cancel)
    geometry = ModelConfig().geometry
    return write_pack(survey, request.out, geometry, progress, cancel, SOURCE_FOOTPRINT_M)
