"""Satellite images from Google's Static Maps, one request a place, never stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine

from model_core.errors import InputError, ProviderError
from model_core.references.bodies import BodyCheck, image_body
from model_core.references.google_key import GoogleKey
from model_core.references.http import HttpClient
from model_core.references.imagery.pyramid import HALF_WORLD_M, TO_MERCATOR, RgbaTile, decode_tile
from model_core.references.imagery.resample import resample, sampling_grid
from model_core.references.imagery.stated import OFFSET_OPTIONS, shifted
from model_core.references.source import FetchPlan, KnownSource, SourceContext, SourceText
from model_core.references.terms import may_cache
from model_core.references.web import HttpRequest
from model_core.references.workers import Done
from model_core.types import (
    ImageU8,
    LonLat,
    MaskArray,
    SatelliteImage,
    SourceTerms,
    until_cancelled,
)

STATIC_MAPS_URL = "https://maps.googleapis.com/maps/api/staticmap"
TERMS = SourceTerms(
    "Google Maps",
    licence="Google Maps Platform Terms of Service",
    attribution="Map data and imagery (c) Google",
    cacheable=False,
    trainable=False,
    displayable_beside_map=False,
)
LARGEST_PX = 640
"""Greatest width that the service draws, before ``scale`` doubles its pixels."""

_MAX_ZOOM = 21
_TYPICAL_BYTES_PX = 1.2
_EDGE_PX = 1.0
"""A little more than the footprint, whose edge is no straight line in the map's projection."""


@dataclass(frozen=True)
class MapView:
    """One picture of the service: its zoom, width in map pixels, and image pixels per map pixel."""

    zoom: int
    width_px: int
    scale: int

    @property
    def image_px(self) -> int:
        """Width and height of the picture."""
        return self.width_px * self.scale


def choose_view(latitude_deg: float, footprint_m: float, size_px: int) -> MapView:
    """Return the coarsest view that is still fine enough, else the finest that holds a footprint.

    Its width is that of the footprint, so that the provider's logo at its lower edge stays in the
    picture.

    Raises:
        InputError: No zoom holds the footprint.
    """
    views = []
    for zoom in range(_MAX_ZOOM + 1):
        map_px_m = 2.0 * HALF_WORLD_M / (256 << zoom) * math.cos(math.radians(latitude_deg))
        width_px = math.ceil(footprint_m / map_px_m + 2.0 * _EDGE_PX)
        if width_px <= LARGEST_PX:
            views += [(map_px_m / scale, MapView(zoom, width_px, scale)) for scale in (1, 2)]
    if not views:
        raise InputError(f"google-maps: a footprint of {footprint_m:g} m is too large")
    views.sort(key=lambda one: -one[0])
    return next((view for px_m, view in views if px_m <= footprint_m / size_px), views[-1][1])


class GoogleMapsImagery:
    """North-up satellite images from Static Maps; kept in memory for the run and nowhere else.

    Args:
        client: Fetches.
        key: The API key, or ``key:secret`` with the secret that signs addresses.
        url: Of the service.
    """

    terms = TERMS

    def __init__(self, client: HttpClient, key: str, url: str = STATIC_MAPS_URL) -> None:
        self._client = client
        self._key = GoogleKey.parse("google-maps", key)
        self._url = url

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        """Return the image centred on a place, or None where there is none.

        Args:
            center: The place.
            footprint_m: Ground width in metres, in the plane tangent at the place.
            size_px: Width and height of the image.

        Raises:
            ProviderError: The service failed or refused.
        """
        view = choose_view(center.lat, footprint_m, size_px)
        reply = self._client.get(self._request(center, view), self.terms)
        pixels = None if reply is None else decode_tile(reply.body)
        if pixels is None:
            return None
        px_m = 2.0 * HALF_WORLD_M / (256 << view.zoom) / view.scale
        x, y = TO_MERCATOR.transform(center.lon, center.lat)
        half_m = view.image_px / 2.0 * px_m
        pixel_of_mercator = ~Affine(px_m, 0.0, x - half_m, 0.0, -px_m, y + half_m)
        grid = sampling_grid(center, footprint_m, TO_MERCATOR, pixel_of_mercator)
        found = resample([_Picture(pixels)], grid, size_px)
        if found is None:
            return None
        return SatelliteImage(found[0], found[1], footprint_m, center, self.terms)

    def plan(self, centers: Sequence[LonLat], footprint_m: float, size_px: int) -> FetchPlan:
        """Return one request a place that was not asked in this run; nothing is asked."""
        total = FetchPlan()
        for center in until_cancelled(dict.fromkeys(centers), self._client.is_cancelled):
            view = choose_view(center.lat, footprint_m, size_px)
            if not self._client.is_kept(self._request(center, view), self.terms):
                total += FetchPlan(1, round(view.image_px**2 * _TYPICAL_BYTES_PX))
        return total

    def prepare(
        self,
        centers: Sequence[LonLat],
        footprint_m: float,
        size_px: int,
        done: Done | None = None,
    ) -> list[ProviderError]:
        """Fetch the pictures of all places and return what failed.

        Raises:
            Cancelled: The user asked to stop.
        """
        wanted = [
            self._request(center, choose_view(center.lat, footprint_m, size_px))
            for center in dict.fromkeys(centers)
        ]
        results = self._client.map(lambda one: self._client.get(one, self.terms), wanted, done)
        return [one for one in results if isinstance(one, ProviderError)]

    def save(
        self, folder: Path, centers: Sequence[LonLat], footprint_m: float, size_px: int
    ) -> Path:
        """Refuse: the service's terms forbid storing.

        Raises:
            InputError: Always.
        """
        may_cache(self.terms)
        return folder

    def _request(self, center: LonLat, view: MapView) -> HttpRequest:
        """Return the request of a picture, signed where there is a secret to sign with."""
        params = (
            ("center", f"{center.lat:.7f},{center.lon:.7f}"),
            ("zoom", str(view.zoom)),
            ("size", f"{view.width_px}x{view.width_px}"),
            ("scale", str(view.scale)),
            ("maptype", "satellite"),
            ("format", "png"),
        )
        return HttpRequest(
            self._url,
            params,
            secret_params=self._key.params(self._url, params),
            check=_picture_body(view.image_px),
        )


@dataclass(frozen=True)
class _Picture:
    """A picture as the only level of a pyramid."""

    pixels: RgbaTile
    scale: tuple[float, float] = (1.0, 1.0)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def read_window(
        self, row: int, column: int, rows: int, columns: int
    ) -> tuple[ImageU8, MaskArray | None]:
        """Return uint8 (rows, columns, 3); all of its pixels count."""
        part = self.pixels[row : row + rows, column : column + columns, :3]
        return np.ascontiguousarray(part), None


def _picture_body(side_px: int) -> BodyCheck:
    """Return the check for a picture of the size that was asked for."""

    def check(body: bytes) -> None:
        image_body(body)
        pixels = decode_tile(body)
        if pixels is None or pixels.shape[:2] != (side_px, side_px):
            raise ProviderError(
                f"sent no picture of {side_px} x {side_px} pixels", reason="damaged image"
            )

    return check


def _open(text: SourceText, context: SourceContext) -> GoogleMapsImagery:
    """Return the source of a ``google-maps`` text."""
    return GoogleMapsImagery(
        context.client, context.key("google-maps"), text.options.get("url", STATIC_MAPS_URL)
    )


GOOGLE_MAPS = KnownSource(
    name="google-maps",
    title="Google Maps satellite images (Static Maps)",
    kind="imagery",
    terms=TERMS,
    open=shifted(_open),
    key="required",
    key_help="API key of a project with the Maps Static API; or key:secret to sign addresses.",
    notice="Every place is one request that Google charges to your key. Google's terms forbid "
    "storing the images, training on them and showing them beside other maps.",
    example="google-maps",
    options={"url": "address of the service", **OFFSET_OPTIONS},
)

SOURCES: tuple[KnownSource, ...] = (GOOGLE_MAPS,)
