"""Rendered places on disk and in memory: one folder a city, one ``.npy`` an array.

A training set is a folder of cities. It is written city by city under a temporary name, so a
killed run leaves whole cities only and the next run renders the missing ones.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from model_core.config import ModelConfig, PlaceConfig, StripGeometry
from model_core.errors import ConfigError, InputError
from model_core.types import Progress, ProgressCallback, ignore_progress
from training.datasets.places import PlaceSet
from training.world.ahead import build_ahead
from training.world.cities import CitySplit, split_of
from training.world.gallery import CityGallery, render_city_gallery
from training.world.geometry import CityGeometry
from training.world.plan import Tier
from training.world.samples import CitySamples, SamplesDraft, draft_samples, render_samples
from training.world.states import state_of
from training.world.version import RENDERER_VERSION

ARRAYS = (
    "satellite",
    "street",
    "street_seen",
    "street_days",
    "query",
    "query_seen",
    "query_days",
    "query_state",
    "heading_known",
    "query_offset_m",
    "imagery_shift_m",
    "street_offset_m",
    "place_xy",
    "block",
    "layout",
    "query_layout",
)
AFTER = "satellite_after"
FACTS_FILE = "district.json"
"""Beside the arrays of a city: its seed, what was asked for of it, and by which version."""

BLOCKS_A_CITY = 10000
_OLDER = "was rendered by an older version; render into another folder"
Imagery = Literal["before", "after"]


@dataclass(frozen=True)
class RenderSource:
    """What is rendered: the state and tier of districts, and where geometry is from.

    Attributes:
        state: One of ``states.STATES``, or ``mixed``.
        tier: ``everyday`` or ``hard``; see ``plan.plan_district``.
        real_geometry: Gives the geometry of a seed from real data; drawn by the seed if None. A
            function of a module, or a ``partial`` of one, so that worker processes can have it.
        split: Of real geometry; procedural seeds know their own.
        real_about: ``geometry``, ``source`` and ``licence`` of a real city: its name, and what the
            card of who learns from it says.
    """

    state: str = "none"
    tier: Tier = "everyday"
    real_geometry: Callable[[int], CityGeometry] | None = None
    split: CitySplit | None = None
    real_about: Mapping[str, str] | None = None

    def split_of(self, seed: int) -> CitySplit:
        """Return the split that a seed's places belong to."""
        return self.split or split_of(seed)

    def facts(self, seed: int) -> dict[str, Any]:
        """Return what is written beside the arrays of a city."""
        return {
            "seed": seed,
            "split": self.split_of(seed),
            "state": state_of(seed, self.state),
            "tier": self.tier,
            "real": self.real_geometry is not None,
            **dict(self.real_about or {}),
            "renderer": RENDERER_VERSION,
        }


def render_dataset(
    folder: Path,
    city_seeds: Sequence[int],
    places_per_city: int,
    geometry: StripGeometry,
    device: torch.device,
    progress: ProgressCallback = ignore_progress,
    gallery: PlaceConfig | None = None,
    source: RenderSource | None = None,
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
        source: States, tier and real geometry; everyday cities drawn by their seeds if absent.
        workers: Processes that draft the next cities meanwhile; 0 drafts them in this one.

    Raises:
        InputError: The folder would mix cities to train on with cities held out, or cities of
            two versions of the renderer, or holds other cities of these seeds.
        ConfigError: A seed is kept for the demo, or a worker died.
    """
    source = source or RenderSource()
    check_one_split(folder, city_seeds, source, places_per_city)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in city_seeds if not (folder / f"city_{seed:05d}").is_dir()]
    done = len(city_seeds) - len(missing)
    draft = partial(draft_district, places=places_per_city, strips=geometry, source=source)
    for seed, drafted in build_ahead(draft, missing, workers):
        samples = render_samples(drafted, geometry, device)
        places = None
        if gallery is not None:
            reach_m = float(np.abs(samples.place_xy).max())
            places = render_city_gallery(
                seed, reach_m, gallery, geometry, device, draft=drafted.before
            )
        facts = {**source.facts(seed), "places": places_per_city}
        _write_city(folder / f"city_{seed:05d}", samples, places, geometry, facts)
        done += 1
        progress(Progress("render", done, len(city_seeds), f"city {seed}"))


def draft_district(
    seed: int, places: int, strips: StripGeometry, source: RenderSource
) -> SamplesDraft:
    """Return the draft of a district's samples; a worker process can run it."""
    real = source.real_geometry(seed) if source.real_geometry is not None else None
    return draft_samples(seed, places, strips, geometry=real, state=source.state, tier=source.tier)


def check_one_split(
    folder: Path, city_seeds: Sequence[int], source: RenderSource, places: int
) -> None:
    """Raise InputError if a folder would hold two splits or versions, or holds other cities.

    A city that is there is kept, so it has to be the one asked for, of as many places.
    """
    wanted = {source.split_of(seed) for seed in city_seeds}
    if len(wanted) > 1:
        raise InputError("cities to train on and held-out ones go into folders of their own")
    for path in _city_folders(folder):
        facts = _read_facts(path)
        if facts["split"] not in wanted:
            raise InputError(
                f"{path} is for {facts['split']}, the cities asked for are for "
                f"{', '.join(wanted)}; render into another folder"
            )
        facts.setdefault("places", places)  # folders of before do not say how many
        same = facts["seed"] in city_seeds
        asked = {**source.facts(facts["seed"]), "places": places} if same else facts
        other = [
            f"{name} {facts.get(name)!r} there, {asked.get(name)!r} here"
            for name in sorted({*facts, *asked})
            if facts.get(name) != asked.get(name)
        ]
        if other:
            raise InputError(
                f"{path} is another city ({'; '.join(other)}); render other numbers of --cities, "
                "or into another folder"
            )


def is_rendered(folder: Path) -> bool:
    """Return whether a folder holds rendered cities."""
    return bool(_city_folders(folder))


def _city_folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("city_?????") if p.is_dir())


def read_facts(folder: Path) -> list[dict[str, Any]]:
    """Return what is written beside the arrays of every rendered city of a folder.

    Raises:
        InputError: A city is of another version of the renderer.
    """
    return [_read_facts(city) for city in _city_folders(folder)]


def city_name(facts: Mapping[str, Any]) -> str:
    """Return what rendered cities have in common that show the same streets.

    The seed of a drawn one, the name of a real one, since its windows overlap.
    """
    return str(facts.get("geometry", facts["seed"]))


def _read_facts(city: Path) -> dict[str, Any]:
    path = city / FACTS_FILE
    if not path.exists():
        raise InputError(f"{city} {_OLDER}")
    facts: dict[str, Any] = json.loads(path.read_text())
    if facts.get("renderer") != RENDERER_VERSION:
        raise InputError(
            f"{city} was rendered by version {facts.get('renderer')}, this is version "
            f"{RENDERER_VERSION}; render into another folder"
        )
    return facts


def _write_city(
    target: Path,
    samples: CitySamples,
    gallery: CityGallery | None,
    geometry: StripGeometry,
    facts: dict[str, Any],
) -> None:
    partial = target.with_suffix(f".partial{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for name in ARRAYS:
        np.save(partial / f"{name}.npy", getattr(samples, name), allow_pickle=False)
    if samples.satellite_after is not None:
        np.save(partial / f"{AFTER}.npy", samples.satellite_after, allow_pickle=False)
    if gallery is not None:
        for name, array in vars(gallery).items():
            np.save(partial / f"gallery_{name}.npy", array, allow_pickle=False)
    (partial / "geometry.json").write_text(json.dumps(dataclasses.asdict(geometry)))
    (partial / FACTS_FILE).write_text(json.dumps(facts))
    partial.rename(target)


def load_rendered(folder: Path, config: ModelConfig, imagery: Imagery = "before") -> PlaceSet:
    """Return the cities of a folder as one set.

    Strips rendered at a multiple of the model's width are averaged down to it, and a column counts
    as seen where all that make it up are. Labels are averaged to the model's bins, or repeated.

    Args:
        folder: Written by ``render_dataset``.
        config: Of the model that will learn from them.
        imagery: ``after`` for satellite images that show the district's state; everyday cities
            have none.

    Raises:
        InputError: The folder holds no city, strips of another frame, cities of another version
            of the renderer, or no imagery after.
        ConfigError: The model's bins are neither a part of the labels' nor a multiple.
    """
    folders = _city_folders(folder)
    if not folders:
        raise InputError(f"{folder} holds no rendered city; run: python -m training render")
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    for number, path in enumerate(folders):
        arrays = _load_city(path, config, imagery)
        arrays["city"] = np.full(len(arrays["place_xy"]), number, np.int64)
        for name, array in arrays.items():
            parts.setdefault(name, []).append(array)
    return PlaceSet(**{name: np.concatenate(arrays) for name, arrays in parts.items()})


def _load_city(path: Path, config: ModelConfig, imagery: Imagery) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of one city in the model's frame."""
    factor = _width_factor(path, config.geometry)
    facts = _read_facts(path)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name in ARRAYS:
        array = np.load(_file_of(path, name, imagery), allow_pickle=False)
        if name in ("street", "query"):
            array = _averaged(array, factor, axis=array.ndim - 2)
        elif name in ("street_seen", "query_seen"):
            array = array.reshape(*array.shape[:-1], -1, factor).all(axis=-1)
        elif name in ("layout", "query_layout"):
            array = _in_bins(array, config.azimuth_bins)
        arrays[name] = array
    arrays["block"] = arrays["block"] + int(facts["seed"]) * BLOCKS_A_CITY
    for strips, seen in (("street", "street_seen"), ("query", "query_seen")):
        arrays[strips] = arrays[strips] * arrays[seen][..., None, :, None]
    return arrays


def _file_of(city: Path, name: str, imagery: Imagery) -> Path:
    after = name == "satellite" and imagery == "after"
    path = city / f"{AFTER if after else name}.npy"
    if after and not path.exists():
        raise InputError(f"{city} has no imagery after; render it with --state")
    if not path.exists():
        raise InputError(f"{city} lacks {path.name}, so it {_OLDER}")
    return path


def load_galleries(folder: Path) -> dict[int, CityGallery]:
    """Return the galleries of a folder's cities by number, of those that have one."""
    galleries = {}
    for number, path in enumerate(_city_folders(folder)):
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


def _in_bins(labels: npt.NDArray[Any], bins: int) -> npt.NDArray[Any]:
    """Return labels (..., n, K) around circles of ``bins`` bins."""
    there = labels.shape[-2]
    if bins > there and bins % there == 0:
        return np.repeat(labels, bins // there, axis=-2)
    if there % bins:
        raise ConfigError(
            f"the model has {bins} bins and rendered labels have {there}; choose geometry.width "
            f"and width_stride that make {there // 2}, {there} or {2 * there}"
        )
    return _averaged(labels, there // bins, axis=labels.ndim - 2)


def _averaged(array: npt.NDArray[Any], factor: int, axis: int) -> npt.NDArray[Any]:
    """Return the means of ``factor`` neighbours along an axis, in the array's type."""
    if factor == 1:
        return array
    count = array.shape[axis] // factor
    shape = (*array.shape[:axis], count, factor, *array.shape[axis + 1 :])
    mean: npt.NDArray[Any] = array.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
    return (np.rint(mean) if array.dtype == np.uint8 else mean).astype(array.dtype)
