"""Open pictures by their date, from OpenAerialMap, disaster programmes or any STAC catalogue."""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyproj
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from model_core.errors import ImageryError, InputError, ProviderError
from model_core.references.http import HttpClient
from model_core.references.imagery.base import OnlineImagery
from model_core.references.imagery.cog import CogImagery, estimate_parts
from model_core.references.imagery.mosaic import overlaid
from model_core.references.imagery.stac_items import MOST_ITEMS, Bounds, Catalogue, Picture
from model_core.references.imagery.stated import (
    DATE_OPTION,
    OFFSET_OPTIONS,
    TERMS_OPTIONS,
    UNSTATED_LICENCE,
    date_choice,
    shifted,
    stated_terms,
)
from model_core.references.imagery.template import Address, read_address
from model_core.references.source import FetchPlan, KnownSource, SourceContext, SourceText
from model_core.references.terms import may_cache
from model_core.references.workers import Done
from model_core.types import LonLat, SatelliteImage, SourceTerms, until_cancelled

log = logging.getLogger(__name__)

OPENAERIALMAP_URL = "https://api.imagery.hotosm.org/stac"
OLDER_OPENAERIALMAP_URL = "https://api.openaerialmap.org/meta"

_CELLS_PER_DEGREE = 20
_SEARCH_BYTES = 100_000
_WGS84 = pyproj.Geod(ellps="WGS84")

_Opener = Callable[[SourceText, SourceContext], OnlineImagery]

Cell = tuple[int, int]
"""Column and row of a search: catalogues are asked for squares of a twentieth of a degree."""


class StacImagery:
    """North-up satellite images from the pictures of a catalogue, the best one on top.

    A picture that fails is passed over for the next one; only where none is left that is an error.
    """

    def __init__(self, client: HttpClient, catalogue: Catalogue) -> None:
        self._client = client
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._found: dict[Cell, list[Picture]] = {}
        self._opened: dict[str, CogImagery] = {}

    @property
    def terms(self) -> SourceTerms:
        """Those of the catalogue; every image carries those of its picture."""
        return self._catalogue.terms

    @property
    def picture_terms(self) -> tuple[SourceTerms, ...]:
        """Those of the pictures that were opened so far."""
        with self._lock:
            return tuple(dict.fromkeys(one.terms for one in self._opened.values()))

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, or None where the catalogue has no picture.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.

        Raises:
            ProviderError: The catalogue failed, or all pictures of the place did.
        """
        failures: list[ProviderError] = []
        image = overlaid(one for _, one in self._images(center, footprint_m, size_px, failures))
        if image is None and failures:
            raise failures[0]
        return replace(image, failed=True) if image is not None and failures else image

    def plan(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
        """Return an estimate of what has to be fetched; nothing is asked.

        It is exact for pictures that were opened in this run.
        """
        watched = until_cancelled(centers, self._client.is_cancelled)
        cells = {cell for center in watched for cell in _cells(center, footprint_m)}
        unknown = {cell for cell in cells if cell not in self._found}
        if unknown:
            searches = FetchPlan(len(unknown), len(unknown) * _SEARCH_BYTES)
            return searches + estimate_parts(centers, footprint_m, size_px)
        total = FetchPlan()
        for picture, places in self._assigned(centers, footprint_m):
            total += self._imagery(picture).plan(places, footprint_m, size_px)
        return total

    def prepare(
        self,
        centers: Sequence[LonLat],
        footprint_m: float,
        size_px: int,
        done: Done | None = None,
    ) -> list[ProviderError]:
        """Search the catalogue and fetch the parts of the pictures that all places need.

        Returns:
            What failed, of single searches and pictures.

        Raises:
            ProviderError: The catalogue could not be searched at all.
            Cancelled: The user asked to stop.
        """
        cells = sorted({cell for center in centers for cell in _cells(center, footprint_m)})
        searched = self._client.map(self._search, cells)
        failures = [one for one in searched if isinstance(one, ProviderError)]
        if failures and len(failures) == len(cells):
            raise failures[0]
        missing = {cell for cell in cells if cell not in self._found}
        reachable = [
            center for center in centers if missing.isdisjoint(_cells(center, footprint_m))
        ]
        found = self._client.map(
            lambda one: self._parts(*one, footprint_m, size_px),
            self._assigned(reachable, footprint_m),
        )
        failures += [one for one in found if isinstance(one, ProviderError)]
        needed = [part for one in found if not isinstance(one, ProviderError) for part in one]
        fetched = self._client.map(lambda one: one[0].fetch(one[1]), needed, done)
        return failures + [one for one in fetched if isinstance(one, ProviderError)]

    def save(
        self, folder: Path, centers: Sequence[LonLat], footprint_m: float, size_px: int
    ) -> Path:
        """Write what the places need of every picture, the best one first by name, with its terms.

        Returns:
            The folder, which reads like the catalogue's pictures.

        Raises:
            InputError: The terms forbid storing, or there is no picture of any place.
            ProviderError: The catalogue or all of its pictures failed.
        """
        may_cache(self.terms)
        failures = self.prepare(centers, footprint_m, size_px)
        used: dict[str, tuple[Picture, list[LonLat]]] = {}
        for center in centers:
            images = _noted(self._images(center, footprint_m, size_px, failures), center, used)
            overlaid(images)
        if not used and failures:
            raise failures[0]
        if not used:
            raise ImageryError(f"{self.terms.provider}: has no imagery there; nothing is saved")
        if failures:
            log.warning("%s lacks what could not be had: %s", folder, failures[0])
        ranked = sorted(used.values(), key=lambda one: self._catalogue.rank(one[0]))
        for number, (picture, places) in enumerate(ranked):
            name = re.sub(r"[^A-Za-z0-9_-]+", "_", picture.picture_id)[:60]
            path = folder / f"{number:03d}-{name}.tif"
            self._imagery(picture).save_as(path, places, footprint_m, size_px)
        return folder

    def _images(
        self,
        center: LonLat,
        footprint_m: float,
        size_px: int,
        failures: list[ProviderError],
    ) -> Iterator[tuple[Picture, SatelliteImage]]:
        """Yield the images of a place, the best picture first; what fails is noted."""
        for picture in self._pictures(center, footprint_m):
            try:
                image = self._imagery(picture).read(center, footprint_m, size_px, 0.0)
            except (ProviderError, ImageryError) as err:
                failures.append(_as_provider_error(picture, err))
                continue
            if image is not None:
                yield picture, image

    def _parts(
        self, picture: Picture, places: list[LonLat], footprint_m: float, size_px: int
    ) -> list[tuple[CogImagery, int]]:
        imagery = self._imagery(picture)
        try:
            return [(imagery, part) for part in imagery.parts(places, footprint_m, size_px)]
        except ImageryError as err:
            raise _as_provider_error(picture, err) from err

    def _imagery(self, picture: Picture) -> CogImagery:
        with self._lock:
            if picture.url not in self._opened:
                address = read_address(self.terms.provider, picture.url)
                self._opened[picture.url] = CogImagery(
                    self._client, address, picture.terms, captured_at=picture.captured_at
                )
            return self._opened[picture.url]

    def _search(self, cell: Cell) -> list[Picture]:
        """Return the pictures of a square, searched once a run."""
        if cell not in self._found:
            column, row = cell
            west, south = column / _CELLS_PER_DEGREE, row / _CELLS_PER_DEGREE
            east, north = (column + 1) / _CELLS_PER_DEGREE, (row + 1) / _CELLS_PER_DEGREE
            bounds: Bounds = (west, south, east, north)
            pictures, is_cut = self._catalogue.search(bounds)
            if is_cut:
                log.warning(
                    "%s: more than %d pictures near %.2f, %.2f; say a date to see the others",
                    self.terms.provider,
                    MOST_ITEMS,
                    west,
                    south,
                )
            self._found[cell] = pictures
        return self._found[cell]

    def _pictures(self, center: LonLat, footprint_m: float) -> list[Picture]:
        """Return the pictures that touch a place's footprint, the best first."""
        outline = _footprint(center, footprint_m)
        found = {
            picture.url: picture
            for cell in _cells(center, footprint_m)
            for picture in self._search(cell)
            if picture.outline.intersects(outline)
        }
        return sorted(found.values(), key=self._catalogue.rank)

    def _assigned(
        self, centers: Sequence[LonLat], footprint_m: float
    ) -> list[tuple[Picture, list[LonLat]]]:
        """Return the pictures that the places will need, each with its places.

        As many pictures for a place as cover it by their outlines.
        """
        found: dict[str, tuple[Picture, list[LonLat]]] = {}
        for center in until_cancelled(centers, self._client.is_cancelled):
            bare: BaseGeometry = _footprint(center, footprint_m)
            for picture in self._pictures(center, footprint_m):
                found.setdefault(picture.url, (picture, []))[1].append(center)
                bare = bare.difference(picture.outline)
                if bare.is_empty:
                    break
        return list(found.values())


def _noted(
    images: Iterator[tuple[Picture, SatelliteImage]],
    center: LonLat,
    used: dict[str, tuple[Picture, list[LonLat]]],
) -> Iterator[SatelliteImage]:
    """Yield images and note which pictures a place took them from."""
    for picture, image in images:
        used.setdefault(picture.url, (picture, []))[1].append(center)
        yield image


def _as_provider_error(picture: Picture, err: ProviderError | ImageryError) -> ProviderError:
    """Return the error of a remote picture: whatever is wrong with it is its provider's."""
    if isinstance(err, ProviderError):
        return err
    return ProviderError(f"{picture.terms.provider}: {err}", reason="unusable picture")


def _footprint(center: LonLat, footprint_m: float) -> BaseGeometry:
    """Return the rectangle of degrees around a place's image."""
    reach = footprint_m / 2.0
    lon, lat, _ = _WGS84.fwd(
        [center.lon] * 4, [center.lat] * 4, [0.0, 90.0, 180.0, 270.0], [reach] * 4
    )
    return box(min(lon), min(lat), max(lon), max(lat))


def _cells(center: LonLat, footprint_m: float) -> list[Cell]:
    """Return the squares that a place's image touches."""
    west, south, east, north = _footprint(center, footprint_m).bounds
    columns, rows = (
        range(math.floor(low * _CELLS_PER_DEGREE), math.floor(high * _CELLS_PER_DEGREE) + 1)
        for low, high in ((west, east), (south, north))
    )
    return [(column, row) for column in columns for row in rows]


def _open_stac(text: SourceText, context: SourceContext) -> StacImagery:
    """Return the source of a ``stac`` text."""
    url = text.required("url")
    collections = tuple(
        one.strip() for one in text.options.get("collection", "").split(",") if one.strip()
    )
    address = read_address("stac", url, context.keys.get("stac", ""))
    terms = stated_terms(text, f"STAC {', '.join(collections)}".strip())
    return _make(text, context, address, collections, terms)


def _opener(collection: str, known: SourceTerms, older: str = "") -> _Opener:
    """Return the maker of a source that is one collection of a known catalogue."""

    def make(text: SourceText, context: SourceContext) -> StacImagery:
        address = read_address(text.name, text.options.get("url", OPENAERIALMAP_URL))
        older_url = text.options.get("older_url", older) if older else ""
        return _make(text, context, address, (collection,), known, older_url)

    return make


def _make(
    text: SourceText,
    context: SourceContext,
    address: Address,
    collections: tuple[str, ...],
    terms: SourceTerms,
    older: str = "",
) -> StacImagery:
    max_gsd_m = text.number("max_gsd", math.inf)
    if not max_gsd_m > 0:
        raise InputError(f"{text.name}: max_gsd is {max_gsd_m:g}; give metres a pixel, such as 0.5")
    catalogue = Catalogue(
        client=context.client,
        address=address,
        collections=collections,
        terms=terms,
        choice=date_choice(text),
        max_gsd_m=max_gsd_m,
        asset=text.options.get("asset", ""),
        older=older,
    )
    return StacImagery(context.client, catalogue)


_CHOICE_OPTIONS: Mapping[str, str] = {
    **DATE_OPTION,
    "max_gsd": "metres on the ground that a pixel may have at most",
    "asset": "name of the asset that is read, the coloured one if not given",
    "url": "address of the STAC catalogue",
}

_NON_COMMERCIAL = "CC BY-NC 4.0"


def _programme(name: str, title: str, known: SourceTerms, older: str = "") -> KnownSource:
    options = {**_CHOICE_OPTIONS, **OFFSET_OPTIONS}
    if older:
        options["older_url"] = "address that is asked where the catalogue fails"
    return KnownSource(
        name=name,
        title=title,
        kind="imagery",
        terms=known,
        open=shifted(_opener(name, known, older)),
        example=f"{name}|date=before:2024-01-01|max_gsd=0.5",
        options=options,
    )


SOURCES: tuple[KnownSource, ...] = (
    _programme(
        "openaerialmap",
        "OpenAerialMap: open drone, aerial and satellite pictures",
        SourceTerms("OpenAerialMap", "CC BY 4.0", "OpenAerialMap contributors"),
        OLDER_OPENAERIALMAP_URL,
    ),
    _programme(
        "maxar-opendata",
        "Maxar Open Data: satellite pictures around disasters",
        SourceTerms("Maxar Open Data", _NON_COMMERCIAL, "Maxar Technologies", trainable=False),
    ),
    _programme(
        "vantor-opendata",
        "Vantor Open Data: satellite pictures around disasters",
        SourceTerms("Vantor Open Data", _NON_COMMERCIAL, "Vantor", trainable=False),
    ),
    _programme(
        "noaa-emergency-response",
        "NOAA Emergency Response: aerial pictures after storms",
        SourceTerms("NOAA Emergency Response", "public domain", "NOAA National Geodetic Survey"),
    ),
    KnownSource(
        name="stac",
        title="GeoTIFFs of a STAC catalogue",
        kind="imagery",
        terms=SourceTerms("STAC", UNSTATED_LICENCE, trainable=False),
        open=shifted(_open_stac),
        key="optional",
        key_help="Stands for {key} in the address.",
        example="stac|url=https://stac.example.org|collection=ortho|date=newest",
        options={
            "collection": "collections, separated by commas; all if not given",
            **_CHOICE_OPTIONS,
            **TERMS_OPTIONS,
            **OFFSET_OPTIONS,
        },
    ),
)
