"""Roads of OpenStreetMap from an Overpass server, through OSMnx.

OSMnx asks the server itself, by ``requests``, so it works with arguments that the client lends it:
the client then counts, checks, repeats and forbids as it does for every other source. What is kept
are the lines, as GeoJSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import shapely
from shapely.geometry import Polygon, mapping
from shapely.geometry.base import BaseGeometry

from model_core.errors import InputError, ProviderError
from model_core.references.area import LocalFrame
from model_core.references.bodies import read_json
from model_core.references.http import HttpClient
from model_core.references.source import FetchPlan, KnownSource, SourceContext, SourceText
from model_core.references.vector import NOT_WALKED, single_parts
from model_core.references.web import HttpRequest
from model_core.types import Area, SourceTerms

URL = "https://overpass-api.de/api"
TERMS = SourceTerms(
    provider="OpenStreetMap by Overpass",
    licence="ODbL 1.0",
    attribution="OpenStreetMap contributors",
)

_TIMEOUT_S = 60.0
_EXPIRES_S = 30 * 86_400.0
_BYTES_A_KM2 = 1_500_000
_HEAVY = ("timed out", "timeout", "dispatcher", "too busy")


class OverpassRoads:
    """The ways of OpenStreetMap with a ``highway`` that people move along.

    Args:
        client: Whose rules hold.
        url: Of the server's API, without ``/interpreter``.
        timeout_s: How long a query may take, on the server and on the way.
    """

    def __init__(self, client: HttpClient, url: str = URL, timeout_s: float = _TIMEOUT_S) -> None:
        self.terms = TERMS
        self._client = client
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    def read(self, area: Area) -> list[BaseGeometry]:
        """Return the ways that reach into an area, whole, in EPSG:4326; none: [].

        Raises:
            ProviderError: The server failed, or the answer is not kept and the run is offline.
            Cancelled: The user asked to stop.
        """
        found = self._client.map(self._read_part, single_parts([area.geometry], "polygon"))
        lines: dict[bytes, BaseGeometry] = {}
        for part in found:
            if isinstance(part, ProviderError):
                raise part
            lines.update({shapely.to_wkb(line): line for line in part})
        return list(lines.values())

    def plan(self, area: Area) -> FetchPlan:
        """Return about what reading an area's roads would ask; nothing is asked."""
        parts = single_parts([area.geometry], "polygon")
        missing = [part for part in parts if self._client.kept(self._request(part), TERMS) is None]
        frame = LocalFrame(area.center_lonlat)
        area_km2 = sum(frame.project(part).area for part in missing) / 1e6
        return FetchPlan(len(missing), round(area_km2 * _BYTES_A_KM2))

    def _read_part(self, polygon: BaseGeometry) -> list[BaseGeometry]:
        reply = self._client.lend(
            self._request(polygon), TERMS, lambda loan: self._download(polygon, loan), _EXPIRES_S
        )
        return list(shapely.get_parts(shapely.from_geojson(reply.body)))

    def _request(self, polygon: BaseGeometry) -> HttpRequest:
        """Return what names the roads of a polygon on this server, and judges what it sends."""
        exact = shapely.to_wkb(shapely.set_precision(polygon, 1e-7, mode="pointwise"))
        west, south, east, north = polygon.bounds
        return HttpRequest(
            f"{self._url}/interpreter",
            method="POST",
            body=exact,
            name=f"{self._url}: roads in {west:.5f},{south:.5f},{east:.5f},{north:.5f}",
            check=_overpass_body,
        )

    def _download(self, polygon: BaseGeometry, loan: Mapping[str, Any]) -> bytes:
        """Return the lines as GeoJSON bytes."""
        import osmnx  # takes a second, and is needed here only
        from osmnx._errors import InsufficientResponseError

        with _settings(
            osmnx.settings,
            overpass_url=self._url,
            requests_timeout=(self._client.config.connect_timeout_s, self._timeout_s),
            requests_kwargs=dict(loan),
            overpass_rate_limit=False,
            overpass_settings=f"[out:json][timeout:{self._timeout_s:.0f}]{{maxsize}}",
            doh_url_template=None,
            use_cache=False,
            log_console=False,
            log_file=False,
        ):
            try:
                features = osmnx.features_from_polygon(cast(Polygon, polygon), {"highway": True})
            except InsufficientResponseError:
                return _as_geojson([])  # the reply was read and checked; it holds no road
            except (KeyError, TypeError, ValueError) as err:
                raise ProviderError(
                    f"sent elements that do not fit together ({err!r})", reason="unreadable list"
                ) from err
        walked = ~features["highway"].isin(NOT_WALKED)
        if "area" in features:
            walked &= features["area"] != "yes"
        return _as_geojson(single_parts(list(features.geometry[walked]), "line"))


def open_overpass(text: SourceText, context: SourceContext) -> OverpassRoads:
    """Return the source that a text names.

    Raises:
        InputError: An option has no such value.
    """
    timeout_s = text.number("timeout_s", _TIMEOUT_S)
    if not 1.0 <= timeout_s <= 900.0:
        raise InputError(f"overpass: option timeout_s is {timeout_s:g}; choose 1 to 900 seconds")
    return OverpassRoads(context.client, text.options.get("url", URL), timeout_s)


def _overpass_body(body: bytes) -> None:
    """Return where a body is a whole answer.

    Raises:
        ProviderError: It is something else, or the server broke off in the middle.
    """
    answer = read_json(body)
    remark = str(answer.get("remark", "")) if isinstance(answer, dict) else ""
    if "error" in remark.lower():
        is_transient = any(word in remark.lower() for word in _HEAVY)
        raise ProviderError(
            f"broke off ({remark}); make the area smaller, or name another server",
            reason="broken off",
            transient=is_transient,
        )
    if not isinstance(answer, dict) or not isinstance(answer.get("elements"), list):
        raise ProviderError("sent JSON without elements; check the option url", reason="no list")


@contextmanager
def _settings(module: Any, **wanted: Any) -> Iterator[None]:
    """Set a library's settings and put them back; the client lends to one at a time."""
    before = {name: getattr(module, name) for name in wanted}
    try:
        for name, value in wanted.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def _as_geojson(lines: list[BaseGeometry]) -> bytes:
    geometries = [mapping(line) for line in lines]
    return json.dumps({"type": "GeometryCollection", "geometries": geometries}).encode()


SOURCES: tuple[KnownSource, ...] = (
    KnownSource(
        name="overpass",
        title="OpenStreetMap roads by Overpass",
        kind="roads",
        terms=TERMS,
        open=open_overpass,
        example="overpass",
        options={
            "url": f"address of a server's API; {URL} if left out",
            "timeout_s": f"how many seconds a query may take; {_TIMEOUT_S:.0f} if left out",
        },
    ),
)
