"""A small rendered world, and sets of places made up in memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from model_core.config import PlaceConfig, StripGeometry
from training.datasets.places import PlaceSet
from training.datasets.rendered import render_dataset
from training.demo import DEMO_FOLDER


def _make_places(
    xy: np.ndarray, city: np.ndarray | None = None, photos: int = 2, seed: int = 0
) -> PlaceSet:
    rng = np.random.default_rng(seed)
    count, height, width = len(xy), 8, 16
    return PlaceSet(
        satellite=rng.integers(0, 256, (count, 10, 10, 3), np.uint8),
        street=rng.integers(1, 256, (count, height, width, 3), np.uint8),
        street_seen=np.ones((count, width), np.bool_),
        street_days=np.full(count, 19000, np.int32),
        query=rng.integers(1, 256, (count, photos, height, width, 3), np.uint8),
        query_seen=np.ones((count, photos, width), np.bool_),
        query_days=np.full((count, photos), 19100, np.int32),
        query_state=np.zeros((count, photos), np.uint8),
        heading_known=np.ones((count, photos), np.bool_),
        query_offset_m=rng.normal(0, 3, (count, photos, 2)).astype(np.float32),
        imagery_shift_m=np.zeros((count, 2), np.float32),
        street_offset_m=np.zeros((count, 2), np.float32),
        place_xy=np.asarray(xy, np.float32),
        layout=rng.normal(size=(count, 4, 3)).astype(np.float16),
        query_layout=rng.normal(size=(count, photos, 4, 3)).astype(np.float16),
        city=np.zeros(count, np.int64) if city is None else city.astype(np.int64),
        block=np.zeros(count, np.int64),
    )


@pytest.fixture(scope="session")
def make_places() -> Callable[..., PlaceSet]:
    """Return a set of places at given metres, its pictures noise."""
    return _make_places


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rendered cities, to be read alone: ``train``, and ``held_out`` with places along roads.

    Rendered once for all tests, since most of a city's time does not depend on its places.
    """
    folder = tmp_path_factory.mktemp("world")
    cpu, laid = torch.device("cpu"), PlaceConfig(spacing_m=80.0, grid_spacing_m=150.0)
    render_dataset(folder / "train", [3], 12, StripGeometry(), cpu)
    render_dataset(folder / "held_out", [4001], 14, StripGeometry(), cpu, gallery=laid)
    return folder


@pytest.fixture
def demo_areas(tmp_path: Path) -> list[Path]:
    """Two parts of the demo's area, with two of its photos and six street views each."""
    parts = (
        ("area_1", 13.4203, ("02", "07"), ("001", "002", "004", "005", "006", "007")),
        ("area_2", 13.4194, ("13", "14"), ("008", "011", "013", "014", "020", "024")),
    )
    made = []
    for name, west, photos, views in parts:
        east, south, north = west + 0.001, 46.9788, 46.9797
        corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        folder = tmp_path / "areas" / name
        for kind, numbers in (("photo", photos), ("view", views)):
            target = folder / {"photo": "photos", "view": "street_views"}[kind]
            target.mkdir(parents=True)
            for number in numbers:
                shutil.copy(DEMO_FOLDER / target.name / f"{kind}_{number}.jpg", target)
        for path in (p for p in DEMO_FOLDER.iterdir() if p.is_file()):
            shutil.copy(path, folder)
        part = {"type": "Polygon", "coordinates": [corners]}
        (folder / "area.geojson").write_text(json.dumps(part))
        made.append(folder)
    return made
