"""What the plugin asks: the params of each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import Params


@dataclass(frozen=True)
class NetworkParams(Params):
    """How the engine reaches online sources; secret parts are kept out of every log.

    ``proxy`` is an address, user and password included where it wants them; ``no_proxy`` are the
    beginnings of addresses that are reached without it; ``ca_bundle`` a file of certificates beside
    the system's; ``contact`` goes into ``User-Agent``. ``offline`` makes no request at all: only
    local sources and what ``cache_folder`` holds. ``max_requests`` and ``max_bytes`` stop a run
    that would fetch more; 0 sets no limit.
    """

    proxy: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()
    ca_bundle: str | None = None
    contact: str = ""
    offline: bool = False
    cache_folder: str | None = None
    cache_max_bytes: int = 2_000_000_000
    max_requests: int = 0
    max_bytes: int = 0


@dataclass(frozen=True)
class PhotoEdit(Params):
    """What a person changed of one photo; the file itself is never touched.

    ``turn_deg`` clockwise, a multiple of 90, comes first; then the crop, whose edges are shares of
    the turned photo's width and height. ``fov_deg`` is the horizontal field of view of what is
    left, ``captured_at`` ISO 8601; None: as the file says.
    """

    turn_deg: int = 0
    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    fov_deg: float | None = None
    captured_at: str | None = None


@dataclass(frozen=True)
class LocateParams(Params):
    """What ``locate`` is asked: photos (files or folders), an area, and sources.

    ``area`` is "west,south,east,north" in degrees or a vector file; every path is absolute, since
    the two processes have different working directories. ``imagery``, ``roads`` and
    ``street_views`` are paths, or the text of an online source as ``sources`` lists them
    ("panoramax", "xyz|url=https://..."). ``pack`` is a folder that ``fetch`` wrote; it stands for
    sources that are not named. ``keys`` maps a source's name to its API key. ``edits`` maps a
    photo's path to a ``PhotoEdit``. ``config`` overrides the run's options by name, nested as in
    ``model_core.config.LocateConfig``.
    """

    photos: tuple[str, ...]
    area: str
    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()
    pack: str | None = None
    gallery: str | None = None
    bundle: str | None = None
    out: str | None = None
    truth: str | None = None
    edits: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    network: NetworkParams = NetworkParams()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BuildGalleryParams(Params):
    """What ``build_gallery`` is asked: the area and its sources; ``out`` is the gallery's folder.

    A build that was stopped goes on where it stopped when it is asked for again.
    """

    area: str
    out: str
    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()
    pack: str | None = None
    bundle: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    network: NetworkParams = NetworkParams()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EstimateParams(Params):
    """What ``estimate`` is asked: what a run on an area would fetch; nothing is fetched."""

    area: str
    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()
    pack: str | None = None
    photos: int = 1
    network: NetworkParams = NetworkParams()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FetchParams(Params):
    """What ``fetch`` is asked: the references of an area, as a pack in the folder ``out``.

    A fetch that was stopped goes on where it stopped when it is asked for again.
    """

    area: str
    out: str
    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    network: NetworkParams = NetworkParams()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SourcesParams(Params):
    """``sources`` is asked for everything it knows."""


@dataclass(frozen=True)
class InspectPhotosParams(Params):
    """What ``inspect_photos`` is asked: photos, and where upright thumbnails go (None: none)."""

    photos: tuple[str, ...]
    thumbnails: str | None = None
    thumbnail_px: int = 256


@dataclass(frozen=True)
class CompareParams(Params):
    """What ``compare`` is asked: pictures of a photo beside what stands at one candidate.

    ``street_view_id`` names a street view, None takes the nearest that shows the direction.
    ``out`` is the folder that the pictures are written to.
    """

    photo: str
    lon: float
    lat: float
    heading_deg: float
    out: str
    fov_deg: float | None = None
    street_view_id: str | None = None
    imagery: str | None = None
    street_views: tuple[str, ...] = ()
    pack: str | None = None
    edits: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    network: NetworkParams = NetworkParams()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportPhotoParams(Params):
    """What ``export_photo`` is asked: a geotagged copy of a photo; the photo is never touched.

    ``decimals`` rounds the coordinates (None: as they are). ``strip_metadata`` keeps nothing of the
    photo's own metadata. ``blur`` holds rectangles as ``left, top, right, bottom``, shares of the
    upright photo.
    """

    photo: str
    out: str
    lon: float
    lat: float
    heading_deg: float | None = None
    decimals: int | None = None
    strip_metadata: bool = False
    blur: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class InfoParams(Params):
    """What ``info`` is asked about: a model bundle (None: the packaged one) and a device."""

    bundle: str | None = None
    device: str = "auto"


@dataclass(frozen=True)
class CancelParams(Params):
    """Which request to stop, running or waiting."""

    id: int | str


def is_bounds(area: str) -> bool:
    """Return whether an area is written as four numbers, west,south,east,north."""
    try:
        return len([float(part) for part in area.split(",")]) == 4
    except ValueError:
        return False
