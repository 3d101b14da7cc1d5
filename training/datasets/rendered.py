"""Rendered places on disk and in memory: one folder a city, one ``.npy`` an array.

A training set is a folder of cities. It is written city by city under a temporary name, so a
killed run leaves whole cities only and the next run renders the missing ones.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset

from model_core.config import ModelConfig, PlaceConfig, StripGeometry
from model_core.errors import InputError
from model_core.types import Progress, ProgressCallback, ignore_progress
from training.world.gallery import CityGallery, render_city_gallery
from training.world.samples import CitySamples, render_city_samples

ARRAYS = (
    "satellite",
    "street",
    "query",
    "query_offset_m",
    "place_xy",
    "layout",
    "query_layout",
)


def render_dataset(
    folder: Path,
    city_seeds: Sequence[int],
    places_per_city: int,
    geometry: StripGeometry,
    device: torch.device,
    progress: ProgressCallback = ignore_progress,
    gallery: PlaceConfig | None = None,
) -> None:
    """Render the cities that ``folder`` does not hold yet.

    Args:
        folder: The training set; made if absent.
        city_seeds: One city a seed.
        places_per_city: Places sampled in each.
        geometry: The strips' frame; written beside the arrays and checked when they are read.
        device: Where to render.
        progress: Told after every city.
        gallery: Also render satellite images where a search would lay its places: for held-out
            cities.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for done, seed in enumerate(city_seeds):
        target = folder / f"city_{seed:05d}"
        if not target.is_dir():
            samples = render_city_samples(seed, places_per_city, geometry, device)
            places = None
            if gallery is not None:
                reach_m = float(np.abs(samples.place_xy).max())
                places = render_city_gallery(seed, reach_m, gallery, geometry, device)
            _write_city(target, samples, places, geometry)
        progress(Progress("render", done + 1, len(city_seeds), f"city {seed}"))


def _write_city(
    target: Path, samples: CitySamples, gallery: CityGallery | None, geometry: StripGeometry
) -> None:
    partial = target.with_suffix(f".partial{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for name in ARRAYS:
        np.save(partial / f"{name}.npy", getattr(samples, name), allow_pickle=False)
    if gallery is not None:
        for name, array in vars(gallery).items():
            np.save(partial / f"gallery_{name}.npy", array, allow_pickle=False)
    (partial / "geometry.json").write_text(json.dumps(dataclasses.asdict(geometry)))
    partial.rename(target)


@dataclass(frozen=True)
class RenderedPlaces:
    """A training set in memory; arrays share their first axis, the places.

    ``satellite`` uint8 (N, S, S, 3); ``street`` uint8 (N, H, W, 3); ``query`` uint8
    (N, Q, H, W, 3), taken ``query_offset_m`` float32 (N, Q, 2) metres east and north of the place;
    ``place_xy`` float32 (N, 2) metres east and north in its own city;
    ``layout`` float16 (N, bins, K); ``query_layout`` float16 (N, Q, bins, K); ``city`` int (N,).
    """

    satellite: npt.NDArray[np.uint8]
    street: npt.NDArray[np.uint8]
    query: npt.NDArray[np.uint8]
    query_offset_m: npt.NDArray[np.float32]
    place_xy: npt.NDArray[np.float32]
    layout: npt.NDArray[np.float16]
    query_layout: npt.NDArray[np.float16]
    city: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """The number of places."""
        return len(self.city)

    @classmethod
    def load(cls, folder: Path, config: ModelConfig) -> RenderedPlaces:
        """Return the cities of a folder as one set.

        Strips rendered at a multiple of the model's width are averaged down to it, labels to its
        bins.

        Args:
            folder: Written by ``render_dataset``.
            config: Of the model that will learn from them.

        Raises:
            InputError: The folder holds no city, or strips of another frame.
        """
        folders = sorted(p for p in folder.glob("city_?????") if p.is_dir())
        if not folders:
            raise InputError(f"{folder} holds no rendered city; run: python -m training render")
        parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in ARRAYS}
        city: list[npt.NDArray[np.int64]] = []
        for number, path in enumerate(folders):
            factor = _width_factor(path, config.geometry)
            for name in ARRAYS:
                array = np.load(path / f"{name}.npy", allow_pickle=False)
                if name in ("street", "query"):
                    array = _averaged(array, factor, axis=array.ndim - 2)
                elif name in ("layout", "query_layout"):
                    by = array.shape[-2] // config.azimuth_bins
                    array = _averaged(array, by, axis=array.ndim - 2)
                parts[name].append(array)
            city.append(np.full(len(parts["place_xy"][-1]), number, np.int64))
        joined = {name: np.concatenate(arrays) for name, arrays in parts.items()}
        return cls(**joined, city=np.concatenate(city))

    def layout_statistics(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return mean and standard deviation (K,) of every layout label, the latter off zero."""
        labels = self.layout.reshape(-1, self.layout.shape[-1]).astype(np.float32)
        return labels.mean(axis=0), labels.std(axis=0) + np.float32(0.05)


def load_galleries(folder: Path) -> dict[int, CityGallery]:
    """Return the galleries of a folder's cities by number, of those that have one."""
    galleries = {}
    for number, path in enumerate(sorted(p for p in folder.glob("city_?????") if p.is_dir())):
        if (path / "gallery_satellite.npy").exists():
            arrays = [
                np.load(path / f"gallery_{field.name}.npy", allow_pickle=False)
                for field in dataclasses.fields(CityGallery)
            ]
            galleries[number] = CityGallery(*arrays)
    return galleries


def _width_factor(folder: Path, geometry: StripGeometry) -> int:
    """Return how many rendered columns make one; the rest of the frame must be the same."""
    written = json.loads((folder / "geometry.json").read_text())
    asked = dataclasses.asdict(geometry)
    factor, rest = divmod(int(written.get("width", 0)), geometry.width)
    if factor < 1 or rest or {**written, "width": geometry.width} != asked:
        raise InputError(
            f"{folder} was rendered for other strips ({written}); render into a new folder"
        )
    return factor


def _averaged(array: npt.NDArray[Any], factor: int, axis: int) -> npt.NDArray[Any]:
    """Return the means of ``factor`` neighbours along an axis, in the array's type."""
    if factor == 1:
        return array
    count = array.shape[axis] // factor
    shape = (*array.shape[:axis], count, factor, *array.shape[axis + 1 :])
    mean: npt.NDArray[Any] = array.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
    return (np.rint(mean) if array.dtype == np.uint8 else mean).astype(array.dtype)


@dataclass(frozen=True)
class RawBatch:
    """Places of one batch, still uint8; the first axis is the batch."""

    satellite: torch.Tensor
    street: torch.Tensor
    query: torch.Tensor
    layout: torch.Tensor
    query_layout: torch.Tensor
    query_offset_m: torch.Tensor
    place_xy: torch.Tensor
    city: torch.Tensor

    def to(self, device: torch.device) -> RawBatch:
        """Return the batch on a device."""
        return RawBatch(*(getattr(self, f.name).to(device) for f in dataclasses.fields(self)))


def take_batch(
    places: RenderedPlaces, rows: npt.NDArray[np.int64], query: npt.NDArray[np.int64]
) -> RawBatch:
    """Return the places at ``rows``, each with its photo number ``query`` of that place."""
    return RawBatch(
        satellite=torch.from_numpy(places.satellite[rows]),
        street=torch.from_numpy(places.street[rows]),
        query=torch.from_numpy(places.query[rows, query]),
        layout=torch.from_numpy(places.layout[rows].astype(np.float32)),
        query_layout=torch.from_numpy(places.query_layout[rows, query].astype(np.float32)),
        query_offset_m=torch.from_numpy(places.query_offset_m[rows, query].astype(np.float32)),
        place_xy=torch.from_numpy(places.place_xy[rows].astype(np.float32)),
        city=torch.from_numpy(places.city[rows]),
    )


class NeighbourBatches(IterableDataset[RawBatch]):
    """Endless batches made of a few cities each, so that negatives are geographic neighbours.

    Source: Sample4Geo starts from batches of geographic neighbours.
    """

    def __init__(self, places: RenderedPlaces, batch: int, cities_per_batch: int, seed: int):
        self.places = places
        self.batch = batch
        self.cities_per_batch = cities_per_batch
        self.seed = seed

    def __iter__(self) -> Iterator[RawBatch]:
        """Yield batches forever, the same ones for the same seed."""
        rng = np.random.default_rng(self.seed)
        rows_of_city = [np.flatnonzero(self.places.city == c) for c in np.unique(self.places.city)]
        queries = self.places.query.shape[1]
        while True:
            chosen = rng.permutation(len(rows_of_city))[: self.cities_per_batch]
            share = self.batch // len(chosen)
            rows = np.concatenate(
                [
                    rng.choice(rows_of_city[c], min(share, len(rows_of_city[c])), replace=False)
                    for c in chosen
                ]
            )
            yield take_batch(self.places, rows, rng.integers(0, queries, len(rows)))
