"""What the files of photos say, before anything is done with them: metadata and thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from model_core.errors import Cancelled, InputError, PhotoError
from model_core.files import make_folder, replacing
from model_core.photo import PhotoMetadata, find_photos, read_photo_metadata, read_pixels
from model_core.types import (
    CancelCheck,
    Progress,
    ProgressCallback,
    ignore_progress,
    never_cancelled,
)

STAGE = "photos"
THUMBNAIL_PX = 256
MIN_THUMBNAIL_PX, MAX_THUMBNAIL_PX = 16, 4096
THUMBNAIL_QUALITY = 85


@dataclass(frozen=True)
class InspectedPhoto:
    """One photo: what its file says, and an upright thumbnail where one was asked for.

    ``metadata`` is None where the file cannot be read at all, ``error`` says why; ``notes`` are
    the file's and what went wrong beside it.
    """

    path: Path
    metadata: PhotoMetadata | None = None
    thumbnail: Path | None = None
    notes: tuple[str, ...] = ()
    error: PhotoError | None = None


def inspect_photos(
    paths: Sequence[Path],
    thumbnails: Path | None = None,
    thumbnail_px: int = THUMBNAIL_PX,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelCheck = never_cancelled,
) -> list[InspectedPhoto]:
    """Return what every photo's file says, in order; one bad file costs only itself.

    Args:
        paths: Files and folders; folders are searched to the bottom.
        thumbnails: The folder of the thumbnails, made where it is missing; None: no thumbnails.
        thumbnail_px: Their longest side.
        progress: Told before each photo.
        cancel: Asked before each photo.

    Raises:
        InputError: There is no photo, or a thumbnail cannot be that large.
        Cancelled: The user asked to stop; the thumbnails that were made stay.
    """
    if not MIN_THUMBNAIL_PX <= thumbnail_px <= MAX_THUMBNAIL_PX:
        raise InputError(
            f"a thumbnail is {MIN_THUMBNAIL_PX} to {MAX_THUMBNAIL_PX} pixels long, "
            f"not {thumbnail_px}"
        )
    photos = find_photos(paths)
    if not photos:
        raise InputError("no photo was given or found; name photos, or folders that hold some")
    found = []
    for done, path in enumerate(photos):
        if cancel():
            raise Cancelled("stopped while the photos were being inspected")
        progress(Progress(STAGE, done, len(photos), path.name))
        found.append(_inspect(path, thumbnails, thumbnail_px))
    progress(Progress(STAGE, len(photos), len(photos)))
    return found


def _inspect(path: Path, thumbnails: Path | None, thumbnail_px: int) -> InspectedPhoto:
    try:
        metadata = read_photo_metadata(path)
    except PhotoError as err:
        return InspectedPhoto(path, error=err)
    if thumbnails is None:
        return InspectedPhoto(path, metadata, notes=metadata.notes)
    try:
        thumbnail = _thumbnail(metadata, thumbnails, thumbnail_px)
    except PhotoError as err:
        return InspectedPhoto(path, metadata, notes=metadata.notes, error=err)
    except InputError as err:
        return InspectedPhoto(path, metadata, notes=(*metadata.notes, f"no thumbnail: {err}"))
    return InspectedPhoto(path, metadata, thumbnail, metadata.notes)


def _thumbnail(metadata: PhotoMetadata, folder: Path, thumbnail_px: int) -> Path:
    """Return the photo's thumbnail, made unless it is there; its name follows from the content."""
    thumbnail = folder / f"{metadata.sha256}-{thumbnail_px}.jpg"
    if not thumbnail.is_file():
        pixels = read_pixels(metadata.path, thumbnail_px)
        make_folder(folder)
        with replacing(thumbnail) as unfinished:
            Image.fromarray(pixels).save(unfinished, "JPEG", quality=THUMBNAIL_QUALITY)
    return thumbnail
