"""Rows that other galleries of the same places hold already, so that they need no encoding.

Photos of different dates are served by different street views, and each such set has a gallery of
its own. Most places look the same in the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model_core.errors import GalleryError
from model_core.gallery.places import PlaceTable
from model_core.gallery.store import META_FILE, Gallery, GalleryMeta, open_gallery
from model_core.types import MaskArray

MOST_OPEN = 16
"""Galleries whose rows are copied at once: each holds three files open, and systems allow 256."""


@dataclass(frozen=True)
class KnownRows:
    """Where rows are known from.

    Attributes:
        galleries: The others, of the same places in the same order; none once it is closed.
        source: int64 (N,), which of them holds a row; -1 where none does. Rows beyond are unknown.
    """

    galleries: list[Gallery]
    source: npt.NDArray[np.int64]

    def __contains__(self, row: int) -> bool:
        return row < len(self.source) and bool(self.source[row] >= 0)

    def gallery_of(self, row: int) -> Gallery:
        """Return a gallery that holds a known row."""
        return self.galleries[int(self.source[row])]

    def close(self) -> None:
        """Let go of the files, so that a gallery that rows came from can be replaced."""
        self.galleries.clear()


NOTHING_KNOWN = KnownRows([], np.zeros(0, np.int64))


def find_known_rows(
    others: Iterable[Path], meta: GalleryMeta, same_rows: Callable[[PlaceTable], MaskArray]
) -> KnownRows:
    """Return what galleries of the same family know of a new one's rows.

    At most ``MOST_OPEN`` of them are kept open, those that know the most.

    Args:
        others: Folders that may hold galleries.
        meta: Of the new gallery; its ``family`` tells whose rows can be the same.
        same_rows: Says of another's table which rows (N,) are as the new gallery would have them,
            unless a source failed at them.
    """
    found: list[tuple[Gallery, MaskArray]] = []
    missing = np.ones(meta.count, np.bool_)
    for gallery in _family(others, meta):
        rows = missing & same_rows(gallery.places)
        rows[list(gallery.meta.failed_rows)] = False
        if not rows.any():
            continue
        found.append((gallery, rows))
        missing &= ~rows
        if len(found) > MOST_OPEN:
            least = min(range(len(found)), key=lambda index: int(found[index][1].sum()))
            missing |= found.pop(least)[1]
        if not missing.any():
            break
    source = np.full(meta.count, -1, np.int64)
    for index, (_, rows) in enumerate(found):
        source[rows] = index
    return KnownRows([gallery for gallery, _ in found], source)


def _family(others: Iterable[Path], meta: GalleryMeta) -> Iterator[Gallery]:
    for folder in others:
        if not meta.family or not (folder / META_FILE).is_file():
            continue
        try:
            other = GalleryMeta.read(folder / META_FILE)
            if (other.family, other.feature_shape) == (meta.family, meta.feature_shape):
                yield open_gallery(folder, meta.model_hash)
        except GalleryError:  # Damaged: it is of no use here, and whoever opens it is told.
            continue
