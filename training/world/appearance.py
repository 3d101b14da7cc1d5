"""Light, season, palettes and sensors: drawn a view at a time, knowing nothing of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model_core.types import FloatArray

GROUND_COVERS = 10


@dataclass(frozen=True)
class Sun:
    """Where the sun stands: azimuth clockwise from north, elevation, degrees."""

    azimuth_deg: float
    elevation_deg: float

    def direction(self) -> FloatArray:
        """Return the unit vector towards the sun: east, north, up."""
        azimuth, elevation = np.radians(self.azimuth_deg), np.radians(self.elevation_deg)
        flat = np.cos(elevation)
        return np.array(
            [flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)], np.float32
        )


def draw_sun(rng: np.random.Generator) -> Sun:
    """Return a sun anywhere around the compass, so that shadows tell no direction."""
    return Sun(float(rng.uniform(0, 360)), float(rng.uniform(14, 65)))


@dataclass(frozen=True)
class Season:
    """What the time of year does: colours of grass and leaves, how full the crowns are, snow."""

    grass: FloatArray
    leaf: FloatArray
    leaf_density: float
    snow: float


def draw_season(rng: np.random.Generator) -> Season:
    """Return a season: summer, autumn, winter or dry."""
    kind = rng.choice(["summer", "spring", "autumn", "winter", "dry", "snow"],
                      p=[0.4, 0.17, 0.16, 0.12, 0.1, 0.05])  # fmt: skip
    table = {
        "summer": ((0.30, 0.44, 0.17), (0.20, 0.34, 0.12), 1.0),
        "spring": ((0.36, 0.52, 0.20), (0.34, 0.48, 0.18), 0.85),
        "autumn": ((0.38, 0.40, 0.20), (0.55, 0.36, 0.12), 0.75),
        "winter": ((0.36, 0.36, 0.22), (0.32, 0.27, 0.22), 0.25),
        "dry": ((0.56, 0.50, 0.28), (0.30, 0.36, 0.16), 0.9),
        "snow": ((0.86, 0.88, 0.92), (0.45, 0.42, 0.42), 0.25),
    }
    grass, leaf, density = table[str(kind)]
    return Season(
        np.clip(np.array(grass) * rng.uniform(0.85, 1.15) * rng.uniform(0.9, 1.1, 3), 0, 1).astype(
            np.float32
        ),
        np.clip(np.array(leaf) * rng.uniform(0.75, 1.25, 3), 0, 1).astype(np.float32),
        float(np.clip(density + rng.normal(0, 0.07), 0.15, 1.0)),
        float(rng.uniform(0.6, 0.95)) if kind == "snow" else 0.0,
    )


def draw_palette(season: Season, rng: np.random.Generator) -> FloatArray:
    """Return the colours of the ten ground covers in one view, (10, 3) in [0, 1]."""
    grey = rng.uniform(0.26, 0.48)
    colors = np.array(
        [
            season.grass,
            (0.46, 0.38, 0.28),
            (grey, grey, grey * 1.02),
            (0.58, 0.57, 0.55),
            (grey * 1.1, grey * 1.1, grey * 1.12),
            (0.66, 0.60, 0.52),
            (0.20, 0.28, 0.33),
            (0.88, 0.88, 0.86),
            (0.60, 0.56, 0.48),
            (0.45, 0.43, 0.40),
        ]
    )
    colors = colors * rng.uniform(0.85, 1.15, (GROUND_COVERS, 1))
    colors = colors + rng.normal(0, 0.012, (GROUND_COVERS, 3))
    if season.snow:
        share = season.snow * np.array([1, 1, 0.4, 0.6, 0.5, 0.7, 0.3, 0.4, 0.9, 0.9])[:, None]
        colors = colors * (1 - share) + share * np.array([0.88, 0.9, 0.94])
    return np.asarray(np.clip(colors, 0.03, 1.0), np.float32)


@dataclass(frozen=True)
class Light:
    """The light of one view; colours multiply albedo. ``haze_m`` is the length of extinction."""

    overcast: float
    sun_rgb: FloatArray
    ambient_rgb: FloatArray
    haze_rgb: FloatArray
    haze_m: float
    sky_top: FloatArray
    sky_low: FloatArray
    clouds: float


def draw_light(rng: np.random.Generator) -> Light:
    """Return a light between clear and overcast, warm and cold."""
    overcast = float(np.clip(rng.uniform(-0.6, 1.4), 0, 1))
    warm = rng.uniform(-0.06, 0.1)
    tone = np.array([1 + warm, 1.0, 1 - warm])
    sun = (1 - overcast) * rng.uniform(0.55, 0.85) * tone
    ambient = (0.45 + 0.45 * overcast) * np.array([0.97, 1.0, 1.05]) * rng.uniform(0.9, 1.1)
    grey = rng.uniform(0.72, 0.93)
    blue = np.array([rng.uniform(0.3, 0.5), rng.uniform(0.5, 0.66), rng.uniform(0.78, 0.95)])
    pale = np.array([0.78, 0.85, 0.92]) * rng.uniform(0.9, 1.05)
    top = blue * (1 - overcast) + grey * overcast
    low = pale * (1 - overcast) + grey * 1.02 * overcast
    return Light(
        overcast,
        sun.astype(np.float32),
        ambient.astype(np.float32),
        np.clip(low * 0.95, 0, 1).astype(np.float32),
        float(np.exp(rng.uniform(np.log(250), np.log(2500)))),
        np.clip(top, 0, 1).astype(np.float32),
        np.clip(low, 0, 1).astype(np.float32),
        float(rng.uniform(0, 1)),
    )


@dataclass(frozen=True)
class Sensor:
    """What the camera does to the light: exposure, white balance, gamma, noise, blur."""

    exposure: float
    balance: FloatArray
    gamma: float
    noise: float
    blur_px: float
    saturation: float = 1.0
    vignette: float = 0.0


def draw_sensor(rng: np.random.Generator, *, crowd: bool) -> Sensor:
    """Return a camera; those of the crowd vary more than those of a mapping car."""
    spread = 1.0 if crowd else 0.6
    return Sensor(
        float(np.exp(rng.normal(0.05, 0.18 * spread))),
        np.exp(rng.normal(0, 0.035 * spread, 3)).astype(np.float32),
        float(np.exp(rng.normal(0, 0.12 * spread))),
        float(rng.uniform(0.003, 0.03 * spread)),
        float(rng.uniform(0.0, 0.8 * spread)),
    )


@dataclass(frozen=True)
class GroundAppearance:
    """Everything of one ground view that is not geometry.

    ``date`` is 0 or 1, ``traffic`` and ``sun`` choose among the city's traffic and sun sets;
    traffic set 0 is kept for the images from above. ``flood_m`` is how high the water stands,
    ``lamp`` how brightly street lamps and windows shine: 0 by day.
    """

    date: int
    traffic: int
    sun: int
    season: Season
    light: Light
    palette: FloatArray
    sensor: Sensor
    phase: FloatArray
    flood_m: float = 0.0
    lamp: float = 0.0


def draw_ground_appearance(
    rng: np.random.Generator, date: int, traffic_sets: int, suns: int, *, crowd: bool
) -> GroundAppearance:
    """Return the appearance of one ground view."""
    season = draw_season(rng)
    return GroundAppearance(
        date,
        int(rng.integers(1, traffic_sets)),
        int(rng.integers(suns)),
        season,
        draw_light(rng),
        draw_palette(season, rng),
        draw_sensor(rng, crowd=crowd),
        rng.uniform(0, 512, 4).astype(np.float32),
    )
