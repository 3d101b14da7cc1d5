"""Mapillary's API, version 4, and its image servers, whose addresses expire."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from servers.base import Answer, LoopbackServer, Recorded
from servers.views import NOT_FOUND, ServedView, image_of

TOKEN = "MLY|1234567890|token-of-the-tests"
WIDTH_PX, HEIGHT_PX = 4160, 3120


class MapillaryServer(LoopbackServer):
    """Serves views; the addresses of images hold until ``expire`` is called.

    Args:
        views: What it holds.
        token: The only one it takes.
        most_items: More in a box than this is refused as too much.
    """

    def __init__(
        self,
        views: Sequence[ServedView],
        token: str = TOKEN,
        most_items: int = 2000,
        latency_s: float = 0.0,
    ) -> None:
        super().__init__(latency_s)
        self.views = list(views)
        self.token = token
        self.most_items = most_items
        self.expired_status = 403
        self._signature = 1

    def expire(self, status: int = 403) -> None:
        """Let all addresses given so far expire; they are then refused with a status."""
        self.expired_status = status
        self._signature += 1

    def answer(self, request: Recorded) -> Answer:
        if request.path.startswith("/scontent/"):
            return self._image(request)
        if request.headers.get("Authorization") != f"OAuth {self.token}":
            return _error("Invalid OAuth 2.0 Access Token", 190, status=500)
        fields = request.query.get("fields", "id").split(",")
        if request.path == "/images":
            return self._images(request, fields)
        for view in self.views:
            if request.path == f"/{view.name}":
                return _json(self._entity(view, fields))
        return NOT_FOUND

    def _images(self, request: Recorded, fields: list[str]) -> Answer:
        west, south, east, north = (float(side) for side in request.query["bbox"].split(","))
        if east - west >= 0.01 or north - south >= 0.01:
            return _error("Bounding box must be under 0.01 degrees square", 100, status=400)
        found = [view for view in self.views if view.is_within(request.query["bbox"])]
        if len(found) > self.most_items:
            return _error(
                "Please reduce the amount of data you're asking for, then retry", 1, status=500
            )
        count = int(request.query.get("limit", "100"))
        return _json({"data": [self._entity(view, fields) for view in found[:count]]})

    def _entity(self, view: ServedView, fields: list[str]) -> dict[str, Any]:
        size = [WIDTH_PX, WIDTH_PX // 2] if view.is_panorama else [WIDTH_PX, HEIGHT_PX]
        point = {"type": "Point", "coordinates": [view.lon, view.lat]}
        known: dict[str, Any] = {
            "geometry": {"type": "Point", "coordinates": [view.lon + 2e-5, view.lat]},
            "computed_geometry": point,
            "camera_type": "spherical" if view.is_panorama else "perspective",
            "is_pano": view.is_panorama,
            "width": size[0],
            "height": size[1],
            "exif_orientation": 1,
            "sequence": "7nfcwfvjdtphz7yj6zat6a",
        }
        taken = view.captured_utc()
        if taken is not None:
            known["captured_at"] = round(taken.timestamp() * 1000)
        if view.heading_deg is not None:
            known["compass_angle"] = (view.heading_deg + 20.0) % 360.0
            known["computed_compass_angle"] = view.heading_deg
        if view.fov_deg is not None and not view.is_panorama:
            focal = 0.5 / math.tan(math.radians(view.fov_deg) / 2.0)
            known["camera_parameters"] = [focal, 1e-4, -2e-5]
        for width in (256, 1024, 2048):
            known[f"thumb_{width}_url"] = self.address(view, width)
        told = {name: known[name] for name in fields if name in known}
        return {**told, "id": view.name}

    def address(self, view: ServedView, width: int = 2048) -> str:
        """Return an image's present address."""
        return f"{self.url}/scontent/{view.name}_{width}.jpg?oh=signed-{self._signature}&oe=65A0"

    def _image(self, request: Recorded) -> Answer:
        if request.query.get("oh") != f"signed-{self._signature}":
            return Answer(b"URL signature expired", self.expired_status, "text/plain")
        for view in self.views:
            if request.path.startswith(f"/scontent/{view.name}_"):
                return image_of(view)
        return NOT_FOUND


def _json(value: Any) -> Answer:
    return Answer(json.dumps(value).encode(), content_type="application/json")


def _error(message: str, code: int, status: int) -> Answer:
    error = {"message": message, "type": "MLYApiException", "code": code, "fbtrace_id": "A"}
    return Answer(json.dumps({"error": error}).encode(), status, "application/json")
