"""States of disaster: what they do to geometry, to the light of photos and to imagery after.

A district in a state is in it at the second date. Street views and imagery before show the first.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from model_core.errors import ConfigError
from model_core.types import FloatArray
from training.world.appearance import GroundAppearance, Light, Season
from training.world.damage import collapse_buildings, pitch_tents
from training.world.geometry import CityGeometry
from training.world.satellite import SatelliteAppearance
from training.world.styles import city_generator

STATES = ("none", "rubble", "flood", "tents", "snow", "smoke", "night")
MIXED = "mixed"
_GEOMETRY_TAG, _LOOK_TAG = 7, 8
_FLOOD_M = (0.35, 0.95)
_SNOW = np.array([0.86, 0.88, 0.93], np.float32)


def check_state(state: str) -> str:
    """Return the name of a state, or ``mixed``.

    Raises:
        ConfigError: It is neither.
    """
    if state not in (*STATES, MIXED):
        raise ConfigError(f"state {state!r} is none of {', '.join((*STATES, MIXED))}")
    return state


def state_of(seed: int, state: str) -> str:
    """Return the state of a district: the one asked for, or one drawn by its seed if mixed."""
    if check_state(state) != MIXED:
        return state
    return str(city_generator(seed, _LOOK_TAG, 1).choice(STATES[1:]))


def geometry_in_state(geometry: CityGeometry, state: str, seed: int) -> CityGeometry:
    """Return the geometry with what the state changes at the second date."""
    rng = city_generator(seed, _GEOMETRY_TAG)
    if state == "rubble":
        return collapse_buildings(geometry, rng)
    if state == "tents":
        return pitch_tents(geometry, rng)
    return geometry


def photo_in_state(
    look: GroundAppearance, state: str, seed: int, rng: np.random.Generator
) -> GroundAppearance:
    """Return the look of a photo taken in a state; ``seed`` gives what the district shares."""
    if state == "none":
        return look
    if state == "rubble":
        return dataclasses.replace(look, light=_dusty(look.light, rng))
    if state == "flood":
        return dataclasses.replace(look, flood_m=flood_level_m(seed))
    if state == "snow":
        season, palette = _snowed(look.season, look.palette, seed)
        return dataclasses.replace(look, season=season, palette=palette, light=_pale(look.light))
    if state == "smoke":
        return dataclasses.replace(look, light=_smoky(look.light, rng))
    if state == "night":
        sensor = dataclasses.replace(
            look.sensor,
            noise=look.sensor.noise + float(rng.uniform(0.015, 0.04)),
            blur_px=look.sensor.blur_px + float(rng.uniform(0.0, 0.5)),
            gamma=look.sensor.gamma * 0.85,
        )
        lamp = float(rng.uniform(0.35, 0.8))
        return dataclasses.replace(look, light=_dark(rng), sensor=sensor, lamp=lamp)
    return look


def satellite_in_state(
    look: SatelliteAppearance, state: str, seed: int, rng: np.random.Generator
) -> SatelliteAppearance:
    """Return the look of imagery after; nothing is imaged at night, so a day after is."""
    if state == "flood":
        return dataclasses.replace(look, flood_m=flood_level_m(seed))
    if state == "snow":
        season, palette = _snowed(look.season, look.palette, seed)
        return dataclasses.replace(look, season=season, palette=palette)
    if state == "smoke":
        return dataclasses.replace(look, smoke=float(rng.uniform(0.35, 0.7)))
    return look


def flood_level_m(seed: int) -> float:
    """Return how high the water stands in a flooded district."""
    return float(city_generator(seed, _LOOK_TAG, 2).uniform(*_FLOOD_M))


def _snowed(season: Season, palette: FloatArray, seed: int) -> tuple[Season, FloatArray]:
    deep = float(city_generator(seed, _LOOK_TAG, 3).uniform(0.8, 0.97))
    share = deep * np.array([1, 1, 0.75, 0.9, 0.85, 0.95, 0.5, 0.7, 1, 1], np.float32)[:, None]
    leaf = 0.35 * season.leaf + 0.65 * _SNOW
    winter = Season(
        np.asarray(season.grass * (1 - deep) + _SNOW * deep, np.float32),
        np.asarray(leaf * 0.8, np.float32),
        min(season.leaf_density, 0.35),
        deep,
    )
    return winter, np.asarray(palette * (1 - share) + _SNOW * share, np.float32)


def _pale(light: Light) -> Light:
    """Return the light of a snowy day: half overcast at least, hazy."""
    grey = np.array([0.84, 0.86, 0.9], np.float32)
    return dataclasses.replace(
        light,
        overcast=max(light.overcast, 0.5),
        sun_rgb=light.sun_rgb * np.float32(0.6),
        haze_rgb=grey,
        haze_m=min(light.haze_m, 400.0),
        sky_top=np.asarray(0.4 * light.sky_top + 0.6 * grey, np.float32),
        sky_low=np.asarray(0.3 * light.sky_low + 0.7 * grey, np.float32),
    )


def _dusty(light: Light, rng: np.random.Generator) -> Light:
    dust = np.asarray(np.array([0.74, 0.68, 0.58]) * rng.uniform(0.8, 1.1), np.float32)
    return dataclasses.replace(
        light,
        haze_rgb=dust,
        haze_m=float(rng.uniform(120, 500)),
        sky_low=np.asarray(0.5 * light.sky_low + 0.5 * dust, np.float32),
    )


def _smoky(light: Light, rng: np.random.Generator) -> Light:
    tone = np.array([1.0, 0.93, 0.85]) * rng.uniform(0.3, 0.62)
    glow = np.array([0.16, 0.06, 0.0]) * rng.random()
    smoke = np.asarray(np.clip(tone + glow, 0, 1), np.float32)
    return Light(
        overcast=1.0,
        sun_rgb=light.sun_rgb * np.float32(0.15),
        ambient_rgb=np.asarray(0.55 * light.ambient_rgb * (0.6 + smoke), np.float32),
        haze_rgb=smoke,
        haze_m=float(np.exp(rng.uniform(np.log(18), np.log(75)))),
        sky_top=np.asarray(smoke * 0.75, np.float32),
        sky_low=smoke,
        clouds=-1.0,
    )


def _dark(rng: np.random.Generator) -> Light:
    city_glow = np.array([0.09, 0.08, 0.09]) * rng.uniform(0.5, 1.4)
    return Light(
        overcast=1.0,
        sun_rgb=np.zeros(3, np.float32),
        ambient_rgb=np.asarray(np.array([0.05, 0.055, 0.07]) * rng.uniform(0.7, 1.5), np.float32),
        haze_rgb=np.asarray(city_glow * 0.8, np.float32),
        haze_m=float(rng.uniform(150, 700)),
        sky_top=np.asarray(city_glow * 0.35, np.float32),
        sky_low=np.asarray(city_glow, np.float32),
        clouds=-1.0,
    )
