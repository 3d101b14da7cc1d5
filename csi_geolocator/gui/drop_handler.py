"""Takes photos that are dropped anywhere on QGIS while the panel is open.

Files that QGIS itself would rather have are left to it: TIFF, and pictures with a world file.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from qgis.gui import QgsCustomDropHandler

from ..tasks.photo_files import is_photo
from .photo_list import local_paths

LOOKED_AT = 200
"""So few files of a folder are looked at before it is taken for photos."""
RASTER_SUFFIXES = (".tif", ".tiff")
WORLD_FILES = (".wld", ".jgw", ".jpgw", ".jpegw", ".pgw", ".pngw", ".aux.xml")


def is_loose_photo(path: Path) -> bool:
    """Return whether a file is a photo and no map: no TIFF, no world file beside it."""
    if not is_photo(path) or path.suffix.lower() in RASTER_SUFFIXES:
        return False
    beside = [path.with_suffix(suffix) for suffix in WORLD_FILES]
    beside.append(path.with_name(path.name + ".aux.xml"))
    return not any(other.exists() for other in beside)


def holds_photos(path: Path) -> bool:
    """Return whether a dropped file or folder is for this plugin."""
    if not path.is_dir():
        return path.is_file() and is_loose_photo(path)
    files = [child for child in islice(path.iterdir(), LOOKED_AT) if child.is_file()]
    visible = [child for child in files if not child.name.startswith(".")]
    return bool(visible) and all(is_loose_photo(child) for child in visible)


class PhotoDropHandler(QgsCustomDropHandler):
    """Hands dropped photos to the panel.

    Args:
        is_open: Whether the panel is open; if not, QGIS does as ever.
        take: Gets the paths.
    """

    def __init__(self, is_open: Callable[[], bool], take: Callable[[list[str]], None]) -> None:
        super().__init__()
        self._is_open = is_open
        self._take = take

    def canHandleMimeData(self, data: Any) -> bool:
        """Return whether every file that is dragged is for this plugin."""
        paths = local_paths(data)
        return bool(paths) and self._is_open() and all(holds_photos(Path(path)) for path in paths)

    def handleMimeDataV2(self, data: Any) -> bool:
        """Take the photos; False leaves them to QGIS."""
        if not self.canHandleMimeData(data):
            return False
        self._take(local_paths(data))
        return True
