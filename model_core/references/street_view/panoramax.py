"""Street views of Panoramax, any instance of it: found by a STAC search, licensed by item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from model_core.errors import InputError, ProviderError, StreetViewError
from model_core.references.bodies import image_body, read_json
from model_core.references.source import KnownSource, SourceContext, SourceText
from model_core.references.street_view.online import (
    Ask,
    Box,
    Item,
    ListedStreetViews,
    RemotePhoto,
    boxes_over,
    degrees_of,
    lonlat_of,
)
from model_core.references.terms import licence_allows_training
from model_core.references.web import HttpRequest
from model_core.types import Area, SourceTerms, StreetView

URL = "https://api.panoramax.xyz/api"
TERMS = SourceTerms(
    provider="Panoramax",
    licence="by item, mostly Licence Ouverte 2.0 or CC BY-SA 4.0",
    attribution="Panoramax contributors",
)
ASSETS = ("sd", "hd", "thumb")

# Of a panorama the azimuth is mostly the way that a vehicle drove, of a photo a phone's compass.
PANORAMA_SIGMA_DEG = 10.0
PHOTO_SIGMA_DEG = 20.0

_MAX_BOX_DEG = 0.01
_SMALLEST_BOX_DEG = 0.0001
_PAGE_ITEMS = 500
_FULL_CIRCLE_DEG = 350.0
_WIDEST_PHOTO_DEG = 170.0


class PanoramaxViews(ListedStreetViews[Box]):
    """Street views of one instance.

    Args:
        context: The client.
        url: Of the API, without ``/search``.
        assets: Which size is fetched: ``sd`` (2048 pixels wide), ``hd`` or ``thumb``.
        datetime_: Only items of this time, in STAC's words; empty: of all times.
        page_items: How many items are asked for at once.
    """

    views_a_km2 = 300.0
    image_bytes = 500_000

    def __init__(
        self,
        context: SourceContext,
        url: str = URL,
        assets: str = "sd",
        datetime_: str = "",
        page_items: int = _PAGE_ITEMS,
    ) -> None:
        super().__init__(context.client, TERMS)
        self._url = url.rstrip("/")
        self._assets = assets
        self._datetime = datetime_
        self._page_items = page_items

    def _parts(self, area: Area, margin_m: float) -> list[Box]:
        return boxes_over(area, margin_m, _MAX_BOX_DEG)

    def _list(self, part: Box, ask: Ask) -> Iterator[tuple[str, Item]]:
        """Yield the items of a box, page by page; one full page without a next is split."""
        params = [("bbox", part.text), ("limit", str(self._page_items))]
        if self._datetime:
            params.append(("datetime", self._datetime))
        request = HttpRequest(f"{self._url}/search", tuple(params), check=_search_body)
        seen = {request.label}
        while True:
            page = read_json(ask(request).body)
            items = page["features"]
            address = _next_page(page)
            is_cut = address is None and len(items) >= self._page_items
            if is_cut and part.east - part.west > _SMALLEST_BOX_DEG:
                for quarter in part.quarters:
                    yield from self._list(quarter, ask)
                return
            yield from ((str(item["id"]), item) for item in items)
            if address is None:
                return
            request = HttpRequest(urljoin(request.url, address), check=_search_body)
            if request.label in seen:
                raise ProviderError(
                    f"{self.terms.provider}: {self._url}: its pages go round in a circle",
                    reason="endless pages",
                )
            seen.add(request.label)

    def _views(self, item_id: str, item: Item) -> list[StreetView]:
        properties = item["properties"]
        optics = properties.get("pers:interior_orientation") or {}
        fov_deg = _positive(optics.get("field_of_view"))
        is_sphere = (properties.get("exif") or {}).get(
            "Xmp.GPano.ProjectionType"
        ) == "equirectangular"
        is_panorama = is_sphere if fov_deg is None else fov_deg >= _FULL_CIRCLE_DEG
        if not is_panorama and fov_deg is not None and fov_deg > _WIDEST_PHOTO_DEG:
            raise StreetViewError(f"a part of a panorama, {fov_deg:.0f} degrees wide, cannot serve")
        terms = _terms_of(item)
        address = _asset_address(item, self._assets)
        request = HttpRequest(urljoin(f"{self._url}/", address), check=image_body)
        captured_at = properties.get("datetime")
        return [
            StreetView(
                view_id=f"panoramax/{item_id}",
                path=Path(f"panoramax/{item_id}.jpg"),
                lonlat=lonlat_of(*item["geometry"]["coordinates"][:2]),
                projection="equirectangular" if is_panorama else "perspective",
                heading_deg=degrees_of(properties.get("view:azimuth")),
                fov_deg=360.0 if is_panorama else fov_deg,
                terms=terms,
                captured_at=None if not captured_at else datetime.fromisoformat(captured_at),
                heading_sigma_deg=PANORAMA_SIGMA_DEG if is_panorama else PHOTO_SIGMA_DEG,
                sequence=str(item.get("collection") or ""),
                remote=RemotePhoto(self.client, request, terms),
            )
        ]


def open_panoramax(text: SourceText, context: SourceContext) -> PanoramaxViews:
    """Return the source that a text names.

    Raises:
        InputError: An option has no such value.
    """
    assets = text.options.get("assets", "sd")
    if assets not in ASSETS:
        raise InputError(f"panoramax: option assets is {assets!r}; choose {', '.join(ASSETS)}")
    limit = text.number("limit", _PAGE_ITEMS)
    if not 1 <= limit <= 10_000:
        raise InputError(f"panoramax: option limit is {limit:g}; choose 1 to 10000")
    return PanoramaxViews(
        context,
        text.options.get("url", URL),
        assets,
        text.options.get("datetime", ""),
        int(limit),
    )


def _search_body(body: bytes) -> None:
    """Return where a body is a list of items.

    Raises:
        ProviderError: It is something else.
    """
    page = read_json(body)
    if not isinstance(page, dict) or not isinstance(page.get("features"), list):
        raise ProviderError("sent JSON that lists no items; check the option url", reason="no list")


def _next_page(page: Any) -> str | None:
    links = page.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next" and link.get("href"):
            return str(link["href"])
    return None


def _terms_of(item: Item) -> SourceTerms:
    """Return an item's own licence and providers; only an open licence lets it be learnt from."""
    licence = str(item["properties"].get("license") or "").strip()
    names: dict[str, str] = {}
    for provider in item.get("providers") or ():
        name = str(provider.get("name") or "").strip()
        if name:
            names[name.casefold()] = name
    who = ", ".join(names.values()) or "contributors"
    return replace(
        TERMS,
        licence=licence or "not said",
        attribution=f"{who} on Panoramax" + (f", {licence}" if licence else ""),
        trainable=licence_allows_training(licence),
    )


def _asset_address(item: Item, wanted: str) -> str:
    """Return the address of the image in a size, in the next best where that is missing."""
    assets = item.get("assets") or {}
    for name in (wanted, *ASSETS):
        if name in assets and assets[name].get("href"):
            return str(assets[name]["href"])
    raise StreetViewError("no image is offered for it")


def _positive(value: Any) -> float | None:
    number = float(value) if isinstance(value, (int, float)) else 0.0
    return number if 0.0 < number <= 360.0 else None


SOURCES: tuple[KnownSource, ...] = (
    KnownSource(
        name="panoramax",
        title="Panoramax",
        kind="street_view",
        terms=TERMS,
        open=open_panoramax,
        example="panoramax|assets=sd",
        options={
            "url": f"address of an instance's API; {URL} if left out",
            "assets": "size of the images: sd (2048 pixels wide), hd or thumb",
            "datetime": "only images of this time: 2023-01-01T00:00:00Z/2023-12-31T00:00:00Z",
            "limit": f"items a page; {_PAGE_ITEMS} if left out",
        },
    ),
)
