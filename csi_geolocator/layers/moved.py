"""Files of a run where they are now: results are moved, and sent to others, with what is around."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path, PurePath, PureWindowsPath


def beside(written: str, folder: Path) -> Path:
    """Return a file of a run's folder where that folder is now, else where it was written."""
    here = folder / PureWindowsPath(written).name  # takes the paths of every system
    return here if here.exists() else Path(written)


def moved_photo(written: str, sha256: str, old_folder: str, folder: Path) -> Path:
    """Return a photo where it is now, else where it was.

    Args:
        written: Its path when it was located.
        sha256: Of its file; another photo of the same name is not taken for it.
        old_folder: Where the results were then.
        folder: Where they are now.
    """
    if Path(written).exists():
        return Path(written)
    for place in _places(PureWindowsPath(written), PureWindowsPath(old_folder), folder):
        if place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == sha256:
            return place
    return Path(written)


def _places(photo: PurePath, old_folder: PurePath, folder: Path) -> Iterator[Path]:
    """Yield where a photo may be: as far from the results as it was, or beside them."""
    depths = range(min(len(photo.parts), len(old_folder.parts)))
    shared = sum(1 for _ in takewhile(lambda i: photo.parts[i] == old_folder.parts[i], depths))
    if shared > 1:  # more than a drive or the root
        above = folder
        for _ in old_folder.parts[shared:]:
            above = above.parent
        yield above.joinpath(*photo.parts[shared:])
    yield folder / photo.name
