"""The folder in which the engine keeps what it fetched: its size, and emptying it.

Both take seconds: in a worker thread.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .i18n import tr

CACHE_NAME = "csi_geolocator_cache"


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder, 0 where it is not there."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path) and os.path.exists(path):
                total += os.path.getsize(path)
    return total


def clear(folder: Path) -> int:
    """Delete a cache folder and return what is left in it.

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
    if folder.is_dir():
        shutil.rmtree(folder)
    return size_of(folder)
