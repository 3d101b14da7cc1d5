"""The EXIF and XMP tags of a photo by name, whatever state they are in.

Nothing here is fatal: a block that cannot be read is left out and noted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from defusedxml import ElementTree
from PIL import Image

# What PIL and the XML parser raise on damaged metadata; nothing of it may stop a photo.
METADATA_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    SyntaxError,
    EOFError,
    RuntimeError,
    MemoryError,
)
MAX_XMP_BYTES = 4 * 2**20
EXIF_IFD, GPS_IFD = 0x8769, 0x8825

_NAMESPACES = {
    "photos/1.0/panorama": "GPano",
    "dji.com/drone-dji": "dji",
    "parrot.com/drone-parrot": "parrot",
    "pix4d.com/camera": "Camera",
    "camera-raw-settings": "crs",
    "adobe.com/exif": "exif",
    "adobe.com/photoshop": "photoshop",
}
_EXIF_TAGS = {
    0x829D: "FNumber",
    0x9003: "DateTimeOriginal",
    0x9004: "DateTimeDigitized",
    0x9010: "OffsetTime",
    0x9011: "OffsetTimeOriginal",
    0x9012: "OffsetTimeDigitized",
    0x9405: "CameraElevationAngle",
    0x920A: "FocalLength",
    0xA002: "PixelXDimension",
    0xA003: "PixelYDimension",
    0xA20E: "FocalPlaneXResolution",
    0xA20F: "FocalPlaneYResolution",
    0xA210: "FocalPlaneResolutionUnit",
    0xA404: "DigitalZoomRatio",
    0xA405: "FocalLengthIn35mmFilm",
    0xA434: "LensModel",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0112: "Orientation",
}
_GPS_TAGS = {
    1: "GPSLatitudeRef",
    2: "GPSLatitude",
    3: "GPSLongitudeRef",
    4: "GPSLongitude",
    7: "GPSTimeStamp",
    16: "GPSImgDirectionRef",
    17: "GPSImgDirection",
    29: "GPSDateStamp",
}


@dataclass(frozen=True)
class Tags:
    """The tags of a file by name: EXIF (with XMP's ``exif:`` filling gaps) and XMP."""

    exif: Mapping[str, Any] = field(default_factory=dict)
    xmp: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_tags(image: Image.Image) -> Tags:
    """Return the tags of an opened image by name; what is damaged is left out and noted."""
    notes: list[str] = []
    exif: dict[str, Any] = {}
    try:
        root = image.getexif()
        for block, names in (
            (root, _EXIF_TAGS),
            (root.get_ifd(EXIF_IFD), _EXIF_TAGS),
            (root.get_ifd(GPS_IFD), _GPS_TAGS),
        ):
            exif.update({names[tag]: value for tag, value in block.items() if tag in names})
    except METADATA_ERRORS as err:
        notes.append(f"the EXIF block is damaged and was read in part ({type(err).__name__})")
    xmp: dict[str, str] = {}
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if packet:
        try:
            xmp = parse_xmp(packet)
        except METADATA_ERRORS as err:
            notes.append(f"the XMP block is damaged and was ignored ({type(err).__name__})")
    for name, value in xmp.items():
        if name.startswith("exif:"):
            exif.setdefault(name.removeprefix("exif:"), value)
    return Tags(exif, xmp, tuple(notes))


def parse_xmp(packet: bytes | str) -> dict[str, str]:
    """Return an XMP packet's simple properties as ``{"GPano:PoseHeadingDegrees": "12"}``.

    Raises:
        ValueError: The packet is too large or uses XML entities.
        SyntaxError: The packet is no XML.
    """
    data = packet.encode() if isinstance(packet, str) else packet
    if len(data) > MAX_XMP_BYTES:
        raise ValueError("XMP packet too large")
    found: dict[str, str] = {}
    for element in ElementTree.fromstring(data.strip(b"\x00 \r\n\t")).iter():
        for name, value in [(element.tag, element.text), *element.attrib.items()]:
            uri, _, local = str(name).lstrip("{").rpartition("}")
            prefix = next((p for part, p in _NAMESPACES.items() if part in uri), None)
            if prefix and value and value.strip():
                found.setdefault(f"{prefix}:{local}", value.strip())
    return found


def number(value: object) -> float | None:
    """Return a tag's value as a finite number, or None; "427/100" and 1-tuples are understood."""
    if isinstance(value, (tuple, list)):
        return number(value[0]) if value else None
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    try:
        if isinstance(value, str):
            top, slash, bottom = value.strip(" \x00+").partition("/")
            result = float(top) / float(bottom) if slash else float(top)
        else:
            result = float(value)  # type: ignore[arg-type]
    except METADATA_ERRORS:
        return None
    return result if math.isfinite(result) else None


def text(value: object) -> str:
    """Return a tag's value as text without padding."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip(" \x00\n\r\t") if isinstance(value, str) else ""
