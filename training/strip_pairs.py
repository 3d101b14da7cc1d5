"""Satellite strips and the street views of their places, resident on the device that learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial import cKDTree
from torch import Tensor
from torch.utils.data import IterableDataset

from model_core.alignment.polar import polar_transform_torch
from model_core.config import StripGeometry
from model_core.errors import InputError
from training.datasets.augmentation import jitter_colors, to_float
from training.datasets.places import CROP_MARGIN, PlaceSet

_BATCH = 256


@dataclass(frozen=True)
class StripPairs:
    """N pairs on one device, north at column 0.

    Attributes:
        satellite: uint8 (N, 3, H, W), full circles.
        street: uint8 (N, 3, H, W), unseen columns zero.
        seen: bool (N, W), the columns that the street view shows.
        layout: float16 (N, bins, K), K is 0 where the truth around is unknown.
    """

    satellite: Tensor
    street: Tensor
    seen: Tensor
    layout: Tensor

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.satellite)

    def take(self, rows: Tensor | slice) -> StripPairs:
        """Return the pairs at ``rows``."""
        return StripPairs(*(getattr(self, f.name)[rows] for f in dataclasses.fields(self)))

    def mean_street(self) -> Tensor:
        """Return the mean street view, float (3, H, W) in [0, 1], each column over who sees it."""
        total = torch.zeros(self.street.shape[1:], device=self.street.device)
        for part in torch.split(self.street, _BATCH):
            total += part.float().sum(0)
        return total / self.seen.sum(0).clamp_min(1) / 255.0


@dataclass(frozen=True)
class StripBatch:
    """Pairs of one step: images float (B, 3, H, W) in [-1, 1], ``seen`` float (B, 1, 1, W).

    ``layout`` is float (B, bins, K).
    """

    satellite: Tensor
    street: Tensor
    seen: Tensor
    layout: Tensor


def strip_pairs(places: PlaceSet, geometry: StripGeometry, device: torch.device) -> StripPairs:
    """Return the pairs of all places that have a street view, on a device.

    Satellite strips are centred where the street view was taken, as far as their images reach, and
    where the imagery truly shows that point, if that is known.

    Args:
        places: Any training data.
        geometry: The strips' frame.
        device: Where the strips are made and stay.

    Raises:
        InputError: No place has a street view.
    """
    rows = np.flatnonzero(places.street_seen.any(axis=1))
    if not len(rows):
        raise InputError(
            "none of the places has a street view; a street-view generator needs some to learn from"
        )
    strips = []
    reach_m = geometry.footprint_m * (CROP_MARGIN - 1.0) / 2.0
    shift_m = (places.street_offset_m + places.imagery_shift_m).clip(-reach_m, reach_m)
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        crops = torch.from_numpy(places.satellite[some]).to(device)
        made = polar_transform_torch(
            to_float(crops),
            geometry,
            image_footprint_m=geometry.footprint_m * CROP_MARGIN,
            shift_m=torch.from_numpy(shift_m[some]).to(device),
        )
        strips.append(made.mul(255).round().to(torch.uint8))
    seen = torch.from_numpy(places.street_seen[rows]).to(device)
    street = torch.from_numpy(places.street[rows]).to(device).permute(0, 3, 1, 2)
    return StripPairs(
        torch.cat(strips),
        (street * seen[:, None, None]).contiguous(),
        seen,
        torch.from_numpy(places.layout[rows]).to(device),
    )


def plain_batch(pairs: StripPairs) -> StripBatch:
    """Return pairs as a batch, nothing changed."""
    return StripBatch(
        pairs.satellite.float() / 127.5 - 1.0,
        pairs.street.float() / 127.5 - 1.0,
        pairs.seen[:, None, None].float(),
        pairs.layout.float(),
    )


def varied_batch(pairs: StripPairs, jitter: float, chance: torch.Generator) -> StripBatch:
    """Return pairs under a common turn and, for half of them, a mirror; other satellite colours.

    A turn is a whole number of layout bins, so that labels turn with the strips.

    Args:
        pairs: Of one step.
        jitter: Strength of the change of the satellite strips' colours; 0 leaves them.
        chance: Its source, on the pairs' device.
    """
    count, device = len(pairs), pairs.seen.device
    width, bins = pairs.seen.shape[1], max(1, pairs.layout.shape[1])
    turn = torch.randint(0, bins, (count, 1), generator=chance, device=device)
    mirror = torch.rand(count, 1, generator=chance, device=device) < 0.5
    columns = _turned(width, turn * (width // bins), mirror)
    label_bins = _turned(bins, turn, mirror)
    images = columns[:, None, None].expand_as(pairs.satellite)
    satellite = torch.gather(pairs.satellite, 3, images).float() / 255.0
    if jitter > 0:
        satellite = jitter_colors(satellite, chance, jitter)
    labels = label_bins[:, :, None].expand(-1, -1, pairs.layout.shape[2])
    return StripBatch(
        satellite * 2.0 - 1.0,
        torch.gather(pairs.street, 3, images).float() / 127.5 - 1.0,
        torch.gather(pairs.seen, 1, columns)[:, None, None].float(),
        torch.gather(pairs.layout, 1, labels).float(),
    )


def _turned(length: int, turn: Tensor, mirror: Tensor) -> Tensor:
    """Return which of ``length`` columns (B, length) each place shows after turn and mirror."""
    at = torch.arange(length, device=turn.device)[None]
    return (torch.where(mirror, length - 1 - at, at) + turn) % length


class RandomRows(IterableDataset[Tensor]):
    """Endless rows of a set, drawn on its device, the same ones for the same seed and step."""

    def __init__(self, pairs: StripPairs, batch: int, seed: int, first_step: int = 0):
        """Make rows of ``batch`` pairs a step, from the step after ``first_step`` on."""
        self.count = len(pairs)
        self.batch = min(batch, len(pairs))
        self.device = pairs.satellite.device
        self.seed = seed
        self.first_step = first_step

    def __iter__(self) -> Iterator[Tensor]:
        """Yield every row once before any comes again."""
        whole = self.count - self.count % self.batch
        turn, done = divmod(self.first_step, whole // self.batch)
        while True:
            chance = torch.Generator(self.device).manual_seed(seed_of_step(self.seed, turn))
            order = torch.randperm(self.count, generator=chance, device=self.device)
            yield from torch.split(order[:whole], self.batch)[done:]
            turn, done = turn + 1, 0


def seed_of_step(seed: int, step: int) -> int:
    """Return a seed of chance that depends on a run's seed and a step alone."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint32)[0])


def city_names(folder: Path, places: PlaceSet) -> dict[int, str]:
    """Return the name of every city of a set by its number.

    Rendered cities go by their folders, others by that of the set and their number there, since
    two sets count their cities each for itself.
    """
    found = sorted(p.name for p in folder.glob("city_?????") if p.is_dir())
    numbers = [int(n) for n in np.unique(places.city)]
    return {n: found[n] if n < len(found) else f"{folder.resolve()}#{n}" for n in numbers}


def rows_of_city(names: Mapping[int, str], places: PlaceSet, city: str) -> npt.NDArray[np.int64]:
    """Return the rows of one city, given by its name or by the number at the end of it.

    Raises:
        InputError: The set has no such city; the message lists those it has.
    """
    for number, name in names.items():
        number_there = name.rpartition("#")[2].removeprefix("city_").lstrip("0") or "0"
        if city in (name, number_there):
            return np.flatnonzero(places.city == number)
    raise InputError(f"there is no city {city!r}; there are: {', '.join(sorted(names.values()))}")


def rows_apart(
    places: PlaceSet,
    names: Mapping[int, str],
    test: PlaceSet,
    test_names: Mapping[int, str],
    radius_m: float,
) -> npt.NDArray[np.int64]:
    """Return the rows of places more than ``radius_m`` from every test place of their city.

    Args:
        places: To learn from.
        names: Their cities by number, from ``city_names``.
        test: To judge by.
        test_names: Its cities.
        radius_m: The distance.
    """
    apart = np.ones(len(places), np.bool_)
    numbers = {name: number for number, name in names.items()}
    for test_number, name in test_names.items():
        if name not in numbers:
            continue
        rows = np.flatnonzero(places.city == numbers[name])
        tree = cKDTree(test.place_xy[test.city == test_number])
        distance_m, _ = tree.query(places.place_xy[rows])
        apart[rows] = distance_m > radius_m
    return np.flatnonzero(apart)
