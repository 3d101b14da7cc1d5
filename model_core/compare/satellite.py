"""A satellite image as a candidate looks over it: its heading up, itself at the lower edge."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from model_core.references.area import LocalFrame
from model_core.types import ImageU8, LonLat, SatelliteImage

DEPTH_M = 80.0
"""Ground from the lower edge to the upper one."""

SOURCE_FOOTPRINT_M = 2.25 * DEPTH_M
"""What holds the picture's far corners, whatever the heading."""

SOURCE_PX = 1024

_SCALE_BAR_M = 20
_NOTHING, _INK, _WHITE = (207, 216, 220), (38, 50, 56), (255, 255, 255)
_CANDIDATE, _VIEW = (255, 109, 0), (2, 136, 209)

Transform = npt.NDArray[np.float64]
Point = tuple[int, int]


def heading_up(image: SatelliteImage, heading_deg: float, size_px: int) -> ImageU8:
    """Return the ground ahead of a place, uint8 (size_px, size_px, 3), ``DEPTH_M`` deep and wide.

    The place is in the middle of the lower edge; ground of which nothing is known is grey.

    Args:
        image: North up, centred on the place.
        heading_deg: What is up in the picture.
        size_px: Its width and height.
    """
    source_px = image.image.shape[0]
    px_per_m = source_px / image.footprint_m
    m_per_px = DEPTH_M / size_px
    sine, cosine = math.sin(math.radians(heading_deg)), math.cos(math.radians(heading_deg))
    to_ground = np.array(
        ((m_per_px, 0.0, (0.5 - size_px / 2) * m_per_px), (0.0, -m_per_px, DEPTH_M - m_per_px / 2))
    )
    turn = np.array(((cosine, sine), (sine, -cosine)))  # right, ahead -> east, south
    to_source: Transform = px_per_m * turn @ to_ground
    to_source[:, 2] += source_px / 2 - 0.5
    flags = cv2.WARP_INVERSE_MAP
    size = (size_px, size_px)
    pixels = cv2.warpAffine(image.image, to_source, size, flags=flags | cv2.INTER_LINEAR)
    valid = cv2.warpAffine(
        image.valid.astype(np.uint8), to_source, size, flags=flags | cv2.INTER_NEAREST
    )
    pixels[valid == 0] = _NOTHING
    return cast(ImageU8, pixels)


def draw_view(pixels: ImageU8, heading_deg: float, fov_deg: float, marked: Point | None) -> ImageU8:
    """Return the picture with the field of view, the candidate, north and a scale.

    Args:
        pixels: As ``heading_up`` gives it.
        heading_deg: What is up.
        fov_deg: Its lines are left out from 180 degrees on.
        marked: Where the street view stands, as ``position`` gives it.
    """
    drawn = pixels.copy()
    size = drawn.shape[0]
    here = (size // 2, size - 1)
    if fov_deg < 180.0:
        for side in (-1, 1):
            aside = side * math.radians(fov_deg) / 2
            across, up = 2 * size * math.sin(aside), 2 * size * math.cos(aside)
            _line(drawn, here, (round(here[0] + across), round(here[1] - up)))
    if marked is not None:
        _dot(drawn, marked, _VIEW)
    _dot(drawn, here, _CANDIDATE)
    _draw_north(drawn, heading_deg)
    _draw_scale(drawn)
    return drawn


def position(place: LonLat, candidate: LonLat, heading_deg: float, size_px: int) -> Point | None:
    """Return the column and row of a place in a picture of ``size_px``, None outside of it."""
    east, north = (float(v) for v in LocalFrame(candidate).to_xy(place.lon, place.lat))
    sine, cosine = math.sin(math.radians(heading_deg)), math.cos(math.radians(heading_deg))
    right_m, ahead_m = east * cosine - north * sine, east * sine + north * cosine
    px_per_m = size_px / DEPTH_M
    at = (round(size_px / 2 + right_m * px_per_m), round(size_px - 1 - ahead_m * px_per_m))
    return at if min(at) >= 0 and max(at) < size_px else None


def _line(pixels: ImageU8, start: Point, end: Point) -> None:
    cv2.line(pixels, start, end, _INK, 5, cv2.LINE_AA)
    cv2.line(pixels, start, end, _WHITE, 2, cv2.LINE_AA)


def _dot(pixels: ImageU8, at: Point, colour: tuple[int, int, int]) -> None:
    cv2.circle(pixels, at, 13, _WHITE, -1, cv2.LINE_AA)
    cv2.circle(pixels, at, 10, colour, -1, cv2.LINE_AA)


def _draw_north(pixels: ImageU8, heading_deg: float) -> None:
    """Draw an arrow to true north in the upper right corner, its letter at the tip."""
    size = pixels.shape[0]
    radius = size // 18
    x, y = size - 2 * radius, 2 * radius
    across, up = -math.sin(math.radians(heading_deg)), math.cos(math.radians(heading_deg))
    tail = (round(x - across * radius), round(y + up * radius))
    tip = (round(x + across * radius * 0.4), round(y - up * radius * 0.4))
    for colour, thickness in ((_INK, 6), (_WHITE, 2)):
        cv2.arrowedLine(pixels, tail, tip, colour, thickness, cv2.LINE_AA, tipLength=0.35)
    _write(pixels, "N", (round(x + across * radius), round(y - up * radius)))


def _draw_scale(pixels: ImageU8) -> None:
    """Draw a bar of 20 metres in the lower left corner."""
    size = pixels.shape[0]
    length, margin = round(_SCALE_BAR_M * size / DEPTH_M), size // 30
    _line(pixels, (margin, size - margin), (margin + length, size - margin))
    _write(pixels, f"{_SCALE_BAR_M} m", (margin + length // 2, size - 2 * margin))


def _write(pixels: ImageU8, text: str, middle: Point) -> None:
    """Write a text around a point."""
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, pixels.shape[0] / 1100
    (width, height), _ = cv2.getTextSize(text, font, scale, 2)
    at = (middle[0] - width // 2, middle[1] + height // 2)
    cv2.putText(pixels, text, at, font, scale, _INK, 6, cv2.LINE_AA)
    cv2.putText(pixels, text, at, font, scale, _WHITE, 2, cv2.LINE_AA)
