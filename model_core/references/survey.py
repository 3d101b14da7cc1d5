"""What an area holds before any photo is looked at: places, imagery, street views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from model_core.config import LocateConfig, PlaceConfig
from model_core.errors import AreaError
from model_core.references.area import LocalFrame, read_area
from model_core.references.availability import StreetViewIndex, assign_views, is_available
from model_core.references.collect import ReferenceSummary, find_street_views
from model_core.references.imagery import ImagerySource, open_imagery
from model_core.references.places import lay_places
from model_core.references.street_view import FolderStreetViews, StreetViewSource
from model_core.types import Area, LonLat, Place, SourceTerms, StreetView


@dataclass(frozen=True)
class Survey:
    """An area, its places and its sources.

    ``views_of_place`` lists, for every place in row order, the street views that stand nearest to
    it, so that every street view of the area belongs to one place.
    """

    area: Area
    places: tuple[Place, ...]
    imagery: ImagerySource | None
    street_view_sources: tuple[StreetViewSource, ...]
    views: StreetViewIndex
    views_of_place: tuple[tuple[StreetView, ...], ...]
    imagery_path: Path | None = None
    summary: ReferenceSummary = field(default_factory=ReferenceSummary)

    @property
    def terms(self) -> tuple[SourceTerms, ...]:
        """Terms of every source, imagery first."""
        imagery = () if self.imagery is None else (self.imagery.terms,)
        return imagery + tuple(source.terms for source in self.street_view_sources)


def survey_area(
    area: str,
    imagery: Path | None,
    roads: Path | None,
    street_views: Sequence[Path],
    config: LocateConfig,
) -> Survey:
    """Return what an area holds.

    With neither imagery nor roads the places are where the street views stand: a grid would add
    places of which nothing is known.

    Args:
        area: Bounds "west,south,east,north" or a vector file.
        imagery: A raster or a folder of tiles.
        roads: A vector file of lines.
        street_views: Folders and tables.
        config: How places are laid and how far street views may be.

    Raises:
        AreaError: The area is empty, or nothing at all is known of it.
        ImageryError: The raster cannot serve.
        StreetViewError: A folder or table cannot serve.
    """
    if imagery is None and not street_views:
        raise AreaError(
            "neither imagery nor street views were given, so no place can be compared; "
            "name a raster with --imagery, or street views with --street-views, or both"
        )
    where = read_area(area)
    source = None if imagery is None else open_imagery(imagery)
    sources = tuple(FolderStreetViews(path) for path in street_views)
    summary = ReferenceSummary()
    reach_m = config.street_view.max_distance_m
    views = find_street_views(where, sources, reach_m, summary)
    laid = _place_config(config.places, source is not None or roads is not None)
    places = lay_places(where, roads, laid, views.views)
    assigned = assign_views(places, views, reach_m)
    return Survey(
        area=where,
        places=tuple(places),
        imagery=source,
        street_view_sources=sources,
        views=views,
        views_of_place=tuple(tuple(found) for found in assigned),
        imagery_path=imagery,
        summary=summary,
    )


def _place_config(config: PlaceConfig, is_mapped: bool) -> PlaceConfig:
    if config.grid == "auto" and not is_mapped:
        return replace(config, grid="never")
    return config


def available_view_ids(
    survey: Survey, photo_date: datetime | None, config: LocateConfig
) -> frozenset[str]:
    """Return the street views that may serve a photo taken at a date; all where it has none.

    Photos with the same answer share a gallery.
    """
    return frozenset(
        view.view_id
        for view in survey.views.views
        if is_available(view, photo_date, config.street_view)
    )


def square_around(area: Area) -> tuple[LonLat, float]:
    """Return the centre and the side in metres of the square that holds the area."""
    west, south, east, north = area.geometry.bounds
    center = LonLat((west + east) / 2, (south + north) / 2)
    x_m, y_m = LocalFrame(center).to_xy([west, east, west, east], [south, south, north, north])
    return center, 2.0 * max(abs(float(v)) for v in (*x_m, *y_m))
