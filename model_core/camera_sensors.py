"""Field of view of a photo from its lens facts: sensor table, focal plane, 35 mm equivalent.

Everything is worked out on the diagonal. A lens of focal length ``f`` before a sensor of diagonal
``d`` sees half a diagonal of ``atan(d / 2f)``; the photo's width is ``w / hypot(w, h)`` of that
diagonal, so portrait photos get their narrow side without a special case.

The 35 mm equivalent is taken **by diagonal** too: CIPA DCG-001 defines it as the focal length that
gives the same diagonal field of view on 36 x 24 mm film (43.27 mm), and phones since about 2013
follow it. By width (36 mm) a 4:3 photo would come out 4 % too wide. A few older phones wrote it by
width or rounded it freely; those stand in the sensor table, which is preferred where it agrees.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
SENSOR_ASPECTS = (4.0 / 3.0, 3.0 / 2.0)
ASPECT_TOLERANCE = 0.02
SAME_ASPECT_TOLERANCE = 0.01
AGREEMENT = 0.15
FOV_RANGE_DEG = (5.0, 130.0)


@dataclass(frozen=True)
class Sensor:
    """One camera's sensor.

    ``pattern`` is searched in "make model lens"; ``focal_mm`` tells the lenses of a phone apart
    (0: any lens). ``signature`` is (35 mm equivalent, f-number) as the camera writes them, by
    which a photo without make and model is recognised.
    """

    pattern: str
    long_mm: float
    short_mm: float
    focal_mm: float = 0.0
    signature: tuple[float, float] | None = None

    @property
    def diagonal_mm(self) -> float:
        """The sensor's diagonal in millimetres."""
        return math.hypot(self.long_mm, self.short_mm)


# Phones: pixel pitch times pixel count; the rest: nominal size of the optical format.
# The first row that fits is used, so special models stand before their families.
SENSORS: tuple[Sensor, ...] = (
    Sensor(r"iPhone 3GS\b", 3.58, 2.69, 3.85),
    Sensor(r"iPhone 4\b", 4.54, 3.42, 3.85),
    Sensor(r"iPhone 4S\b", 4.54, 3.42, 4.28, (35.0, 2.4)),
    Sensor(r"iPhone 5c?\b", 4.54, 3.42, 4.12, (33.0, 2.4)),
    Sensor(r"iPhone 5s\b", 4.89, 3.67, 4.15),
    Sensor(r"iPhone 6( Plus)?\b", 4.89, 3.67, 4.15, (29.0, 2.2)),
    Sensor(r"iPhone (6s( Plus)?|SE)\b", 4.92, 3.69, 4.15),
    Sensor(r"iPhone (7|8)( Plus)?\b", 4.92, 3.69, 3.99),
    Sensor(r"\b(GT-I9300|GT-I9305|SGH-T999)\b", 4.57, 3.43, 3.7),
    Sensor(r"\b(GT-I9500|GT-I9505|SGH-I337)\b", 4.62, 3.47, 4.2),
    Sensor(r"\bSM-G900", 5.95, 3.35, 4.8),
    Sensor(r"\bSM-G92[058]", 5.95, 3.35, 4.3),
    Sensor(r"\bSM-G93[05]", 5.64, 4.23, 4.2),
    Sensor(r"\bSM-G95[05]", 5.64, 4.23, 4.25),
    Sensor(r"\bSM-G96[05]", 5.64, 4.23, 4.3),
    Sensor(r"\bNexus 4\b", 4.57, 3.43, 4.6),
    Sensor(r"\bNexus 5\b", 4.57, 3.43, 3.97),
    Sensor(r"\bNexus (5X|6P)\b", 6.25, 4.69, 4.67),
    Sensor(r"\bPixel( XL)?\b", 6.25, 4.69, 4.67),
    Sensor(r"\bPixel [2345]( XL|a|a XL)?\b", 5.64, 4.23, 4.42),
    Sensor(r"\bLG-D80\d|\bLG-D855|\bLG G2|\bLG G3", 4.66, 3.50, 3.97),
    Sensor(r"\bLG-H81\d|\bLG G4", 5.95, 3.35, 4.42),
    Sensor(r"ONEPLUS A30[01]\d", 5.21, 3.92, 4.26),
    Sensor(r"\bHTC One\b|\bHTC_M7", 5.38, 3.02, 3.82),
    Sensor(r"DJI FC220\b", 6.17, 4.55, 4.73),
    Sensor(r"DJI FC3(00|30)", 6.17, 4.55, 3.61),
    Sensor(r"DJI FC6310", 13.2, 8.8, 8.8),
    Sensor(r"L1D-20c", 13.2, 8.8, 10.26),
    Sensor(r"DJI FC7[23]03", 6.17, 4.55, 4.49),
    Sensor(r"DJI FC3411", 13.2, 8.8, 8.38),
    Sensor(r"Canon.*IXUS 40\b", 5.76, 4.29),
    Sensor(r"PowerShot (G9|G10|G11|G12|S90|S95|S100)\b", 7.44, 5.58),
    Sensor(r"COOLPIX P(5000|5100|6000|7000|7100)\b", 7.44, 5.58),
    Sensor(r"DSC-RX100|DSC-RX10\b|PowerShot G[57] ?X", 13.2, 8.8),
    Sensor(r"Canon EOS (5DS?|5D Mark|6D|R3|R5|R6|R8|RP|R\b)", 36.0, 24.0),
    Sensor(r"Canon EOS[- ]1D(s|[- ]?X|C)", 36.0, 24.0),
    Sensor(r"Canon EOS[- ]1D", 28.1, 18.7),
    Sensor(r"Canon EOS", 22.3, 14.9),
    Sensor(r"NIKON D([3456]|3S|3X|4S|6[01]0|7[058]0|8[015]0[AE]?|f)\b", 36.0, 23.9),
    Sensor(r"NIKON Z ?([56789]|f)(_?[23])?\b|NIKON Z ?[67] ?I+\b", 35.9, 23.9),
    Sensor(r"NIKON 1 ", 13.2, 8.8),
    Sensor(r"NIKON (D\d+|Z ?(30|50|fc))", 23.6, 15.7),
    Sensor(r"ILCE-[179]|SLT-A99|DSLR-A(850|900)|DSC-RX1\b", 35.8, 23.9),
    Sensor(r"ILCE-|NEX-|SLT-A|DSLR-A", 23.5, 15.6),
    Sensor(r"FUJIFILM.*GFX", 43.8, 32.9),
    Sensor(r"FUJIFILM.*(X-[A-Z]|X100)", 23.5, 15.6),
    Sensor(r"PENTAX K-1\b", 35.9, 24.0),
    Sensor(r"PENTAX K", 23.5, 15.6),
    Sensor(r"RICOH GR( II| III| IIIx)?\s*$", 23.5, 15.6),
    Sensor(r"OLYMPUS.*\b(E-M|E-P|PEN|E-\d)|OM-1|OM-5", 17.3, 13.0),
    Sensor(r"Panasonic (DMC|DC)-G", 17.3, 13.0),
)


@dataclass(frozen=True)
class LensFacts:
    """What a file says of the camera; sizes in pixels as (width, height).

    ``size_px`` is the upright photo's own size, ``recorded_size_px`` the one the camera noted
    (either orientation), ``focal_plane_px_per_mm`` refers to the recorded size.
    """

    size_px: tuple[int, int]
    recorded_size_px: tuple[int, int] | None = None
    camera: str = ""
    focal_mm: float | None = None
    focal_35mm_mm: float | None = None
    f_number: float | None = None
    digital_zoom: float | None = None
    focal_plane_px_per_mm: tuple[float, float] | None = None
    stated_fov_deg: float | None = None
    edited_crop: bool = False
    fisheye: bool = False


@dataclass(frozen=True)
class FieldOfView:
    """A horizontal field of view in degrees, or None, with its source and notes for people."""

    fov_deg: float | None
    source: str = "unknown"
    notes: tuple[str, ...] = ()


def field_of_view(facts: LensFacts) -> FieldOfView:
    """Return the horizontal field of view of the upright photo.

    A photo that shows a crop (another aspect than the camera recorded or than its sensor has, an
    editor's crop mark, a focal plane that contradicts the lens) has an unknown field of view.

    Args:
        facts: What the file says.
    """
    crop = _crop_sign(facts)
    if crop:
        return FieldOfView(None, notes=(f"field of view unknown: {crop}",))
    if facts.stated_fov_deg is not None:
        return _checked(facts.stated_fov_deg, "XMP focal length", ())
    sensor = find_sensor(facts)
    odd = _odd_aspect(facts, sensor)
    half_tangents = _half_tangents(facts, sensor)
    if not half_tangents:
        return FieldOfView(None, notes=(f"field of view unknown: {_what_is_missing(facts)}",))
    if odd:
        return FieldOfView(None, notes=(f"field of view unknown: {odd}",))
    tangent, source, note = _choose(facts, half_tangents)
    if tangent is None:
        return FieldOfView(None, notes=(f"field of view unknown: {note}",))
    width, height = facts.size_px
    fov_deg = 2.0 * math.degrees(math.atan(tangent * width / math.hypot(width, height)))
    return _checked(fov_deg, source, (note,) if note else ())


def find_sensor(facts: LensFacts) -> Sensor | None:
    """Return the table's row for a camera, by its name or, without one, its lens signature."""
    for sensor in SENSORS:
        if facts.camera:
            if not re.search(sensor.pattern, facts.camera, re.IGNORECASE):
                continue
        elif sensor.signature is None or not _same_signature(facts, sensor.signature):
            continue
        if not sensor.focal_mm or _close(facts.focal_mm, sensor.focal_mm, 0.03):
            return sensor
    return None


def _same_signature(facts: LensFacts, signature: tuple[float, float]) -> bool:
    return _close(facts.focal_35mm_mm, signature[0], 0.001) and _close(
        facts.f_number, signature[1], 0.01
    )


def _close(value: float | None, wanted: float, tolerance: float) -> bool:
    return value is not None and abs(value - wanted) <= tolerance * wanted


def _aspect(size_px: tuple[int, int]) -> float:
    return max(size_px) / min(size_px)


def _crop_sign(facts: LensFacts) -> str:
    """Return why the whole field of the lens is not what the photo shows, or an empty string."""
    if facts.edited_crop:
        return "an editor has marked the photo as cropped"
    if facts.fisheye:
        return "the photo was taken with a fisheye lens"
    recorded = facts.recorded_size_px
    if recorded is None:
        return ""
    tolerance = max(SAME_ASPECT_TOLERANCE, 1.5 / min(*facts.size_px, *recorded))
    if abs(math.log(_aspect(facts.size_px) / _aspect(recorded))) > tolerance:
        return (
            f"the photo is {facts.size_px[0]} x {facts.size_px[1]}, but the camera recorded "
            f"{recorded[0]} x {recorded[1]}, so it was cropped"
        )
    return ""


def _odd_aspect(facts: LensFacts, sensor: Sensor | None) -> str:
    aspects = (sensor.long_mm / sensor.short_mm,) if sensor else SENSOR_ASPECTS
    aspect = _aspect(facts.size_px)
    if any(abs(math.log(aspect / known)) <= ASPECT_TOLERANCE for known in aspects):
        return ""
    whose = "this camera's sensor" if sensor else "a camera sensor (4:3 or 3:2)"
    return f"the aspect {aspect:.2f}:1 is not that of {whose}, so the photo may be cropped"


def _half_tangents(facts: LensFacts, sensor: Sensor | None) -> dict[str, float]:
    """Return the tangent of half the diagonal field of view by source."""
    found: dict[str, float] = {}
    if sensor is not None and facts.focal_mm:
        found["sensor table"] = sensor.diagonal_mm / (2.0 * facts.focal_mm)
    if facts.focal_plane_px_per_mm and facts.focal_mm and facts.recorded_size_px:
        per_mm_x, per_mm_y = facts.focal_plane_px_per_mm
        diagonal_mm = math.hypot(
            facts.recorded_size_px[0] / per_mm_x, facts.recorded_size_px[1] / per_mm_y
        )
        if 2.0 <= diagonal_mm <= 80.0:
            found["focal plane"] = diagonal_mm / (2.0 * facts.focal_mm)
    if facts.focal_35mm_mm:
        found["35 mm equivalent"] = FILM_DIAGONAL_MM / (2.0 * facts.focal_35mm_mm)
    return found


def _choose(facts: LensFacts, found: dict[str, float]) -> tuple[float | None, str, str]:
    """Return (tangent or None, source, note) of the sources that were found."""
    film = found.get("35 mm equivalent")
    plane = found.get("focal plane")
    table = found.get("sensor table")
    zoom = facts.digital_zoom if facts.digital_zoom and facts.digital_zoom > 1.05 else 1.0
    optical = table or plane
    if table and plane and not _agree(table, plane):
        return None, "", "focal plane and sensor disagree, so the photo was cropped or resized"
    if optical is None:
        return film, "35 mm equivalent", ""
    source = "sensor table" if table else "focal plane"
    if film is None or _agree(film, optical):
        return optical / zoom, source, f"digital zoom {zoom:g} applied" if zoom > 1.0 else ""
    if zoom > 1.0 and _agree(film, optical / zoom):
        return film, "35 mm equivalent", f"digital zoom {zoom:g} applied"
    if table and film < table:
        return film, "35 mm equivalent", "narrower than the sensor: taken as digital zoom"
    return None, "", "35 mm equivalent and sensor size disagree, so the photo may be cropped"


def _agree(first: float, second: float) -> bool:
    return abs(math.log(first / second)) <= AGREEMENT


def _what_is_missing(facts: LensFacts) -> str:
    if facts.focal_mm and facts.camera:
        return f"the sensor of {facts.camera.strip()} is not known and no 35 mm equivalent is given"
    if facts.focal_mm:
        return "a focal length but no camera name and no 35 mm equivalent"
    return "the file gives no focal length"


def _checked(fov_deg: float, source: str, notes: tuple[str, ...]) -> FieldOfView:
    low, high = FOV_RANGE_DEG
    if not low <= fov_deg <= high:
        return FieldOfView(
            None, notes=(f"field of view unknown: {fov_deg:.0f} degrees ({source}) is implausible",)
        )
    return FieldOfView(fov_deg, source, notes)
