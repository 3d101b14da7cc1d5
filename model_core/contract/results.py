"""What the engine says: progress, answers as they come, and the result of each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import Body
from .messages import PROTOCOL_VERSION


@dataclass(frozen=True)
class ProgressParams(Body):
    """One step of the request ``id``: ``done`` of ``total`` in ``stage``, a line for people.

    ``total`` is 0 where it is not known.
    """

    id: int | str
    stage: str
    done: int
    total: int
    message: str = ""


@dataclass(frozen=True)
class PhotoAnswer(Body):
    """What was found for one photo; ``error`` is set, and no candidate there, where it failed.

    ``candidates`` is a GeoJSON FeatureCollection of points, best first; the properties are named
    as the columns of the ``candidates`` layer. ``error_code`` is an ``ErrorCode``, 0 without one.
    """

    path: str
    photo_sha256: str = ""
    candidates: Mapping[str, Any] = field(default_factory=dict)
    probability_elsewhere: float = 1.0
    not_in_area: bool = True
    notes: tuple[str, ...] = ()
    error: str = ""
    error_code: int = 0


@dataclass(frozen=True)
class AnswerParams(Body):
    """One photo's answer of the request ``id``, sent as soon as it is known."""

    id: int | str
    answer: PhotoAnswer
    done: int
    total: int


@dataclass(frozen=True)
class LocateResult(Body):
    """The answers, the files written, and what was assumed.

    ``photos`` is empty on the wire, where each answer went ahead as ``AnswerParams``: a line has
    no room for the answers of thousands of photos.
    ``files`` maps ``candidates``, ``heat``, ``map_picture``, ``page``, ``results`` to paths; empty
    where no output folder was asked for. ``attributions`` are to be shown wherever the results
    are. ``provenance`` holds ``model_hash``, ``software_version``
    and ``created_at`` (ISO 8601); a photo's own sha256 stands in its answer.
    """

    photos: tuple[PhotoAnswer, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    notes: tuple[str, ...] = ()
    attributions: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BuildGalleryResult(Body):
    """The gallery's folder."""

    gallery: str


@dataclass(frozen=True)
class SourceEstimate(Body):
    """What one source of a run would be asked for."""

    source: str
    kind: str
    requests: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class EstimateResult(Body):
    """What a run would take, before anything is fetched.

    ``seconds`` is fetching and computing together. ``over_limit`` says in words which limit of the
    network would be passed, empty where none is. ``notes`` say what was assumed.
    """

    places: int
    requests: int
    bytes: int
    seconds: float
    sources: tuple[SourceEstimate, ...] = ()
    over_limit: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FetchResult(Body):
    """The pack's folder, what it holds, and what could not be fetched."""

    pack: str
    files: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceInfo(Body):
    """One source of references and its terms.

    ``kind`` is "imagery", "street_view" or "roads"; ``key`` is "none", "optional" or "required".
    ``example`` is a text that names the source in a request; ``options`` explains what may follow
    its name. ``notice`` is shown before the source is used, empty where nothing has to be said.
    """

    name: str
    title: str
    kind: str
    licence: str = ""
    attribution: str = ""
    cacheable: bool = True
    trainable: bool = True
    displayable_beside_map: bool = True
    key: str = "none"
    key_help: str = ""
    notice: str = ""
    example: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SourcesResult(Body):
    """Every source the engine knows, in the order in which they are offered."""

    sources: tuple[SourceInfo, ...]


@dataclass(frozen=True)
class PhotoInfo(Body):
    """What one photo's file says; ``error`` is set where it cannot be read.

    ``captured_at`` is ISO 8601 or empty; ``thumbnail`` a file, empty where none was asked for.
    """

    path: str
    sha256: str = ""
    width_px: int = 0
    height_px: int = 0
    projection: str = ""
    fov_deg: float | None = None
    fov_source: str = ""
    captured_at: str = ""
    lon: float | None = None
    lat: float | None = None
    heading_deg: float | None = None
    notes: tuple[str, ...] = ()
    thumbnail: str = ""
    error: str = ""
    error_code: int = 0


@dataclass(frozen=True)
class InspectPhotosResult(Body):
    """The photos found, in order; folders are listed to the bottom."""

    photos: tuple[PhotoInfo, ...]


@dataclass(frozen=True)
class CompareResult(Body):
    """Pictures of one size beside each other; a path is empty where there is nothing to show.

    ``street_view`` is what the street view shows in the photo's direction and field of view;
    ``satellite`` has the heading up and the candidate at the middle of its lower edge.
    ``matches`` holds ``photo`` and ``street_view``, lists of [x, y] as shares of each picture,
    point by point the same. ``captions`` and ``attributions`` are by picture; ``notes`` say why
    something is missing.
    """

    photo: str
    street_view: str = ""
    satellite: str = ""
    matches: Mapping[str, Any] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    attributions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportPhotoResult(Body):
    """The copy's path, and what was left out of it."""

    path: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class InfoResult(Body):
    """The engine's versions, its device and its model.

    ``device`` is "cuda:0", "mps" or "cpu", ``device_name`` the hardware's own name. ``bundle``
    holds path, model_hash, preset and backbone; where it cannot be read it is empty and
    ``bundle_error`` says why.
    """

    protocol_version: int = PROTOCOL_VERSION
    software_version: str = ""
    python_version: str = ""
    platform: str = ""
    device: str = ""
    device_name: str = ""
    bundle: Mapping[str, str] = field(default_factory=dict)
    bundle_error: str = ""
    libraries: Mapping[str, str] = field(default_factory=dict)
