"""Features of street views kept between photos and runs, in memory and in a folder."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from model_core.config import VerificationConfig
from model_core.errors import ProviderError, StreetViewError
from model_core.types import Projection, RemoteImage, StreetView
from model_core.verification.local_features import (
    DESCRIPTOR_SIZE,
    EXTRACTION_VERSION,
    LocalFeatures,
)

log = logging.getLogger(__name__)

SUFFIX = ".safetensors"
MEMORY_LIMIT_BYTES = 256 * 1024**2
_HASHED_BLOCK_BYTES = 1024**2


class FeatureCache:
    """Features by what the image file holds and how they are extracted.

    A file that is damaged or cannot be written costs time, never an answer. Views whose terms
    forbid keeping them stay in memory.
    """

    def __init__(self, folder: Path | None, memory_limit_bytes: int = MEMORY_LIMIT_BYTES) -> None:
        """Make a cache; the folder is made at the first write.

        Args:
            folder: Where to keep features, None for memory alone.
            memory_limit_bytes: The least recently used beyond it are dropped from memory.
        """
        self.folder = folder
        self.memory_limit_bytes = memory_limit_bytes
        self._memory: OrderedDict[str, LocalFeatures] = OrderedDict()
        self._memory_bytes = 0
        self._hashes: dict[tuple[Path, int, int], str] = {}
        self._remote_hashes: dict[str, str] = {}
        self._writable = folder is not None

    def features(
        self,
        view: StreetView,
        config: VerificationConfig,
        extract: Callable[[StreetView], LocalFeatures],
    ) -> LocalFeatures:
        """Return a street view's features, extracted only if they are not here.

        Args:
            view: The street view.
            config: How its features are extracted.
            extract: Extracts them from the image.

        Raises:
            StreetViewError: The image is missing or damaged, or its source failed.
        """
        key = self._key(view, config)
        known = self._memory.get(key)
        if known is not None:
            self._memory.move_to_end(key)
            return known
        path = None
        if self.folder is not None and view.terms.cacheable:
            path = self.folder / f"{key}{SUFFIX}"
        found = None if path is None else _load(path)
        if found is None:
            found = extract(view)
            if path is not None:
                self._store(path, found)
        self._remember(key, found)
        return found

    def _key(self, view: StreetView, config: VerificationConfig) -> str:
        """Return a name for what decides the features: the file's bytes and the extraction."""
        extraction = {
            "version": EXTRACTION_VERSION,
            "max_side_px": config.max_side_px,
            "max_features": config.max_features,
            "projection": view.projection,
            "fov_deg": view.fov_deg if view.projection == "equirectangular" else None,
            "pitch_deg": view.pitch_deg,
            "roll_deg": view.roll_deg,
        }
        text = self._file_sha256(view) + json.dumps(extraction, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _file_sha256(self, view: StreetView) -> str:
        """Return the hash of a view's file, read again only after the file changed."""
        if view.remote is not None:
            return self._remote_sha256(view.view_id, view.remote)
        try:
            status = view.path.stat()
            identity = (view.path, status.st_mtime_ns, status.st_size)
            if identity not in self._hashes:
                digest = hashlib.sha256()
                with view.path.open("rb") as stream:
                    while block := stream.read(_HASHED_BLOCK_BYTES):
                        digest.update(block)
                self._hashes[identity] = digest.hexdigest()
        except OSError as err:
            raise StreetViewError(
                f"{view.path}: street view {view.view_id} cannot be read ({err.strerror}); "
                "restore the file or take it out of the street views"
            ) from err
        return self._hashes[identity]

    def _remote_sha256(self, view_id: str, image: RemoteImage) -> str:
        """Return the hash of an online view's bytes, asked for once."""
        if view_id not in self._remote_hashes:
            try:
                self._remote_hashes[view_id] = hashlib.sha256(image.read()).hexdigest()
            except ProviderError as err:
                raise StreetViewError(f"street view {view_id} cannot be used: {err}") from err
        return self._remote_hashes[view_id]

    def _remember(self, key: str, features: LocalFeatures) -> None:
        self._memory[key] = features
        self._memory_bytes += _size_bytes(features)
        while self._memory_bytes > self.memory_limit_bytes and len(self._memory) > 1:
            _, dropped = self._memory.popitem(last=False)
            self._memory_bytes -= _size_bytes(dropped)

    def _store(self, path: Path, features: LocalFeatures) -> None:
        """Write features under a temporary name and rename; say so once if that is impossible."""
        if not self._writable:
            return
        header = {
            "projection": features.projection,
            "size_px": json.dumps(features.size_px),
            "roll_deg": repr(features.roll_deg),
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "points": features.points,
            "descriptors": features.descriptors,
        }
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(save(arrays, header))
            temporary.replace(path)
        except OSError as err:
            self._writable = False
            log.warning(
                "%s: features cannot be kept there (%s); they are made again in every run",
                path.parent,
                err.strerror,
            )


def _size_bytes(features: LocalFeatures) -> int:
    return features.points.nbytes + features.descriptors.nbytes


def _load(path: Path) -> LocalFeatures | None:
    """Return the features of a file, None where there is none or it is damaged."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, "numpy") as stored:
            header = stored.metadata() or {}
            points, descriptors = stored.get_tensor("points"), stored.get_tensor("descriptors")
            width, height = json.loads(header["size_px"])
            projection: Projection = header["projection"]
            roll_deg = float(header["roll_deg"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None
    count = len(points) if points.ndim else 0
    fits = (
        points.shape == (count, 2)
        and points.dtype == np.float32
        and descriptors.shape == (count, DESCRIPTOR_SIZE)
        and descriptors.dtype == np.uint8
        and projection in get_args(Projection)
    )
    if not fits:
        return None
    return LocalFeatures(projection, (int(width), int(height)), points, descriptors, roll_deg)
