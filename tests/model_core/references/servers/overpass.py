"""An Overpass server that answers every query with one recorded or made body of elements."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from servers.base import Answer, LoopbackServer, Recorded
from servers.views import NOT_FOUND, form_of


class OverpassServer(LoopbackServer):
    """Serves elements; ``queries`` holds what was asked for; its API is at ``api_url``."""

    def __init__(self, elements: Sequence[Mapping[str, Any]], latency_s: float = 0.0) -> None:
        super().__init__(latency_s)
        self.body = json.dumps(
            {"version": 0.6, "generator": "Overpass API", "elements": list(elements)}
        ).encode()
        self.queries: list[str] = []

    @property
    def api_url(self) -> str:
        """What the option url takes."""
        return f"{self.url}/api"

    def answer(self, request: Recorded) -> Answer:
        if request.path != "/api/interpreter" or request.method != "POST":
            return NOT_FOUND
        self.queries.append(form_of(request).get("data", ""))
        return Answer(self.body, content_type="application/json")


def elements_of(
    lines: Mapping[str, Sequence[tuple[float, float]]], **tags: str
) -> list[dict[str, Any]]:
    """Return nodes and ways of lines, by their ``highway``; further tags go to every way.

    Lines of the same kind take names such as "footway 2"; only the first word counts.
    """
    elements: list[dict[str, Any]] = []
    ways: list[dict[str, Any]] = []
    for number, (kind, line) in enumerate(lines.items(), start=1):
        nodes = [1000 * number + index for index in range(len(line))]
        elements += [
            {"type": "node", "id": node, "lat": lat, "lon": lon}
            for node, (lon, lat) in zip(nodes, line, strict=True)
        ]
        described = {"highway": kind.split()[0], **tags}
        ways.append({"type": "way", "id": number, "nodes": nodes, "tags": described})
    return elements + ways
