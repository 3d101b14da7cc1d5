"""Fetching ahead and in parallel what stages read one by one: concurrency decides the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from model_core.config import StripGeometry
from model_core.errors import ProviderError
from model_core.references.collect import ReferenceSummary
from model_core.references.http import HttpClient
from model_core.references.imagery.base import ImagerySource, OnlineImagery
from model_core.types import Place, Progress, ProgressCallback, StreetView

IMAGERY_STAGE = "fetch imagery"
VIEWS_STAGE = "fetch street views"

FETCHED_AHEAD = 500
"""Street views fetched at once before they are read: up to 200 MB, far less than a cache holds."""


PLACES_IN_MEMORY = 256
"""Places whose references are fetched at once where they may not be kept: up to 60 MB of Google."""

PLACE_BYTES = 1_000_000
"""Most that the references of a place take: tiles, and a few street views of 400 kB."""


def places_together(
    client: HttpClient, may_be_kept: bool, places: Sequence[Place]
) -> Iterator[Sequence[Place]]:
    """Yield places in parts whose references are fetched before they are used.

    What may not be kept on disk has to fit into memory until it is used, and what may be into the
    cache, or it is asked for twice.
    """
    step = PLACES_IN_MEMORY
    if may_be_kept:
        step = max(step, client.access.cache_max_bytes // 4 // PLACE_BYTES)
    for start in range(0, len(places), step):
        yield places[start : start + step]


def prefetch_imagery(
    imagery: ImagerySource | None,
    places: Sequence[Place],
    geometry: StripGeometry,
    summary: ReferenceSummary,
    progress: ProgressCallback,
) -> None:
    """Fetch the imagery of places ahead; what fails is counted in ``summary``.

    A source that fails as a whole is counted once: its places go on without imagery.

    Raises:
        InputError: The run's limit of requests or bytes is reached.
        Cancelled: The user asked to stop.
    """
    if not isinstance(imagery, OnlineImagery):
        return
    centers = [place.lonlat for place in places]
    try:
        failed = imagery.prepare(
            centers,
            geometry.footprint_m,
            geometry.satellite_px,
            lambda done, total: progress(Progress(IMAGERY_STAGE, done, total)),
        )
    except ProviderError as err:
        failed = [err]
    for error in failed:
        summary.add_failure(imagery.terms.provider, str(error), error.reason)


def prefetch_views(
    client: HttpClient,
    views: Iterable[StreetView],
    summary: ReferenceSummary,
    progress: ProgressCallback,
) -> None:
    """Fetch the images of online street views ahead, each once a run; local ones are passed over.

    What fails is counted in ``summary``.

    Raises:
        InputError: The run's limit of requests or bytes is reached.
        Cancelled: The user asked to stop.
    """
    known = summary.fetched_views
    online = [view for view in views if view.remote is not None and view.view_id not in known]
    known.update(view.view_id for view in online)

    def fetch(view: StreetView) -> None:
        if view.remote is not None:
            view.remote.read()

    results = client.map(
        fetch, online, lambda done, total: progress(Progress(VIEWS_STAGE, done, total))
    )
    for view, result in zip(online, results, strict=True):
        if isinstance(result, ProviderError):
            summary.add_view_failure(view, str(result), result.reason)
