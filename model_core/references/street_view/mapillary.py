"""Street views of Mapillary, version 4 of its API, with a token of the user's own.

The addresses of images expire, so they live in memory only: what is kept of a listing holds none,
and an image whose address has gone is asked for by its id.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from model_core.errors import InputError, ProviderError, StreetViewError
from model_core.references.bodies import image_body, read_json
from model_core.references.cache import Reply
from model_core.references.http import ABSENT
from model_core.references.source import KnownSource, SourceContext, SourceText
from model_core.references.street_view.online import (
    LISTING_EXPIRES_S,
    Ask,
    Box,
    Item,
    ListedStreetViews,
    boxes_over,
    degrees_of,
    gone,
    lonlat_of,
)
from model_core.references.web import HttpRequest
from model_core.types import Area, LonLat, SourceTerms, StreetView

NAME = "mapillary"
URL = "https://graph.mapillary.com"
TERMS = SourceTerms(
    provider="Mapillary",
    licence="CC BY-SA 4.0",
    attribution="Mapillary contributors, CC BY-SA 4.0",
)
SIZES_PX = (256, 1024, 2048)

# On a recorded drive due north the phone's angles are 15 to 32 degrees off. Computed ones are
# within 3 where the reconstruction adjusted the lens; elsewhere they repeat the phone's.
COMPUTED_SIGMA_DEG = 8.0
RAW_SIGMA_DEG = 25.0
_REPEATED_WITHIN_DEG = 1.0

_MAX_BOX_DEG = 0.0099
_SMALLEST_BOX_DEG = 0.0001
_PAGE_ITEMS = 1000
_MOST_ITEMS = 2000
_WIDEST_FISHEYE_DEG = 100.0
_WIDEST_PHOTO_DEG = 170.0
_FIELDS = (
    "id",
    "captured_at",
    "compass_angle",
    "computed_compass_angle",
    "computed_geometry",
    "geometry",
    "camera_type",
    "camera_parameters",
    "exif_orientation",
    "is_pano",
    "width",
    "height",
    "sequence",
    "quality_score",
)
_SPHERES = ("equirectangular", "spherical")
_EXPIRED = ("HTTP 403", "HTTP 410")
_TOO_MUCH = "too much at once"
_LIMIT_CODES = (4, 17, 32, 613)
_TOKEN_CODE = 190


class MapillaryViews(ListedStreetViews[Box]):
    """Street views of Mapillary.

    Args:
        context: The client and the keys.
        url: Of the API.
        size_px: Width of the images that are fetched, 256, 1024 or 2048.
        page_items: At most so many images are listed at once; a fuller box is split.
    """

    views_a_km2 = 2000.0
    image_bytes = 400_000

    def __init__(
        self,
        context: SourceContext,
        url: str = URL,
        size_px: int = 2048,
        page_items: int = _PAGE_ITEMS,
    ) -> None:
        super().__init__(context.client, TERMS)
        self.size_px = size_px
        self.addresses: dict[str, str] = {}
        self._url = url.rstrip("/")
        self._page_items = page_items
        self._token = context.key(NAME)

    def ask_address(self, image_id: str) -> str:
        """Return the present address of an image.

        Raises:
            ProviderError: The source failed, or has the image no more.
        """
        field = f"thumb_{self.size_px}_url"
        request = self._request(image_id, (("fields", field),))
        reply = self.client.get(request, _IN_MEMORY)
        address = None if reply is None else read_json(reply.body).get(field)
        if not address:
            raise gone(self.terms, request)
        self.addresses[image_id] = str(address)
        return str(address)

    def _request(self, path: str, params: tuple[tuple[str, str], ...]) -> HttpRequest:
        return HttpRequest(
            f"{self._url}/{path}",
            params,
            secret_headers=(("Authorization", f"OAuth {self._token}"),),
            check=_graph_body,
            explain=_explain,
        )

    def _parts(self, area: Area, margin_m: float) -> list[Box]:
        return boxes_over(area, margin_m, _MAX_BOX_DEG)

    def _list(self, part: Box, ask: Ask) -> Iterator[tuple[str, Item]]:
        """Yield the images of a box; one that holds too many is asked for in quarters."""
        fields = ",".join((*_FIELDS, f"thumb_{self.size_px}_url"))
        limit = str(self._page_items)
        request = self._request(
            "images", (("bbox", part.text), ("fields", fields), ("limit", limit))
        )
        may_split = part.east - part.west > _SMALLEST_BOX_DEG
        try:
            images = read_json(ask(request).body)["data"]
        except ProviderError as err:
            if err.reason != _TOO_MUCH or not may_split:
                raise
            images = None
        if may_split and (images is None or len(images) >= self._page_items):
            for quarter in part.quarters:
                yield from self._list(quarter, ask)
        else:
            yield from ((str(image["id"]), image) for image in images or ())

    def _ask(self, request: HttpRequest) -> Reply:
        """Return a listing without addresses; those are remembered apart."""

        def make() -> bytes:
            reply = self.client.get(request, _IN_MEMORY)
            if reply is None:
                raise ProviderError(
                    f"{self.terms.provider}: {request.label}: nothing is there (HTTP 404); "
                    "check the option url",
                    reason="HTTP 404",
                )
            return self._without_addresses(reply.body)

        return self.client.make(_kept_name(request), self.terms, make, LISTING_EXPIRES_S)

    def _ask_what_is_kept(self, request: HttpRequest) -> Reply:
        return super()._ask_what_is_kept(_kept_name(request))

    def _without_addresses(self, body: bytes) -> bytes:
        listing = read_json(body)
        for image in listing["data"]:
            for field in [name for name in image if name.endswith("_url")]:
                self.addresses[str(image["id"])] = str(image.pop(field))
        return json.dumps(listing).encode()

    def _views(self, item_id: str, item: Item) -> list[StreetView]:
        is_panorama = bool(item.get("is_pano")) or item.get("camera_type") in _SPHERES
        heading_deg, sigma_deg = _heading(item)
        captured_ms = item.get("captured_at")
        return [
            StreetView(
                view_id=f"{NAME}/{item_id}",
                path=Path(f"{NAME}/{item_id}.jpg"),
                lonlat=_position(item),
                projection="equirectangular" if is_panorama else "perspective",
                heading_deg=heading_deg,
                fov_deg=360.0 if is_panorama else _fov_deg(item),
                terms=self.terms,
                captured_at=None
                if captured_ms is None
                else datetime.fromtimestamp(float(captured_ms) / 1000.0, tz=UTC),
                heading_sigma_deg=sigma_deg,
                sequence=str(item.get("sequence") or ""),
                remote=_MapillaryImage(self, item_id),
            )
        ]


@dataclass(frozen=True)
class _MapillaryImage:
    """An image named by its id, wherever it lies today."""

    source: MapillaryViews
    image_id: str

    def is_kept(self) -> bool:
        """Return whether it is here already."""
        return self.source.client.is_kept(self._request(""), self.source.terms)

    def read(self) -> bytes:
        """Return the image file's bytes; an address that has expired is asked for once more.

        Raises:
            ProviderError: The source failed, or has the image no more.
        """
        source = self.source
        kept = source.client.kept(self._request(""), source.terms)
        if kept is not None and kept.status not in ABSENT:
            return kept.body
        try:
            return self._fetch(
                source.addresses.get(self.image_id) or source.ask_address(self.image_id)
            )
        except ProviderError as err:
            if err.reason not in _EXPIRED:
                raise
        return self._fetch(source.ask_address(self.image_id))

    def _request(self, address: str) -> HttpRequest:
        name = f"{NAME} image {self.image_id}, {self.source.size_px} px"
        return HttpRequest(address, name=name, check=image_body)

    def _fetch(self, address: str) -> bytes:
        request = self._request(address)
        reply = self.source.client.get(request, self.source.terms)
        if reply is None:
            raise gone(self.source.terms, request)
        return reply.body


def open_mapillary(text: SourceText, context: SourceContext) -> MapillaryViews:
    """Return the source that a text names.

    Raises:
        InputError: There is no token, or an option has no such value.
    """
    size_px = text.number("size", 2048)
    if size_px not in SIZES_PX:
        sizes = ", ".join(str(size) for size in SIZES_PX)
        raise InputError(f"mapillary: option size is {size_px:g}; choose {sizes}")
    limit = text.number("limit", _PAGE_ITEMS)
    if not 2 <= limit <= _MOST_ITEMS:
        raise InputError(f"mapillary: option limit is {limit:g}; choose 2 to {_MOST_ITEMS}")
    return MapillaryViews(context, text.options.get("url", URL), int(size_px), int(limit))


def _kept_name(request: HttpRequest) -> HttpRequest:
    """Return the name under which a listing is kept without addresses."""
    return replace(request, name=f"{request.label}, addresses left out")


def _graph_body(body: bytes) -> None:
    """Return where a body is what the API answers.

    Raises:
        ProviderError: It is an error under status 200, or something else.
    """
    answer = read_json(body)
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        raise _explain(body) or ProviderError(
            f"refuses ({error.get('message', 'for no reason said')})",
            reason=f"error {error.get('code', '')}".strip(),
            transient=bool(error.get("is_transient")),
        )
    if not isinstance(answer, dict) or not ("id" in answer or isinstance(answer.get("data"), list)):
        raise ProviderError(
            "sent JSON that lists no images; check the option url", reason="no list"
        )


def _explain(body: bytes) -> ProviderError | None:
    """Return what an error body says where that matters more than the status that it came with."""
    try:
        error = json.loads(body)["error"]
        code, message = error.get("code"), str(error.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if code == _TOKEN_CODE:
        return ProviderError(
            f"refuses the key ({message}); check it in the settings", reason="key refused"
        )
    if code in _LIMIT_CODES:
        return ProviderError(f"asks to slow down ({message})", reason="rate limit", transient=True)
    if "reduce the amount of data" in message:
        return ProviderError(f"holds too much there ({message})", reason=_TOO_MUCH)
    return None


def _position(item: Item) -> LonLat:
    """Return where an image was taken, as reconstructed where that is known."""
    for field in ("computed_geometry", "geometry"):
        geometry = item.get(field)
        if geometry:
            return lonlat_of(*geometry["coordinates"][:2])
    raise StreetViewError("has no position")


def _heading(item: Item) -> tuple[float | None, float]:
    """Return the azimuth of an image's centre, as reconstructed where that is known, its spread."""
    computed_deg = degrees_of(item.get("computed_compass_angle"))
    raw = item.get("compass_angle")
    raw_deg = None if isinstance(raw, (int, float)) and raw < 0 else degrees_of(raw)
    if computed_deg is None:
        return raw_deg, RAW_SIGMA_DEG
    lens = item.get("camera_parameters") or ()
    is_adjusted = len(lens) < 2 or any(lens[1:])
    is_repeated = raw_deg is not None and (
        abs((computed_deg - raw_deg + 180.0) % 360.0 - 180.0) < _REPEATED_WITHIN_DEG
    )
    return computed_deg, COMPUTED_SIGMA_DEG if is_adjusted and not is_repeated else RAW_SIGMA_DEG


def _fov_deg(item: Item) -> float | None:
    """Return the horizontal field of view; the focal length is relative to the larger side."""
    parameters = item.get("camera_parameters") or ()
    focal = float(parameters[0]) if parameters else 0.0
    width, height = float(item.get("width") or 0), float(item.get("height") or 0)
    if int(item.get("exif_orientation") or 1) >= 5:
        width, height = height, width
    if focal <= 0.0 or width <= 0.0 or height <= 0.0:
        return None
    half_width = width / max(width, height) / 2.0
    if item.get("camera_type") == "fisheye":
        fov_deg = math.degrees(2.0 * half_width / focal)
        if fov_deg > _WIDEST_FISHEYE_DEG:
            raise StreetViewError(f"a fisheye photo of {fov_deg:.0f} degrees cannot serve")
        return fov_deg
    fov_deg = math.degrees(2.0 * math.atan(half_width / focal))
    return fov_deg if fov_deg <= _WIDEST_PHOTO_DEG else None


_IN_MEMORY = replace(TERMS, cacheable=False)

SOURCES: tuple[KnownSource, ...] = (
    KnownSource(
        name=NAME,
        title="Mapillary",
        kind="street_view",
        terms=TERMS,
        open=open_mapillary,
        key="required",
        key_help="a client access token, free of charge, from mapillary.com/dashboard/developers",
        example="mapillary|size=2048",
        options={
            "url": f"address of the API; {URL} if left out",
            "size": "width of the images in pixels: 2048, 1024 or 256",
            "limit": f"images listed at once, up to {_MOST_ITEMS}; {_PAGE_ITEMS} if left out",
        },
    ),
)
