"""A real city as its source tells it: outlines, heights, streets, water, green, in metres."""

from __future__ import annotations

from dataclasses import dataclass

from model_core.types import FloatArray
from training.world.ground_map import Ground
from training.world.solids import Roof
from training.world.streets import RoadKind


@dataclass(frozen=True)
class RealBuilding:
    """A building or a part of one; ``rings`` are its outline and its courtyards, (n, 2) metres.

    ``height_m`` is that of its highest point where the source has it, ``levels`` its storeys;
    parts of one building share their ``owner``.
    """

    rings: tuple[FloatArray, ...]
    owner: int
    height_m: float | None = None
    levels: int | None = None
    roof: Roof | None = None


@dataclass(frozen=True)
class RealRoad:
    """A street's centre line (n, 2) metres; ``width_m`` is that of its carriageway if tagged."""

    points: FloatArray
    kind: RoadKind
    width_m: float
    pavement_m: float


@dataclass(frozen=True)
class RealCover:
    """A patch of ground: ``rings`` its outline and holes, how many trees stand in 100 m2."""

    rings: tuple[FloatArray, ...]
    ground: Ground
    trees: float = 0.0


@dataclass(frozen=True)
class RealCity:
    """What files say of one place, in metres east and true north of ``center_lonlat``.

    The plane is the azimuthal equidistant one at the centre. ``paved`` are surfaces of roads,
    from which streets are derived where no centre line is known.
    """

    center_lonlat: tuple[float, float]
    buildings: tuple[RealBuilding, ...]
    roads: tuple[RealRoad, ...]
    covers: tuple[RealCover, ...]
    paved: tuple[tuple[FloatArray, ...], ...]
    trees: FloatArray
    source: str
    licence: str
