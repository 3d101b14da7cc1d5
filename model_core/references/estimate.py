"""What a run would fetch and how long it would take, told before anything is fetched.

Roads and street views of online sources are not known before they are asked, so their numbers are
assumed from what cities hold; the notes say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from model_core.config import LocateConfig, PlaceConfig, StripGeometry
from model_core.errors import AreaError
from model_core.references.area import LocalFrame, read_area
from model_core.references.catalogue import (
    find_source,
    open_imagery_source,
    open_roads,
    open_street_view_source,
)
from model_core.references.http import HttpClient
from model_core.references.imagery.base import OnlineImagery
from model_core.references.places import MAX_PLACES, lay_places
from model_core.references.roads import OnlineRoads
from model_core.references.source import FetchPlan, SourceContext, SourceKind
from model_core.references.street_view import OnlineStreetViews, StreetViewSource
from model_core.references.survey import Sources, place_config
from model_core.references.web import NetworkAccess
from model_core.types import (
    Area,
    CancelCheck,
    LonLat,
    Place,
    StreetView,
    never_cancelled,
)

ROAD_KM_A_KM2 = 18.0
"""Roads and footways of a dense city a square kilometre."""

REQUEST_S = 0.25
"""A request with its round trip, as providers answer."""

BYTES_A_SECOND = 3e6
PLACE_S = 0.06
"""Aligning and encoding one place on two processor cores with the packaged model."""

LOOKS = 8
"""Points beside a place that it is looked at again from; those of ``gallery.around``."""

LOOK_S = 0.01
"""Encoding a place once more, from a point beside it."""

MADE_VIEW_S = 0.03
"""Making a street view from a satellite image with the packaged model."""

VIEW_S = 0.15
"""Local features of one street view, once, and its comparison."""


@dataclass(frozen=True)
class SourcePlan:
    """What one source would be asked for."""

    source: str
    kind: SourceKind
    plan: FetchPlan


@dataclass(frozen=True)
class Estimate:
    """Places, requests, bytes and seconds of a run; ``notes`` say what was assumed."""

    places: int
    seconds: float
    sources: tuple[SourcePlan, ...] = ()
    over_limit: str = ""
    notes: tuple[str, ...] = ()

    @property
    def plan(self) -> FetchPlan:
        """All sources together."""
        return sum((one.plan for one in self.sources), FetchPlan())


def estimate_run(
    area: str,
    sources: Sources,
    config: LocateConfig,
    geometry: StripGeometry,
    photos: int = 1,
    cancel: CancelCheck = never_cancelled,
) -> Estimate:
    """Return what a run would fetch and take; nothing is asked of the network.

    Args:
        area: Bounds or a vector file.
        sources: Where references would come from.
        config: Of the run.
        geometry: Footprint and pixels of the satellite images.
        photos: How many would be located.
        cancel: Asked at every place, more than once.

    Raises:
        InputError: The area or a source cannot be used.
        Cancelled: The user asked to stop.
    """
    sources = sources.unpacked()
    where = read_area(area)
    context = SourceContext(HttpClient(config.network, sources.access, cancel), _any_key(sources))
    notes: list[str] = []
    view_sources = [open_street_view_source(text, context) for text in sources.street_views]
    views = list(_local_views(where, view_sources, config))
    centers = _centers(where, sources, context, config, views, notes)
    plans = list(_plans(where, sources, context, view_sources, centers, geometry, config))
    total = sum((one.plan for one in plans), FetchPlan())
    if any(one.kind == "street_view" for one in plans):
        notes.append("the number of street views is assumed from what cities hold")
    fetch_s = total.requests * REQUEST_S / config.network.connections + total.bytes / BYTES_A_SECOND
    seen = len(views) + sum(one.plan.requests for one in plans if one.kind == "street_view")
    tried = seen if config.verification.budget_views is None else config.verification.budget_views
    compared_s = VIEW_S * min(seen, tried * photos) + 0.02 * photos * min(seen, tried)
    return Estimate(
        places=len(centers),
        seconds=fetch_s + compared_s + _retrieval_s(len(centers), sources, config, photos),
        sources=tuple(plans),
        over_limit=_over_limit(total, sources.access),
        notes=tuple(notes),
    )


def _retrieval_s(places: int, sources: Sources, config: LocateConfig, photos: int) -> float:
    """Return how long places take to encode, and to look at from beside, seconds."""
    if not config.use_retrieval:
        return 0.0
    looked_at = min(places, config.search.beside_places * photos)
    looks = LOOKS * looked_at if sources.imagery is not None else 0
    made = places + looks if config.street_view.policy == "synthetic" else 0
    return PLACE_S * places + LOOK_S * looks + MADE_VIEW_S * made


def _any_key(sources: Sources) -> dict[str, str]:
    """Return keys for every source named: an estimate asks nothing, so none has to be right."""
    names = [text.partition("|")[0] for text in (sources.imagery or "", *sources.street_views)]
    return {name: sources.keys.get(name, "none") for name in names}


def _local_views(
    area: Area, view_sources: list[StreetViewSource], config: LocateConfig
) -> Iterator[StreetView]:
    for source in view_sources:
        if not isinstance(source, OnlineStreetViews):
            yield from source.find(area, config.street_view.max_distance_m)


def _centers(
    area: Area,
    sources: Sources,
    context: SourceContext,
    config: LocateConfig,
    views: list[StreetView],
    notes: list[str],
) -> list[LonLat]:
    """Return where the places would be; about where, with roads that are not here yet."""
    if sources.roads is not None and find_source(sources.roads, "roads") is not None:
        notes.append(f"roads are assumed: {ROAD_KM_A_KM2:g} km a square kilometre")
        return _spread(area, config.places)
    roads = None if sources.roads is None else open_roads(sources.roads, context).read(area)
    laid = place_config(config.places, sources.imagery is not None or roads is not None)
    try:
        places: list[Place] = lay_places(area, roads, laid, views, context.client.is_cancelled)
    except AreaError:
        if views or sources.imagery is not None:
            raise
        notes.append("places lie where the street views stand, which are not known yet")
        return _spread(area, config.places)
    return [place.lonlat for place in places]


def _spread(area: Area, config: PlaceConfig) -> list[LonLat]:
    """Return as many points as roads of a dense city would give places, evenly over the area."""
    frame = LocalFrame(area.center_lonlat)
    flat = frame.project(area.geometry)
    count = round(flat.area / 1e6 * ROAD_KM_A_KM2 * 1000.0 / config.spacing_m)
    count = min(max(1, count), MAX_PLACES)  # no run takes more
    step_m = max(1.0, (flat.area / count) ** 0.5)
    west, south, east, north = flat.bounds
    x_m, y_m = np.meshgrid(
        np.arange(west + step_m / 2, east + step_m / 2, step_m),
        np.arange(south + step_m / 2, north + step_m / 2, step_m),
    )
    inside = shapely.contains_xy(flat, x_m.ravel(), y_m.ravel())
    lon, lat = frame.to_lonlat(x_m.ravel()[inside], y_m.ravel()[inside])
    points = [LonLat(*point) for point in zip(lon.tolist(), lat.tolist(), strict=True)]
    return points or [area.center_lonlat]


def _plans(
    area: Area,
    sources: Sources,
    context: SourceContext,
    view_sources: list[StreetViewSource],
    centers: list[LonLat],
    geometry: StripGeometry,
    config: LocateConfig,
) -> Iterator[SourcePlan]:
    if sources.imagery is not None:
        imagery = open_imagery_source(sources.imagery, context)
        if isinstance(imagery, OnlineImagery):
            plan = imagery.plan(centers, geometry.footprint_m, geometry.satellite_px)
            yield SourcePlan(imagery.terms.provider, "imagery", plan)
    for source in view_sources:
        if isinstance(source, OnlineStreetViews):
            plan = source.plan(area, config.street_view.max_distance_m)
            yield SourcePlan(source.terms.provider, "street_view", plan)
    if sources.roads is not None:
        roads = open_roads(sources.roads, context)
        if isinstance(roads, OnlineRoads):
            yield SourcePlan(roads.terms.provider, "roads", roads.plan(area))


def _over_limit(plan: FetchPlan, access: NetworkAccess) -> str:
    if access.max_requests and plan.requests > access.max_requests:
        return (
            f"about {plan.requests} requests would pass the limit of {access.max_requests}; "
            "make the area smaller or raise the limit"
        )
    if access.max_bytes and plan.bytes > access.max_bytes:
        return (
            f"about {plan.bytes / 1e6:.0f} MB would pass the limit of "
            f"{access.max_bytes / 1e6:.0f} MB; make the area smaller or raise the limit"
        )
    return ""
