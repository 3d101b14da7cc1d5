"""One pass over a gallery's blocks: of every place and photo the best cosine and its shift.

The gallery stays on disk and passes through memory a block at a time; no matrix of photos, places
and shifts is ever whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_core.config import SearchConfig
from model_core.device import run_in_batches
from model_core.matching.correlation import (
    PhotoFeatures,
    QueryBatch,
    best_shifts,
    correlate_block,
    prepare_queries,
)
from model_core.types import CancelCheck, FloatArray, Progress, ProgressCallback

Clock = Callable[[], float]

# A processor's caches decide: blocks of this many rows measured best with 2048 features a place.
CPU_BLOCK_ROWS = 512
# The precision is tried out from this many places times photos; below, the trial costs more.
TRIAL_FROM_PRODUCTS = 2_000_000
TRIAL_GAIN = 1.2


class FeatureTable(Protocol):
    """What is searched; ``gallery.store.Gallery`` is one.

    ``features`` float16 (N, h, bins, C) weighted by coverage, ``energy`` and ``coverage`` float32
    (N, bins), as ``gallery.weighting`` makes them.
    """

    @property
    def features(self) -> npt.NDArray[np.float16]: ...  # noqa: D102

    @property
    def energy(self) -> FloatArray: ...  # noqa: D102

    @property
    def coverage(self) -> FloatArray: ...  # noqa: D102


@dataclass(frozen=True)
class Scan:
    """The best cosine and shift (N, Q) of every place and query; ``exact``: in full precision."""

    best: FloatArray
    shift: FloatArray
    exact: bool

    def of_queries(self, columns: slice) -> Scan:
        """Return the part of some neighbouring queries."""
        return Scan(self.best[:, columns], self.shift[:, columns], self.exact)


def scan_gallery(
    gallery: FeatureTable,
    queries: Sequence[PhotoFeatures],
    config: SearchConfig,
    device: torch.device,
    progress: ProgressCallback,
    cancel: CancelCheck,
    clock: Clock,
) -> Scan:
    """Return the best cosine and its shift of every place and query.

    Args:
        gallery: Features of every place.
        queries: Photos, of any mixture of widths.
        config: Block size and least coverage.
        device: Where the products run.
        progress: Told after every block.
        cancel: Asked between blocks.
        clock: Seconds, for the trial of precisions.

    Raises:
        ShapeError: The queries do not fit the gallery.
        Cancelled: The user asked to stop.
        DeviceError: Not even one row fits into the device's memory.
    """
    rows = gallery.features.shape[0]
    dtype = _choose_dtype(gallery, queries, config, device, clock)
    prepared = prepare_queries(queries, feature_shape(gallery), device, dtype)
    best = np.empty((rows, len(queries)), np.float32)
    shift = np.empty((rows, len(queries)), np.float32)

    def scan_block(start: int, stop: int) -> None:
        block = slice(start, stop)
        found = best_shifts(correlate_rows(gallery, block, prepared, config, device))
        best[block], shift[block] = (part.cpu().numpy() for part in found)
        progress(Progress("matching", stop, rows))

    run_in_batches(scan_block, rows, _block_rows(config, device), device, cancel)
    return Scan(best, shift, exact=dtype == torch.float32)


def correlate_rows(
    gallery: FeatureTable,
    rows: slice | npt.NDArray[np.int64],
    queries: QueryBatch,
    config: SearchConfig,
    device: torch.device,
) -> Tensor:
    """Return the cosines (n, Q, bins) of some rows."""
    coverage = np.array(gallery.coverage[rows], np.float32)
    covered = None if bool((coverage >= 1.0).all()) else torch.from_numpy(coverage).to(device)
    return correlate_block(
        torch.from_numpy(np.array(gallery.features[rows])).to(device),
        torch.from_numpy(np.array(gallery.energy[rows], np.float32)).to(device),
        covered,
        queries,
        config.min_coverage,
    )


def feature_shape(gallery: FeatureTable) -> tuple[int, int, int]:
    """Return (h, bins, C) of a gallery."""
    _, height, bins, channels = gallery.features.shape
    return int(height), int(bins), int(channels)


def _block_rows(config: SearchConfig, device: torch.device) -> int:
    """Return the rows a product: few on a processor, whose caches decide."""
    most = config.block_rows if device.type != "cpu" else min(config.block_rows, CPU_BLOCK_ROWS)
    return max(1, most)


def _choose_dtype(
    gallery: FeatureTable,
    queries: Sequence[PhotoFeatures],
    config: SearchConfig,
    device: torch.device,
    clock: Clock,
) -> torch.dtype:
    """Return the precision of the scan: by a short trial on a processor, never by its name."""
    if device.type == "cuda":
        return torch.float16
    rows = gallery.features.shape[0]
    if device.type != "cpu" or rows * len(queries) < TRIAL_FROM_PRODUCTS:
        return torch.float32
    block = slice(0, min(rows, _block_rows(config, device)))
    seconds: dict[torch.dtype, float] = {}
    for dtype in (torch.float32, torch.bfloat16):
        prepared = prepare_queries(queries, feature_shape(gallery), device, dtype)
        times = []
        for _ in range(3):
            began = clock()
            correlate_rows(gallery, block, prepared, config, device)
            times.append(clock() - began)
        seconds[dtype] = min(times)
    faster = seconds[torch.bfloat16] * TRIAL_GAIN < seconds[torch.float32]
    return torch.bfloat16 if faster else torch.float32
