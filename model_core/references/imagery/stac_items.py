"""Pictures that a catalogue lists for an area: STAC items, and what OpenAerialMap told before."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import shapely
from pystac_client import ItemSearch
from pystac_client.stac_api_io import StacApiIO
from shapely.errors import ShapelyError
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry

from model_core.errors import ProviderError
from model_core.references.bodies import json_body, read_json
from model_core.references.http import HttpClient
from model_core.references.imagery.stated import DateChoice
from model_core.references.imagery.template import Address
from model_core.references.terms import licence_allows_training
from model_core.references.web import HttpRequest
from model_core.types import SourceTerms

log = logging.getLogger(__name__)

Bounds = tuple[float, float, float, float]
"""West, south, east and north in degrees."""

MOST_ITEMS = 1000
_PAGE_ITEMS = 100
_SEARCH_EXPIRES_S = 3600.0
_ASSET_NAMES = ("visual", "cog", "image", "rgb", "data")
_VAGUE_LICENCES = frozenset({"", "other", "proprietary", "various", "none"})


@dataclass(frozen=True)
class Picture:
    """One georeferenced picture of a catalogue, in the words of this project.

    ``outline`` is where it has pixels, in degrees; ``gsd_m`` the size of its pixels on the ground,
    None where that is not said.
    """

    picture_id: str
    url: str
    outline: BaseGeometry
    terms: SourceTerms
    captured_at: datetime | None = None
    gsd_m: float | None = None


class ClientIO(StacApiIO):
    """Lets pystac-client ask through this project's own HTTP client."""

    def __init__(self, client: HttpClient, address: Address, terms: SourceTerms) -> None:
        super().__init__()
        self._client = client
        self._address = address
        self._terms = terms

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        """Return what an address of the web or a link to one says."""
        href = str(getattr(source, "href", source))
        if urlsplit(href).scheme not in ("http", "https"):
            raise ProviderError(
                f"{self._terms.provider}: the catalogue refers to {href!r}, no address of the web",
                reason="wrong address",
            )
        return super().read_text(source, *args, **kwargs)

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Return the body of a reply; secrets go to the catalogue's own host only.

        Raises:
            ProviderError: The catalogue failed.
        """
        request = self.make_request(href, method, headers, parameters)
        reply = self._client.get(request, self._terms, _SEARCH_EXPIRES_S)
        if reply is None:
            raise ProviderError(
                f"{self._terms.provider}: there is no catalogue at {request.label}; "
                "check the address",
                reason="no such catalogue",
            )
        return reply.body.decode("utf-8")

    def make_request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> HttpRequest:
        """Return the request that stands for a call of pystac-client."""
        is_body = (method or "GET").upper() == "POST"
        fields = {name: str(value) for name, value in (headers or {}).items()}
        if is_body:
            fields["Content-Type"] = "application/json"
        request = HttpRequest(
            href,
            params=() if is_body else _query(parameters or {}),
            headers=tuple(sorted(fields.items())),
            method="POST" if is_body else "GET",
            body=json.dumps(parameters or {}, sort_keys=True).encode() if is_body else b"",
            check=json_body,
        )
        if request.host == urlsplit(self._address.url).netloc:
            request = replace(
                request,
                secret_params=self._address.secret_params,
                secret_headers=self._address.secret_headers,
            )
        return request


@dataclass(frozen=True)
class Catalogue:
    """A STAC API, and which of its pictures are wanted.

    ``older`` is an address of OpenAerialMap's own older interface, asked where STAC fails.
    """

    client: HttpClient
    address: Address
    collections: tuple[str, ...]
    terms: SourceTerms
    choice: DateChoice
    max_gsd_m: float | None = None
    asset: str = ""
    older: str = ""

    def search(self, bounds: Bounds) -> tuple[list[Picture], bool]:
        """Return the pictures in a box, the best first, and whether there are more than that.

        Raises:
            ProviderError: The catalogue failed.
        """
        try:
            items = list(self._items(bounds))
        except ProviderError as err:
            if not self.older:
                raise
            try:
                items = list(self._older_items(bounds))
            except ProviderError:
                raise err from None
        found = [picture for item in items for picture in self._pictures(item)]
        found.sort(key=self.rank)
        return found, len(items) >= MOST_ITEMS

    def rank(self, picture: Picture) -> tuple[float, float, str]:
        """Return what pictures are sorted by: their date, then the finest first."""
        when = self.choice.rank(picture.captured_at)
        return when, picture.gsd_m or math.inf, picture.picture_id

    def _items(self, bounds: Bounds) -> Iterator[Mapping[str, Any]]:
        url = self.address.url.rstrip("/")
        search = ItemSearch(
            url if url.endswith("/search") else f"{url}/search",
            method="GET",
            max_items=MOST_ITEMS,
            limit=_PAGE_ITEMS,
            stac_io=ClientIO(self.client, self.address, self.terms),
            collections=list(self.collections) or None,
            bbox=list(bounds),
            datetime=self.choice.interval(),
        )
        try:
            yield from search.items_as_dicts()
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            raise ProviderError(
                f"{self.terms.provider}: its answer is no list of STAC items ({err!r})",
                reason="wrong type",
            ) from err

    def _older_items(self, bounds: Bounds) -> Iterator[Mapping[str, Any]]:
        """Yield what the older interface of OpenAerialMap lists, shaped like STAC items."""
        page, seen = 1, 0
        while seen < MOST_ITEMS:
            params = {"bbox": ",".join(f"{one:.6f}" for one in bounds), "limit": str(_PAGE_ITEMS)}
            request = HttpRequest(
                self.older, tuple({**params, "page": str(page)}.items()), check=json_body
            )
            reply = self.client.get(request, self.terms, _SEARCH_EXPIRES_S)
            answer = {} if reply is None else read_json(reply.body)
            results = answer.get("results", []) if isinstance(answer, dict) else []
            for one in results:
                yield _as_item(one)
            seen += len(results)
            if len(results) < _PAGE_ITEMS:
                return
            page += 1

    def _pictures(self, item: Mapping[str, Any]) -> Iterator[Picture]:
        """Yield the picture of an item if it has one and is wanted."""
        properties = _mapping(item.get("properties"))
        asset = self._choose_asset(_mapping(item.get("assets")))
        outline = _outline(item)
        if asset is None or outline is None:
            return
        captured_at = _moment(properties.get("datetime") or properties.get("start_datetime"))
        gsd_m = _positive(properties.get("gsd") or asset.get("gsd"))
        if not self.choice.allows(captured_at):
            return
        if self.max_gsd_m is not None and gsd_m is not None and gsd_m > self.max_gsd_m:
            return
        url = _web_address(str(asset["href"]), item, self.address.url)
        if url:
            terms = self._terms_of(item, properties)
            yield Picture(str(item.get("id", url)), url, outline, terms, captured_at, gsd_m)

    def _choose_asset(self, assets: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the asset that shows colours, among those that are GeoTIFFs."""
        rasters = {
            name: asset
            for name, asset in assets.items()
            if isinstance(asset, Mapping) and _is_geotiff(asset)
        }
        if self.asset:
            return rasters.get(self.asset)
        for name in _ASSET_NAMES:
            if name in rasters:
                return rasters[name]
        for role in ("visual", "data"):
            for asset in rasters.values():
                if role in (asset.get("roles") or ()):
                    return asset
        return None

    def _terms_of(self, item: Mapping[str, Any], properties: Mapping[str, Any]) -> SourceTerms:
        licence = str(properties.get("license") or "")
        if licence.lower() in _VAGUE_LICENCES:
            licence = next((_licence_of(link) for link in _links(item, "license")), "")
        licence = licence or self.terms.licence
        names = [
            str(one["name"])
            for one in properties.get("providers") or ()
            if isinstance(one, Mapping) and one.get("name")
        ]
        attribution = ", ".join(dict.fromkeys(names)) or str(
            properties.get("oam:producer_name") or self.terms.attribution
        )
        allowed = licence_allows_training(licence)
        if licence == self.terms.licence:
            allowed = self.terms.trainable
        return replace(
            self.terms,
            provider=f"{self.terms.provider} {item.get('id', '')}".strip(),
            licence=licence,
            attribution=attribution,
            trainable=allowed,
        )


def _query(parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (
            name,
            ",".join(str(one) for one in value) if isinstance(value, list | tuple) else str(value),
        )
        for name, value in parameters.items()
    )


def _as_item(result: Any) -> Mapping[str, Any]:
    """Return a result of OpenAerialMap's older interface as a STAC item."""
    result = _mapping(result)
    properties = _mapping(result.get("properties"))
    return {
        "id": result.get("_id", ""),
        "bbox": result.get("bbox"),
        "geometry": result.get("geojson"),
        "properties": {
            "datetime": result.get("acquisition_end") or result.get("acquisition_start"),
            "gsd": result.get("gsd"),
            "license": properties.get("license") or "",
            "providers": [{"name": result["provider"]}] if result.get("provider") else [],
        },
        "assets": {"visual": {"href": result.get("uuid", ""), "type": "image/tiff"}},
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _links(item: Mapping[str, Any], relation: str) -> list[Mapping[str, Any]]:
    links = item.get("links")
    return [
        one
        for one in (links if isinstance(links, list) else ())
        if isinstance(one, Mapping) and one.get("rel") == relation and one.get("href")
    ]


def _licence_of(link: Mapping[str, Any]) -> str:
    """Return the name of the licence that a link leads to."""
    href = str(link["href"])
    parts = [part for part in urlsplit(href).path.split("/") if part]
    if "creativecommons.org" in href and len(parts) >= 2:
        return "CC0" if "zero" in parts else f"CC {parts[1].upper()} {''.join(parts[2:3])}".strip()
    return str(link.get("title") or href)


def _is_geotiff(asset: Mapping[str, Any]) -> bool:
    href = str(asset.get("href") or "")
    return bool(href) and (
        "tiff" in str(asset.get("type") or "").lower()
        or urlsplit(href).path.lower().endswith((".tif", ".tiff"))
    )


def _outline(item: Mapping[str, Any]) -> BaseGeometry | None:
    """Return where an item lies, from its geometry or else its box; None where neither helps."""
    try:
        outline = shape(item["geometry"])
        if not outline.is_empty:
            return outline if outline.is_valid else shapely.make_valid(outline)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ShapelyError) as err:
        log.debug("item %s has no usable geometry (%r)", item.get("id"), err)
    try:
        west, south, east, north = (float(one) for one in item["bbox"])
    except (KeyError, TypeError, ValueError) as err:
        log.debug("item %s has no usable box (%r)", item.get("id"), err)
        return None
    return box(west, south, east, north)


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number > 0 and math.isfinite(number) else None


def _web_address(href: str, item: Mapping[str, Any], base: str) -> str:
    """Return an asset's address on the web; buckets have one, relative ones start at the item."""
    if href.startswith("s3://"):
        bucket, _, key = href.removeprefix("s3://").partition("/")
        return f"https://{bucket}.s3.amazonaws.com/{key}"
    own = next((str(one["href"]) for one in _links(item, "self")), base)
    url = urljoin(own, href)
    return url if urlsplit(url).scheme in ("http", "https") else ""
