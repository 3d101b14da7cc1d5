"""Photos on disk: which files are photos, and their pictures, turned upright.

Everything here may run in a background thread; nothing touches a widget.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QImage, QImageReader

from ..i18n import tr

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


def find_photos(
    paths: Iterable[str], is_stopped: Callable[[], bool] = lambda: False
) -> tuple[list[str], bool]:
    """Return the photos of files and folders, each once, and whether there are more of them.

    A file named outright is kept whatever its ending, so that reading it can say what is wrong;
    folders are searched to the bottom, where the ending decides and hidden files are passed over.
    The search ends at ``MAX_PHOTOS``.

    Args:
        paths: Files and folders.
        is_stopped: Asked at every file; the search ends where it says so.
    """
    found: dict[str, None] = {}
    for path in map(Path, paths):
        for photo in _photos_below(str(path), is_stopped) if path.is_dir() else (str(path),):
            if len(found) == MAX_PHOTOS and photo not in found:
                return list(found), True
            found[photo] = None
    return list(found), False


def _photos_below(folder: str, is_stopped: Callable[[], bool]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            inside = list(itertools.takewhile(lambda _: not is_stopped(), entries))
    except PermissionError:
        return
    for entry in sorted(inside, key=lambda entry: entry.name):
        if is_stopped():
            return
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _photos_below(entry.path, is_stopped)
        elif is_photo(Path(entry.path)) and entry.is_file():
            yield entry.path


def read_picture(path: str, max_side_px: int) -> tuple[QImage, str]:
    """Return a photo's picture, upright and no larger than asked for, and what went wrong.

    The picture is null where QGIS cannot read the file; the text then says why, and is empty
    otherwise.
    """
    file = Path(path)
    if not file.is_file():
        return QImage(), tr("{}: there is no such file; was it moved?").format(file.name)
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
