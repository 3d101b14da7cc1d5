"""The folder in which the engine keeps what it fetched: its size, and emptying it.

Both take seconds: in a worker thread. The galleries in it took long to compute: they are neither
counted nor deleted.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .i18n import tr

CACHE_NAME = "csi_geolocator_cache"
GALLERIES = "galleries"
"""The part of the folder that holds the galleries of runs."""


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a cache folder, 0 where it is not there."""
    total = 0
    for place, folders, names in os.walk(folder):
        if Path(place) == folder and GALLERIES in folders:
            folders.remove(GALLERIES)
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path) and os.path.exists(path):
                total += os.path.getsize(path)
    return total


def clear(folder: Path) -> int:
    """Delete what is in a cache folder and return the bytes that are left.

    Raises:
        OSError: A file cannot be deleted.
        RuntimeError: The folder is not one of ours, by its name, or a link to elsewhere.
    """
    if folder.name != CACHE_NAME or folder.is_symlink():
        raise RuntimeError(
            tr("{0} is no cache of this plugin (a folder named {1}); it is left alone.").format(
                folder, CACHE_NAME
            )
        )
    for entry in list(folder.iterdir()) if folder.is_dir() else ():
        if entry.is_symlink() or not entry.is_dir():
            entry.unlink()
        elif entry.name != GALLERIES:
            shutil.rmtree(entry)
    return size_of(folder)
