"""What a photo's EXIF and XMP say: time, position, heading, tilt, lens and panorama crop.

Nothing here is fatal: a tag that cannot be read is left out and, where it matters, noted. The
file's modification time and EXIF ``DateTime`` (the last change) are never taken for a date.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

from model_core.camera_sensors import LensFacts
from model_core.photo_tags import Tags, number, text
from model_core.types import LonLat

HeadingReference = Literal["true", "magnetic", "unknown"]

EARLIEST_YEAR = 1840
UNSET_CLOCKS = {datetime(1970, 1, 1), datetime(1980, 1, 1)}

_CROP_KEYS = (
    "FullPanoWidthPixels",
    "FullPanoHeightPixels",
    "CroppedAreaImageWidthPixels",
    "CroppedAreaImageHeightPixels",
    "CroppedAreaLeftPixels",
    "CroppedAreaTopPixels",
)
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}


@dataclass(frozen=True)
class Heading:
    """The direction of the optical axis as a device says it; evidence, not truth."""

    heading_deg: float | None = None
    reference: HeadingReference = "unknown"
    sigma_deg: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PanoramaCrop:
    """The part of a full 360 x 180 degree image that is there, as fractions of the whole."""

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0

    @property
    def is_full(self) -> bool:
        """Whether the whole sphere is there."""
        return self.width > 0.999 and self.height > 0.999


def lens_facts(tags: Tags, size_px: tuple[int, int]) -> LensFacts:
    """Return what the tags say of lens and sensor, for an upright photo of ``size_px``."""
    exif, xmp = tags.exif, tags.xmp
    camera = " ".join(filter(None, (text(exif.get(k)) for k in ("Make", "Model", "LensModel"))))
    recorded = tuple(int(number(exif.get(k)) or 0) for k in ("PixelXDimension", "PixelYDimension"))
    unit_mm = _MM_PER_UNIT.get(int(number(exif.get("FocalPlaneResolutionUnit")) or 2), 25.4)
    plane = [
        (number(exif.get(k)) or 0.0) / unit_mm
        for k in ("FocalPlaneXResolution", "FocalPlaneYResolution")
    ]
    return LensFacts(
        size_px=size_px,
        recorded_size_px=(recorded[0], recorded[1]) if min(recorded) > 0 else None,
        camera=camera,
        focal_mm=_positive(exif.get("FocalLength")) or _focal_mm_of_drone(tags),
        focal_35mm_mm=_positive(exif.get("FocalLengthIn35mmFilm")),
        f_number=_positive(exif.get("FNumber")),
        digital_zoom=_positive(exif.get("DigitalZoomRatio")),
        focal_plane_px_per_mm=(plane[0], plane[1]) if min(plane) > 0 else None,
        stated_fov_deg=_stated_fov_deg(tags, recorded, size_px),
        edited_crop=xmp.get("crs:HasCrop", "").lower() == "true",
        fisheye=xmp.get("Camera:ModelType", "").lower() == "fisheye",
    )


def _positive(value: object) -> float | None:
    result = number(value)
    return result if result is not None and result > 0 else None


def _focal_mm_of_drone(tags: Tags) -> float | None:
    if tags.xmp.get("Camera:PerspectiveFocalLengthUnits", "mm").lower() != "mm":
        return None
    return _positive(tags.xmp.get("Camera:PerspectiveFocalLength"))


def _stated_fov_deg(
    tags: Tags, recorded: tuple[int, ...], size_px: tuple[int, int]
) -> float | None:
    """Return the upright horizontal field of view from a focal length in pixels in XMP.

    Source: DJI ``DewarpData`` is "date;fx,fy,cx,cy,..."; Pix4D camera tags.
    """
    dewarp = tags.xmp.get("dji:DewarpData", "").rpartition(";")[2].split(",")
    focal_px = _positive(dewarp[0]) or _positive(tags.xmp.get("dji:CalibratedFocalLength"))
    if focal_px is None and tags.xmp.get("Camera:PerspectiveFocalLengthUnits") == "pixel":
        focal_px = _positive(tags.xmp.get("Camera:PerspectiveFocalLength"))
    if focal_px is None or min(recorded) <= 0:
        return None
    scale = max(recorded) / max(size_px)
    return 2.0 * math.degrees(math.atan(size_px[0] * scale / (2.0 * focal_px)))


def captured_at(tags: Tags) -> tuple[datetime | None, tuple[str, ...]]:
    """Return when the photo was taken, always with a time zone, and notes.

    Local times need a zone: the recorded offset, else the difference to GPS time (UTC); without
    both they are taken as UTC, which is wrong by up to 14 hours, and noted.
    """
    exif, notes = tags.exif, list[str]()
    written = text(exif.get("DateTimeOriginal")) or tags.xmp.get("photoshop:DateCreated", "")
    local = parse_time(written)
    if written and local is None:
        notes.append(f"the date of capture {written[:40]!r} is no date and was ignored")
    gps = _gps_time(tags)
    mapillary = _mapillary(tags).get("MAPCaptureTime")
    stated = _utc(text(mapillary), "%Y_%m_%d_%H_%M_%S_%f")
    if local is None and gps is None and stated is None:
        local = parse_time(text(exif.get("DateTimeDigitized")))
        if local is None:
            notes.append("no date of capture: every street view counts as available")
            return None, tuple(notes)
        notes.append("no date of capture: the date of digitising was taken")
    if local is None:
        return gps or stated, tuple(notes)
    if local.tzinfo is not None:
        return local, tuple(notes)
    zone = _offset(text(exif.get("OffsetTimeOriginal")) or text(exif.get("OffsetTime")))
    if zone is None and gps is not None:
        ahead = local.replace(tzinfo=UTC) - gps
        quarter_hours = round(ahead / timedelta(minutes=15))
        if abs(quarter_hours) <= 14 * 4:
            zone = timezone(timedelta(minutes=15 * quarter_hours))
        else:
            notes.append("the GPS time contradicts the camera's clock and was ignored")
    if zone is None:
        zone = UTC
        notes.append("time zone not given: the time was taken as UTC")
    return local.replace(tzinfo=zone), tuple(notes)


def parse_time(value: str | None) -> datetime | None:
    """Return an EXIF ("2014:06:07 10:24:05") or ISO time, without a zone where none is given."""
    if not value:
        return None
    cleaned = re.sub(r"^(\d{4})[:/](\d{2})[:/](\d{2})", r"\1-\2-\3", value.strip())
    cleaned = re.sub(r"(\.\d+)|Z$", lambda m: "+00:00" if m.group(0) == "Z" else "", cleaned)
    try:
        moment = datetime.fromisoformat(cleaned)
    except ValueError:
        return None
    if moment.year < EARLIEST_YEAR or moment.replace(tzinfo=None) in UNSET_CLOCKS:
        return None
    return moment


def _utc(value: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(value, pattern).replace(tzinfo=UTC)
    except ValueError:
        return None


def _offset(value: str) -> timezone | None:
    match = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})|Z", value)
    if match is None:
        return None
    if value == "Z":
        return UTC
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=min(minutes, 14 * 60) * (-1 if match[1] == "-" else 1)))


def _gps_time(tags: Tags) -> datetime | None:
    """Return the GPS time (UTC), or None."""
    stamp = tags.exif.get("GPSTimeStamp")
    if isinstance(stamp, str) and "T" in stamp:
        moment = parse_time(stamp)
        return moment if moment and moment.tzinfo else None
    day = _utc(text(tags.exif.get("GPSDateStamp")), "%Y:%m:%d")
    if day is None or not isinstance(stamp, tuple) or len(stamp) != 3:
        return None
    parts = [number(part) for part in stamp]
    if any(part is None for part in parts):
        return None
    hours, minutes, seconds = (part or 0.0 for part in parts)
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 61):
        return None
    return day + timedelta(hours=hours, minutes=minutes, seconds=int(seconds))


def position(tags: Tags) -> tuple[LonLat | None, tuple[str, ...]]:
    """Return the GPS position, and notes; hemispheres are honoured, 0/0 is no position."""
    exif = tags.exif
    if exif.get("GPSLatitude") is None or exif.get("GPSLongitude") is None:
        return None, ()
    lat = _coordinate(exif["GPSLatitude"], text(exif.get("GPSLatitudeRef")), "NS")
    lon = _coordinate(exif["GPSLongitude"], text(exif.get("GPSLongitudeRef")), "EW")
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
        return None, ("the GPS position is damaged or lacks its hemisphere and was ignored",)
    if lat == 0.0 and lon == 0.0:
        return None, ("the GPS position is 0, 0, which is no position",)
    return LonLat(lon, lat), ()


def _coordinate(value: object, reference: str, signs: str) -> float | None:
    if isinstance(value, str):
        match = re.fullmatch(r"([\d.]+),([\d.]+)(?:,([\d.]+))?([NSEW])", value.strip())
        if match is None:
            return None
        value, reference = (match[1], match[2], match[3] or "0"), match[4]
    parts = value if isinstance(value, (tuple, list)) else (value,)
    numbers = [number(part) for part in parts]
    if not numbers or any(part is None for part in numbers):
        return None
    degrees = sum((part or 0.0) / 60.0**index for index, part in enumerate(numbers))
    reference = reference.upper()[:1]
    if reference not in signs or not reference:
        return degrees if degrees < 0 else None
    return -abs(degrees) if reference == signs[1] else degrees


def heading(tags: Tags) -> Heading:
    """Return the direction of the optical axis as the file gives it.

    A magnetic direction is kept as it is, with a note: no declination is applied.
    """
    exif, xmp = tags.exif, tags.xmp
    sources: list[Callable[[], Heading | None]] = [
        lambda: _true_heading(xmp.get("GPano:PoseHeadingDegrees")),
        lambda: _true_heading(xmp.get("dji:GimbalYawDegree")),
        lambda: _true_heading(xmp.get("parrot:CameraYawDegree")),
        lambda: _gps_direction(exif),
        lambda: _mapillary_heading(tags),
        lambda: _true_heading(xmp.get("Camera:Yaw")),
    ]
    return next((found for source in sources if (found := source()) is not None), Heading())


def _true_heading(value: object) -> Heading | None:
    degrees = number(value)
    if degrees is None or abs(degrees) > 720:
        return None
    return Heading(degrees % 360.0, "true")


def _gps_direction(exif: Mapping[str, Any]) -> Heading | None:
    found = _true_heading(exif.get("GPSImgDirection"))
    if found is None:
        return None
    reference = text(exif.get("GPSImgDirectionRef")).upper()[:1]
    if reference == "T":
        return found
    if reference == "M":
        return Heading(
            found.heading_deg, "magnetic", notes=("the heading is magnetic: not corrected",)
        )
    note = "the heading does not say which north it refers to: taken as true north"
    return Heading(found.heading_deg, "unknown", notes=(note,))


def _mapillary(tags: Tags) -> Mapping[str, Any]:
    """Return the JSON that Mapillary's apps write into the description, or nothing."""
    description = text(tags.exif.get("ImageDescription"))
    if not description.startswith("{") or len(description) > 65536:
        return {}
    try:
        content = json.loads(description)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _mapillary_heading(tags: Tags) -> Heading | None:
    compass = _mapillary(tags).get("MAPCompassHeading")
    if not isinstance(compass, dict):
        return None
    sigma_deg = _positive(compass.get("AccuracyDegrees"))
    said = f" to {sigma_deg:.0f} degrees as it says" if sigma_deg else ""
    note = f"the heading comes from a phone's compass, good{said}; it is often worse"
    found = _true_heading(compass.get("TrueHeading"))
    if found is not None:
        return Heading(found.heading_deg, "true", sigma_deg, (note,))
    found = _true_heading(compass.get("MagneticHeading"))
    if found is None:
        return None
    magnetic = "the heading is magnetic: not corrected"
    return Heading(found.heading_deg, "magnetic", sigma_deg, (note, magnetic))


def tilt(tags: Tags) -> tuple[float | None, float | None]:
    """Return (pitch, roll) in degrees where known; pitch is positive upwards, roll clockwise.

    Pix4D's ``Camera:Pitch`` is 0 for a camera that looks straight down.
    """
    xmp = tags.xmp
    from_nadir_deg = number(xmp.get("Camera:Pitch"))
    pitch = _first(
        xmp.get("GPano:PosePitchDegrees"),
        xmp.get("dji:GimbalPitchDegree"),
        xmp.get("parrot:CameraPitchDegree"),
        tags.exif.get("CameraElevationAngle"),
        None if from_nadir_deg is None else from_nadir_deg - 90.0,
    )
    roll = _first(
        xmp.get("GPano:PoseRollDegrees"),
        xmp.get("dji:GimbalRollDegree"),
        xmp.get("parrot:CameraRollDegree"),
        xmp.get("Camera:Roll"),
    )
    return (
        pitch if pitch is not None and abs(pitch) <= 90 else None,
        roll if roll is not None and abs(roll) <= 180 else None,
    )


def _first(*values: object) -> float | None:
    return next((found for value in values if (found := number(value)) is not None), None)


def panorama_crop(tags: Tags, size_px: tuple[int, int]) -> PanoramaCrop | None:
    """Return what part of the sphere an equirectangular photo shows, None for other photos.

    Args:
        tags: The file's tags.
        size_px: The upright photo's own size; it may have been resized after the tags were written.
    """
    xmp = tags.xmp
    if not any(name.startswith("GPano:") for name in xmp):
        return None
    if xmp.get("GPano:ProjectionType", "equirectangular").lower() != "equirectangular":
        return None
    full_w, full_h, crop_w, crop_h, left, top = (
        number(xmp.get(f"GPano:{key}")) for key in _CROP_KEYS
    )
    if not full_w or not full_h:
        return PanoramaCrop() if abs(size_px[0] - 2 * size_px[1]) <= 2 else None
    crop_w, crop_h = crop_w or full_w, crop_h or full_h
    if min(full_w, full_h, crop_w, crop_h) <= 0:
        return None
    crop = PanoramaCrop(
        (left or 0.0) / full_w, (top or 0.0) / full_h, crop_w / full_w, crop_h / full_h
    )
    resized = abs(math.log((size_px[0] / size_px[1]) / (crop_w / crop_h))) < 0.02
    fits = (
        0 <= crop.left < 1
        and 0 <= crop.top < 1
        and 0.02 <= crop.width <= 1.001
        and 0.02 <= crop.height <= 1.001
        and crop.top + crop.height <= 1.01
        and abs(full_w / full_h - 2.0) < 0.04
    )
    return crop if fits and resized else None
