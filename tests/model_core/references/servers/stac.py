"""A STAC API with the pictures it lists, and OpenAerialMap's older interface to the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers.base import Answer, LoopbackServer, Recorded
from servers.cog import ranged
from shapely.geometry import box, mapping, shape


@dataclass(frozen=True)
class Listed:
    """A picture as a catalogue lists it; ``outline`` is a box or a GeoJSON geometry, in degrees."""

    name: str
    path: Path
    outline: Any
    day: str
    collection: str = "openaerialmap"
    gsd: float | None = 0.3
    properties: dict[str, Any] = field(default_factory=dict)
    asset: str = "visual"


class StacServer(LoopbackServer):
    """``/stac/search`` pages by ``page_items``; ``/meta`` is the older one; ``/files/NAME.tif``.

    ``is_down`` lets the search fail, as when only the older interface answers.
    """

    def __init__(self, pictures: Sequence[Listed], page_items: int = 2) -> None:
        super().__init__()
        self.pictures = list(pictures)
        self.page_items = page_items
        self.is_down = False

    def answer(self, request: Recorded) -> Answer:
        if request.path.startswith("/files/"):
            name = request.path.removeprefix("/files/").removesuffix(".tif")
            path = next((one.path for one in self.pictures if one.name == name), None)
            if path is None:
                return Answer(b"", 404)
            return ranged(path, request.headers.get("Range", ""))
        if request.path == "/stac/search" and not self.is_down:
            return _json(self._search(request))
        if request.path == "/meta":
            return _json(self._older(request))
        return _json({"code": "NotFound", "description": "no such page"}, 503)

    def _found(self, request: Recorded) -> list[Listed]:
        wanted = box(*(float(one) for one in request.query["bbox"].split(",")))
        found = [one for one in self.pictures if _outline(one).intersects(wanted)]
        collections = request.query.get("collections")
        if collections:
            found = [one for one in found if one.collection in collections.split(",")]
        if "datetime" in request.query:
            start, end = request.query["datetime"].split("/")
            found = [
                one
                for one in found
                if (start == ".." or one.day >= start[:10]) and (end == ".." or one.day <= end[:10])
            ]
        return found

    def _search(self, request: Recorded) -> dict[str, Any]:
        found = self._found(request)
        start = int(request.query.get("token", "0"))
        page = found[start : start + self.page_items]
        links = []
        if start + self.page_items < len(found):
            query = "&".join(
                f"{name}={value}" for name, value in request.query.items() if name != "token"
            )
            href = f"{self.url}/stac/search?{query}&token={start + self.page_items}"
            links = [{"rel": "next", "href": href, "type": "application/geo+json"}]
        return {
            "type": "FeatureCollection",
            "features": [self._item(one) for one in page],
            "links": links,
        }

    def _item(self, one: Listed) -> dict[str, Any]:
        href = f"{self.url}/files/{one.name}.tif"
        interval = {"datetime": None, "start_datetime": f"{one.day}T10:00:00Z"}
        kind = "image/tiff; application=geotiff; profile=cloud-optimized"
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": one.name,
            "collection": one.collection,
            "geometry": mapping(_outline(one)),
            "bbox": list(_outline(one).bounds),
            "properties": {**interval, "gsd": one.gsd, "license": None, **one.properties},
            "assets": {
                "thumbnail": {"href": f"{href}.png", "type": "image/png"},
                "original": {"href": f"{href}.original", "type": "image/tiff", "roles": ["source"]},
                one.asset: {"href": href, "type": kind, "roles": ["data"]},
            },
            "links": [],
        }

    def _older(self, request: Recorded) -> dict[str, Any]:
        found = self._found(request)
        limit, page = int(request.query["limit"]), int(request.query["page"])
        return {
            "meta": {"found": len(found), "limit": limit, "page": page},
            "results": [
                {
                    "_id": one.name,
                    "uuid": f"{self.url}/files/{one.name}.tif",
                    "gsd": one.gsd,
                    "acquisition_start": f"{one.day}T09:00:00.000Z",
                    "acquisition_end": f"{one.day}T10:00:00.000Z",
                    "provider": "A Mapper",
                    "bbox": list(_outline(one).bounds),
                    "geojson": mapping(_outline(one)),
                    "properties": {"license": "CC-BY 4.0"},
                }
                for one in found[(page - 1) * limit : page * limit]
            ],
        }


def _outline(one: Listed) -> Any:
    return shape(one.outline) if isinstance(one.outline, dict) else box(*one.outline)


def _json(said: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(said).encode(), status, "application/json")
