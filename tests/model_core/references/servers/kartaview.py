"""KartaView: photos near a point by a posted form, and the server that hands out images."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from servers.base import Answer, LoopbackServer, Recorded
from servers.views import NOT_FOUND, ServedView, form_of, image_of

DONE = "The request has been processed without incidents"
EMPTY = "The request has an empty response"


class KartaViewServer(LoopbackServer):
    """Serves photos; its image server's address is ``images_url``.

    ``refuse`` makes lists fail in KartaView's way: an error inside HTTP 200.
    """

    def __init__(self, views: Sequence[ServedView], latency_s: float = 0.0) -> None:
        super().__init__(latency_s)
        self.views = list(views)
        self.refusals: list[tuple[str, str, int]] = []

    @property
    def images_url(self) -> str:
        """What the option images_url takes."""
        return f"{self.url}/pr:sharp"

    def refuse(self, code: str, message: str, http_code: int = 200, times: int = 1) -> None:
        """Answer the next lists with an error code and message."""
        self.refusals += [(code, message, http_code)] * times

    def answer(self, request: Recorded) -> Answer:
        if request.path.startswith("/pr:sharp/"):
            return self._image(request.path.rpartition("/")[2])
        if request.path != "/1.0/list/nearby-photos/" or request.method != "POST":
            return NOT_FOUND
        if self.refusals:
            return _answer(*self.refusals.pop(0), [], 0)
        form = form_of(request)
        lon, lat = float(form["lng"]), float(form["lat"])
        found = [v for v in self.views if v.metres_from(lon, lat) <= float(form["radius"])]
        count, page = int(form.get("ipp", "200")), int(form.get("page", "1"))
        items = [self._item(view) for view in found[(page - 1) * count : page * count]]
        code, message = ("600", DONE) if found else ("601", EMPTY)
        return _answer(code, message, 200, items, len(found))

    def _item(self, view: ServedView) -> dict[str, Any]:
        taken = view.captured_utc()
        return {
            "id": view.name,
            "sequence_id": "1001",
            "sequence_index": "1",
            "lat": f"{view.lat:.7f}",
            "lng": f"{view.lon:.7f}",
            "name": f"storage6/files/photo/2020/6/1/proc/{view.name}.jpg",
            "lth_name": f"storage6/files/photo/2020/6/1/lth/{view.name}.jpg",
            "heading": "" if view.heading_deg is None else str(view.heading_deg),
            "shot_date": "" if taken is None else f"{taken:%Y-%m-%d %H:%M:%S}",
        }

    def _image(self, encoded: str) -> Answer:
        stored = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        for view in self.views:
            if stored.startswith("https://storage6.") and stored.endswith(f"/lth/{view.name}.jpg"):
                return image_of(view)
        return NOT_FOUND


def _answer(code: str, message: str, http_code: int, items: list[Any], total: int) -> Answer:
    status = {
        "apiCode": code,
        "apiMessage": message,
        "httpCode": http_code,
        "httpMessage": "Success",
    }
    said = {"status": status, "currentPageItems": items, "totalFilteredItems": [str(total)]}
    return Answer(json.dumps(said).encode(), content_type="application/json")
