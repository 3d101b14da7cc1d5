"""A JPEG file as its segments, so that metadata changes while every compressed pixel stays.

Source: ITU-T T.81, Annex B.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from model_core.photo_export.exif import PREFIX

MAX_PAYLOAD_BYTES = 65533
APP0, APP1, APP2, APP14, COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_ICC_PREFIX = b"ICC_PROFILE\0"
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True)
class Segment:
    """One segment; ``scan`` is the compressed image data that follows a start of scan."""

    marker: int
    payload: bytes
    scan: bytes = b""

    @property
    def is_metadata(self) -> bool:
        """Whether decoding needs nothing of it."""
        return 0xE0 <= self.marker <= 0xEF or self.marker == COMMENT

    @property
    def is_exif(self) -> bool:
        """Whether it is the EXIF block."""
        return self.marker == APP1 and self.payload.startswith(PREFIX)

    @property
    def is_xmp(self) -> bool:
        """Whether it is the main XMP packet."""
        return self.marker == APP1 and self.payload.startswith(XMP_PREFIX)


def split_jpeg(data: bytes) -> tuple[list[Segment], bytes]:
    """Return the segments of a JPEG's first image, and what follows it in the file.

    Raises:
        ValueError: The segments do not follow each other as they should.
    """
    if data[:2] != bytes((0xFF, _SOI)):
        raise ValueError("no JPEG: it does not begin with a start of image")
    segments: list[Segment] = []
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            raise ValueError(f"no segment begins at byte {at}")
        while at < len(data) and data[at] == 0xFF:
            at += 1
        marker = data[at] if at < len(data) else _EOI
        at += 1
        if marker == _EOI:
            return segments, data[at:]
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise ValueError(f"the segment at byte {at - 2} is cut short")
        payload, at = data[at + 2 : at + length], at + length
        scan = b""
        if marker == _SOS:
            ends = _MARKER_IN_SCAN.search(data, at)
            end = len(data) if ends is None else ends.start()
            scan, at = data[at:end], end
        segments.append(Segment(marker, payload, scan))
    return segments, b""


def join_jpeg(segments: Iterable[Segment], trailer: bytes = b"") -> bytes:
    """Return the file that segments make up, and what is to follow it."""
    parts = [bytes((0xFF, _SOI))]
    for segment in segments:
        length = (len(segment.payload) + 2).to_bytes(2, "big")
        parts += [bytes((0xFF, segment.marker)), length, segment.payload, segment.scan]
    return b"".join((*parts, bytes((0xFF, _EOI)), trailer))


def needed_segments(segments: Iterable[Segment]) -> list[Segment]:
    """Return the segments that the picture needs: no metadata but size, colours and profile."""
    kept = []
    for segment in segments:
        if segment.marker == APP0 and segment.payload.startswith(b"JFIF\0"):
            kept.append(replace(segment, payload=segment.payload[:12] + b"\0\0"))
        elif not segment.is_metadata or _says_colours(segment):
            kept.append(segment)
    return kept


def with_exif(segments: Iterable[Segment], exif: bytes) -> list[Segment]:
    """Return the segments with another EXIF block, where readers look for it: at the beginning."""
    others = [segment for segment in segments if not segment.is_exif]
    first = 1 if others and others[0].marker == APP0 else 0
    return [*others[:first], Segment(APP1, exif), *others[first:]]


def _says_colours(segment: Segment) -> bool:
    is_profile = segment.marker == APP2 and segment.payload.startswith(_ICC_PREFIX)
    return is_profile or (segment.marker == APP14 and segment.payload.startswith(b"Adobe"))
