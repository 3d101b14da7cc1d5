"""What kinds of city there are: the ranges from which a city draws its streets and buildings."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np

StreetPattern = Literal["grid", "staggered", "radial", "organic"]
Split = Literal["train", "demo"]
Range = tuple[float, float]

TRAIN_SEED_LIMIT = 5000
COUNTRY_FROM_SEED = 3000
AREA_SEEDS = range(5000, 6000)
"""Of areas that searches are tried in, with photos of their own; no model learns from them."""
DEMO_CITY_SEED = 7001
DEMO_STYLE_SEED = 7101


@dataclass(frozen=True)
class BuildingMix:
    """One kind of building along a street; ranges are uniform, lengths in metres."""

    frontage_m: Range = (10.0, 22.0)
    depth_m: Range = (9.0, 14.0)
    setback_m: Range = (0.0, 1.0)
    gap_m: Range = (0.0, 0.0)
    floors: tuple[int, int] = (2, 5)
    pitched: float = 0.5
    wing: float = 0.3
    shops: float = 0.3
    hedge: float = 0.0
    industrial: bool = False


@dataclass(frozen=True)
class CityStyle:
    """A city's character; every field feeds the generator of geometry.

    ``open_lot`` is the share of street fronts left to parks, car parks, squares and ponds;
    ``facade_pool``, ``trees``, ``ground`` and ``sensors`` name its ``families``.
    """

    family: str
    pattern: StreetPattern
    block_m: Range
    depth_m: Range
    warp_m: float
    gap_share: float
    main_width_m: Range
    street_width_m: Range
    pavement_m: Range
    mixes: tuple[BuildingMix, ...]
    mix_shares: tuple[float, ...]
    open_lot: float
    street_trees: float
    yard_trees: float
    yard_grass: float
    slope: float
    change_share: float
    facade_pool: str
    trees: str = "mixed"
    ground: str = "common"
    sensors: str = "common"


_TERRACE = BuildingMix()
_PERIMETER = BuildingMix(
    frontage_m=(14, 28), depth_m=(11, 15), floors=(3, 6), pitched=0.45, wing=0.5, shops=0.6
)
_DETACHED = BuildingMix(
    frontage_m=(8, 14),
    depth_m=(8, 12),
    setback_m=(3, 8),
    gap_m=(3, 9),
    floors=(1, 2),
    pitched=0.9,
    wing=0.35,
    shops=0.0,
    hedge=0.6,
)
_ROWHOUSE = BuildingMix(
    frontage_m=(5.5, 8),
    depth_m=(8, 11),
    setback_m=(1.5, 5),
    gap_m=(0, 0),
    floors=(2, 3),
    pitched=0.8,
    wing=0.2,
    shops=0.0,
    hedge=0.5,
)
_SLAB = BuildingMix(
    frontage_m=(25, 60),
    depth_m=(10, 14),
    setback_m=(5, 16),
    gap_m=(10, 25),
    floors=(4, 9),
    pitched=0.05,
    wing=0.1,
    shops=0.1,
    hedge=0.15,
)
_TOWER = BuildingMix(
    frontage_m=(16, 26),
    depth_m=(16, 24),
    setback_m=(3, 12),
    gap_m=(8, 22),
    floors=(7, 16),
    pitched=0.0,
    wing=0.4,
    shops=0.4,
)
_HALL = BuildingMix(
    frontage_m=(22, 50),
    depth_m=(18, 32),
    setback_m=(5, 18),
    gap_m=(6, 18),
    floors=(1, 2),
    pitched=0.35,
    wing=0.3,
    shops=0.3,
    industrial=True,
)
_COURT = BuildingMix(
    frontage_m=(9, 16),
    depth_m=(9, 13),
    setback_m=(0, 2.5),
    gap_m=(0, 4),
    floors=(1, 3),
    pitched=0.6,
    wing=0.6,
    shops=0.15,
    hedge=0.3,
)

_FARM = BuildingMix(
    frontage_m=(9, 24),
    depth_m=(8, 14),
    setback_m=(6, 22),
    gap_m=(18, 70),
    floors=(1, 2),
    pitched=0.9,
    wing=0.5,
    shops=0.0,
    hedge=0.35,
)
_VILLA = BuildingMix(
    frontage_m=(10, 18),
    depth_m=(9, 13),
    setback_m=(6, 14),
    gap_m=(6, 22),
    floors=(1, 2),
    pitched=0.95,
    wing=0.5,
    shops=0.0,
    hedge=0.5,
)

_FAMILIES: dict[str, tuple[tuple[BuildingMix, ...], tuple[float, ...]]] = {
    "centre": ((_PERIMETER, _TERRACE, _TOWER, _COURT), (0.5, 0.3, 0.08, 0.12)),
    "inner": ((_TERRACE, _PERIMETER, _ROWHOUSE, _SLAB, _COURT), (0.3, 0.2, 0.2, 0.15, 0.15)),
    "suburb": ((_DETACHED, _ROWHOUSE, _COURT, _HALL), (0.65, 0.2, 0.1, 0.05)),
    "estate": ((_SLAB, _TOWER, _ROWHOUSE, _HALL), (0.5, 0.2, 0.2, 0.1)),
    "commercial": ((_HALL, _TOWER, _TERRACE, _DETACHED), (0.45, 0.15, 0.25, 0.15)),
    "mixed": (
        (_TERRACE, _PERIMETER, _DETACHED, _ROWHOUSE, _SLAB, _TOWER, _HALL, _COURT),
        (0.15, 0.12, 0.2, 0.15, 0.12, 0.06, 0.1, 0.1),
    ),
}
_BLOCKS: dict[str, Range] = {
    "centre": (45, 85),
    "inner": (50, 100),
    "suburb": (45, 90),
    "estate": (70, 130),
    "commercial": (70, 130),
    "mixed": (50, 110),
}


def city_generator(seed: int, *tags: int) -> np.random.Generator:
    """Return the random generator of one purpose (``tags``) in one city."""
    return np.random.default_rng(np.random.SeedSequence([seed, *tags]))


def draw_style(seed: int, split: Split = "train") -> CityStyle:
    """Return the character of the city with this style seed.

    Seeds of ``COUNTRY_FROM_SEED`` up to the demo's are villages, leafy suburbs and open country.
    """
    if COUNTRY_FROM_SEED <= seed < TRAIN_SEED_LIMIT:
        return _draw_country(seed)
    rng = city_generator(seed, 11)
    family = str(rng.choice(sorted(_FAMILIES)))
    mixes, shares = _FAMILIES[family]
    weights = np.array(shares) * rng.uniform(0.3, 1.7, len(shares))
    weights /= weights.sum()
    low, high = _BLOCKS[family]
    stretch = rng.uniform(0.85, 1.2)
    pattern: StreetPattern = rng.choice(
        ["grid", "staggered", "radial", "organic"], p=[0.25, 0.3, 0.15, 0.3]
    )
    lane = rng.uniform(5.0, 9.0)
    return CityStyle(
        family=family,
        pattern=pattern,
        block_m=(low * stretch, high * stretch),
        depth_m=(low * 0.8 * stretch, high * 0.8 * stretch),
        warp_m=float(rng.uniform(2, 10) if pattern != "organic" else rng.uniform(12, 24)),
        gap_share=float(rng.uniform(0.05, 0.3)),
        main_width_m=(10.0, float(rng.uniform(12, 20))),
        street_width_m=(lane, lane + 3.0),
        pavement_m=(float(rng.uniform(1.2, 2.2)), float(rng.uniform(2.2, 4.5))),
        mixes=mixes,
        mix_shares=tuple(float(w) for w in weights),
        open_lot=float(rng.uniform(0.06, 0.22)),
        street_trees=float(rng.beta(1.2, 1.5)),
        yard_trees=float(rng.uniform(0.1, 1.0)),
        yard_grass=float(rng.uniform(0.2, 0.95) if family != "centre" else rng.uniform(0, 0.5)),
        slope=float(rng.choice([0.0, rng.uniform(0.0, 0.08)])),
        change_share=float(rng.uniform(0.05, 0.15)),
        facade_pool=split,
    )


def _draw_country(seed: int) -> CityStyle:
    """Return a village or open country: few houses, wide gaps, woods, roads without pavements."""
    rng = city_generator(seed, 12)
    sparse = float(rng.uniform(0, 1))
    shares = np.array([sparse, 1 - sparse, 0.1])
    lane = float(rng.uniform(4.5, 7.5))
    low = float(rng.uniform(80, 150))
    return CityStyle(
        family="country",
        pattern="organic" if rng.random() < 0.7 else "grid",
        block_m=(low, low * 1.7),
        depth_m=(low * 0.7, low * 1.4),
        warp_m=float(rng.uniform(5, 22)),
        gap_share=float(rng.uniform(0.1, 0.4)),
        main_width_m=(7.0, float(rng.uniform(8, 13))),
        street_width_m=(lane, lane + 1.5),
        pavement_m=(0.0, float(rng.choice([0.3, 2.0]))),
        mixes=(_FARM, _VILLA, _HALL),
        mix_shares=tuple(float(w) for w in shares / shares.sum()),
        open_lot=float(rng.uniform(0.1, 0.35)),
        street_trees=float(rng.uniform(0, 0.5)),
        yard_trees=float(rng.uniform(1.1, 3.0)),
        yard_grass=float(rng.uniform(0.7, 1.0)),
        slope=float(rng.uniform(0.0, 0.08)),
        change_share=float(rng.uniform(0.05, 0.15)),
        facade_pool="train",
    )


def demo_style() -> CityStyle:
    """Return the demo city's character: mixed blocks, bent streets, some of everything."""
    style = draw_style(DEMO_STYLE_SEED, "demo")
    mixes, shares = _FAMILIES["mixed"]
    return dataclasses.replace(
        style,
        family="mixed",
        pattern="staggered",
        block_m=(55, 95),
        depth_m=(50, 85),
        warp_m=9.0,
        gap_share=0.12,
        mixes=mixes,
        mix_shares=shares,
        open_lot=0.14,
        street_trees=0.45,
        yard_trees=0.6,
        yard_grass=0.6,
        slope=0.02,
        change_share=0.08,
    )
