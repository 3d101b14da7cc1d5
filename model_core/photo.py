"""Stage 1: a photo's file becomes a ``Photo``: upright pixels and what the file says of the camera.

JPEG, PNG, TIFF, WebP and HEIC. One damaged file costs only itself: it gives one ``PhotoError``.
Sizes are checked before pixels are decoded, so that a small file cannot unpack into all memory.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from pillow_heif import HeifImageFile

from model_core.camera_sensors import FieldOfView, field_of_view
from model_core.errors import PhotoError
from model_core.photo_metadata import (
    Heading,
    HeadingReference,
    PanoramaCrop,
    captured_at,
    heading,
    lens_facts,
    panorama_crop,
    position,
    tilt,
)
from model_core.photo_tags import METADATA_ERRORS, Tags, number, read_tags
from model_core.types import ImageU8, LonLat, MaskArray, Photo, Projection

MAX_PIXELS = 178_956_970  # where Pillow itself refuses, too
MAX_FILE_BYTES = 2**30
MIN_SIDE_PX = 8
SMALL_SIDE_PX = 200
DEFAULT_MAX_SIDE_PX = 2048
PANORAMA_MIN_WIDTH_PX = 1000
SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif", ".hif")
)

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class PhotoMetadata:
    """What a photo's file says, without its pixels; the fields of ``Photo`` and a few more.

    ``size_px`` is the upright (width, height). ``heading_sigma_deg`` is what the device claims,
    None where it claims nothing. ``panorama`` is set for equirectangular images only.
    """

    path: Path
    sha256: str
    size_px: tuple[int, int]
    orientation: int = 1
    projection: Projection = "perspective"
    panorama: PanoramaCrop | None = None
    fov_deg: float | None = None
    fov_source: str = "unknown"
    captured_at: datetime | None = None
    lonlat: LonLat | None = None
    heading_deg: float | None = None
    heading_reference: HeadingReference = "unknown"
    heading_sigma_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PhotoFailure:
    """A photo that could not be read, with the error that says why."""

    path: Path
    error: PhotoError


@dataclass(frozen=True)
class _File:
    """A photo's bytes, their hash, and the image opened on them but not decoded."""

    path: Path
    data: bytes
    sha256: str
    image: Image.Image
    orientation: int
    tags: Tags

    @property
    def size_px(self) -> tuple[int, int]:
        width, height = self.image.size
        return (height, width) if self.orientation >= 5 else (width, height)


def read_photo(
    path: Path, max_side_px: int | None = DEFAULT_MAX_SIDE_PX, data: bytes | None = None
) -> Photo:
    """Return one photo, upright, with its field of view, time, position and heading where known.

    A cropped panorama is padded to the full 360 x 180 degrees; ``Photo.coverage`` says what of it
    was there.

    Args:
        path: A JPEG, PNG, TIFF, WebP or HEIC file.
        max_side_px: Larger images are scaled down to this; None keeps every pixel.
        data: What the file holds, where it is here already; ``path`` is then but a name.

    Raises:
        PhotoError: The file is missing, empty, no image, damaged or far too large.
    """
    file = _open(path, data)
    metadata = _interpret(file)
    panorama = metadata.panorama
    if panorama is None or panorama.is_full:
        pixels, coverage = _upright_pixels(file, max_side_px), None
    else:
        pixels, coverage = _padded(file, panorama, max_side_px)
    return Photo(
        path=path,
        sha256=metadata.sha256,
        image=pixels,
        projection=metadata.projection,
        fov_deg=metadata.fov_deg,
        fov_source=metadata.fov_source,
        captured_at=metadata.captured_at,
        lonlat=metadata.lonlat,
        heading_deg=metadata.heading_deg,
        pitch_deg=metadata.pitch_deg,
        roll_deg=metadata.roll_deg,
        notes=metadata.notes,
        coverage=coverage,
    )


def read_photo_metadata(path: Path) -> PhotoMetadata:
    """Return what a photo's file says, without keeping its pixels.

    Raises:
        PhotoError: The file is missing, empty, no image, damaged or far too large.
    """
    return _interpret(_open(path))


def read_pixels(path: Path, max_side_px: int | None = None, data: bytes | None = None) -> ImageU8:
    """Return a photo's pixels, uint8 (H, W, 3) RGB, upright.

    Args:
        path: A JPEG, PNG, TIFF, WebP or HEIC file.
        max_side_px: Larger images are scaled down to this; None keeps every pixel.
        data: What the file holds, where it is here already; ``path`` is then but a name.

    Raises:
        PhotoError: The file is missing, empty, no image, damaged or far too large.
    """
    return _upright_pixels(_open(path, data), max_side_px)


def find_photos(paths: Iterable[Path]) -> list[Path]:
    """Return the photos of files and folders, folders searched to the bottom, each once.

    A file named outright is kept whatever its ending, so that reading it can say what is wrong;
    in folders the ending decides and hidden files are passed over. Folders come sorted by path.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            found[path] = None
            continue
        inside = (
            child
            for child in path.rglob("*")
            if child.suffix.lower() in SUFFIXES
            and not any(part.startswith(".") for part in child.relative_to(path).parts)
            and child.is_file()
        )
        found.update(dict.fromkeys(sorted(inside)))
    return list(found)


def _open(path: Path, given: bytes | None = None) -> _File:
    """Return a photo's file with its tags; no pixel is decoded yet."""
    data = _read_bytes(path) if given is None else given
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
                image: Image.Image = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
            else:
                image = Image.open(io.BytesIO(data), formats=_FORMATS)
            _check_size(path, image.size)
            tags = read_tags(image)
            if image.format == "TIFF":
                image.load()  # Pillow turns a TIFF upright itself, and only now knows its size
    except Image.DecompressionBombError as err:
        raise PhotoError(_too_large(path, "")) from err
    except UnidentifiedImageError as err:
        raise PhotoError(
            f"{path}: not a JPEG, PNG, TIFF, WebP or HEIC image; convert it to JPEG and try again"
        ) from err
    except METADATA_ERRORS as err:
        raise PhotoError(_damaged(path, err)) from err
    orientation = int(number(tags.exif.get("Orientation")) or 1)
    turned_by_decoder = image.format in ("HEIF", "TIFF")
    return _File(
        path=path,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        image=image,
        orientation=1 if turned_by_decoder or orientation not in _UPRIGHT else orientation,
        tags=tags,
    )


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise PhotoError(f"{path}: larger than 1 GiB; export it as a JPEG first")
        data = path.read_bytes()
    except FileNotFoundError as err:
        raise PhotoError(f"{path}: there is no such file; check its path") from err
    except OSError as err:
        raise PhotoError(f"{path}: cannot be read ({err.strerror}); check its rights") from err
    if not data:
        raise PhotoError(f"{path}: the file is empty (0 bytes); copy it from the camera again")
    return data


def _check_size(path: Path, size_px: tuple[int, int]) -> None:
    width, height = size_px
    if width * height > MAX_PIXELS:
        raise PhotoError(_too_large(path, f"{width} x {height} pixels is "))
    if min(width, height) < MIN_SIDE_PX:
        raise PhotoError(
            f"{path}: {width} x {height} pixels is too small to locate; use the original photo"
        )


def _too_large(path: Path, what: str) -> str:
    return (
        f"{path}: {what}more than {MAX_PIXELS // 10**6} million pixels; "
        "scale the image down and try again"
    )


def _damaged(path: Path, err: BaseException) -> str:
    return f"{path}: damaged and cannot be decoded ({err}); copy it from the camera again"


def _interpret(file: _File) -> PhotoMetadata:
    """Return what the tags mean for the upright photo."""
    size_px, tags = file.size_px, file.tags
    panorama, pano_notes = _panorama(file)
    if panorama is not None:
        source = "GPano" if any(n.startswith("GPano:") for n in tags.xmp) else "panorama"
        view = FieldOfView(360.0, source, pano_notes)
    elif pano_notes and any(n.startswith("GPano:") for n in tags.xmp):
        view = FieldOfView(None, notes=pano_notes)
    else:
        view = field_of_view(lens_facts(tags, size_px))
        view = FieldOfView(view.fov_deg, view.source, pano_notes + view.notes)
    time, time_notes = captured_at(tags)
    lonlat, position_notes = position(tags)
    compass: Heading = heading(tags)
    pitch_deg, roll_deg = tilt(tags)
    notes = [*tags.notes, *view.notes, *time_notes, *position_notes, *compass.notes]
    if pitch_deg is not None and abs(pitch_deg) > 60:
        notes.append(f"the camera points {pitch_deg:.0f} degrees off the horizon: a poor view")
    if min(size_px) < SMALL_SIDE_PX:
        notes.append(f"only {size_px[0]} x {size_px[1]} pixels: expect little")
    return PhotoMetadata(
        path=file.path,
        sha256=file.sha256,
        size_px=size_px,
        orientation=file.orientation,
        projection="perspective" if panorama is None else "equirectangular",
        panorama=panorama,
        fov_deg=view.fov_deg,
        fov_source=view.source,
        captured_at=time,
        lonlat=lonlat,
        heading_deg=compass.heading_deg,
        heading_reference=compass.reference,
        heading_sigma_deg=compass.sigma_deg,
        pitch_deg=pitch_deg,
        roll_deg=roll_deg,
        notes=tuple(notes),
    )


def _panorama(file: _File) -> tuple[PanoramaCrop | None, tuple[str, ...]]:
    """Return what of the sphere the photo shows (None: an ordinary photo), and notes."""
    width, height = file.size_px
    crop = panorama_crop(file.tags, file.size_px)
    if crop is not None:
        if crop.is_full:
            return crop, ()
        degrees = f"{crop.width * 360:.0f} x {crop.height * 180:.0f} degrees"
        return crop, (f"a part of a panorama, {degrees}: padded to the full sphere",)
    tagged = any(name.startswith("GPano:") for name in file.tags.xmp)
    if width != 2 * height or width < PANORAMA_MIN_WIDTH_PX:
        note = "field of view unknown: the panorama tags do not fit the pixels"
        return None, ((note,) if tagged else ())
    if _closes(_upright_pixels(_open(file.path, file.data), 512)):
        note = "twice as wide as high and its edges meet: taken as a 360-degree panorama"
        return PanoramaCrop(), (note,)
    return None, ("twice as wide as high, but its edges do not meet: no panorama",)


def _closes(pixels: ImageU8) -> bool:
    """Return whether an image closes like a sphere: left meets right, poles are one point."""
    image = pixels.astype(np.float32)
    step = np.abs(np.diff(image, axis=1)).mean(axis=(0, 2))
    seam = float(np.abs(image[:, 0] - image[:, -1]).mean())
    pole_spread = max(float(image[row].std(axis=0).mean()) for row in (0, -1))
    spread = float(image.std(axis=(0, 1)).mean())
    return seam <= 3.0 * float(np.median(step)) + 2.0 and pole_spread <= 0.35 * spread + 2.0


def _upright_pixels(
    file: _File, max_side_px: int | None, size_px: tuple[int, int] | None = None
) -> ImageU8:
    """Return the decoded pixels, upright, scaled to a size or to at most a longest side."""
    width, height = file.image.size
    if size_px is None:
        scale = min(1.0, max_side_px / max(width, height)) if max_side_px else 1.0
        wanted = (max(1, round(width * scale)), max(1, round(height * scale)))
    else:
        wanted = size_px if file.orientation < 5 else (size_px[1], size_px[0])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file.image.draft("RGB", wanted)
            file.image.load()
            image = _as_rgb(file.image)
    except METADATA_ERRORS as err:
        raise PhotoError(_damaged(file.path, err)) from err
    if image.size != wanted:
        image = image.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if file.orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[file.orientation])
    return np.array(image)


def _as_rgb(image: Image.Image) -> Image.Image:
    """Return an image as 8-bit RGB; 16-bit and floating-point greys are scaled, not clipped."""
    if not image.mode.startswith(("I", "F")):
        return image.convert("RGB")
    grey: npt.NDArray[np.float64] = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = 65535.0 if image.mode.startswith("I") else max(float(grey.max()), 1e-12)
    return Image.fromarray(np.clip(grey * (255.0 / top), 0, 255).astype(np.uint8)).convert("RGB")


def _padded(file: _File, crop: PanoramaCrop, max_side_px: int | None) -> tuple[ImageU8, MaskArray]:
    """Return a part of a panorama on the full sphere's canvas (2:1), and where it is covered.

    The canvas keeps the part's resolution up to twice ``max_side_px``, since most of it is empty.
    """
    full_width = file.size_px[0] / crop.width
    limit = 2.0 * max_side_px if max_side_px else (2.0 * MAX_PIXELS) ** 0.5
    width = 2 * round(min(full_width, limit) / 2.0)
    height = width // 2
    part_size = (
        min(width, max(1, round(crop.width * width))),
        min(height, max(1, round(crop.height * height))),
    )
    part = _upright_pixels(file, None, part_size)
    canvas = np.zeros((height, width, 3), np.uint8)
    coverage = np.zeros((height, width), np.bool_)
    top = min(round(crop.top * height), height - part_size[1])
    columns = (np.arange(part_size[0]) + round(crop.left * width)) % width
    canvas[top : top + part_size[1], columns] = part
    coverage[top : top + part_size[1], columns] = True
    return canvas, coverage
