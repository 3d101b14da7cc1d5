"""Photos on disk: which files are photos, and their pictures, turned upright.

Everything here may run in a background thread; nothing touches a widget.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QImage, QImageReader

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".tif",
    ".tiff",
    ".webp",
    ".heic",
    ".heif",
    ".hif",
)
MAX_PHOTOS = 20_000
"""A folder that holds more was hardly meant; the rest is left out, and said."""


def is_photo(path: Path) -> bool:
    """Return whether a file's name says that it is a photo."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def find_photos(paths: Iterable[str]) -> list[str]:
    """Return the photos of files and folders, folders searched to the bottom, each once.

    A file named outright is kept whatever its ending, so that reading it can say what is wrong;
    in folders the ending decides and hidden files are passed over.
    """
    found: dict[str, None] = {}
    for text in paths:
        path = Path(text)
        if not path.is_dir():
            found[str(path)] = None
            continue
        inside = sorted(child for child in path.rglob("*") if _is_photo_below(child, path))
        found.update((str(child), None) for child in inside)
    return list(found)[:MAX_PHOTOS]


def _is_photo_below(child: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in child.relative_to(folder).parts)
    return is_photo(child) and not hidden and child.is_file()


def read_picture(path: str, max_side_px: int) -> tuple[QImage, str]:
    """Return a photo's picture, upright and no larger than asked for, and what went wrong.

    The picture is null where QGIS cannot read the file; the text then says why, and is empty
    otherwise.
    """
    file = Path(path)
    if not file.is_file():
        return QImage(), f"{file.name}: there is no such file; was it moved?"
    reader = QImageReader(path)
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > max_side_px:
        bound = QSize(max_side_px, max_side_px)
        reader.setScaledSize(size.scaled(bound, Qt.AspectRatioMode.KeepAspectRatio))
    picture = reader.read()
    if picture.isNull():
        return picture, f"{file.name}: {reader.errorString()}"
    return picture, ""


def qgis_reads(path: str) -> bool:
    """Return whether QGIS has a reader for files of this ending (it has none for HEIC)."""
    known = {bytes(name).decode("ascii") for name in QImageReader.supportedImageFormats()}
    suffix = Path(path).suffix.lower().lstrip(".")
    return suffix in known or suffix in ("jpe", "jfif")
