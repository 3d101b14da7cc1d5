"""Places kept on a device as they are, uint8, and batches drawn there by index.

Batches begin as geographic neighbours: a place and those nearest to it. Once hard negatives are
known, a batch is made of places and the places that are most easily taken for them. No two places
of a batch lie nearer to each other than the radius within which both would be right.

Which places make a batch is decided on the processor, for some batches ahead and beside the
training, and sent in one piece; images never leave the device.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from model_core.errors import InputError, ShapeError
from training.datasets.places import OF_PHOTO, PlaceSet, RawBatch

_AHEAD = 8
"""Batches that are planned at a time."""

_SPARE = 4
"""Candidates drawn for each place of a batch, since some lie too near to others."""

Rows = npt.NDArray[np.int64]


class ResidentPlaces(IterableDataset[RawBatch]):
    """Endless batches of a set that lies on a device, of a few cities each.

    So negatives are geographic neighbours, as Sample4Geo begins. The same seed gives the same
    batches on every device, whatever is mined being equal.
    """

    def __init__(
        self,
        places: PlaceSet,
        batch: int,
        cities_per_batch: int,
        seed: int,
        device: torch.device | None = None,
        false_negative_radius_m: float = 25.0,
        negatives_per_place: int = 3,
    ):
        """Send a set to a device.

        Args:
            places: The set; not kept.
            batch: Places a batch; fewer only where the set has no more that lie apart.
            cities_per_batch: Cities that neighbours come from.
            seed: Of the batches.
            device: The CPU when None.
            false_negative_radius_m: How near two places of one batch may not lie.
            negatives_per_place: Hard negatives drawn for each place, once they are known.

        Raises:
            InputError: No place has a photo.
        """
        self.device = device or torch.device("cpu")
        self.batch = batch
        self.cities_per_batch = cities_per_batch
        self.seed = seed
        self.radius_m = false_negative_radius_m
        self.negatives_per_place = negatives_per_place
        self.bytes_per_place = places.bytes_per_place
        self._tensors = {
            f.name: torch.from_numpy(getattr(places, f.name)).to(self.device)
            for f in dataclasses.fields(PlaceSet)
        }
        self._there = places.photo_there
        self._usable = np.asarray(self._there.any(axis=1))
        if not self._usable.any():
            raise InputError("no place of the set has a photo, so there is nothing to learn from")
        self._xy = places.place_xy
        self._city = places.city
        cities = np.unique(self._city[self._usable])
        self._rows_of_city = [np.flatnonzero(self._usable & (self._city == c)) for c in cities]
        self._negatives: Rows | None = None

    def __len__(self) -> int:
        """The number of places."""
        return len(self._city)

    def set_hard_negatives(self, index: npt.NDArray[np.int64] | Tensor | None) -> None:
        """Make batches, from the next one on, of places and their hard negatives.

        Args:
            index: (N, k) rows of places by falling similarity, -1 for none; None goes back to
                geographic neighbours.

        Raises:
            ShapeError: It is no list a place, or names a place that is not there.
        """
        if index is None:
            self._negatives = None
            return
        rows = index.cpu().numpy() if isinstance(index, Tensor) else index
        if rows.ndim != 2 or len(rows) != len(self) or rows.shape[1] == 0:
            raise ShapeError(f"hard negatives must be ({len(self)}, k), not {rows.shape}")
        if rows.min() < -1 or rows.max() >= len(self):
            raise ShapeError(f"hard negatives name places outside 0 to {len(self) - 1}")
        self._negatives = rows.astype(np.int64)

    def __iter__(self) -> Iterator[RawBatch]:
        """Yield batches forever, the same ones for the same seed and the same mining."""
        rng = np.random.default_rng(self.seed)
        with ThreadPoolExecutor(1) as planner:
            pending = planner.submit(self._plans, rng, self._negatives)
            while True:
                planned_for, sizes, index = pending.result()
                pending = planner.submit(self._plans, rng, self._negatives)
                if planned_for is not self._negatives:
                    continue
                sent = torch.from_numpy(index).to(self.device, non_blocking=True)
                for rows, photos in zip(*(part.split(sizes) for part in sent), strict=True):
                    yield self.take(rows, photos)
                    if planned_for is not self._negatives:
                        break

    def take(self, rows: Tensor, photos: Tensor) -> RawBatch:
        """Return the places ``rows``, each with its photo number ``photos``, on the device."""
        taken = {}
        for name, tensor in self._tensors.items():
            if name in OF_PHOTO:
                flat = tensor.flatten(0, 1)
                chosen = flat.index_select(0, rows * tensor.shape[1] + photos)
            else:
                chosen = tensor.index_select(0, rows)
            taken[name] = chosen.float() if chosen.dtype == torch.float16 else chosen
        return RawBatch(**taken)

    def _plans(
        self, rng: np.random.Generator, negatives: Rows | None
    ) -> tuple[Rows | None, list[int], Rows]:
        """Return the negatives planned for, the batches' sizes, and their places and photos."""
        plans = [self._plan(rng, negatives) for _ in range(_AHEAD)]
        index = np.stack([np.concatenate(part) for part in zip(*plans, strict=True)])
        return negatives, [len(rows) for rows, _ in plans], index

    def _plan(self, rng: np.random.Generator, negatives: Rows | None) -> tuple[Rows, Rows]:
        """Return the places (B,) of one batch and the number of each one's photo."""
        first = self._neighbours(rng) if negatives is None else self._hard(rng, negatives)
        rows = self._apart(first, self.batch)
        missing = self.batch - len(rows)
        if missing:
            more = rng.choice(np.flatnonzero(self._usable), missing * _SPARE)
            rows = self._apart(np.concatenate([rows, more]), self.batch)
        photos = rng.integers(0, 2**31, len(rows))
        return rows, _nth_photo(self._there[rows], photos)

    def _neighbours(self, rng: np.random.Generator) -> Rows:
        """Return candidates: in a few cities, a place and those around it, mixed."""
        chosen = rng.permutation(len(self._rows_of_city))[: self.cities_per_batch]
        share = -(-self.batch // len(chosen))
        parts = []
        for number in chosen:
            rows = self._rows_of_city[number]
            anchor = self._xy[rng.choice(rows)]
            away = ((self._xy[rows] - anchor) ** 2).sum(axis=1)
            count = min(len(rows), _SPARE * share)
            near = rows[np.argpartition(away, count - 1)[:count]]
            parts.append(self._apart(rng.permutation(near), share))
        return np.concatenate(parts)

    def _hard(self, rng: np.random.Generator, negatives: Rows) -> Rows:
        """Return candidates: each place with the hardest and some of its other negatives."""
        count = min(self.negatives_per_place, negatives.shape[1])
        usable = np.flatnonzero(self._usable)
        wanted = min(len(usable), -(-3 * self.batch // (2 * (1 + count))))
        anchors = rng.choice(usable, wanted, replace=False)
        lists = negatives[anchors]
        # Source: Sample4Geo takes half from the top of the list, half from the rest of it.
        sure = count - count // 2
        rest = rng.permuted(lists[:, sure:], axis=1)[:, : count // 2]
        rows = np.concatenate([anchors[:, None], lists[:, :sure], rest], axis=1).ravel()
        rows = rows[rows >= 0]
        usable_rows: Rows = rows[self._usable[rows]]
        return usable_rows

    def _apart(self, rows: Rows, most: int) -> Rows:
        """Return the first rows, ``most`` of them, of which no two are or lie too near.

        As if they were taken one after the other, but many in a step: whatever no earlier row
        contests is taken, and what lies too near to it is dropped, until all is settled.
        """
        x_m, y_m = self._xy[rows].T
        away = (x_m[:, None] - x_m[None]) ** 2 + (y_m[:, None] - y_m[None]) ** 2
        city = self._city[rows]
        near = (away < self.radius_m**2) & (city[:, None] == city[None])
        earlier = np.tril(near | (rows[:, None] == rows[None]), -1)
        taken = np.zeros(len(rows), np.bool_)
        open_ = np.ones(len(rows), np.bool_)
        while open_.any():
            free = open_ & ~(earlier & open_).any(axis=1)
            taken |= free
            open_ &= ~free & ~earlier[:, free].any(axis=1)
        kept: Rows = rows[taken][:most]
        return kept


def _nth_photo(
    there: npt.NDArray[np.bool_], number: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the number (B,) of a photo that is there, chosen by any number (B,), wrapping."""
    order = np.argsort(~there, axis=1, kind="stable")
    count = np.maximum(there.sum(axis=1), 1)
    picked: npt.NDArray[np.int64] = order[np.arange(len(there)), number % count]
    return picked
