"""Photos of held-out places: which windows of which strips, chosen alike for every model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model_core.config import ModelConfig
from training.datasets.augmentation import PhotoWindows, bins_for_fov, cut_windows, to_float
from training.datasets.places import PlaceSet, RawBatch, take_batch

MIXED_FOV_DEG = (45.0, 120.0)


@dataclass(frozen=True)
class PhotoList:
    """Q photos to locate: place row, number of the photo, field of view, left edge in degrees.

    The left edge is that of the photo, not of the window of whole bins around it.
    """

    place: npt.NDArray[np.int64]
    photo: npt.NDArray[np.int64]
    fov_deg: npt.NDArray[np.float64]
    left_deg: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """The number of photos."""
        return len(self.place)


def list_photos(
    places: PlaceSet, rows: npt.NDArray[np.int64], fov_deg: tuple[float, float], seed: int
) -> PhotoList:
    """Return the photos of some places with fields of view in a range, at headings of chance.

    A photo that shows less than a full circle is cut within what it shows. It is left out where it
    shows less than one wanted field of view, and shows all it has where a range is wanted.

    Args:
        places: Their seen columns decide.
        rows: The places.
        fov_deg: Least and greatest field of view.
        seed: Of headings and fields of view; they do not depend on the model.
    """
    numbers = places.query_seen.shape[1]
    place = np.repeat(rows, numbers)
    photo = np.tile(np.arange(numbers), len(rows))
    rng = np.random.default_rng([seed, round(fov_deg[0] * 10), round(fov_deg[1] * 10)])
    at, between = rng.random(len(place)), rng.random(len(place))
    wanted = fov_deg[0] + (fov_deg[1] - fov_deg[0]) * between
    first, length = longest_seen(np.asarray(places.query_seen[place, photo]))
    deg_per_px = 360.0 / places.query_seen.shape[2]
    shown = length * deg_per_px
    least = fov_deg[0] if fov_deg[0] == fov_deg[1] else 0.0
    # Half a column: a photo's edges seldom fall between two columns.
    kept = np.flatnonzero((shown > 0) & (shown >= least - 0.5 * deg_per_px))
    fov = np.minimum(wanted, shown)[kept]
    slack = np.where(shown >= 360.0, 360.0, shown - np.minimum(wanted, shown))[kept]
    left = (first[kept] * deg_per_px + at[kept] * slack) % 360.0
    return PhotoList(place[kept], photo[kept], fov, left)


def longest_seen(
    seen: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return first column and length of the longest seen run around each circle (B, W)."""
    width = seen.shape[1]
    twice = np.concatenate([seen, seen], axis=1)
    at = np.arange(2 * width)
    last_gap = np.maximum.accumulate(np.where(twice, -1, at[None, :]), axis=1)
    run = np.minimum(at[None, :] - last_gap, width)
    end = run.argmax(axis=1)
    length = run[np.arange(len(seen)), end]
    return (end - length + 1) % width, length


@dataclass(frozen=True)
class PhotoBlock:
    """Photos of one width in bins, cut and ready to encode; ``rows`` are those of the list."""

    rows: npt.NDArray[np.int64]
    batch: RawBatch
    windows: PhotoWindows
    fov_deg: npt.NDArray[np.float64]
    circular: bool


def cut_blocks(
    places: PlaceSet,
    photos: PhotoList,
    config: ModelConfig,
    device: torch.device,
    seed: int,
    size: int,
) -> Iterator[PhotoBlock]:
    """Yield the photos in blocks of one width each.

    Args:
        places: The photos' places.
        photos: What to cut.
        config: The model's frame.
        device: Where the blocks lie.
        seed: Of the frames' shapes and pitch.
        size: Most photos a block.
    """
    chance = torch.Generator(device).manual_seed(seed)
    # References are not looked at here, so their pictures need not travel with every block.
    places = dataclasses.replace(
        places, satellite=places.satellite[:, :0], street=places.street[:, :0]
    )
    widths = np.array([bins_for_fov(float(fov), config) for fov in photos.fov_deg], np.int64)
    for n_bins in np.unique(widths):
        of_width = np.flatnonzero(widths == n_bins)
        for rows in np.split(of_width, range(size, len(of_width), size)):
            batch = take_batch(places, photos.place[rows], photos.photo[rows]).to(device)
            fov = torch.as_tensor(photos.fov_deg[rows], dtype=torch.float32, device=device)
            left = torch.as_tensor(photos.left_deg[rows], dtype=torch.float32, device=device)
            windows = _cut(batch, fov, left, int(n_bins), config, chance)
            circular = int(n_bins) == config.azimuth_bins
            yield PhotoBlock(rows, batch, windows, photos.fov_deg[rows], circular)


def _cut(
    batch: RawBatch,
    fov_deg: Tensor,
    left_deg: Tensor,
    n_bins: int,
    config: ModelConfig,
    chance: torch.Generator,
) -> PhotoWindows:
    """Return windows around the photos, masked where a strip shows nothing."""
    width = batch.query.shape[2]
    margin_deg = (n_bins * config.bin_deg - fov_deg) / 2
    start = ((left_deg - margin_deg) / (360.0 / width)).round().long() % width
    return cut_windows(
        to_float(batch.query),
        batch.query_layout,
        fov_deg,
        n_bins,
        config,
        chance,
        seen=batch.query_seen,
        start_px=start,
    )
