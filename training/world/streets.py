"""The street network: irregular blocks, bent and staggered streets, dead ends, an avenue."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model_core.types import FloatArray
from training.world.styles import CityStyle, StreetPattern

RoadKind = Literal["main", "street", "lane"]
STEP_M = 3.0


@dataclass(frozen=True)
class Road:
    """A street. ``points`` are (n, 2) metres east and north, about 3 m apart."""

    points: FloatArray
    width_m: float
    pavement_m: float
    kind: RoadKind
    parking: tuple[bool, bool]
    marked: bool

    @property
    def half_m(self) -> float:
        """Half of the whole street: carriageway and pavement."""
        return self.width_m / 2 + self.pavement_m


def lay_streets(style: CityStyle, half_m: float, rng: np.random.Generator) -> list[Road]:
    """Return the streets of a city that reaches ``half_m`` from its centre on each side."""
    reach = half_m * 1.5
    lines = _unwarped_lines(style, reach, rng)
    if rng.random() < 0.35:
        lines.append(_avenue(reach, rng))
    warp = _Warp.draw(style.warp_m, style.pattern, half_m, rng)
    roads = []
    for points, kind in lines:
        world = warp.apply(points)
        inside = np.abs(world).max(axis=1) < half_m + 15
        for piece in _runs(world, inside):
            roads.append(_dress(piece, kind, style, rng))
    return roads


def _spacing(low: float, high: float, reach: float, rng: np.random.Generator) -> list[float]:
    at, out = -reach + float(rng.uniform(0, high)), []
    while at < reach:
        out.append(at)
        at += float(rng.uniform(low, high))
    return out


def _unwarped_lines(
    style: CityStyle, reach: float, rng: np.random.Generator
) -> list[tuple[FloatArray, RoadKind]]:
    rows = _spacing(*style.depth_m, reach, rng)
    common = _spacing(*style.block_m, reach, rng)
    main_row, main_column = int(rng.integers(len(rows))), int(rng.integers(len(common)))
    lines: list[tuple[FloatArray, RoadKind]] = []
    for i, y in enumerate(rows):
        lines.append((_segment(-reach, y, reach, y), "main" if i == main_row else "street"))
    for low, high in itertools.pairwise(rows):
        staggered = style.pattern in ("staggered", "organic")
        columns = _spacing(*style.block_m, reach, rng) if staggered else common
        for j, x in enumerate(columns):
            main = not staggered and j == main_column
            if not main and rng.random() < style.gap_share:
                continue
            kind: RoadKind = "main" if main else ("lane" if rng.random() < 0.2 else "street")
            lean = float(rng.normal(0, 6)) if staggered else 0.0
            if not main and rng.random() < 0.1:
                share = float(rng.uniform(0.4, 0.7))
                start = high if rng.random() < 0.5 else low
                end = start + (low + high - 2 * start) * share
                lines.append((_segment(x, start, x + lean, end), "lane"))
            else:
                lines.append((_segment(x, low, x + lean, high), kind))
    return lines


def _avenue(reach: float, rng: np.random.Generator) -> tuple[FloatArray, RoadKind]:
    angle, off = float(rng.uniform(0.3, 1.2)), float(rng.uniform(-0.3, 0.3)) * reach
    along = np.array([np.cos(angle), np.sin(angle)]) * (1 if rng.random() < 0.5 else -1)
    across = np.array([-along[1], along[0]]) * off
    start, end = across - along * reach * 1.3, across + along * reach * 1.3
    return _segment(start[0], start[1], end[0], end[1]), "main"


def _segment(x0: float, y0: float, x1: float, y1: float) -> FloatArray:
    count = max(2, round(float(np.hypot(x1 - x0, y1 - y0)) / STEP_M) + 1)
    share = np.linspace(0, 1, count)[:, None]
    start, end = np.array([[x0, y0]]), np.array([[x1, y1]])
    return np.asarray(start * (1 - share) + end * share, np.float32)


@dataclass(frozen=True)
class _Warp:
    """Rotation, mirror, ring bending and smooth waves, the same for every street."""

    angle: float
    mirror: float
    ring_m: float
    offset: FloatArray
    waves: FloatArray

    @classmethod
    def draw(
        cls, warp_m: float, pattern: StreetPattern, half_m: float, rng: np.random.Generator
    ) -> _Warp:
        ring = float(rng.uniform(1.2, 2.5)) * half_m if pattern == "radial" else 0.0
        waves = np.empty((5, 4), np.float32)
        for k in range(5):
            length = rng.uniform(90, 320)
            turn = rng.uniform(0, 2 * np.pi)
            waves[k] = (
                2 * np.pi * np.cos(turn) / length,
                2 * np.pi * np.sin(turn) / length,
                rng.uniform(0, 2 * np.pi),
                warp_m * rng.uniform(0.3, 1.0) * min(1.0, length / 180) * (-1) ** k,
            )
        mirror = 1.0 if rng.random() < 0.5 else -1.0
        offset = np.asarray(rng.uniform(-15, 15, 2), np.float32)
        return cls(float(rng.uniform(0, 2 * np.pi)), mirror, ring, offset, waves)

    def apply(self, points: FloatArray) -> FloatArray:
        """Return the points in the city's frame."""
        x, y = points[:, 0] * self.mirror, points[:, 1]
        if self.ring_m:
            radius, turn = np.maximum(self.ring_m + y, 10), x / self.ring_m
            x, y = radius * np.sin(turn), radius * np.cos(turn) - self.ring_m
        dx, dy = np.zeros_like(x), np.zeros_like(y)
        for k, (kx, ky, phase, size) in enumerate(self.waves):
            wave = size * np.sin(kx * x + ky * y + phase)
            dx, dy = (dx + wave, dy) if k % 2 else (dx, dy + wave)
        x, y = x + dx, y + dy
        c, s = np.cos(self.angle), np.sin(self.angle)
        turned = np.stack([c * x - s * y, s * x + c * y], 1) + self.offset
        return np.asarray(turned, np.float32)


def _runs(points: FloatArray, inside: np.ndarray) -> list[FloatArray]:
    """Return the pieces of a line that lie inside, at least four points each."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(np.int8), [0]])))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [points[a:b] for a, b in pairs if b - a >= 4]


def _dress(points: FloatArray, kind: RoadKind, style: CityStyle, rng: np.random.Generator) -> Road:
    ranges = {
        "main": style.main_width_m,
        "street": style.street_width_m,
        "lane": (4.0, 5.5),
    }
    width = float(rng.uniform(*ranges[kind]))
    pavement = float(rng.uniform(*style.pavement_m)) * (0.6 if kind == "lane" else 1.0)
    parking = (bool(rng.random() < 0.5), bool(rng.random() < 0.5))
    if width < 6.5:
        parking = (parking[0], False)
    marked = kind == "main" or (kind == "street" and bool(rng.random() < 0.6))
    return Road(points, width, pavement, kind, parking, marked)
