"""A geotagged copy of a photo, for others: rounded, stripped, blurred as wished.

A JPEG of which nothing is blurred or turned keeps its compressed pixels to the byte; anything else
is decoded, turned upright and written anew at high quality.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageOps, PngImagePlugin
from pillow_heif import HeifImageFile

from model_core.errors import InputError, PhotoError
from model_core.files import make_folder, replacing
from model_core.photo import PhotoMetadata, read_photo_metadata, read_pixels
from model_core.photo_export.exif import (
    HIDDEN_IMAGES,
    ORIENTATION,
    PIXEL_SIZE,
    ExifBlock,
    read_exif,
    write_exif,
)
from model_core.photo_export.jpeg import (
    APP1,
    MAX_PAYLOAD_BYTES,
    XMP_PREFIX,
    Segment,
    join_jpeg,
    needed_segments,
    split_jpeg,
    with_exif,
)
from model_core.photo_export.redaction import Region, blur_regions
from model_core.types import LonLat

MAX_DECIMALS = 8
QUALITY = 95

_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".heic": "HEIF",
    ".heif": "HEIF",
}
_LOSSLESS = ("PNG", "TIFF")
_TIFF_XMP = 700
_METRES_A_DEGREE = 111_320.0
_XMP_POSITION = rb"\w+:G(?:PS|ps)\w+"
_XMP_HEADING = rb"drone-dji:GimbalYawDegree|drone-parrot:CameraYawDegree"
_XMP_HEADING += rb"|GPano:PoseHeadingDegrees|Camera:Yaw"
_XMP_IMAGES = (b"humbnail", b"GImage", b"GDepth", b"GContainer", b"Container:")


@dataclass(frozen=True)
class PhotoExport:
    """What copy of a photo is wanted.

    ``decimals`` rounds the coordinates, None leaves them; ``strip_metadata`` keeps nothing of the
    photo's own metadata; ``regions`` are blurred.

    Raises:
        InputError: Coordinates or decimals out of range.
    """

    photo: Path
    out: Path
    lonlat: LonLat
    heading_deg: float | None = None
    decimals: int | None = None
    strip_metadata: bool = False
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        if not (abs(self.lonlat.lon) <= 180.0 and abs(self.lonlat.lat) <= 90.0):
            raise InputError(
                f"{self.lonlat.lon:g}, {self.lonlat.lat:g} is no longitude and latitude; "
                "give degrees within 180 and 90"
            )
        if self.heading_deg is not None and not abs(self.heading_deg) <= 720.0:
            raise InputError(f"a heading of {self.heading_deg:g} is none; give degrees from 0")
        if self.decimals is not None and not 0 <= self.decimals <= MAX_DECIMALS:
            raise InputError(f"coordinates have 0 to {MAX_DECIMALS} decimals, not {self.decimals}")


@dataclass(frozen=True)
class ExportedPhoto:
    """The copy's path, and what was left out of it or changed in it."""

    path: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Source:
    """The photo: its bytes, its tags, and the image opened on it but not decoded."""

    metadata: PhotoMetadata
    data: bytes
    image: Image.Image
    exif: ExifBlock
    xmp: bytes


def export_photo(request: PhotoExport) -> ExportedPhoto:
    """Write a geotagged copy of a photo; the photo itself is never touched.

    Args:
        request: The copy; its format follows from the ending of ``out``.

    Raises:
        PhotoError: The photo cannot be read.
        InputError: The copy would replace the photo, is of an unknown format, or cannot be written.
    """
    form = _format_of(request.out)
    source = _open(request.photo)
    if request.out.exists() and request.out.samefile(request.photo):
        raise InputError(f"{request.out}: is the photo itself; give the copy another name")
    notes: list[str] = []
    exif = _exif(request, source, notes)
    xmp = b"" if request.strip_metadata else _xmp(request, source, notes)
    copy = None
    if form == "JPEG" == source.image.format and not request.regions:
        copy = _same_pixels(request, source, exif, notes)
    make_folder(request.out.parent)
    with replacing(request.out) as unfinished:
        if copy is not None:
            unfinished.write_bytes(copy)
        else:
            _write_anew(unfinished, form, request, source, exif, xmp, notes)
    return ExportedPhoto(request.out, tuple(notes))


def _format_of(out: Path) -> str:
    form = _FORMATS.get(out.suffix.lower())
    if form is None:
        raise InputError(f"{out}: a copy ends in {', '.join(_FORMATS)}; choose one of them")
    return form


def _open(path: Path) -> _Source:
    metadata = read_photo_metadata(path)
    try:
        data = path.read_bytes()
        image: Image.Image
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if data[4:8] == b"ftyp":
                image = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
            else:
                image = Image.open(io.BytesIO(data))
    except OSError as err:
        raise PhotoError(f"{path}: cannot be read ({err}); check its rights") from err
    form = "JPEG" if image.format == "MPO" else image.format
    image.format = form
    block = data if form == "TIFF" else image.info.get("exif", b"")
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    xmp = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    return _Source(metadata, data, image, read_exif(block), xmp)


def _exif(request: PhotoExport, source: _Source, notes: list[str]) -> ExifBlock:
    """Return the copy's EXIF block, and note what of the photo's is left out."""
    lonlat, decimals = request.lonlat, request.decimals
    if decimals is not None:
        lonlat = LonLat(round(lonlat.lon, decimals), round(lonlat.lat, decimals))
        near_m = _METRES_A_DEGREE / 2 * 10.0**-decimals
        notes.append(f"position rounded to {decimals} decimals, up to {near_m:.2g} m off")
    if request.strip_metadata:
        notes.append("all of the photo's own metadata was left out; its colour profile is kept")
        return ExifBlock().located(lonlat, request.heading_deg)
    if decimals is not None:
        notes.append(
            "the photo's other metadata was kept and may still tell more of where it was taken; "
            "strip it to be sure"
        )
    if source.exif.damaged:
        notes.append(f"{source.exif.damaged} damaged EXIF entries were left out")
    if source.exif.has_preview:
        notes.append("the preview inside the EXIF block was left out")
    block = source.exif
    if request.regions:
        block = block.without(HIDDEN_IMAGES)
    return block.located(lonlat, request.heading_deg)


def _xmp(request: PhotoExport, source: _Source, notes: list[str]) -> bytes:
    """Return the XMP packet without the position, and without the heading where that is given."""
    if not source.xmp:
        return b""
    if request.regions and any(word in source.xmp for word in _XMP_IMAGES):
        notes.append("the XMP block was left out, since it may hold the photo unblurred")
        return b""
    return _without_properties(source.xmp, _outdated(request))


def _outdated(request: PhotoExport) -> bytes:
    """Return a pattern of the XMP properties that the copy's position and heading replace."""
    return _XMP_POSITION if request.heading_deg is None else _XMP_POSITION + b"|" + _XMP_HEADING


def _without_properties(xmp: bytes, names: bytes) -> bytes:
    """Return an XMP packet without some properties, written as attributes or as elements."""
    named = rb"(?:" + names + rb")"
    xmp = re.sub(rb"(?<=\s)" + named + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')", b"", xmp)
    return re.sub(rb"<(" + named + rb")(?:\s[^>]*)?(?:/>|>.*?</\1\s*>)", b"", xmp, flags=re.DOTALL)


def _same_pixels(
    request: PhotoExport, source: _Source, exif: ExifBlock, notes: list[str]
) -> bytes | None:
    """Return a JPEG with its compressed pixels as they are, None where that cannot be."""
    if request.strip_metadata and source.metadata.orientation != 1:
        return None
    try:
        segments, trailer = split_jpeg(source.data)
    except ValueError as err:
        notes.append(f"the JPEG is damaged ({err}) and was written anew")
        return None
    block = _fitting(exif, notes)
    if request.strip_metadata:
        return join_jpeg(with_exif(needed_segments(segments), block))
    kept = [
        replace(segment, payload=_without_properties(segment.payload, _outdated(request)))
        if segment.is_xmp
        else segment
        for segment in segments
    ]
    return join_jpeg(with_exif(kept, block), trailer)


def _fitting(exif: ExifBlock, notes: list[str]) -> bytes:
    """Return the EXIF block, cut down to what a JPEG's segment can hold."""
    for block in (exif, exif.without(HIDDEN_IMAGES)):
        if len(written := write_exif(block)) <= MAX_PAYLOAD_BYTES:
            return written
    notes.append("the photo's EXIF block is too large for a JPEG; only the position was written")
    return write_exif(ExifBlock(exif.order, gps=exif.gps))


def _write_anew(
    path: Path,
    form: str,
    request: PhotoExport,
    source: _Source,
    exif: ExifBlock,
    xmp: bytes,
    notes: list[str],
) -> None:
    """Write the photo's upright pixels with its metadata."""
    upright = _upright(form, request, source)
    if form not in _LOSSLESS:
        notes.append(f"the pixels were compressed anew at quality {QUALITY}")
    frames = int(getattr(source.image, "n_frames", 1))
    if frames > 1:
        notes.append(f"only the first of {frames} pictures in the file was copied")
    if not request.strip_metadata:
        notes.append("of the metadata EXIF, XMP and the colour profile were copied, nothing else")
    exif = exif.without((ORIENTATION, *PIXEL_SIZE))
    block = _fitting(exif, notes) if form == "JPEG" else write_exif(exif)
    xmp = _without_properties(xmp, rb"tiff:Orientation|xmpNote:HasExtendedXMP")
    if form == "JPEG" and len(xmp) > MAX_PAYLOAD_BYTES - len(XMP_PREFIX):
        notes.append("the XMP block is too large for a JPEG and was left out")
        xmp = b""
    profile = source.image.info.get("icc_profile")
    if not isinstance(profile, bytes) or profile[16:20].strip() != _colour_space(upright):
        profile = None
    _save(upright, path, form, block, xmp, profile, lossless=b"VP8L" in source.data)


def _upright(form: str, request: PhotoExport, source: _Source) -> Image.Image:
    """Return the pixels upright and blurred, and nothing else; a PNG or TIFF keeps its depth."""
    path = request.photo
    if request.regions:
        return Image.fromarray(blur_regions(read_pixels(path), request.regions))
    image = source.image
    if image.format != form or form not in _LOSSLESS:
        return Image.fromarray(read_pixels(path))
    try:
        image.load()
        turned = image if form == "TIFF" else ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError) as err:
        raise PhotoError(f"{path}: damaged and cannot be decoded ({err}); copy it again") from err
    if turned.mode in ("P", "PA"):
        turned = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    bare = turned.copy()
    bare.info = {}
    return bare


def _colour_space(image: Image.Image) -> bytes:
    return b"RGB" if image.mode.startswith("RGB") else b"GRAY"


def _save(
    image: Image.Image,
    path: Path,
    form: str,
    exif: bytes,
    xmp: bytes,
    profile: bytes | None,
    *,
    lossless: bool,
) -> None:
    options: dict[str, Any] = {} if profile is None else {"icc_profile": profile}
    if form == "HEIF":
        pillow_heif.from_pillow(image).save(path, quality=QUALITY, exif=exif, xmp=xmp, **options)
    elif form == "JPEG":
        image.save(path, form, quality=QUALITY, subsampling=0, **options)
        segments, _ = split_jpeg(path.read_bytes())
        if xmp:
            segments.insert(1, Segment(APP1, XMP_PREFIX + xmp))
        path.write_bytes(join_jpeg(with_exif(segments, exif)))
    elif form == "WEBP":
        options |= {"quality": QUALITY, "lossless": lossless, "exif": exif, "xmp": xmp}
        image.save(path, form, **options)
    elif form == "TIFF":
        tags = Image.Exif()
        tags.load(exif)
        if xmp:
            tags[_TIFF_XMP] = xmp
        image.save(path, form, exif=tags, **options)
    else:
        text = PngImagePlugin.PngInfo()
        if xmp:
            text.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        image.save(path, form, exif=exif, pnginfo=text, **options)
