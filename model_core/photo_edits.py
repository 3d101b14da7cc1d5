"""What a person changed of a photo, applied after reading: turned, cropped, told its view and time.

The file is never touched, and ``Photo.sha256`` stays that of the file. Every later stage takes the
optical axis to meet the image's middle. A crop off the middle is therefore turned onto a camera
that looks at the middle of the crop, as soon as the field of view is known: azimuths stay exact,
and the heading that is found is that of the crop. What the crop left out is masked, not blackened:
black edges would pass for things seen.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from model_core.alignment.projection import (
    MAX_PERSPECTIVE_FOV_DEG,
    Vectors,
    camera_axes,
    image_points,
    make_camera,
    pixel_rays,
    seen_by,
)
from model_core.errors import InputError, PhotoError
from model_core.photo import (
    DEFAULT_MAX_SIDE_PX,
    MIN_SIDE_PX,
    PhotoFailure,
    read_photo,
    read_photo_metadata,
)
from model_core.photo_metadata import PanoramaCrop
from model_core.types import Photo

log = logging.getLogger(__name__)

MIN_SHARE = 0.01
MAX_ENLARGEMENT = 4
"""A photo that is cropped is decoded up to this many times larger, so that the crop stays sharp."""

_GIVEN = "given"
_FALSE_WITH_TIME = ("no date of capture", "time zone not given")
_FALSE_WITH_FOV = ("field of view unknown",)
_EDGE_POINTS = np.linspace(0.0, 1.0, 9)


@dataclass(frozen=True)
class PhotoEdit:
    """What a person changed of one photo.

    ``turn_deg`` clockwise comes first; then the crop, whose edges are shares of the turned photo's
    width and height. ``fov_deg`` is the horizontal field of view of what is left; None: as the file
    says. A ``captured_at`` without a time zone is taken as UTC.

    Raises:
        InputError: A turn that is no multiple of 90, or a crop or a field of view that is none.
    """

    turn_deg: int = 0
    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    fov_deg: float | None = None
    captured_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.turn_deg % 90:
            raise InputError(f"a photo is turned by multiples of 90 degrees, not {self.turn_deg}")
        for low, high, words in (
            (self.left, self.right, "left, right"),
            (self.top, self.bottom, "top, bottom"),
        ):
            if not (0.0 <= low <= high <= 1.0 and high - low >= MIN_SHARE):
                raise InputError(
                    f"a crop's edges ({words}) are shares of the photo, from 0 to 1 and at least "
                    f"{MIN_SHARE:g} apart, not {low:g}, {high:g}"
                )
        if self.fov_deg is not None and not 0.0 < self.fov_deg <= 360.0:
            raise InputError(
                f"a field of view of {self.fov_deg:g} degrees is impossible; give one up to 360"
            )

    @property
    def is_crop(self) -> bool:
        """Whether anything is cut off."""
        return (self.left, self.top, self.right, self.bottom) != (0.0, 0.0, 1.0, 1.0)

    def describe(self) -> str:
        """Return what is changed, in words; empty where nothing is."""
        parts = []
        if self.turn_deg % 360:
            parts.append(f"turned {self.turn_deg % 360} degrees clockwise")
        if self.is_crop:
            across, down = self.right - self.left, self.bottom - self.top
            parts.append(f"cropped to {across:.0%} of its width and {down:.0%} of its height")
        if self.fov_deg is not None:
            parts.append(f"field of view {self.fov_deg:g} degrees")
        if self.captured_at is not None:
            zone = "" if self.captured_at.tzinfo else " UTC"
            parts.append(f"taken {self.captured_at.isoformat(sep=' ')}{zone}")
        return ", ".join(parts)


def read_edited_photo(
    path: Path, edit: PhotoEdit | None, max_side_px: int = DEFAULT_MAX_SIDE_PX
) -> Photo:
    """Return a photo as ``read_photo`` does, with what a person changed of it.

    Args:
        path: The file.
        edit: The changes; None: as the file is.
        max_side_px: About the longest side of what is left.

    Raises:
        PhotoError: The file cannot be read, or cannot be changed so.
    """
    if edit is None:
        return read_photo(path, max_side_px)
    share = max(edit.right - edit.left, edit.bottom - edit.top, 1.0 / MAX_ENLARGEMENT)
    photo = read_photo(path, math.ceil(max_side_px / share))
    part = None
    if photo.coverage is not None and edit.is_crop:
        part = read_photo_metadata(path).panorama
    return edit_photo(photo, edit, part or PanoramaCrop())


def read_edited_photos(
    paths: Sequence[Path], edits: Mapping[Path, PhotoEdit], max_side_px: int = DEFAULT_MAX_SIDE_PX
) -> Iterator[Photo | PhotoFailure]:
    """Yield every photo in turn with its changes, or its failure: one never costs the others.

    Args:
        paths: Files, as ``find_photos`` gives them.
        edits: The changes by path; a photo without any is as its file is.
        max_side_px: As in ``read_edited_photo``.

    Raises:
        InputError: A change is of a photo that is not among them; it would be lost.
    """
    lost = sorted(set(edits) - set(paths))
    if lost:
        raise InputError(f"{lost[0]}: is to be changed but is not among the photos; add it to them")
    for path in paths:
        try:
            yield read_edited_photo(path, edits.get(path), max_side_px)
        except PhotoError as err:
            yield PhotoFailure(path, err)
        except Exception as err:  # a decoder may raise anything
            log.exception("%s", path)
            reason = f"cannot be read ({err!r}); open it in a viewer and save it anew"
            yield PhotoFailure(path, PhotoError(f"{path}: {reason}"))


def edit_photo(photo: Photo, edit: PhotoEdit, part: PanoramaCrop | None = None) -> Photo:
    """Return a photo with what a person changed of it; a note says what that was.

    Args:
        photo: The photo as it was read.
        edit: The changes.
        part: Of a panorama that was padded to the full sphere: what its file holds of it.

    Raises:
        PhotoError: A panorama turned onto its side, or a field of view that is impossible here.
    """
    changed = _turned(photo, edit.turn_deg % 360)
    if photo.projection == "equirectangular":
        changed = _cropped_panorama(changed, edit, part or PanoramaCrop())
    else:
        changed = _cropped(changed, edit)
    false: tuple[str, ...] = _FALSE_WITH_FOV if edit.fov_deg is not None else ()
    if edit.captured_at is not None:
        zone = edit.captured_at.tzinfo or UTC
        changed = replace(changed, captured_at=edit.captured_at.replace(tzinfo=zone))
        false += _FALSE_WITH_TIME
    words = edit.describe()
    by_hand = (f"changed by hand: {words}",) if words else ()
    kept = tuple(note for note in changed.notes if not note.startswith(false))
    return replace(changed, notes=by_hand + kept)


def _turned(photo: Photo, turn_deg: int) -> Photo:
    """Return the photo turned clockwise; its camera was rolled the other way by as much."""
    if not turn_deg:
        return photo
    is_panorama = photo.projection == "equirectangular"
    if is_panorama and turn_deg != 180:
        raise PhotoError(
            f"{photo.path}: a panorama cannot be turned by {turn_deg} degrees, since its columns "
            "are azimuths; turn it by 180, or not at all"
        )
    quarters = -turn_deg // 90
    roll_deg, fov_deg = photo.roll_deg, photo.fov_deg
    if roll_deg is not None:
        roll_deg = 180.0 - (180.0 - roll_deg + turn_deg) % 360.0
    if fov_deg is not None and turn_deg % 180:
        height, width = photo.image.shape[:2]
        fov_deg = _fov_deg(_tangent(fov_deg) * height / width)
    coverage = photo.coverage
    return replace(
        photo,
        image=np.ascontiguousarray(np.rot90(photo.image, quarters)),
        coverage=None if coverage is None else np.ascontiguousarray(np.rot90(coverage, quarters)),
        roll_deg=roll_deg,
        fov_deg=fov_deg,
    )


def _cropped(photo: Photo, edit: PhotoEdit) -> Photo:
    """Return a perspective photo cropped, with the field of view of what is left."""
    source = photo.fov_source if edit.fov_deg is None else _GIVEN
    whole_deg = photo.fov_deg if edit.fov_deg is None else _whole_fov_deg(photo, edit)
    if not edit.is_crop:
        return replace(photo, fov_deg=whole_deg, fov_source=source)
    height, width = photo.image.shape[:2]
    left, right = round(edit.left * width), round(edit.right * width)
    top, bottom = round(edit.top * height), round(edit.bottom * height)
    if min(right - left, bottom - top) < MIN_SIDE_PX:
        raise PhotoError(
            f"{photo.path}: the crop is only {right - left} x {bottom - top} pixels; make it larger"
        )
    is_centred = abs(left + right - width) <= 1 and abs(top + bottom - height) <= 1
    if whole_deg is not None and not is_centred:
        return _looking_at_crop(replace(photo, fov_deg=whole_deg, fov_source=source), edit)
    notes = photo.notes
    if not is_centred:
        notes += (
            "the crop is off the photo's middle and its field of view is unknown: the heading "
            "cannot be exact; give the field of view",
        )
    fov_deg = None if whole_deg is None else _fov_deg(_tangent(whole_deg) * (right - left) / width)
    pixels = photo.image[top:bottom, left:right].copy()
    return replace(photo, image=pixels, fov_deg=fov_deg, fov_source=source, notes=notes)


def _looking_at_crop(photo: Photo, edit: PhotoEdit) -> Photo:
    """Return the crop as a camera saw it that looks at its middle; the rest is masked."""
    height, width = photo.image.shape[:2]
    camera = make_camera("perspective", photo.fov_deg, 0.0, photo.pitch_deg, photo.roll_deg)
    focal_px = width / 2 / _tangent(camera.fov_deg)
    x = np.array(((edit.left - 0.5), (edit.right - 0.5))) * width / focal_px
    y = np.array(((0.5 - edit.bottom), (0.5 - edit.top))) * height / focal_px
    aside, above = np.arctan(x).mean(), np.arctan(y).mean()
    axis = np.array(
        (np.sin(aside) * np.cos(above), np.sin(above), np.cos(aside) * np.cos(above)), np.float32
    )
    east, north, up = (float(part) for part in axis @ camera_axes(camera))
    heading_deg = math.degrees(math.atan2(east, north))
    pitch_deg = math.degrees(math.asin(max(-1.0, min(1.0, up))))
    looking = make_camera("perspective", 90.0, heading_deg, pitch_deg, photo.roll_deg)
    outline = _outline(x, y) @ camera_axes(camera)
    half = 2.0 * np.abs(image_points(outline, looking, (1, 1))).max(axis=0)
    size = (max(MIN_SIDE_PX, round(2 * half[0] * focal_px)), round(2 * half[1] * focal_px))
    looking = replace(looking, fov_deg=_fov_deg(float(half[0])))
    pixels, inside = seen_by(photo.image, camera, looking, size)
    points = image_points(pixel_rays(looking, size), camera, (width, height)) + 0.5
    inside &= (points[..., 0] >= edit.left) & (points[..., 0] <= edit.right)
    inside &= (points[..., 1] >= edit.top) & (points[..., 1] <= edit.bottom)
    note = (
        f"cropped off its middle: turned onto the crop's, {heading_deg:+.1f} degrees across and "
        f"{pitch_deg - camera.pitch_deg:+.1f} up; headings are of the crop's middle"
    )
    was_deg = photo.heading_deg
    return replace(
        photo,
        image=pixels,
        coverage=inside,
        fov_deg=looking.fov_deg,
        heading_deg=None if was_deg is None else (was_deg + heading_deg) % 360.0,
        pitch_deg=pitch_deg,
        notes=(*photo.notes, note),
    )


def _outline(x: Vectors, y: Vectors) -> Vectors:
    """Return rays (N, 3), right, up, forward, along the edges between two tangents either way."""
    along_x, along_y = (low + (high - low) * _EDGE_POINTS for low, high in (x, y))
    edges = [(one, other) for one in along_x for other in y]
    edges += [(one, other) for one in x for other in along_y]
    return np.array([(one, other, 1.0) for one, other in edges], np.float32)


def _whole_fov_deg(photo: Photo, edit: PhotoEdit) -> float:
    """Return the field of view of the whole photo from that of the crop.

    With edges at ``a`` and ``b`` widths from the middle and ``k`` twice the tangent of half the
    whole, the crop's is ``atan(k b) - atan(k a)``: a quadratic in ``k``, whose smaller positive
    root is the longer lens.
    """
    asked_deg = edit.fov_deg or 0.0
    if asked_deg <= MAX_PERSPECTIVE_FOV_DEG:
        sine, cosine = math.sin(math.radians(asked_deg)), math.cos(math.radians(asked_deg))
        a, b = edit.left - 0.5, edit.right - 0.5
        roots = np.roots((sine * a * b, -cosine * (b - a), sine))
        tangents = [float(k.real) / 2 for k in roots if abs(k.imag) < 1e-9 and k.real > 0]
        if tangents and _fov_deg(min(tangents)) <= MAX_PERSPECTIVE_FOV_DEG:
            return _fov_deg(min(tangents))
    what = "this crop of an ordinary photo" if edit.is_crop else "an ordinary photo"
    raise PhotoError(
        f"{photo.path}: a field of view of {asked_deg:g} degrees is impossible for {what}; "
        "give a smaller one (a panorama says by its tags or its shape that it is one)"
    )


def _cropped_panorama(photo: Photo, edit: PhotoEdit, part: PanoramaCrop) -> Photo:
    """Return a panorama of which the crop alone is covered; the canvas stays the full sphere."""
    shown_deg = 360.0 * part.width * (edit.right - edit.left)
    if edit.fov_deg is not None and abs(edit.fov_deg - shown_deg) > 1.0:
        raise PhotoError(
            f"{photo.path}: is a panorama and shows {shown_deg:.0f} degrees, not "
            f"{edit.fov_deg:g}; leave the field of view open, or crop it"
        )
    if not edit.is_crop:
        return photo
    left, top = part.left, part.top
    if edit.turn_deg % 360:
        left, top = 1.0 - part.left - part.width, 1.0 - part.top - part.height
    height, width = photo.image.shape[:2]
    first = round((left + edit.left * part.width) * width)
    count = max(MIN_SIDE_PX, round(part.width * (edit.right - edit.left) * width))
    upper = round((top + edit.top * part.height) * height)
    lower = max(upper + MIN_SIDE_PX, round((top + edit.bottom * part.height) * height))
    kept = np.zeros((height, width), np.bool_)
    kept[upper:lower, (np.arange(count) + first) % width] = True
    if photo.coverage is not None:
        kept &= photo.coverage
    return replace(photo, image=photo.image * kept[..., None], coverage=kept)


def _tangent(fov_deg: float) -> float:
    return math.tan(math.radians(fov_deg) / 2)


def _fov_deg(half_tangent: float) -> float:
    return 2 * math.degrees(math.atan(half_tangent))
