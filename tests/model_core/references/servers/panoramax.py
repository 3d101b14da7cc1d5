"""A Panoramax instance: a STAC search with pages, and the images it links to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from servers.base import Answer, LoopbackServer, Recorded
from servers.views import NOT_FOUND, ServedView, image_of


class PanoramaxServer(LoopbackServer):
    """Serves views; its API's address is ``api_url``.

    Args:
        views: What it holds.
        page_items: It never lists more on a page, whatever is asked for.
        has_pages: Whether a full page links to the next one.
        licences: By image name, where not "etalab-2.0".
    """

    def __init__(
        self,
        views: Sequence[ServedView],
        page_items: int = 1000,
        has_pages: bool = True,
        licences: Mapping[str, str] | None = None,
        latency_s: float = 0.0,
    ) -> None:
        super().__init__(latency_s)
        self.views = list(views)
        self.page_items = page_items
        self.has_pages = has_pages
        self.licences = dict(licences or {})

    @property
    def api_url(self) -> str:
        """What the option url takes."""
        return f"{self.url}/api"

    def answer(self, request: Recorded) -> Answer:
        if request.path == "/api/search":
            return Answer(
                json.dumps(self._search(request.query)).encode(),
                content_type="application/geo+json",
            )
        for view in self.views:
            if request.path in (f"/pictures/{view.name}/{size}.jpg" for size in ("sd", "hd")):
                return image_of(view)
        return NOT_FOUND

    def _search(self, query: Mapping[str, str]) -> dict[str, Any]:
        found = [view for view in self.views if view.is_within(query["bbox"])]
        if "datetime" in query:
            start, end = query["datetime"].split("/")
            found = [view for view in found if start <= _moment(view) <= end]
        count = min(int(query.get("limit", "10")), self.page_items)
        start_at = int(query.get("token", "0"))
        links = [{"rel": "root", "href": self.api_url}]
        if self.has_pages and start_at + count < len(found):
            following = urlencode({**query, "token": str(start_at + count)})
            links.append({"rel": "next", "href": f"{self.api_url}/search?{following}"})
        features = [self.item(view) for view in found[start_at : start_at + count]]
        return {"type": "FeatureCollection", "features": features, "links": links}

    def item(self, view: ServedView) -> dict[str, Any]:
        """Return what a search tells of a view."""
        optics = {} if view.fov_deg is None else {"field_of_view": view.fov_deg}
        if view.is_panorama:
            optics = {"field_of_view": 360}
        properties: dict[str, Any] = {
            "datetime": _moment(view) or None,
            "license": self.licences.get(view.name, "etalab-2.0"),
            "pers:interior_orientation": optics,
            "geovisio:status": "ready",
        }
        if view.heading_deg is not None:
            properties["view:azimuth"] = view.heading_deg
        return {
            "id": view.name,
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [view.lon, view.lat]},
            "bbox": [view.lon, view.lat, view.lon, view.lat],
            "links": [],
            "providers": [
                {"name": "Town of Tests", "roles": ["producer"]},
                {"name": "town of tests", "roles": ["producer"]},
            ],
            "assets": {
                size: {
                    "href": f"{self.url}/pictures/{view.name}/{size}.jpg",
                    "type": "image/jpeg",
                }
                for size in ("hd", "sd")
            },
            "properties": properties,
            "stac_version": "1.0.0",
        }


def _moment(view: ServedView) -> str:
    taken = view.captured_utc()
    return "" if taken is None else taken.isoformat()
