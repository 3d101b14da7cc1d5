"""EXIF blocks taken apart and put together again, value by value and byte by byte.

Values keep their types and their bytes, so that a copy says exactly what the original said. The
preview image in a block's second directory is never taken along. An entry that points outside the
block is left out and counted.

Source: TIFF 6.0; Exif 2.32 (CIPA DC-008).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from model_core.types import LonLat

ByteOrder = Literal["<", ">"]
Directory = Mapping[int, "Value"]

PREFIX = b"Exif\0\0"
ORIENTATION = 0x0112
PIXEL_SIZE = (0xA002, 0xA003)
HIDDEN_IMAGES = frozenset((0x927C, 0xC4A5, 0x501B))
"""Maker notes, print matching, a thumbnail of Windows: each may hold the picture once more."""

_BYTE, _ASCII, _LONG, _RATIONAL = 1, 2, 4, 5
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_EXIF, _GPS, _INTEROP = 0x8769, 0x8825, 0xA005
_OF_THE_PIXELS = frozenset(
    {262, 266, 273, 284, 317, 330, 338, 339, 347, 529, 530, 532, 700, 33723, 34377, 34675}
    | {*range(254, 260), *range(277, 280), *range(320, 326), *range(512, 522)}
)
_GPS_TIMES = frozenset((7, 29))
_GPS_DIRECTION = frozenset((16, 17))
_SECOND_PARTS = 1_000_000


@dataclass(frozen=True)
class Value:
    """A tag's value: its TIFF type, how many there are, and their bytes in the block's order."""

    kind: int
    count: int
    data: bytes


@dataclass(frozen=True)
class ExifBlock:
    """The directories of an EXIF block, without previews and without what describes pixels.

    ``damaged`` counts entries that could not be read.
    """

    order: ByteOrder = "<"
    image: Directory = field(default_factory=dict)
    exif: Directory = field(default_factory=dict)
    interop: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)
    has_preview: bool = False
    damaged: int = 0

    def without(self, tags: Iterable[int]) -> ExifBlock:
        """Return the block without some tags, wherever they stand but under GPS."""
        left_out = frozenset(tags)
        image = {tag: value for tag, value in self.image.items() if tag not in left_out}
        exif = {tag: value for tag, value in self.exif.items() if tag not in left_out}
        return ExifBlock(self.order, image, exif, self.interop, self.gps)

    def located(self, lonlat: LonLat, heading_deg: float | None) -> ExifBlock:
        """Return the block with another position; of the old one only the time stays.

        Args:
            lonlat: Written to a millionth of a second of arc.
            heading_deg: Clockwise from true north; None: the direction stays as it was.
        """
        kept = _GPS_TIMES if heading_deg is not None else _GPS_TIMES | _GPS_DIRECTION
        gps = {tag: value for tag, value in self.gps.items() if tag in kept}
        gps[0] = Value(_BYTE, 4, bytes((2, 3, 0, 0)))
        gps[1] = _text("S" if lonlat.lat < 0 else "N")
        gps[2] = self._arc(lonlat.lat)
        gps[3] = _text("W" if lonlat.lon < 0 else "E")
        gps[4] = self._arc(lonlat.lon)
        if heading_deg is not None:
            gps[16] = _text("T")
            gps[17] = self._rationals((round(heading_deg * 100) % 36000, 100))
        gps[18] = _text("WGS-84")
        return ExifBlock(self.order, self.image, self.exif, self.interop, gps)

    def _arc(self, degrees: float) -> Value:
        whole, parts = divmod(round(abs(degrees) * 3600 * _SECOND_PARTS), 3600 * _SECOND_PARTS)
        minutes, seconds = divmod(parts, 60 * _SECOND_PARTS)
        return self._rationals((whole, 1), (minutes, 1), (seconds, _SECOND_PARTS))

    def _rationals(self, *fractions: tuple[int, int]) -> Value:
        data = b"".join(struct.pack(f"{self.order}II", *fraction) for fraction in fractions)
        return Value(_RATIONAL, len(fractions), data)


def read_exif(block: bytes) -> ExifBlock:
    """Return what a block holds, as far as it can be read; nothing where it is no EXIF at all.

    Args:
        block: The block, with or without ``PREFIX``, or a whole TIFF file.
    """
    data = block.removeprefix(PREFIX)
    if data[:4] not in (b"II*\0", b"MM\0*") or len(data) < 8:
        return ExifBlock(damaged=1 if data else 0)
    order: ByteOrder = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    image, next_start, damaged = _read_directory(data, order, start)
    found: dict[int, dict[int, Value]] = {}
    for pointer, holder in ((_EXIF, image), (_GPS, image), (_INTEROP, None)):
        entry = (found[_EXIF] if holder is None else holder).get(pointer)
        found[pointer] = {}
        if entry is not None and len(entry.data) == 4:
            (below,) = struct.unpack(f"{order}I", entry.data)
            found[pointer], _, lost = _read_directory(data, order, below)
            damaged += lost
    pointers = {_EXIF, _GPS, _INTEROP}
    return ExifBlock(
        order,
        {tag: v for tag, v in image.items() if tag not in _OF_THE_PIXELS | pointers},
        {tag: v for tag, v in found[_EXIF].items() if tag not in pointers},
        found[_INTEROP],
        found[_GPS],
        has_preview=next_start != 0,
        damaged=damaged,
    )


def write_exif(block: ExifBlock) -> bytes:
    """Return a block as bytes, ``PREFIX`` included."""
    order = block.order
    image, exif = dict(block.image), dict(block.exif)
    below = bytearray()
    start = 8

    def place(directory: Mapping[int, Value]) -> Value:
        """Append a directory and return the pointer to it."""
        pointer = start + len(below)
        below.extend(_directory_bytes(directory, order, pointer))
        return Value(_LONG, 1, struct.pack(f"{order}I", pointer))

    if block.interop:
        exif[_INTEROP] = place(block.interop)
    if exif:
        image[_EXIF] = place(exif)
    if block.gps:
        image[_GPS] = place(block.gps)
    (first,) = struct.unpack(f"{order}I", place(image).data)
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", first)
    return PREFIX + header + bytes(below)


def _read_directory(data: bytes, order: ByteOrder, start: int) -> tuple[dict[int, Value], int, int]:
    """Return a directory's values, where the next one starts (0: none), and how many are lost."""
    values: dict[int, Value] = {}
    if start + 2 > len(data):
        return values, 0, 1
    (count,) = struct.unpack_from(f"{order}H", data, start)
    readable = min(count, (len(data) - start - 2) // 12)
    lost = count - readable
    for index in range(readable):
        at = start + 2 + 12 * index
        tag, kind, number = struct.unpack_from(f"{order}HHI", data, at)
        size = _SIZES.get(kind, 0) * number
        (where,) = struct.unpack_from(f"{order}I", data, at + 8) if size > 4 else (at + 8,)
        if size and where + size <= len(data):
            values[tag] = Value(kind, number, data[where : where + size])
        elif kind not in _SIZES or size:
            lost += 1
    end = start + 2 + 12 * count
    following = struct.unpack_from(f"{order}I", data, end)[0] if end + 4 <= len(data) else 0
    return values, following, lost


def _directory_bytes(directory: Mapping[int, Value], order: ByteOrder, start: int) -> bytes:
    """Return a directory that begins at ``start``, its longer values behind it, of even length."""
    entries, behind = bytearray(), bytearray()
    values_start = start + 2 + 12 * len(directory) + 4
    for tag, value in sorted(directory.items()):
        inline = value.data.ljust(4, b"\0")
        if len(value.data) > 4:
            inline = struct.pack(f"{order}I", values_start + len(behind))
            behind += value.data + b"\0" * (len(value.data) % 2)
        entries += struct.pack(f"{order}HHI", tag, value.kind, value.count) + inline
    count = struct.pack(f"{order}H", len(directory))
    return count + bytes(entries) + b"\0\0\0\0" + bytes(behind)


def _text(value: str) -> Value:
    return Value(_ASCII, len(value) + 1, value.encode("ascii") + b"\0")
