"""Google's Street View Static: metadata of the nearest panorama, images by panorama and heading."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from PIL import Image
from servers.base import Answer, LoopbackServer, Recorded
from servers.views import NOT_FOUND, ServedView, image_of

KEY = "AIza-key-of-the-tests"
SECRET = base64.urlsafe_b64encode(b"secret of the tests").decode()


class GoogleServer(LoopbackServer):
    """Serves panoramas; of a panorama an image is a quarter circle cut out of it.

    Args:
        views: Panoramas by their file's name.
        key: The only one it takes.
        secret: For signing; with one, requests must be signed.
    """

    def __init__(
        self, views: Sequence[ServedView], key: str = KEY, secret: str = "", latency_s: float = 0.0
    ) -> None:
        super().__init__(latency_s)
        self.views = list(views)
        self.key = key
        self.secret = secret

    def answer(self, request: Recorded) -> Answer:
        is_allowed = request.query.get("key") == self.key and self._is_signed(request)
        if request.path == "/maps/api/streetview/metadata":
            if not is_allowed:
                message = "The provided API key is invalid."
                return _json({"error_message": message, "status": "REQUEST_DENIED"})
            return _json(self._metadata(request))
        if request.path == "/maps/api/streetview":
            return self._image(request) if is_allowed else Answer(b"refused", 403, "text/plain")
        return NOT_FOUND

    def _metadata(self, request: Recorded) -> dict[str, Any]:
        lat, lon = (float(part) for part in request.query["location"].split(","))
        radius_m = float(request.query.get("radius", "50"))
        near = [view for view in self.views if view.metres_from(lon, lat) <= radius_m]
        if not near:
            return {"status": "ZERO_RESULTS"}
        nearest = min(near, key=lambda view: view.metres_from(lon, lat))
        told: dict[str, Any] = {
            "copyright": "© Google",
            "location": {"lat": nearest.lat, "lng": nearest.lon},
            "pano_id": nearest.name,
            "status": "OK",
        }
        if nearest.captured_at is not None:
            told["date"] = f"{nearest.captured_at:%Y-%m}"
        return told

    def _image(self, request: Recorded) -> Answer:
        for view in self.views:
            if view.name == request.query.get("pano"):
                if not view.is_panorama:
                    return image_of(view)
                return self._quarter(view, float(request.query["heading"]))
        return NOT_FOUND

    def _quarter(self, view: ServedView, heading_deg: float) -> Answer:
        with Image.open(view.path) as panorama:
            panorama.draft("RGB", (1024, 512))
            image = panorama.convert("RGB").resize((1024, 512))
        start = round(
            ((heading_deg - 45.0 - (view.heading_deg or 0.0) + 180.0) % 360.0) / 360 * 1024
        )
        wide = Image.new("RGB", (2048, 512))
        wide.paste(image, (0, 0))
        wide.paste(image, (1024, 0))
        stream = io.BytesIO()
        wide.crop((start, 128, start + 256, 384)).resize((640, 640)).save(stream, "JPEG")
        return Answer(stream.getvalue(), content_type="image/jpeg")

    def _is_signed(self, request: Recorded) -> bool:
        if not self.secret:
            return True
        query = {name: value for name, value in request.query.items() if name != "signature"}
        text = f"{request.path}?{urlencode(query)}".encode()
        digest = hmac.new(base64.urlsafe_b64decode(self.secret), text, hashlib.sha1).digest()
        return request.query.get("signature") == base64.urlsafe_b64encode(digest).decode()


def _json(value: Any) -> Answer:
    return Answer(json.dumps(value).encode(), content_type="application/json")
