"""Twelve named cities of different build: six to train on, six of another make to be tested on.

The list is the paper's. A city is a plan, not a copy of the real one: street pattern, blocks, kinds
of building, heights, trees, ground, slope and roofs are drawn within the plan's ranges, a district
at a time. Districts of city k (0 to 11) have the seeds 10000 + 1000 k up to 10999 + 1000 k;
geometry from real data has seeds from 30000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from model_core.errors import ConfigError
from training.world.styles import (
    TRAIN_SEED_LIMIT,
    BuildingMix,
    CityStyle,
    Range,
    StreetPattern,
    city_generator,
    draw_style,
)

CitySplit = Literal["train", "test"]
FIRST_CITY_SEED, DISTRICTS = 10000, 1000
FIRST_REAL_SEED, LAST_REAL_SEED = 30000, 99999


@dataclass(frozen=True)
class CityPlan:
    """What all districts of a city have in common; ranges are uniform, lengths in metres.

    ``patterns`` and ``mixes`` come with their weights; ``facades``, ``trees``, ``ground`` and
    ``sensors`` name families.
    """

    name: str
    split: CitySplit
    patterns: dict[StreetPattern, float]
    block_m: Range
    depth_m: Range
    warp_m: Range
    main_width_m: Range
    lane_m: Range
    pavement_m: Range
    mixes: tuple[tuple[BuildingMix, float], ...]
    open_lot: Range
    street_trees: Range
    yard_trees: Range
    yard_grass: Range
    slope: Range
    facades: str
    trees: str
    ground: str
    sensors: str
    gap_share: Range = (0.05, 0.25)

    def draw_style(self, seed: int) -> CityStyle:
        """Return the character of one district."""
        rng = city_generator(seed, 13)
        weights = np.array([w for _, w in self.mixes]) * rng.uniform(0.4, 1.6, len(self.mixes))
        chances = np.array(list(self.patterns.values()))
        pattern: StreetPattern = rng.choice(list(self.patterns), p=chances / chances.sum())
        stretch, lane = rng.uniform(0.9, 1.15), float(rng.uniform(*self.lane_m))
        return CityStyle(
            family=self.name,
            pattern=pattern,
            block_m=(self.block_m[0] * stretch, self.block_m[1] * stretch),
            depth_m=(self.depth_m[0] * stretch, self.depth_m[1] * stretch),
            warp_m=float(rng.uniform(*self.warp_m)),
            gap_share=float(rng.uniform(*self.gap_share)),
            main_width_m=self.main_width_m,
            street_width_m=(lane, lane + 2.5),
            pavement_m=self.pavement_m,
            mixes=tuple(mix for mix, _ in self.mixes),
            mix_shares=tuple(float(w) for w in weights / weights.sum()),
            open_lot=float(rng.uniform(*self.open_lot)),
            street_trees=float(rng.uniform(*self.street_trees)),
            yard_trees=float(rng.uniform(*self.yard_trees)),
            yard_grass=float(rng.uniform(*self.yard_grass)),
            slope=float(rng.uniform(*self.slope)),
            change_share=float(rng.uniform(0.05, 0.15)),
            facade_pool=self.facades,
            trees=self.trees,
            ground=self.ground,
            sensors=self.sensors,
        )


def _house(
    floors: tuple[int, int] = (1, 2),
    frontage_m: Range = (9, 15),
    setback_m: Range = (3, 8),
    gap_m: Range = (2, 7),
    pitched: float = 0.9,
    hedge: float = 0.4,
) -> BuildingMix:
    """Return houses on plots of their own."""
    return BuildingMix(
        frontage_m=frontage_m, depth_m=(8, 13), setback_m=setback_m, gap_m=gap_m, floors=floors,
        pitched=pitched, wing=0.4, shops=0.0, hedge=hedge,
    )  # fmt: skip


def _row(
    floors: tuple[int, int],
    frontage_m: Range = (8, 16),
    pitched: float = 0.3,
    shops: float = 0.5,
    setback_m: Range = (0, 0.8),
) -> BuildingMix:
    """Return buildings wall to wall along the street."""
    return BuildingMix(
        frontage_m=frontage_m, depth_m=(10, 15), setback_m=setback_m, floors=floors,
        pitched=pitched, wing=0.4, shops=shops,
    )  # fmt: skip


def _block(
    floors: tuple[int, int],
    frontage_m: Range = (18, 32),
    gap_m: Range = (6, 18),
    setback_m: Range = (2, 9),
    shops: float = 0.3,
    depth_m: Range = (14, 22),
) -> BuildingMix:
    """Return towers and slabs that stand alone."""
    return BuildingMix(
        frontage_m=frontage_m, depth_m=depth_m, setback_m=setback_m, gap_m=gap_m, floors=floors,
        pitched=0.02, wing=0.25, shops=shops,
    )  # fmt: skip


_SHED = BuildingMix(
    frontage_m=(20, 48), depth_m=(16, 30), setback_m=(4, 14), gap_m=(5, 14), floors=(1, 2),
    pitched=0.3, wing=0.3, shops=0.4, industrial=True,
)  # fmt: skip

_TRAIN_CITIES = (
    CityPlan(
        "los_angeles", "train", {"grid": 0.7, "staggered": 0.3}, (70, 130), (55, 95), (1, 7),
        (14, 22), (7.5, 10), (1.6, 3.0),
        ((_house((1, 1), (11, 17), pitched=0.8), 0.6), (_SHED, 0.2), (_block((2, 4)), 0.2)),
        (0.12, 0.28), (0.2, 0.6), (0.2, 0.7), (0.3, 0.75), (0.0, 0.05),
        "stucco", "palm", "sunbaked", "warm",
    ),
    CityPlan(
        "sao_paulo", "train", {"organic": 0.6, "staggered": 0.4}, (50, 95), (45, 80), (8, 20),
        (12, 20), (6, 8.5), (1.4, 3.0),
        ((_row((1, 3), (6, 11)), 0.4), (_block((9, 20), (15, 24), (4, 12)), 0.4), (_SHED, 0.2)),
        (0.05, 0.14), (0.2, 0.7), (0.1, 0.5), (0.1, 0.4), (0.02, 0.08),
        "concrete", "ficus", "mosaic", "contrasty",
    ),
    CityPlan(
        "berlin", "train", {"staggered": 0.5, "radial": 0.3, "grid": 0.2}, (80, 140), (70, 120),
        (2, 9), (16, 24), (8, 11), (3.0, 5.0),
        ((_row((5, 6), (16, 26), 0.6), 0.65), (_block((5, 10), (30, 60)), 0.2),
         (_house((2, 3)), 0.15)),
        (0.1, 0.22), (0.5, 1.0), (0.5, 1.2), (0.4, 0.8), (0.0, 0.01),
        "plaster", "linden", "cobble", "cool",
    ),
    CityPlan(
        "cape_town", "train", {"organic": 0.5, "grid": 0.5}, (55, 105), (45, 80), (4, 16),
        (10, 16), (6.5, 8.5), (1.4, 2.6),
        ((_house((1, 2), (10, 18), hedge=0.85), 0.6), (_row((1, 2), (6, 9), 0.7, 0.2), 0.25),
         (_block((4, 10)), 0.15)),
        (0.08, 0.2), (0.1, 0.5), (0.3, 0.9), (0.3, 0.7), (0.03, 0.08),
        "cape", "pine", "sandy", "warm",
    ),
    CityPlan(
        "bangkok", "train", {"organic": 0.8, "staggered": 0.2}, (40, 120), (50, 130), (8, 22),
        (14, 22), (4.5, 6.5), (0.6, 2.0),
        ((_row((2, 4), (4, 6), 0.2, 0.85), 0.5), (_house((1, 2)), 0.25),
         (_block((10, 24), (18, 30)), 0.25)),
        (0.08, 0.2), (0.05, 0.4), (0.4, 1.2), (0.2, 0.6), (0.0, 0.005),
        "shophouse", "tropical", "humid", "contrasty", (0.25, 0.5),
    ),
    CityPlan(
        "brisbane", "train", {"organic": 0.5, "grid": 0.3, "staggered": 0.2}, (65, 120), (50, 85),
        (5, 16), (11, 17), (7.5, 9.5), (1.2, 2.6),
        ((_house((1, 2), (10, 16), (4, 9), (3, 8)), 0.75), (_SHED, 0.1), (_block((4, 12)), 0.15)),
        (0.1, 0.25), (0.2, 0.6), (0.7, 1.8), (0.6, 0.95), (0.02, 0.08),
        "timber_east", "gum", "coastal", "cool",
    ),
)  # fmt: skip
_TEST_CITIES = (
    CityPlan(
        "toronto", "test", {"grid": 0.9, "staggered": 0.1}, (90, 160), (45, 70), (0.5, 4),
        (14, 20), (7.5, 9), (1.6, 2.6),
        ((_house((2, 3), (6, 8.5), (3, 6), (0.8, 2)), 0.55), (_row((2, 4), (6, 9)), 0.25),
         (_block((14, 30), (22, 34)), 0.2)),
        (0.08, 0.2), (0.4, 0.9), (0.6, 1.4), (0.5, 0.85), (0.0, 0.02),
        "red_brick", "maple", "salted", "faded",
    ),
    CityPlan(
        "lima", "test", {"grid": 0.6, "staggered": 0.4}, (60, 110), (40, 65), (1, 8),
        (12, 20), (6, 8), (1.2, 2.6),
        ((_row((1, 3), (6, 10), 0.0, 0.35), 0.7), (_block((4, 9)), 0.15),
         (_house((1, 2), pitched=0.05, setback_m=(0, 3), gap_m=(0, 1)), 0.15)),
        (0.08, 0.2), (0.05, 0.4), (0.05, 0.25), (0.05, 0.25), (0.0, 0.04),
        "adobe", "molle", "desert", "dusk",
    ),
    CityPlan(
        "stockholm", "test", {"organic": 0.4, "radial": 0.4, "staggered": 0.2}, (60, 115),
        (55, 100), (4, 14), (12, 18), (6.5, 9), (2.0, 4.0),
        ((_row((4, 6), (15, 24), 0.75), 0.5), (_block((3, 8), (30, 55), depth_m=(10, 13)), 0.3),
         (_house((1, 2), hedge=0.2), 0.2)),
        (0.12, 0.26), (0.2, 0.6), (0.6, 1.6), (0.5, 0.9), (0.02, 0.07),
        "falun", "birch", "granite", "faded",
    ),
    CityPlan(
        "nairobi", "test", {"organic": 0.7, "staggered": 0.3}, (55, 130), (50, 110), (8, 20),
        (10, 17), (5, 8), (0.4, 2.2),
        ((_house((1, 2), (8, 14), (4, 12), (4, 14), 0.85, 0.8), 0.35),
         (_row((1, 5), (7, 14), 0.2), 0.35), (_SHED, 0.15), (_block((6, 14)), 0.15)),
        (0.15, 0.32), (0.1, 0.5), (0.5, 1.4), (0.2, 0.6), (0.01, 0.05),
        "rusted", "acacia", "laterite", "grainy",
    ),
    CityPlan(
        "hong_kong", "test", {"staggered": 0.5, "organic": 0.5}, (35, 70), (30, 60), (3, 12),
        (12, 18), (6, 8), (1.6, 3.0),
        ((_row((8, 18), (9, 16), 0.0, 0.9), 0.55),
         (_block((20, 34), (18, 28), (3, 9), (1, 5)), 0.45)),
        (0.05, 0.14), (0.05, 0.35), (0.2, 0.7), (0.0, 0.3), (0.03, 0.08),
        "tile_tower", "banyan", "basalt", "vivid",
    ),
    CityPlan(
        "perth", "test", {"radial": 0.3, "organic": 0.4, "grid": 0.3}, (70, 130), (55, 90),
        (3, 14), (12, 18), (7, 9), (0.8, 2.0),
        ((_house((1, 1), (13, 20), (5, 9), (1.5, 4), 0.95, 0.15), 0.75), (_SHED, 0.15),
         (_block((3, 8)), 0.1)),
        (0.14, 0.3), (0.1, 0.4), (0.3, 0.9), (0.2, 0.6), (0.0, 0.02),
        "limestone", "eucalypt", "orange_sand", "grainy",
    ),
)  # fmt: skip

CITIES: tuple[CityPlan, ...] = _TRAIN_CITIES + _TEST_CITIES


def district_seed(city: str, district: int) -> int:
    """Return the seed of a district of a named city.

    Raises:
        ConfigError: No city has this name, or no district this number.
    """
    names = [plan.name for plan in CITIES]
    if city not in names:
        raise ConfigError(f"city {city!r} is none of {', '.join(names)}")
    if not 0 <= district < DISTRICTS:
        raise ConfigError(f"district {district} of {city}: districts are 0..{DISTRICTS - 1}")
    return FIRST_CITY_SEED + DISTRICTS * names.index(city) + district


def plan_of(seed: int) -> CityPlan | None:
    """Return the named city that a seed belongs to, None for towns and real geometry."""
    city = (seed - FIRST_CITY_SEED) // DISTRICTS
    return CITIES[city] if 0 <= city < len(CITIES) else None


def split_of(seed: int) -> CitySplit:
    """Return which split a procedural seed belongs to; towns and country are for training."""
    plan = plan_of(seed)
    return plan.split if plan is not None else "train"


def style_of(seed: int) -> CityStyle:
    """Return the character of a town, of the country or of a district of a named city."""
    plan = plan_of(seed)
    return plan.draw_style(seed) if plan is not None else draw_style(seed)


def check_seed(seed: int) -> int:
    """Return a seed that samples may be rendered of.

    Raises:
        ConfigError: The seed is kept for the demo or for tests.
    """
    real = FIRST_REAL_SEED <= seed <= LAST_REAL_SEED
    if not (0 <= seed < TRAIN_SEED_LIMIT or plan_of(seed) is not None or real):
        raise ConfigError(
            f"city seed {seed}: training cities use 0..{TRAIN_SEED_LIMIT - 1} and "
            f"{FIRST_CITY_SEED}..{FIRST_CITY_SEED + DISTRICTS * len(CITIES) - 1}, real geometry "
            f"{FIRST_REAL_SEED}..{LAST_REAL_SEED}; seeds between are kept for the demo and "
            "other areas"
        )
    return seed


def parse_cities(text: str) -> list[int]:
    """Return the seeds that a text names: ``los_angeles:0:40,berlin:0:40``, ``train:0:20``.

    Parts are separated by commas. A part is ``first:last`` (seeds, last not included), one seed,
    or a city's name, ``train`` or ``test`` with districts ``first:last`` or one district.

    Raises:
        ConfigError: A part says none of these.
    """
    seeds: list[int] = []
    for part in text.split(","):
        head, *rest = part.strip().split(":")
        try:
            numbers = [int(n) for n in (rest if head[:1].isalpha() else [head, *rest])]
        except ValueError as error:
            raise ConfigError(f"cities {part!r}: write NAME:FIRST:LAST or FIRST:LAST") from error
        if not 1 <= len(numbers) <= 2:
            raise ConfigError(f"cities {part!r}: write NAME:FIRST:LAST or FIRST:LAST")
        districts = range(numbers[0], numbers[1] if len(numbers) == 2 else numbers[0] + 1)
        if not len(districts):
            raise ConfigError(f"cities {part!r} names none: LAST is not included")
        if not head[:1].isalpha():
            seeds += districts
            continue
        names = [p.name for p in CITIES if head in (p.name, p.split)] or [head]
        seeds += [district_seed(name, d) for name in names for d in districts]
    return list(dict.fromkeys(seeds))
