"""Families that a city's looks are drawn from: facades, trees, ground texture, sensors.

A held-out city uses families that no training city has, so that a figure on it says what happens
in a city of another make, not under another seed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from model_core.types import FloatArray
from training.world.appearance import GROUND_COVERS, Season, Sensor

Range = tuple[float, float]
Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class FacadeFamily:
    """How facades and roofs are made; colours are sRGB, shares lie in [0, 1].

    ``textures`` are the plasters of ``facade_shading``: 0 and 3 smooth, 1 brick, 2 panels,
    4 boards, 5 tiles, 6 ribbed metal, 7 rough stone.
    """

    walls: tuple[Rgb, ...]
    roofs: tuple[Rgb, ...]
    textures: tuple[int, ...] = (0, 1, 2, 3)
    bay_m: Range = (1.8, 3.4)
    wide_bay_m: Range = (3.5, 6.0)
    window_width: Range = (0.35, 0.72)
    window_height: Range = (0.42, 0.62)
    sill: Range = (0.18, 0.36)
    curtain_wall: float = 0.06
    tall_windows: float = 0.0
    balcony: Range = (0.2, 0.6)
    shutters: float = 0.25
    bands: float = 0.4


@dataclass(frozen=True)
class TreeFamily:
    """How trees grow: radius of the crown, its foot above the ground, its height in radii."""

    radius_m: Range = (1.6, 4.5)
    conifers: float = 0.15
    bottom_m: Range = (1.8, 3.6)
    tall: Range = (1.4, 2.4)
    leaf_tint: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def dye(self, season: Season) -> Season:
        """Return the season with the leaves of these trees."""
        leaf = np.clip(season.leaf * np.array(self.leaf_tint, np.float32), 0, 1)
        return dataclasses.replace(season, leaf=leaf.astype(np.float32))


@dataclass(frozen=True)
class GroundFamily:
    """Texture of the ground from below and from above (numbers of noise banks) and its colour.

    ``tint`` multiplies the colours of asphalt, pavement and bare soil in every view.
    """

    below: int = 1
    above: int = 2
    asphalt: tuple[float, float, float] = (1.0, 1.0, 1.0)
    paving: tuple[float, float, float] = (1.0, 1.0, 1.0)
    soil: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def dye(self, palette: FloatArray) -> FloatArray:
        """Return the palette (10, 3) of a view in this city's materials."""
        tint = np.ones((GROUND_COVERS, 3), np.float32)
        tint[[2, 4]], tint[[3, 5]], tint[[1, 8]] = self.asphalt, self.paving, self.soil
        return np.asarray(np.clip(palette * tint, 0.03, 1.0), np.float32)


@dataclass(frozen=True)
class SensorFamily:
    """What the cameras of a city have in common, on top of what each draws for itself."""

    tone: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 1.0
    noise: float = 1.0
    blur_px: float = 0.0
    saturation: float = 1.0
    vignette: float = 0.0

    def fit(self, sensor: Sensor) -> Sensor:
        """Return a sensor of this make."""
        return dataclasses.replace(
            sensor,
            balance=(sensor.balance * np.array(self.tone, np.float32)).astype(np.float32),
            gamma=sensor.gamma * self.gamma,
            noise=sensor.noise * self.noise,
            blur_px=sensor.blur_px + self.blur_px,
            saturation=self.saturation,
            vignette=self.vignette,
        )


_TOWN_ROOFS: tuple[Rgb, ...] = (
    (150, 74, 54), (120, 60, 48), (96, 92, 92), (70, 72, 78), (170, 110, 80), (130, 126, 118),
    (112, 84, 66), (180, 176, 168), (84, 96, 88), (60, 58, 60), (160, 150, 140), (110, 120, 132),
)  # fmt: skip

FACADES: dict[str, FacadeFamily] = {
    "train": FacadeFamily(
        (
            (214, 204, 184), (190, 176, 150), (160, 84, 64), (136, 70, 56), (226, 220, 210),
            (176, 172, 166), (204, 178, 128), (214, 160, 120), (150, 146, 140), (120, 116, 112),
            (186, 196, 176), (166, 182, 196), (232, 214, 150), (200, 140, 120), (96, 84, 76),
            (238, 236, 230),
        ),
        _TOWN_ROOFS,
    ),
    "demo": FacadeFamily(
        (
            (222, 190, 160), (170, 104, 78), (206, 206, 196), (148, 160, 140), (196, 150, 96),
            (126, 132, 146), (230, 224, 196), (182, 128, 112), (110, 92, 78), (210, 176, 176),
            (160, 170, 184), (228, 204, 132), (140, 90, 80), (186, 182, 172),
        ),
        _TOWN_ROOFS,
        tall_windows=0.4,
    ),
    "stucco": FacadeFamily(
        ((236, 222, 196), (226, 200, 168), (214, 176, 146), (240, 236, 226), (196, 186, 170)),
        ((176, 96, 66), (198, 190, 178), (150, 140, 130), (112, 104, 100)),
        textures=(0, 0, 3), window_width=(0.4, 0.7), shutters=0.1, curtain_wall=0.08,
    ),
    "concrete": FacadeFamily(
        ((206, 204, 198), (178, 174, 168), (222, 196, 170), (198, 168, 132), (170, 150, 150)),
        ((150, 146, 140), (186, 110, 74), (120, 118, 116), (200, 198, 192)),
        textures=(0, 2, 3), balcony=(0.3, 0.8), tall_windows=0.15,
    ),
    "plaster": FacadeFamily(
        ((224, 206, 160), (206, 188, 150), (186, 168, 140), (212, 196, 184), (150, 122, 100)),
        ((140, 66, 48), (110, 52, 42), (80, 76, 76), (150, 148, 144)),
        textures=(0, 1, 3), window_width=(0.32, 0.5), window_height=(0.52, 0.68), bands=0.7,
    ),
    "cape": FacadeFamily(
        ((244, 240, 230), (230, 226, 214), (206, 176, 140), (226, 204, 150), (170, 190, 196)),
        ((88, 90, 94), (160, 158, 152), (132, 74, 58), (200, 200, 196)),
        textures=(0, 3), bay_m=(2.4, 4.2), shutters=0.4,
    ),
    "shophouse": FacadeFamily(
        ((216, 208, 190), (196, 184, 160), (226, 190, 150), (170, 186, 180), (210, 150, 130)),
        ((160, 90, 66), (146, 150, 146), (90, 110, 104), (180, 170, 160)),
        textures=(0, 2, 3), bay_m=(2.8, 4.2), window_width=(0.55, 0.85), balcony=(0.35, 0.8),
    ),
    "timber_east": FacadeFamily(
        ((236, 234, 226), (206, 212, 214), (190, 170, 140), (170, 120, 96), (150, 160, 150)),
        ((170, 176, 178), (120, 70, 58), (84, 88, 92), (200, 202, 200)),
        textures=(0, 1, 3), bay_m=(2.2, 4.0), sill=(0.24, 0.4),
    ),
    "red_brick": FacadeFamily(
        ((150, 66, 48), (128, 54, 44), (176, 96, 72), (112, 60, 52), (188, 150, 120)),
        ((58, 56, 58), (78, 72, 70), (98, 88, 82), (110, 112, 116)),
        textures=(1, 1, 4), bay_m=(2.0, 2.8), window_width=(0.3, 0.46),
        window_height=(0.56, 0.74), sill=(0.14, 0.24), curtain_wall=0.12, shutters=0.05,
    ),
    "adobe": FacadeFamily(
        ((214, 178, 130), (196, 150, 108), (178, 96, 72), (88, 120, 150), (222, 196, 96)),
        ((172, 160, 144), (148, 136, 122), (190, 182, 170)),
        textures=(7, 0), bay_m=(2.6, 4.4), window_width=(0.22, 0.4),
        window_height=(0.34, 0.5), sill=(0.34, 0.44), shutters=0.02, bands=0.15,
    ),
    "falun": FacadeFamily(
        ((150, 52, 40), (204, 148, 62), (228, 196, 132), (178, 112, 80), (222, 214, 200)),
        ((52, 52, 54), (66, 60, 58), (104, 58, 46), (86, 108, 96)),
        textures=(4, 4, 3), bay_m=(2.0, 2.6), window_width=(0.3, 0.42),
        window_height=(0.6, 0.76), sill=(0.14, 0.22), bands=0.85, shutters=0.0,
    ),
    "rusted": FacadeFamily(
        ((188, 172, 150), (160, 128, 100), (140, 146, 142), (206, 186, 148), (120, 96, 78)),
        ((142, 92, 68), (168, 160, 152), (120, 110, 102), (178, 178, 180)),
        textures=(6, 7, 6), bay_m=(2.8, 5.0), window_width=(0.24, 0.46),
        window_height=(0.34, 0.52), sill=(0.3, 0.42), shutters=0.55, bands=0.1,
    ),
    "tile_tower": FacadeFamily(
        ((206, 198, 190), (186, 160, 150), (168, 178, 172), (214, 200, 170), (150, 140, 150)),
        ((120, 122, 120), (100, 98, 96), (150, 150, 146)),
        textures=(5, 5, 2), bay_m=(1.5, 2.2), wide_bay_m=(2.2, 3.2), window_width=(0.6, 0.82),
        window_height=(0.5, 0.66), curtain_wall=0.18, balcony=(0.6, 0.95), bands=0.6,
    ),
    "limestone": FacadeFamily(
        ((226, 206, 166), (208, 180, 136), (182, 100, 76), (236, 224, 200), (150, 110, 90)),
        ((196, 190, 184), (146, 74, 56), (90, 92, 96), (222, 222, 218)),
        textures=(7, 1), bay_m=(3.0, 5.2), window_width=(0.5, 0.8),
        window_height=(0.36, 0.5), sill=(0.36, 0.46), shutters=0.08,
    ),
}  # fmt: skip

TREES: dict[str, TreeFamily] = {
    "mixed": TreeFamily(),
    "palm": TreeFamily((1.1, 2.0), 0.04, (5.5, 11.0), (0.7, 1.1), (1.0, 1.05, 0.9)),
    "ficus": TreeFamily((2.4, 5.0), 0.03, (2.2, 3.6), (1.0, 1.5), (0.85, 1.0, 0.85)),
    "linden": TreeFamily((2.0, 4.6), 0.1, (2.4, 4.0), (1.6, 2.4), (1.0, 1.0, 1.0)),
    "pine": TreeFamily((1.6, 3.6), 0.45, (1.6, 3.2), (1.3, 2.0), (0.95, 0.95, 0.95)),
    "tropical": TreeFamily((1.4, 4.0), 0.02, (2.4, 6.0), (0.9, 1.8), (0.85, 1.1, 0.8)),
    "gum": TreeFamily((1.8, 4.2), 0.05, (3.0, 6.0), (1.5, 2.2), (1.1, 1.05, 1.0)),
    "maple": TreeFamily((2.6, 5.6), 0.22, (1.6, 2.8), (1.9, 2.8), (1.15, 0.95, 0.85)),
    "molle": TreeFamily((1.2, 2.6), 0.0, (1.0, 1.8), (0.9, 1.3), (1.1, 1.05, 0.7)),
    "birch": TreeFamily((1.0, 2.0), 0.5, (1.4, 2.4), (3.2, 4.6), (1.1, 1.15, 1.05)),
    "acacia": TreeFamily((3.4, 6.4), 0.0, (3.6, 5.6), (0.35, 0.6), (1.05, 0.95, 0.75)),
    "banyan": TreeFamily((3.6, 6.8), 0.0, (1.4, 2.2), (0.9, 1.2), (0.7, 0.85, 0.7)),
    "eucalypt": TreeFamily((1.5, 3.0), 0.0, (4.5, 8.0), (2.2, 3.2), (1.2, 1.15, 1.15)),
}

GROUNDS: dict[str, GroundFamily] = {
    "common": GroundFamily(),
    "sunbaked": GroundFamily(10, 11, (1.15, 1.12, 1.08), (1.08, 1.05, 1.0), (1.1, 1.0, 0.85)),
    "mosaic": GroundFamily(12, 13, (1.0, 0.98, 0.96), (0.9, 0.9, 0.92), (1.1, 0.85, 0.7)),
    "cobble": GroundFamily(14, 15, (0.92, 0.93, 0.96), (0.88, 0.9, 0.92), (0.95, 0.95, 0.95)),
    "sandy": GroundFamily(16, 17, (1.1, 1.06, 1.0), (1.05, 1.02, 0.98), (1.25, 1.15, 1.0)),
    "humid": GroundFamily(18, 19, (0.95, 0.95, 0.93), (0.95, 0.93, 0.9), (0.9, 0.82, 0.75)),
    "coastal": GroundFamily(20, 21, (1.05, 1.04, 1.03), (1.1, 1.08, 1.04), (1.15, 0.95, 0.8)),
    "salted": GroundFamily(30, 31, (1.2, 1.2, 1.22), (1.12, 1.12, 1.1), (0.8, 0.78, 0.78)),
    "desert": GroundFamily(32, 33, (1.1, 1.02, 0.9), (1.05, 0.98, 0.86), (1.3, 1.15, 0.95)),
    "granite": GroundFamily(34, 35, (0.8, 0.82, 0.86), (0.8, 0.8, 0.84), (0.75, 0.75, 0.75)),
    "laterite": GroundFamily(36, 37, (1.02, 0.92, 0.85), (1.05, 0.9, 0.8), (1.35, 0.8, 0.55)),
    "basalt": GroundFamily(38, 39, (0.72, 0.73, 0.75), (0.78, 0.76, 0.78), (0.85, 0.8, 0.7)),
    "orange_sand": GroundFamily(40, 41, (1.12, 1.05, 0.98), (1.15, 1.05, 0.92), (1.4, 1.0, 0.65)),
}

SENSORS: dict[str, SensorFamily] = {
    "common": SensorFamily(),
    "warm": SensorFamily((1.03, 1.0, 0.97), saturation=1.08),
    "cool": SensorFamily((0.98, 1.0, 1.03), saturation=0.94),
    "contrasty": SensorFamily(gamma=1.1, saturation=1.12),
    "faded": SensorFamily((1.05, 1.0, 0.92), gamma=0.82, saturation=0.72, vignette=0.25),
    "dusk": SensorFamily((0.93, 0.98, 1.08), gamma=1.22, noise=1.4, vignette=0.15),
    "vivid": SensorFamily((1.0, 1.02, 0.98), gamma=1.16, saturation=1.35, vignette=0.1),
    "grainy": SensorFamily((1.06, 1.0, 0.95), noise=1.9, blur_px=0.35, saturation=0.85),
}
