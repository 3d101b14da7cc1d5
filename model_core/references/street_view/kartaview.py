"""Street views of KartaView, mostly of dashboards: photos near the points of a lattice."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from model_core.errors import InputError, ProviderError, StreetViewError
from model_core.references.bodies import image_body, read_json
from model_core.references.source import KnownSource, SourceContext, SourceText
from model_core.references.street_view.online import (
    Ask,
    Item,
    ListedStreetViews,
    RemotePhoto,
    degrees_of,
    lattice_over,
    lonlat_of,
)
from model_core.references.web import HttpRequest
from model_core.types import Area, LonLat, SourceTerms, StreetView

URL = "https://kartaview.org"
IMAGES_URL = "https://cdn.kartaview.org/pr:sharp"
TERMS = SourceTerms(
    provider="KartaView",
    licence="CC BY-SA 4.0",
    attribution="KartaView contributors, CC BY-SA 4.0",
)
HEADING_SIGMA_DEG = 20.0

_RADIUS_M = 100.0  # a wider circle takes the server longer than it is waited for
_PAGE_ITEMS = 500
_MOST_PAGES = 200
_STEP_OF_RADIUS = 1.41
_DONE, _EMPTY = "600", "601"
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


class KartaViewViews(ListedStreetViews[LonLat]):
    """Street views of KartaView.

    Args:
        context: The client.
        url: Of the API's server.
        images_url: Of the server that hands out images, by the base 64 of where they are stored.
        radius_m: Of the circles that are asked for.
        page_items: How many photos are asked for at once.
    """

    views_a_km2 = 500.0
    image_bytes = 150_000

    def __init__(
        self,
        context: SourceContext,
        url: str = URL,
        images_url: str = IMAGES_URL,
        radius_m: float = _RADIUS_M,
        page_items: int = _PAGE_ITEMS,
    ) -> None:
        super().__init__(context.client, TERMS)
        self._url = url.rstrip("/")
        self._images_url = images_url.rstrip("/")
        self._radius_m = radius_m
        self._page_items = page_items

    def _parts(self, area: Area, margin_m: float) -> list[LonLat]:
        return lattice_over(area, margin_m, self._radius_m * _STEP_OF_RADIUS)

    def _list(self, part: LonLat, ask: Ask) -> Iterator[tuple[str, Item]]:
        """Yield the photos around a point, page by page."""
        for page in range(1, _MOST_PAGES + 1):
            form = {
                "lat": f"{part.lat:.6f}",
                "lng": f"{part.lon:.6f}",
                "radius": f"{self._radius_m:.0f}",
                "ipp": str(self._page_items),
                "page": str(page),
            }
            request = HttpRequest(
                f"{self._url}/1.0/list/nearby-photos/",
                headers=_FORM,
                method="POST",
                body=urlencode(form).encode(),
                check=_list_body,
            )
            items = read_json(ask(request).body).get("currentPageItems") or []
            yield from ((str(item["id"]), item) for item in items)
            if len(items) < self._page_items:
                return

    def _views(self, item_id: str, item: Item) -> list[StreetView]:
        name = str(item.get("lth_name") or item.get("name") or "").lstrip("/")
        if not name:
            raise StreetViewError("no image is offered for it")
        request = HttpRequest(self._image_address(name), check=image_body)
        captured_at = item.get("shot_date") or item.get("date_added")
        return [
            StreetView(
                view_id=f"kartaview/{item_id}",
                path=Path(f"kartaview/{item_id}.jpg"),
                lonlat=lonlat_of(item["lng"], item["lat"]),
                projection="perspective",
                heading_deg=_heading_deg(item),
                fov_deg=None,
                terms=self.terms,
                captured_at=datetime.fromisoformat(str(captured_at)) if captured_at else None,
                heading_sigma_deg=HEADING_SIGMA_DEG,
                sequence=str(item.get("sequence_id") or ""),
                remote=RemotePhoto(self.client, request, self.terms),
            )
        ]

    def _image_address(self, name: str) -> str:
        """Return the address of an image: its place of storage, as the image server wants it."""
        folder, _, rest = name.partition("/")
        stored = (
            f"https://{folder}.openstreetcam.org/{rest}"
            if folder.startswith("storage")
            else f"{URL}/{name}"
        )
        encoded = base64.urlsafe_b64encode(stored.encode()).decode().rstrip("=")
        return f"{self._images_url}/{encoded}"


def open_kartaview(text: SourceText, context: SourceContext) -> KartaViewViews:
    """Return the source that a text names.

    Raises:
        InputError: An option has no such value.
    """
    radius_m = text.number("radius_m", _RADIUS_M)
    if not 10.0 <= radius_m <= 1000.0:
        raise InputError(f"kartaview: option radius_m is {radius_m:g}; choose 10 to 1000 metres")
    limit = text.number("limit", _PAGE_ITEMS)
    if not 1 <= limit <= 1000:
        raise InputError(f"kartaview: option limit is {limit:g}; choose 1 to 1000")
    return KartaViewViews(
        context,
        text.options.get("url", URL),
        text.options.get("images_url", IMAGES_URL),
        radius_m,
        int(limit),
    )


def _list_body(body: bytes) -> None:
    """Return where a body lists photos; the code inside decides, not that of HTTP.

    Raises:
        ProviderError: It is an error, or something else.
    """
    answer = read_json(body)
    status = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(status, dict) or "apiCode" not in status:
        raise ProviderError("sent JSON without a status; check the option url", reason="no list")
    code, said = str(status["apiCode"]), str(status.get("apiMessage") or "no reason said")
    if code == _DONE or (code == _EMPTY and "empty" in said.lower()):
        return
    is_transient = str(status.get("httpCode", "")).startswith(("5", "429"))
    raise ProviderError(
        f"refuses with code {code} ({said})", reason=f"code {code}", transient=is_transient
    )


def _heading_deg(item: Item) -> float | None:
    """Return the heading that a phone told, None where it told none."""
    told = item.get("heading")
    return None if str(told).startswith("-") else degrees_of(told)


SOURCES: tuple[KnownSource, ...] = (
    KnownSource(
        name="kartaview",
        title="KartaView",
        kind="street_view",
        terms=TERMS,
        open=open_kartaview,
        example="kartaview",
        options={
            "url": f"address of the API's server; {URL} if left out",
            "images_url": f"address of the image server; {IMAGES_URL} if left out",
            "radius_m": f"radius of the circles that are looked through; {_RADIUS_M:.0f}",
            "limit": f"photos a page, up to 1000; {_PAGE_ITEMS} if left out",
        },
    ),
)
