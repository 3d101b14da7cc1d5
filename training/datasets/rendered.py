"""Rendered places on disk and in memory: one folder a city, one ``.npy`` an array.

A training set is a folder of cities. It is written city by city under a temporary name, so a
killed run leaves whole cities only and the next run renders the missing ones.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from model_core.config import ModelConfig, PlaceConfig, StripGeometry
from model_core.errors import InputError
from model_core.types import Progress, ProgressCallback, ignore_progress
from training.datasets.places import NO_DATE, PlaceSet
from training.world.ahead import build_ahead
from training.world.gallery import CityGallery, render_city_gallery
from training.world.samples import CitySamples, draft_training_city, render_city_samples

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
    workers: int = 0,
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
        workers: Processes that draft the next cities meanwhile; 0 drafts them in this one.

    Raises:
        ConfigError: A seed is kept for the demo, or a worker died.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in city_seeds if not (folder / f"city_{seed:05d}").is_dir()]
    done = len(city_seeds) - len(missing)
    for seed, draft in build_ahead(draft_training_city, missing, workers):
        samples = render_city_samples(seed, places_per_city, geometry, device, draft=draft)
        places = None
        if gallery is not None:
            reach_m = float(np.abs(samples.place_xy).max())
            places = render_city_gallery(seed, reach_m, gallery, geometry, device, draft)
        _write_city(folder / f"city_{seed:05d}", samples, places, geometry)
        done += 1
        progress(Progress("render", done, len(city_seeds), f"city {seed}"))


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


def load_rendered(folder: Path, config: ModelConfig) -> PlaceSet:
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
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for number, path in enumerate(folders):
        arrays = _load_city(path, config)
        arrays["city"] = np.full(len(arrays["place_xy"]), number, np.int64)
        for name, array in arrays.items():
            parts.setdefault(name, []).append(array)
    return PlaceSet(**{name: np.concatenate(arrays) for name, arrays in parts.items()})


def _load_city(path: Path, config: ModelConfig) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of one city in the model's frame."""
    factor = _width_factor(path, config.geometry)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name in ARRAYS:
        array = np.load(path / f"{name}.npy", allow_pickle=False)
        if name in ("street", "query"):
            array = _averaged(array, factor, axis=array.ndim - 2)
        elif name in ("layout", "query_layout"):
            by = array.shape[-2] // config.azimuth_bins
            array = _averaged(array, by, axis=array.ndim - 2)
        arrays[name] = array
    count, photos = arrays["query"].shape[:2]
    width = config.geometry.width
    return {
        "street_seen": np.ones((count, width), np.bool_),
        "street_days": np.full(count, NO_DATE, np.int32),
        "query_seen": np.ones((count, photos, width), np.bool_),
        "query_days": np.full((count, photos), NO_DATE, np.int32),
        "query_state": np.zeros((count, photos), np.uint8),
        "heading_known": np.ones((count, photos), np.bool_),
        "block": np.zeros(count, np.int64),
        **arrays,
    }


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
