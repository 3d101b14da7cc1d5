"""Write a gallery so that a kill costs at most the rows since the last flush.

The folder grows beside its final place under ``<name>.partial`` and is renamed when whole. After
every flush ``progress.json`` says how many rows are safe; a build with the same inputs goes on
from there, one with other inputs begins anew.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_core.errors import AreaError, GalleryError
from model_core.gallery.places import PlaceRecord, PlaceTable
from model_core.gallery.store import (
    COVERAGE_FILE,
    ENERGY_FILE,
    FEATURES_FILE,
    META_FILE,
    PARTIAL_SUFFIX,
    PLACES_FILE,
    Gallery,
    GalleryMeta,
    open_gallery,
)
from model_core.gallery.weighting import weigh_bins
from model_core.types import Area, Place, SourceTerms

PROGRESS_FILE = "progress.json"
RECORDS_FILE = "records.jsonl"
FLUSH_ROWS = 512
_FULL = (errno.ENOSPC, errno.EDQUOT)
_RESERVED_AT_ONCE = 1 << 20
ROW, FAILED = "row", "failed"
"""What records hold beside their columns while a gallery is unfinished."""


def gallery_fingerprint(
    model_hash: str,
    area: Area,
    places: Sequence[Place],
    sources: Sequence[SourceTerms],
    config: Mapping[str, Any],
) -> str:
    """Return a sha256 of all that a gallery's features depend on.

    Args:
        model_hash: Of the model's bundle.
        area: The candidate area.
        places: In row order.
        sources: Of imagery and street views.
        config: JSON values: options, files with their sizes and dates, street-view ids.
    """
    head = [model_hash, area.geometry.wkb_hex, [asdict(source) for source in sources], dict(config)]
    digest = hashlib.sha256(json.dumps(head, sort_keys=True, default=str).encode("utf-8"))
    for place in places:
        digest.update(f"{place.place_id}\n{place.lonlat.lon!r} {place.lonlat.lat!r}\n".encode())
    return digest.hexdigest()


class GalleryWriter:
    """Writes the rows of a gallery in order; use it as a context manager.

    Rows are appended in the places' order and kept by ``flush``; ``finish`` puts the whole
    gallery in its place. Leaving the context early keeps what was appended.

    Args:
        path: The gallery's folder; an older gallery there stays until ``finish`` replaces it.
        places: Every place, in row order.
        meta: What the gallery is of.

    Raises:
        GalleryError: Something else lies at ``path``, the disk is too small or cannot be written.
    """

    def __init__(self, path: Path, places: Sequence[Place], meta: GalleryMeta) -> None:
        if len(places) != meta.count:
            raise GalleryError(f"{len(places)} places were given for {meta.count} rows")
        if not places:
            raise GalleryError("a gallery needs places; give an area that holds some")
        self.path = Path(path)
        self.meta = meta
        self.notices: list[str] = []
        self._places = list(places)
        self._partial = self.path.with_name(self.path.name + PARTIAL_SUFFIX)
        if self.path.exists() and not _may_replace(self.path):
            raise GalleryError(f"{self.path} exists and is no gallery; choose another folder")
        self._columns: list[dict[str, Any]] = []
        self._arrays: dict[str, np.memmap[Any, Any]] = {}
        self._flushed = 0
        try:
            if not self._resume():
                self._begin()
        except OSError as err:
            raise GalleryError(
                f"the gallery {self.path} cannot be written ({err}); choose a folder that can be"
            ) from err

    @property
    def rows_done(self) -> int:
        """Rows appended so far, those of an earlier build among them; the next row's index."""
        return len(self._columns)

    def append(self, features: Tensor, coverage: Tensor, records: Sequence[PlaceRecord]) -> None:
        """Add the next rows.

        Args:
            features: (n, C, h, bins), as ``encode_reference`` gives them.
            coverage: (n, bins) in [0, 1].
            records: Of the same places, the first one's index being ``rows_done``.

        Raises:
            GalleryError: Rows out of order, of another shape, or features that are not finite.
        """
        height, bins, channels = self.meta.feature_shape
        count = len(records)
        if features.shape != (count, channels, height, bins) or coverage.shape != (count, bins):
            raise GalleryError(
                f"features {tuple(features.shape)} and coverage {tuple(coverage.shape)} do not fit "
                f"{count} rows of (C, h, bins) = {(channels, height, bins)}; use one model"
            )
        start = self.rows_done
        indices = [record.place.index for record in records]
        if indices != list(range(start, start + count)) or start + count > self.meta.count:
            raise GalleryError(f"rows {indices[:3]}... came where row {start} is next; give all")
        stored, energy = weigh_bins(features.permute(0, 2, 3, 1), coverage.float())
        if not bool(torch.isfinite(stored).all()):
            raise GalleryError("the model gives features that are not finite; use another model")
        values = {
            FEATURES_FILE: stored.cpu().numpy(),
            COVERAGE_FILE: coverage.float().cpu().numpy(),
            ENERGY_FILE: energy.cpu().numpy(),
        }
        self._write(values, records)

    def copy_row(self, gallery: Gallery) -> None:
        """Add the next row as another gallery of the same places has it.

        Raises:
            GalleryError: It is of another model, of other places or of fewer.
        """
        row = self.rows_done
        same = gallery.meta.model_hash == self.meta.model_hash
        if not same or gallery.meta.feature_shape != self.meta.feature_shape:
            raise GalleryError(f"{gallery.path} is of another model; build the gallery anew")
        if row >= len(gallery.places) or gallery.places.place(row) != self._places[row]:
            raise GalleryError(f"{gallery.path} has no such place; build the gallery anew")
        values: dict[str, npt.NDArray[Any]] = {
            FEATURES_FILE: gallery.features[row : row + 1],
            COVERAGE_FILE: gallery.coverage[row : row + 1],
            ENERGY_FILE: gallery.energy[row : row + 1],
        }
        self._write(values, [gallery.places.record(row)])

    def _write(
        self, values: Mapping[str, npt.NDArray[Any]], records: Sequence[PlaceRecord]
    ) -> None:
        rows = slice(self.rows_done, self.rows_done + len(records))
        for name, of_rows in values.items():
            self._arrays[name][rows] = of_rows
        self._columns.extend(
            {**record.to_columns(), ROW: record.place.index, FAILED: record.failed}
            for record in records
        )
        if self.rows_done - self._flushed >= FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Make the rows so far safe against a kill.

        Raises:
            GalleryError: They cannot be written; those of the last flush are safe.
        """
        try:
            self._flush()
        except OSError as err:
            raise GalleryError(
                f"the gallery {self.path} cannot be written ({err}); make room and build it again "
                "to go on with it"
            ) from err

    def _flush(self) -> None:
        for array in self._arrays.values():
            array.flush()
        with (self._partial / RECORDS_FILE).open("a", encoding="utf-8") as file:
            for columns in self._columns[self._flushed :]:
                file.write(json.dumps(columns, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._flushed = self.rows_done
        self._write_progress()

    def finish(self) -> Gallery:
        """Put the whole gallery in its place and return it open.

        Nothing is kept of a gallery that knows nothing of any place.

        Raises:
            AreaError: It knows nothing of any place.
            GalleryError: Rows are missing, or the folder cannot be put in place.
        """
        if self.rows_done != self.meta.count:
            raise GalleryError(
                f"the gallery {self.path} has {self.rows_done} of {self.meta.count} rows; "
                "build it again to go on with it"
            )
        if not self._arrays[COVERAGE_FILE].any():
            self._close()
            shutil.rmtree(self._partial, ignore_errors=True)
            raise AreaError(
                f"none of the {self.meta.count} places of the area has imagery or a street view "
                "that can be used"
            )
        self.flush()
        self._close()
        failed = tuple(row for row, columns in enumerate(self._columns) if columns[FAILED])
        meta = replace(self.meta, failed_rows=failed)
        old = self.path.with_name(self.path.name + ".old")
        try:
            PlaceTable.from_columns(self._places, self._columns).write(self._partial / PLACES_FILE)
            (self._partial / META_FILE).write_text(meta.to_json(), encoding="utf-8")
            shutil.rmtree(old, ignore_errors=True)
            if self.path.exists():
                os.replace(self.path, old)
            os.replace(self._partial, self.path)
            for name in (PROGRESS_FILE, RECORDS_FILE):
                (self.path / name).unlink(missing_ok=True)
        except OSError as err:
            raise GalleryError(
                f"the gallery {self.path} cannot be put in place ({err}); close what uses it and "
                "build it again to go on with it"
            ) from err
        shutil.rmtree(old, ignore_errors=True)
        return open_gallery(self.path, self.meta.model_hash)

    def __enter__(self) -> GalleryWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._arrays:
            self.flush()
            self._close()

    def _resume(self) -> bool:
        """Take up an unfinished build of the same inputs; return whether there was one."""
        if not self._partial.exists():
            return False
        try:
            progress = json.loads((self._partial / PROGRESS_FILE).read_text(encoding="utf-8"))
            if progress["fingerprint"] != self.meta.fingerprint:
                self.notices.append(
                    f"{self._partial} was begun with other inputs; the gallery is built anew"
                )
                return False
            done = int(progress["rows_done"])
            lines = (self._partial / RECORDS_FILE).read_text(encoding="utf-8").splitlines()
            if len(lines) < done or not 0 <= done <= self.meta.count:
                raise ValueError(f"{done} rows with {len(lines)} records")
            columns = [json.loads(line) for line in lines[:done]]
            if [record[ROW] for record in columns] != list(range(done)):
                raise ValueError("its records are out of order")
            for name, (shape, dtype) in self._layout().items():
                # Opening read-only checks the length; "r+" would lengthen a torn file with zeros.
                array = np.load(self._partial / name, mmap_mode="r", allow_pickle=False)
                if array.shape != shape or array.dtype != np.dtype(dtype):
                    raise ValueError(f"{name} has shape {array.shape}")
                array = np.load(self._partial / name, mmap_mode="r+", allow_pickle=False)
                self._arrays[name] = array
        except (OSError, ValueError, KeyError, TypeError, EOFError) as err:
            self._close()
            self.notices.append(f"{self._partial} is damaged ({err}); the gallery is built anew")
            return False
        kept = "".join(line + "\n" for line in lines[:done])
        (self._partial / RECORDS_FILE).write_text(kept, encoding="utf-8")
        self._columns, self._flushed = columns, done
        if done:
            self.notices.append(f"going on at place {done} of {self.meta.count}")
        return True

    def _begin(self) -> None:
        """Lay out an empty gallery."""
        if self._partial.exists():
            shutil.rmtree(self._partial)
        self._partial.mkdir(parents=True)
        layout = self._layout()
        needed = sum(
            int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in layout.values()
        )
        free = shutil.disk_usage(self._partial).free
        if needed > free:
            raise self._no_room(needed, free)
        try:
            for name, (shape, dtype) in layout.items():
                array = np.lib.format.open_memmap(
                    self._partial / name, mode="w+", dtype=dtype, shape=shape
                )
                _reserve(self._partial / name, array.offset, array.nbytes)
                self._arrays[name] = array
        except OSError as err:
            self._close()
            shutil.rmtree(self._partial, ignore_errors=True)
            if err.errno not in _FULL:
                raise
            raise self._no_room(needed, free) from err
        (self._partial / RECORDS_FILE).write_text("", encoding="utf-8")
        self._write_progress()

    def _no_room(self, needed: int, free: int) -> GalleryError:
        return GalleryError(
            f"the gallery {self.path} takes {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are "
            "free; choose another disk, a smaller area or a wider spacing"
        )

    def _layout(self) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
        count, bins = self.meta.count, self.meta.feature_shape[1]
        return {
            FEATURES_FILE: ((count, *self.meta.feature_shape), np.float16),
            COVERAGE_FILE: ((count, bins), np.float32),
            ENERGY_FILE: ((count, bins), np.float32),
        }

    def _write_progress(self) -> None:
        progress = {"fingerprint": self.meta.fingerprint, "rows_done": self._flushed}
        temporary = self._partial / (PROGRESS_FILE + ".new")
        temporary.write_text(json.dumps(progress) + "\n", encoding="utf-8")
        os.replace(temporary, self._partial / PROGRESS_FILE)

    def _close(self) -> None:
        """Let go of the files, so that they can be renamed everywhere."""
        self._arrays.clear()


def _reserve(path: Path, offset: int, size_bytes: int) -> None:
    """Give a new array's zeros room on the disk: without it, a full disk kills who writes to them.

    Raises:
        OSError: There is no room.
    """
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), offset, size_bytes)
                return
            except OSError as err:  # some file systems cannot do it
                if err.errno in _FULL:
                    raise
        file.seek(offset)
        zeros = bytes(_RESERVED_AT_ONCE)
        for start in range(0, size_bytes, _RESERVED_AT_ONCE):
            file.write(zeros[: size_bytes - start])


def _may_replace(path: Path) -> bool:
    return path.is_dir() and ((path / META_FILE).exists() or not any(path.iterdir()))
