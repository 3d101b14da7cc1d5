"""The small named types that every stage speaks. Frozen; units and frames are in the names.

Frames. Longitude and latitude are WGS 84. Headings and azimuths are degrees clockwise from true
north, in [0, 360). A strip's column ``j`` covers the azimuths from
``heading_at_col0_deg + j * 360 / W`` to the next column's edge, so its centre lies half a column
further; bins follow the same rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from model_core.errors import Cancelled

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

ImageU8 = npt.NDArray[np.uint8]
MaskArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

Projection = Literal["perspective", "equirectangular"]
StreetViewKind = Literal["real", "synthetic", "none"]
CalibrationMethod = Literal["metadata", "orb", "sift", "features", "release", "none"]
ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class LonLat:
    """A position, WGS 84 degrees."""

    lon: float
    lat: float


@dataclass(frozen=True)
class Area:
    """A candidate area: a polygon or multipolygon in EPSG:4326."""

    geometry: BaseGeometry

    @classmethod
    def from_bounds(cls, west: float, south: float, east: float, north: float) -> Area:
        """Return the rectangle between two longitudes and two latitudes."""
        # Here, so that training runs where no geometry library is.
        from shapely.geometry import box

        return cls(box(west, south, east, north))

    @property
    def center_lonlat(self) -> LonLat:
        """The centroid, the origin of the area's local plane."""
        centroid = self.geometry.centroid
        return LonLat(float(centroid.x), float(centroid.y))


@dataclass(frozen=True)
class Photo:
    """A query photo (CSI), upright, with what its file says about the camera.

    ``image`` is uint8 (H, W, 3) RGB. ``fov_deg`` is the horizontal field of view of the upright
    image, None when unknown. ``heading_deg`` is the azimuth of the optical axis (of the centre
    column for a panorama), true north; magnetic, uncorrected, where a note says so. ``notes`` says
    in words what was assumed or ignored.
    ``coverage`` bool (H, W) is set for a part of a panorama, which is padded to the full sphere:
    False where the pixels are padding.
    """

    path: Path
    sha256: str
    image: ImageU8
    projection: Projection = "perspective"
    fov_deg: float | None = None
    fov_source: str = "unknown"
    captured_at: datetime | None = None
    lonlat: LonLat | None = None
    heading_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    notes: tuple[str, ...] = ()
    coverage: MaskArray | None = None

    @property
    def name(self) -> str:
        """The file's name, as shown to people."""
        return self.path.name


@dataclass(frozen=True)
class Place:
    """A point of the area that is a possible answer; ``index`` is its row in the gallery."""

    index: int
    place_id: str
    lonlat: LonLat
    kind: Literal["road", "grid", "street_view"] = "road"


@dataclass(frozen=True)
class SourceTerms:
    """Where a reference comes from and what may be done with it."""

    provider: str
    licence: str = "the user's own"
    attribution: str = ""
    cacheable: bool = True
    trainable: bool = True
    displayable_beside_map: bool = True


@dataclass(frozen=True)
class SatelliteImage:
    """A north-up satellite image (SI) centred on a place.

    ``image`` uint8 (S, S, 3), true north up, row 0 north; ``valid`` bool (S, S);
    ``footprint_m`` is the ground width of the S pixels. ``failed``: its source failed at a part.
    """

    image: ImageU8
    valid: MaskArray
    footprint_m: float
    center_lonlat: LonLat
    terms: SourceTerms
    captured_at: datetime | None = None
    failed: bool = False


class RemoteImage(Protocol):
    """An image that a source delivers when it is asked for."""

    def read(self) -> bytes:
        """Return the image file's bytes, from a cache where they are kept.

        Raises:
            ProviderError: The source failed.
        """
        ...


@dataclass(frozen=True)
class StreetView:
    """A street view (SVI) before its pixels are read; they are decoded when they are needed.

    The pixels are those of ``path``, or of ``remote`` where that is set; ``path`` is then but a
    name. ``heading_deg`` is the azimuth of the image's centre column, None when unknown.
    ``sequence`` names the drive or walk that the image was taken on, "" when unknown.
    """

    view_id: str
    path: Path
    lonlat: LonLat
    projection: Projection
    heading_deg: float | None
    fov_deg: float | None
    terms: SourceTerms
    captured_at: datetime | None = None
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    heading_sigma_deg: float = 5.0
    sequence: str = ""
    remote: RemoteImage | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Reference:
    """What is known of one place: its satellite image and the street views chosen for it.

    ``failed``: a source failed at the image or a part of it, so that a later run may know more.
    """

    place: Place
    satellite: SatelliteImage | None
    street_views: tuple[StreetView, ...] = ()
    failed: bool = False


@dataclass(frozen=True)
class Strip:
    """Azimuth runs along the columns, clockwise; uint8 (H, W, 3) with a bool (H, W) mask.

    A full circle is ``StripGeometry.width`` columns; a photo's strip holds only its own columns
    at the same degrees a pixel. Masked-out pixels are black.
    """

    pixels: ImageU8
    mask: MaskArray
    heading_at_col0_deg: float = 0.0


@dataclass(frozen=True)
class Calibration:
    """The rotation applied to a street-view strip, with its evidence.

    ``shift_deg`` was added to the strip's headings; ``confidence`` is in [0, 1]; ``accepted`` is
    False when the gate kept the metadata.
    """

    method: CalibrationMethod
    shift_deg: float = 0.0
    confidence: float = 0.0
    accepted: bool = False


@dataclass(frozen=True)
class AlignedReference:
    """The strips of one place in one frame, north at column 0.

    ``street_weight`` in (0, 1] is less than one where the street view was made, see
    ``PlaceEncoder.fuse``. ``failed``: a source failed at a part, as in ``Reference``.
    """

    place: Place
    satellite_strip: Strip | None
    street_strip: Strip | None
    street_view_kind: StreetViewKind = "none"
    street_weight: float = 1.0
    calibration: Calibration = field(default_factory=lambda: Calibration("none"))
    street_view_ids: tuple[str, ...] = ()
    street_view_captured_at: datetime | None = None
    failed: bool = False


@dataclass(frozen=True)
class Match:
    """One place's best answer for one photo, from retrieval.

    ``score`` is standardised (comparable between fields of view), ``correlation`` the raw cosine.
    """

    place_index: int
    score: float
    correlation: float
    heading_deg: float
    fov_deg: float


@dataclass(frozen=True)
class Verification:
    """What local features say of a photo and one street view.

    ``heading_deg`` is the photo's heading as the inliers give it, ``bearing_deg`` the azimuth in
    which it was taken from the street view; None when they do not.
    """

    place_index: int
    view_id: str
    inliers: int
    matches: int
    heading_deg: float | None
    heading_sigma_deg: float | None
    bearing_deg: float | None = None


@dataclass(frozen=True)
class Candidate:
    """A ranked answer, in the words of the ``candidates`` layer.

    ``street_view_id`` names the street view that shares ``inliers`` with the photo, "" without any.
    """

    photo: str
    rank: int
    lonlat: LonLat
    score: float
    probability: float
    heading_deg: float
    heading_sigma_deg: float
    fov_deg: float
    place_id: str
    street_view: StreetViewKind
    street_view_date: datetime | None
    street_view_source: str
    imagery_source: str
    inliers: int
    street_view_id: str = ""


@dataclass(frozen=True)
class PhotoResult:
    """All that was found for one photo; ``error`` is set, and the rest empty, where it failed.

    ``place_probability`` float32 (N,) is the posterior over the gallery's places, in row order;
    with ``probability_elsewhere`` it sums to one.
    """

    path: Path
    photo_sha256: str = ""
    candidates: tuple[Candidate, ...] = ()
    probability_elsewhere: float = 1.0
    not_in_area: bool = True
    place_probability: FloatArray | None = None
    notes: tuple[str, ...] = ()
    error: str = ""
    error_code: int = 0


@dataclass(frozen=True)
class Progress:
    """One step of a long job: ``done`` of ``total`` in ``stage``, with a line for people."""

    stage: str
    done: int
    total: int
    message: str = ""


ProgressCallback = Callable[[Progress], None]
CancelCheck = Callable[[], bool]
AnswerCallback = Callable[[PhotoResult, int, int], None]
"""Told of a photo's result, and how many of how many photos have one."""


def ignore_progress(progress: Progress) -> None:
    """Take a progress report and do nothing with it."""


def ignore_answer(result: PhotoResult, done: int, total: int) -> None:
    """Take a photo's result and do nothing with it."""


def never_cancelled() -> bool:
    """Return False: the job is never asked to stop."""
    return False


def until_cancelled(items: Iterable[ItemT], cancel: CancelCheck) -> Iterator[ItemT]:
    """Yield items one by one.

    Raises:
        Cancelled: The user asked to stop.
    """
    for item in items:
        if cancel():
            raise Cancelled("stopped when asked to")
        yield item
