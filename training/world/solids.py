"""The solid things of a city: boxes on the ground and upright round things, with their dates."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from model_core.types import FloatArray


class BoxKind(IntEnum):
    """What a box is."""

    BUILDING = 0
    WALL = 1
    HEDGE = 2
    CAR = 3
    CABIN = 4
    ROOF_HOUSE = 5
    KIOSK = 6
    RUBBLE = 7
    TENT = 8


class RoundKind(IntEnum):
    """What an upright round thing is."""

    TREE = 0
    CONIFER = 1
    POLE = 2
    PERSON = 3
    BUSH = 4


class Roof(IntEnum):
    """The shape of a roof; a gable's ridge runs along the box's first axis."""

    FLAT = 0
    GABLE = 1
    HIP = 2


BOTH_DATES, FIRST_DATE, SECOND_DATE = 0, 1, 2
FIRST_TRAFFIC = 10


@dataclass(frozen=True)
class Boxes:
    """Boxes standing on the ground, one a row.

    ``center`` and ``axis`` (n, 2) metres and unit vector of the first axis, ``half`` (n, 2) half
    lengths along the first and second axis, ``eave_m`` and ``rise_m`` (n,) height of the walls
    and of the roof above them, ``group`` (n,) the dates or the traffic it belongs to,
    ``owner`` (n,) the building whose facade it wears.
    """

    center: FloatArray
    axis: FloatArray
    half: FloatArray
    eave_m: FloatArray
    rise_m: FloatArray
    roof: np.ndarray
    kind: np.ndarray
    group: np.ndarray
    owner: np.ndarray
    seed: np.ndarray

    def __len__(self) -> int:
        return len(self.eave_m)

    def corners(self) -> FloatArray:
        """Return the corners of the footprints, (n, 4, 2) metres."""
        u = self.axis * self.half[:, :1]
        v = np.stack([-self.axis[:, 1], self.axis[:, 0]], 1) * self.half[:, 1:]
        turn = [u + v, -u + v, -u - v, u - v]
        return np.asarray(np.stack([self.center + t for t in turn], 1), np.float32)


@dataclass(frozen=True)
class Rounds:
    """Upright round things, one a row: a crown over a trunk, a pole, a person.

    ``center`` (n, 2) metres, ``radius_m``, ``bottom_m`` and ``top_m`` (n,) of the crown,
    ``trunk_m`` (n,) radius of what stands below it.
    """

    center: FloatArray
    radius_m: FloatArray
    bottom_m: FloatArray
    top_m: FloatArray
    trunk_m: FloatArray
    kind: np.ndarray
    group: np.ndarray
    seed: np.ndarray

    def __len__(self) -> int:
        return len(self.radius_m)


@dataclass
class SolidsDraft:
    """Collects solids one by one while a city is built."""

    boxes: list[tuple[float, ...]] = field(default_factory=list)
    rounds: list[tuple[float, ...]] = field(default_factory=list)

    def box(
        self,
        center: FloatArray,
        axis: FloatArray,
        half: tuple[float, float],
        height_m: float,
        kind: BoxKind,
        *,
        rise_m: float = 0.0,
        roof: Roof = Roof.FLAT,
        group: int = BOTH_DATES,
        owner: int = 0,
        seed: int = 0,
    ) -> None:
        """Add a box."""
        row = (*center, *axis, *half, height_m, rise_m, roof, kind, group, owner, seed)
        self.boxes.append(tuple(float(v) for v in row))

    def round(
        self,
        center: FloatArray,
        radius_m: float,
        bottom_m: float,
        top_m: float,
        trunk_m: float,
        kind: RoundKind,
        *,
        group: int = BOTH_DATES,
        seed: int = 0,
    ) -> None:
        """Add an upright round thing."""
        row = (*center, radius_m, bottom_m, top_m, trunk_m, kind, group, seed)
        self.rounds.append(tuple(float(v) for v in row))

    def finish(self) -> tuple[Boxes, Rounds]:
        """Return the tables."""
        b = np.array(self.boxes, np.float32).reshape(-1, 13)
        r = np.array(self.rounds, np.float32).reshape(-1, 9)
        whole_b, whole_r = b[:, 8:].astype(np.int64), r[:, 6:].astype(np.int64)
        boxes = Boxes(
            b[:, 0:2], b[:, 2:4], b[:, 4:6], b[:, 6], b[:, 7], *(whole_b[:, k] for k in range(5))
        )
        rounds = Rounds(
            r[:, 0:2], r[:, 2], r[:, 3], r[:, 4], r[:, 5], *(whole_r[:, k] for k in range(3))
        )
        return boxes, rounds
