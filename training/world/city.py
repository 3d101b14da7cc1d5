"""A city ready to be looked at: its geometry as tensors, facades, height maps, shadows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model_core.types import FloatArray
from training.world.appearance import Sun, draw_sun
from training.world.facades import Facade, draw_facades
from training.world.families import FACADES, GROUNDS
from training.world.geometry import DEFAULT_HALF_M, GROUND_CELL_M, CityGeometry, build_geometry
from training.world.ground_photo import PhotoGround, photo_ground
from training.world.heights import HeightArrays, HeightMap, cast_shadows
from training.world.noise import NoiseBank
from training.world.solids import FIRST_TRAFFIC, Boxes, BoxKind, Rounds
from training.world.styles import CityStyle, city_generator


@dataclass(frozen=True)
class BoxTensors:
    """``Boxes`` on a device; every field has one row a box."""

    center: Tensor
    axis: Tensor
    half: Tensor
    eave_m: Tensor
    rise_m: Tensor
    roof: Tensor
    kind: Tensor
    group: Tensor
    owner: Tensor
    seed: Tensor


@dataclass(frozen=True)
class RoundTensors:
    """``Rounds`` on a device; every field has one row a thing."""

    center: Tensor
    radius_m: Tensor
    bottom_m: Tensor
    top_m: Tensor
    trunk_m: Tensor
    kind: Tensor
    group: Tensor
    seed: Tensor


@dataclass(frozen=True)
class City:
    """One city on one device.

    ``ground`` (R, R) uint8 covers at ``ground_cell_m``; ``facades`` (columns, buildings);
    ``heights`` one map a date; ``suns`` and ``shadows`` (2, suns, r, r) metres: what lies lower
    than the shadow's height is in the shade; ``stricken`` says that there is rubble or tents.
    """

    geometry: CityGeometry
    device: torch.device
    boxes: BoxTensors
    rounds: RoundTensors
    facades: Tensor
    ground: Tensor
    ground_cell_m: float
    heights: tuple[HeightMap, HeightMap]
    suns: tuple[tuple[Sun, ...], tuple[Sun, ...]]
    shadows: Tensor
    below: NoiseBank
    above: NoiseBank
    slope_phase: tuple[float, float]
    stricken: bool = False
    photo: PhotoGround | None = None

    @property
    def half_m(self) -> float:
        """Half of the city's side in metres."""
        return self.geometry.half_m

    def facade_colors(self, owner: Tensor, first: Facade) -> Tensor:
        """Return the three columns from ``first`` on for some buildings, (..., 3)."""
        return torch.stack([self.facades[first + k][owner] for k in range(3)], -1)

    def slope_at(self, points: Tensor) -> Tensor:
        """Return the terrain's rise a metre eastwards and northwards at points (n, 2)."""
        size = self.geometry.style.slope
        east = torch.sin(points[:, 0] / 140 + self.slope_phase[0])
        north = torch.sin(points[:, 1] / 170 + self.slope_phase[1])
        return torch.stack([east, north], 1) * size * 0.7


def _to_device(table: Boxes | Rounds, device: torch.device) -> dict[str, Tensor]:
    return {k: torch.from_numpy(np.ascontiguousarray(v)).to(device) for k, v in vars(table).items()}


@dataclass(frozen=True)
class CityDraft:
    """All of a city that is made on a CPU: its geometry and the height maps of both dates."""

    geometry: CityGeometry
    heights: tuple[HeightArrays, HeightArrays]


def draft_city(geometry: CityGeometry) -> CityDraft:
    """Return the draft of a city; ``build_city`` brings it to a device."""
    first, second = (HeightArrays.of(geometry, date, FIRST_TRAFFIC) for date in (0, 1))
    return CityDraft(geometry, (first, second))


@dataclass(frozen=True)
class Finish:
    """What lasts in a city besides its geometry, the same on every device.

    ``facades`` (buildings, columns); ``suns`` those of each date; ``slope_phase`` of the terrain.
    """

    facades: FloatArray
    suns: tuple[tuple[Sun, ...], tuple[Sun, ...]]
    slope_phase: tuple[float, float]


def draw_finish(geometry: CityGeometry, seed: int, suns: int) -> Finish:
    """Return the facades, suns and slopes of a city."""
    rng = city_generator(seed, 3)
    facades = draw_facades(geometry.buildings, FACADES[geometry.style.facade_pool], rng)
    first, second = (tuple(draw_sun(rng) for _ in range(suns)) for _ in range(2))
    east, north = rng.uniform(0, 6.28, 2)
    return Finish(facades, (first, second), (float(east), float(north)))


def build_city(
    seed: int,
    style: CityStyle,
    device: torch.device,
    half_m: float = DEFAULT_HALF_M,
    suns: int = 4,
    traffic_sets: int = 5,
    ground_cell_m: float = GROUND_CELL_M,
    geometry: CityGeometry | None = None,
    draft: CityDraft | None = None,
) -> City:
    """Return the city of a seed, ready for rendering.

    Args:
        seed: The city's seed; everything durable follows from it.
        style: What kind of city.
        device: Where to render.
        half_m: Half of the city's side.
        suns: How many suns each date can draw from.
        traffic_sets: How many independent sets of cars and people there are.
        ground_cell_m: Cell of the map of the ground; finer for close photos.
        geometry: Of real data or of a state of disaster; its own style, size and traffic count
            then, and nothing is laid out.
        draft: The city as ``draft_city`` made it, in a worker process perhaps; ``geometry`` is
            not looked at then.
    """
    if draft is None:
        if geometry is None:
            geometry = build_geometry(seed, style, half_m, traffic_sets, ground_cell_m)
        draft = draft_city(geometry)
    geometry = draft.geometry
    finish = draw_finish(geometry, seed, suns)
    noise = GROUNDS[geometry.style.ground]
    heights = tuple(raised.to(device) for raised in draft.heights)
    shadows = torch.stack(
        [
            torch.stack([cast_shadows(heights[date], sun) for sun in finish.suns[date]])
            for date in (0, 1)
        ]
    )
    return City(
        geometry,
        device,
        BoxTensors(**_to_device(geometry.boxes, device)),
        RoundTensors(**_to_device(geometry.rounds, device)),
        torch.from_numpy(np.ascontiguousarray(finish.facades.T)).to(device),
        torch.from_numpy(geometry.ground.cells).to(device),
        geometry.ground.cell_m,
        (heights[0], heights[1]),
        finish.suns,
        shadows,
        NoiseBank.make(device, noise.below),
        NoiseBank.make(device, noise.above),
        finish.slope_phase,
        stricken=bool(np.isin(geometry.boxes.kind, (BoxKind.RUBBLE, BoxKind.TENT)).any()),
        photo=photo_ground(geometry.ground_photo, geometry.ground.cell_m, device),
    )
