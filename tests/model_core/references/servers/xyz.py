"""Tiles of a folder as providers serve them, and the list of Esri's Wayback releases."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from servers.base import Answer, LoopbackServer, Recorded

TileKey = tuple[int, int, int]

_FLAT = re.compile(r"(?:.*-)?(\d+)-(\d+)-(\d+)\.(png|jpe?g|webp)$")
_NESTED = re.compile(r"(\d+)/(\d+)/(\d+)\.(png|jpe?g|webp)$")
_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff\xe0": "image/jpeg", b"RIFF": "image/webp"}


def tiles_of(folder: Path) -> dict[TileKey, bytes]:
    """Return the tiles of a folder by zoom, column and row."""
    found = {}
    for path in sorted(folder.rglob("*.*")):
        nested = _NESTED.search(path.relative_to(folder).as_posix())
        flat = _FLAT.match(path.name)
        if nested:
            zoom, x, y = (int(one) for one in nested.groups()[:3])
        elif flat:
            x, y, zoom = (int(one) for one in flat.groups()[:3])
        else:
            continue
        found[zoom, x, y] = path.read_bytes()
    return found


def blank_tile(colour: tuple[int, int, int, int]) -> bytes:
    """Return a tile of one colour, BGRA."""
    pixels = np.full((256, 256, 4), colour, np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


class XyzServer(LoopbackServer):
    """Serves ``/{z}/{x}/{y}.png``, ``/tms/{z}/{x}/{-y}.png``, ``/q/{q}.png``, ``/keyed/KEY/...``.

    What is missing is answered with ``missing``: 404, 204, or the bytes of a tile that says so.
    """

    def __init__(
        self,
        tiles: Path | Mapping[TileKey, bytes],
        missing: int | bytes = 404,
        latency_s: float = 0.0,
    ) -> None:
        super().__init__(latency_s)
        self.tiles = dict(tiles_of(tiles) if isinstance(tiles, Path) else tiles)
        self.missing = missing
        self.releases: dict[str, str] = {}

    def answer(self, request: Recorded) -> Answer:
        if request.path == "/waybackconfig.json":
            return Answer(json.dumps(self._wayback()).encode(), content_type="application/json")
        key = self._key(request.path)
        body = None if key is None else self.tiles.get(key)
        if body is None and isinstance(self.missing, int):
            return Answer(b"", self.missing, "text/plain")
        if body is None:
            body = self.missing
        return Answer(body, content_type=_TYPES.get(body[:4], "image/png"))

    @property
    def template(self) -> str:
        """The template of its tiles."""
        return f"{self.url}/{{z}}/{{x}}/{{y}}.png"

    @staticmethod
    def _key(path: str) -> TileKey | None:
        quad = re.search(r"/q/([0-3]+)\.png$", path)
        if quad:
            digits = [int(one) for one in quad[1]]
            x = sum((digit & 1) << level for level, digit in enumerate(reversed(digits)))
            y = sum((digit >> 1) << level for level, digit in enumerate(reversed(digits)))
            return len(digits), x, y
        found = re.search(r"(\d+)/(\d+)/(\d+)(?:\.\w+)?$", path)
        if found is None:
            return None
        zoom, x, y = (int(one) for one in found.groups())
        if "/tms/" in path:
            y = (1 << zoom) - 1 - y
        if "/zyx/" in path:
            x, y = y, x
        return zoom, x, y

    def _wayback(self) -> dict[str, dict[str, str]]:
        return {
            number: {
                "itemID": f"item{number}",
                "itemTitle": f"World Imagery (Wayback {day})",
                "itemURL": f"{self.url}/release/{number}/zyx/{{level}}/{{row}}/{{col}}",
                "layerIdentifier": f"WB_{number}",
            }
            for number, day in self.releases.items()
        }
