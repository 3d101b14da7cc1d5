"""What the servers of street views hold, and where."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from PIL import Image
from servers.base import Answer, Recorded

METRES_A_DEGREE = 111_320.0
NOT_FOUND = Answer(b'{"message": "not found"}', 404, "application/json")


@dataclass(frozen=True)
class ServedView:
    """One image; ``fov_deg`` is 360 where ``projection`` is "equirectangular"."""

    path: Path
    lon: float
    lat: float
    heading_deg: float | None = None
    fov_deg: float | None = None
    captured_at: datetime | None = None
    projection: str = "perspective"

    @property
    def name(self) -> str:
        """The image's id: its file's name without the ending."""
        return self.path.stem

    @property
    def is_panorama(self) -> bool:
        """Whether it is a full sphere."""
        return self.projection == "equirectangular"

    def captured_utc(self) -> datetime | None:
        """When it was taken; a time without a zone counts as UTC."""
        if self.captured_at is None or self.captured_at.tzinfo is not None:
            return self.captured_at
        return self.captured_at.replace(tzinfo=UTC)

    def is_within(self, bbox: str) -> bool:
        """Whether it lies in a box "west,south,east,north"."""
        west, south, east, north = (float(side) for side in bbox.split(","))
        return west <= self.lon <= east and south <= self.lat <= north

    def metres_from(self, lon: float, lat: float) -> float:
        """How far it lies from a point."""
        x = (self.lon - lon) * math.cos(math.radians(lat))
        return math.hypot(x, self.lat - lat) * METRES_A_DEGREE


def image_of(view: ServedView) -> Answer:
    """Return the image's file as it is."""
    kind = "image/png" if view.path.suffix.lower() == ".png" else "image/jpeg"
    return Answer(view.path.read_bytes(), content_type=kind)


def form_of(request: Recorded) -> dict[str, str]:
    """Return the fields of a posted form."""
    return dict(parse_qsl(request.body.decode()))


def row_of_views(
    folder: Path, count: int, lon: float, lat: float, step_m: float = 10.0, **said: Any
) -> list[ServedView]:
    """Return views of small images, eastwards in a row from a point, looking along it."""
    folder.mkdir(parents=True, exist_ok=True)
    step_deg = step_m / METRES_A_DEGREE / math.cos(math.radians(lat))
    views = []
    for number in range(count):
        path = folder / f"img{number:03d}.jpg"
        size = (64, 32) if said.get("projection") == "equirectangular" else (64, 48)
        Image.effect_noise(size, 40 + number).convert("RGB").save(path)
        told = {"heading_deg": 90.0, "fov_deg": 60.0, **said}
        views.append(ServedView(path, lon + number * step_deg, lat, **told))
    return views


def bytes_under(folder: Path) -> bytes:
    """Return all that lies in a folder's files, and their names, to search in."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return b"\n".join(path.name.encode() + path.read_bytes() for path in files)
