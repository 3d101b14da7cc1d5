"""What an area holds before any photo is looked at: places, imagery, street views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from model_core.config import LocateConfig, PlaceConfig
from model_core.errors import AreaError, ProviderError
from model_core.references.area import LocalFrame, read_area
from model_core.references.availability import StreetViewIndex, assign_views, is_available
from model_core.references.catalogue import (
    open_imagery_source,
    open_roads,
    open_street_view_source,
)
from model_core.references.collect import ReferenceSummary, find_street_views
from model_core.references.http import HttpClient
from model_core.references.imagery import ImagerySource
from model_core.references.imagery.shifted import ShiftedImagery
from model_core.references.imagery.stac import StacImagery
from model_core.references.pack import read_pack
from model_core.references.places import lay_places
from model_core.references.source import SourceContext
from model_core.references.street_view import StreetViewSource
from model_core.references.web import NetworkAccess
from model_core.types import (
    Area,
    CancelCheck,
    LonLat,
    Place,
    Progress,
    ProgressCallback,
    SourceTerms,
    StreetView,
    ignore_progress,
    never_cancelled,
)


@dataclass(frozen=True)
class Sources:
    """Where an area's references come from: paths, or texts of known sources.

    ``pack`` is a folder that a fetch wrote; it stands for what is not named. ``keys`` are API keys
    by source name.
    """

    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()
    pack: Path | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    access: NetworkAccess = NetworkAccess()

    def unpacked(self) -> Sources:
        """Return the sources with what the pack holds in the place of what is not named.

        Raises:
            InputError: The folder is no pack.
        """
        if self.pack is None:
            return self
        packed = read_pack(self.pack)
        return replace(
            self,
            imagery=self.imagery or packed.imagery,
            roads=self.roads or packed.roads,
            street_views=self.street_views or packed.street_views,
            pack=None,
        )


@dataclass(frozen=True)
class Survey:
    """An area, its places and its sources.

    ``views_of_place`` lists, for every place in row order, the street views that stand nearest to
    it, so that every street view of the area belongs to one place. ``client`` is the run's way to
    the network.
    """

    area: Area
    places: tuple[Place, ...]
    imagery: ImagerySource | None
    street_view_sources: tuple[StreetViewSource, ...]
    views: StreetViewIndex
    views_of_place: tuple[tuple[StreetView, ...], ...]
    sources: Sources
    client: HttpClient
    roads: tuple[BaseGeometry, ...] | None = None
    roads_terms: SourceTerms | None = None
    summary: ReferenceSummary = field(default_factory=ReferenceSummary)

    @property
    def terms(self) -> tuple[SourceTerms, ...]:
        """Terms of every source and, where they differ, of its single views; imagery first."""
        imagery = () if self.imagery is None else (self.imagery.terms,)
        roads = () if self.roads_terms is None else (self.roads_terms,)
        views = tuple(view.terms for view in self.views.views)
        named = tuple(source.terms for source in self.street_view_sources)
        return tuple(dict.fromkeys((*imagery, *named, *views, *roads)))

    @property
    def used_terms(self) -> tuple[SourceTerms, ...]:
        """The same, with those of the single pictures that a catalogue's images were made of."""
        imagery = self.imagery.imagery if isinstance(self.imagery, ShiftedImagery) else self.imagery
        pictures = imagery.picture_terms if isinstance(imagery, StacImagery) else ()
        return tuple(dict.fromkeys((*self.terms, *pictures)))

    @property
    def may_be_kept(self) -> bool:
        """Whether every source lets what is made of its references stay on disk."""
        return all(terms.cacheable for terms in self.terms)


def survey_area(
    area: str,
    sources: Sources,
    config: LocateConfig,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> Survey:
    """Return what an area holds; of online sources what is where, no picture yet.

    With neither imagery nor roads the places are where the street views stand: a grid would add
    places of which nothing is known. Online roads that fail leave the grid, and are counted.

    Args:
        area: Bounds "west,south,east,north" or a vector file.
        sources: Where references come from.
        config: How places are laid, how far street views may be, the network's limits.
        progress: Told what is being looked for.
        cancel: Asked while the network is, and at every place.

    Raises:
        AreaError: The area is empty, or nothing at all is known of it.
        ImageryError: The raster cannot serve.
        StreetViewError: A folder or table cannot serve.
        InputError: A source is unknown or its key is missing.
        Cancelled: The user asked to stop.
    """
    sources = sources.unpacked()
    if sources.imagery is None and not sources.street_views:
        raise AreaError(
            "neither imagery nor street views were given, so no place can be compared; "
            "name a raster with --imagery, or street views with --street-views, or both"
        )
    where = read_area(area)
    client = HttpClient(config.network, sources.access, cancel)
    context = SourceContext(client, sources.keys)
    summary = ReferenceSummary()
    imagery = None if sources.imagery is None else open_imagery_source(sources.imagery, context)
    view_sources = tuple(open_street_view_source(text, context) for text in sources.street_views)
    progress(Progress("survey", 0, 2, "street views"))
    reach_m = config.street_view.max_distance_m
    views = find_street_views(where, view_sources, reach_m, summary)
    progress(Progress("survey", 1, 2, "roads"))
    roads, roads_terms = _roads(where, sources.roads, context, summary)
    laid = place_config(config.places, imagery is not None or roads is not None)
    places = lay_places(where, roads, laid, views.views, cancel)
    progress(Progress("survey", 2, 2, f"{len(places)} places"))
    assigned = assign_views(places, views, reach_m)
    return Survey(
        area=where,
        places=tuple(places),
        imagery=imagery,
        street_view_sources=view_sources,
        views=views,
        views_of_place=tuple(tuple(found) for found in assigned),
        sources=sources,
        client=client,
        roads=None if roads is None else tuple(roads),
        roads_terms=roads_terms,
        summary=summary,
    )


def _roads(
    area: Area, text: str | None, context: SourceContext, summary: ReferenceSummary
) -> tuple[Sequence[BaseGeometry] | None, SourceTerms | None]:
    """Return the roads' lines and their source's terms, None where there are none."""
    if text is None:
        return None, None
    source = open_roads(text, context)
    try:
        return source.read(area), source.terms
    except ProviderError as err:
        summary.add_failure(source.terms.provider, str(err), err.reason)
        return None, None


def place_config(config: PlaceConfig, is_mapped: bool) -> PlaceConfig:
    """Return how places are laid: no grid of itself where neither imagery nor roads are known."""
    if config.grid == "auto" and not is_mapped:
        return replace(config, grid="never")
    return config


def available_view_ids(
    survey: Survey, photo_date: datetime | None, config: LocateConfig
) -> frozenset[str]:
    """Return the street views that may serve a photo taken at a date; all where it has none.

    Photos with the same answer share a gallery. Under the policy "nearest" no photo's date matters.
    """
    date = None if config.street_view.policy == "nearest" else photo_date
    return frozenset(
        view.view_id for view in survey.views.views if is_available(view, date, config.street_view)
    )


def square_around(area: Area) -> tuple[LonLat, float]:
    """Return the centre and the side in metres of the square that holds the area."""
    west, south, east, north = area.geometry.bounds
    center = LonLat((west + east) / 2, (south + north) / 2)
    x_m, y_m = LocalFrame(center).to_xy([west, east, west, east], [south, south, north, north])
    return center, 2.0 * max(abs(float(v)) for v in (*x_m, *y_m))
