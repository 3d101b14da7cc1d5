"""The city from above: leaning, lit by its own sun, in its own season, through its own sensor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from model_core.types import FloatArray, ImageU8
from training.world.appearance import (
    Light,
    Season,
    Sensor,
    Sun,
    draw_light,
    draw_palette,
    draw_season,
    draw_sensor,
    draw_sun,
)
from training.world.city import City
from training.world.facades import Facade
from training.world.flood import MUD_RGB, water_height
from training.world.heights import HeightMap, cast_shadows, shifted
from training.world.noise import look_up
from training.world.shading import DUST_RGB, TENT_COLORS
from training.world.solids import BoxKind, RoundKind

MAX_LEAN_DEG = 25.0


@dataclass(frozen=True)
class SatelliteAppearance:
    """Everything of one image from above that is not geometry.

    ``lean`` is the displacement east and north a metre of height; ``haze`` the share of white.
    ``m_per_px`` is what the provider resamples to, 0 for the map's own cells; ``flood_m`` is the
    height of the water and ``smoke`` the share of the ground that smoke hides.
    """

    date: int
    sun: Sun
    lean: tuple[float, float]
    season: Season
    light: Light
    palette: FloatArray
    sensor: Sensor
    haze: float
    sharpen: float
    jpeg_quality: int
    phase: FloatArray
    m_per_px: float = 0.0
    flood_m: float = 0.0
    smoke: float = 0.0


def draw_satellite_appearance(
    rng: np.random.Generator, date: int, max_lean_deg: float = MAX_LEAN_DEG
) -> SatelliteAppearance:
    """Return the appearance of one image from above."""
    season = draw_season(rng)
    lean = np.tan(np.radians(rng.uniform(0, max_lean_deg) * rng.uniform(0.3, 1.0)))
    turn = rng.uniform(0, 2 * np.pi)
    return SatelliteAppearance(
        date,
        draw_sun(rng),
        (float(lean * np.sin(turn)), float(lean * np.cos(turn))),
        season,
        draw_light(rng),
        draw_palette(season, rng),
        draw_sensor(rng, crowd=False),
        float(rng.uniform(0, 0.22)),
        float(rng.uniform(0, 0.8)),
        int(rng.integers(55, 95)),
        rng.uniform(0, 512, 4).astype(np.float32),
    )


@dataclass(frozen=True)
class _Seen:
    """What every pixel sees: the height of the point, its cell, and whether it is a wall."""

    z: Tensor
    row: Tensor
    col: Tensor
    wall: Tensor
    crown: Tensor


def render_satellite(
    city: City, look: SatelliteAppearance, heights: HeightMap | None = None
) -> ImageU8:
    """Return the whole city from above, north up, uint8 (R, R, 3) at the height map's cells."""
    surface = heights if heights is not None else city.heights[look.date]
    crown = _thinned_crowns(city, surface, look)
    top = torch.maximum(surface.solid_m, crown)
    seen = _look_down(top, surface, crown, look.lean)
    color = _albedo(city, surface, seen, look)
    lit = HeightMap(surface.cell_m, surface.solid_m, crown, surface.box, surface.round_)
    shade = cast_shadows(lit, look.sun)[seen.row, seen.col]
    sun = ((seen.z - shade) / 0.5 + 0.6).clamp(0, 1)
    color = color * _light(look, top, seen, sun, surface.cell_m)
    if look.flood_m:
        color = _under_water(city, surface.cell_m, seen, color, look)
    color = color * (1 - look.haze) + torch.tensor(look.light.haze_rgb).to(color) * look.haze
    if look.smoke:
        color = _under_smoke(city, surface.cell_m, color, look)
    return developed(color, look, surface.cell_m)


def _cell_grid(size: int, cell_m: float, device: torch.device) -> Tensor:
    """Return metres east and north of every cell of a square map, (R, R, 2)."""
    at = (torch.arange(size, device=device) + 0.5) * cell_m - size * cell_m / 2
    return torch.stack([at[None].expand(size, -1), -at[:, None].expand(-1, size)], -1)


def _under_water(
    city: City, cell_m: float, seen: _Seen, color: Tensor, look: SatelliteAppearance
) -> Tensor:
    """Return the colours with muddy water over all that lies lower than it."""
    grid = _cell_grid(color.shape[0], cell_m, color.device)
    level = torch.full(grid.shape[:2], look.flood_m, device=color.device)
    water = water_height(grid, city.slope_phase, level)
    swirl = look_up(city.above.soft, grid[..., 0] * 1.7 + look.phase[3], grid[..., 1] * 1.7)
    mud = torch.tensor(MUD_RGB, device=color.device) * (1.1 + 0.1 * swirl)[..., None]
    direct = torch.from_numpy(look.light.sun_rgb).to(color.device)
    ambient = torch.from_numpy(look.light.ambient_rgb).to(color.device)
    wet = (seen.z < water - 0.05) & ~seen.crown
    return torch.where(wet[..., None], mud * (ambient + 0.7 * direct), color)


def _under_smoke(city: City, cell_m: float, color: Tensor, look: SatelliteAppearance) -> Tensor:
    """Return the colours behind drifting smoke, thick in places and thin in others."""
    grid = _cell_grid(color.shape[0], cell_m, color.device)
    soft, east, north = city.above.soft, grid[..., 0], grid[..., 1]
    plume = _smooth(soft, east * 0.55 + look.phase[0], north * 0.35 + look.phase[1])
    plume = plume + 0.4 * _smooth(soft, east * 1.9 + look.phase[2], north * 1.4)
    share = (look.smoke + 0.3 * plume).clamp(0.05, 0.93)[..., None]
    grey = torch.tensor([0.62, 0.58, 0.54], device=color.device)
    return color * (1 - share) + grey * share


def _smooth(texture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the texture between its texels, for patterns wider than they are."""
    col, row = x.floor(), y.floor()
    u, v = x - col, y - row
    low = look_up(texture, col, row) * (1 - u) + look_up(texture, col + 1, row) * u
    high = look_up(texture, col, row + 1) * (1 - u) + look_up(texture, col + 1, row + 1) * u
    return low * (1 - v) + high * v


def _thinned_crowns(city: City, surface: HeightMap, look: SatelliteAppearance) -> Tensor:
    """Return the crowns' height with holes, large ones where the trees are bare."""
    size = surface.crown_m.shape[0]
    at = torch.arange(size, device=city.device) * surface.cell_m
    noise = look_up(city.above.leafy, at[None] * 3 + look.phase[0], at[:, None] * 3)
    row = surface.round_.clamp_min(0).long()
    evergreen = torch.ones_like(noise, dtype=torch.bool)
    if len(city.rounds.kind):
        kind = city.rounds.kind[row]
        evergreen = (kind == RoundKind.CONIFER) | (kind == RoundKind.BUSH)
    full = 0.42 + 0.18 * noise < look.season.leaf_density
    return torch.where(full | evergreen, surface.crown_m, 0.0)


def _look_down(top: Tensor, surface: HeightMap, crown: Tensor, lean: tuple[float, float]) -> _Seen:
    """March down from the tallest thing along the leaning line of sight, whole cells at a time."""
    size = top.shape[0]
    cell = surface.cell_m
    steep = float(np.hypot(*lean))
    step = min(2.0, max(0.5, cell / max(steep, 1e-3)))
    z = torch.zeros_like(top)
    moved_r = torch.zeros_like(top, dtype=torch.long)
    moved_c = torch.zeros_like(moved_r)
    open_ = torch.ones_like(top, dtype=torch.bool)
    height = float(top.max())
    while height > 0 and steep > 0.01:
        rows, cols = round(lean[1] * height / cell), round(-lean[0] * height / cell)
        hit = open_ & (shifted(top, rows, cols) >= height)
        z[hit], moved_r[hit], moved_c[hit] = height, -rows, -cols
        open_ &= ~hit
        height -= step
    at = torch.arange(size, device=top.device)
    row = (at[:, None] + moved_r).clamp(0, size - 1)
    col = (at[None] + moved_c).clamp(0, size - 1)
    there = top[row, col]
    wall = ~open_ & (there > z + step + 0.3) & (crown[row, col] < there)
    z = torch.where(wall, z, there)
    return _Seen(z, row, col, wall, crown[row, col] > surface.solid_m[row, col])


def _albedo(city: City, surface: HeightMap, seen: _Seen, look: SatelliteAppearance) -> Tensor:
    bank = city.above
    box = surface.box[seen.row, seen.col].long()
    east = seen.col * surface.cell_m
    north = seen.row * surface.cell_m
    fine = look_up(bank.rough, east * 3.7 + look.phase[1], north * 3.7)
    wide = look_up(bank.soft, east * 1.3, north * 1.3 + look.phase[2])
    color = _ground_colors(city, surface.cell_m, look)[seen.row, seen.col]
    color = color * (1 + 0.07 * fine + 0.06 * wide)[..., None]
    if len(city.boxes.kind):
        on_box = _box_colors(city, box.clamp_min(0), seen, fine, look)
        color = torch.where((box >= 0)[..., None], on_box, color)
    if len(city.rounds.seed):
        row = surface.round_[seen.row, seen.col].clamp_min(0).long()
        leaf = torch.tensor(look.season.leaf, device=color.device)
        tint = bank.draw_color(city.rounds.seed[row])
        green = leaf * (0.8 + 0.35 * tint) * (0.85 + 0.2 * fine)[..., None]
        color = torch.where(seen.crown[..., None], green, color)
    return color.clamp(0.01, 1)


def _ground_colors(city: City, cell_m: float, look: SatelliteAppearance) -> Tensor:
    """Return the ground's colours at the image's cells, averaged from the finer map."""
    palette = torch.from_numpy(look.palette).to(city.device)
    color = palette[city.ground.long()]
    if city.photo is not None:
        color = city.photo.over(color)
    many = round(cell_m / city.ground_cell_m)
    if many > 1:
        n = color.shape[0] // many
        color = color[: n * many, : n * many].view(n, many, n, many, 3).mean((1, 3))
    return color


def _box_colors(
    city: City, box: Tensor, seen: _Seen, fine: Tensor, look: SatelliteAppearance
) -> Tensor:
    b, bank = city.boxes, city.above
    kind, seed = b.kind[box], b.seed[box]
    owner = b.owner[box]
    roof = city.facade_colors(owner, Facade.ROOF_R) * (1 + 0.06 * fine)[..., None]
    snow = look.season.snow * 0.9
    roof = roof * (1 - snow) + 0.92 * snow
    floor = (seen.z / city.facades[Facade.FLOOR_M][owner].clamp_min(1)) % 1
    dark = 0.85 - 0.3 * ((floor > 0.3) & (floor < 0.75)).float()
    wall = city.facade_colors(owner, Facade.WALL_R) * dark[..., None]
    color = torch.where(seen.wall[..., None], wall, roof)
    grey = bank.draw(seed * 5 + 1)[..., None]
    tint = bank.draw_color(seed)
    paint = torch.where(grey < 0.65, 0.1 + 0.8 * tint[..., :1], 0.15 + 0.6 * tint)
    vehicle = (kind == BoxKind.CAR) | (kind == BoxKind.CABIN)
    color = torch.where(vehicle[..., None], paint, color)
    leaf = torch.tensor(look.season.leaf, device=color.device)
    color = torch.where((kind == BoxKind.HEDGE)[..., None], leaf, color)
    stone = 0.4 + 0.3 * grey
    if city.stricken:
        color = _on_wreckage(city, kind, seed, seen, color)
    plain = (kind == BoxKind.WALL) | (kind == BoxKind.KIOSK) | (kind == BoxKind.ROOF_HOUSE)
    return torch.where(plain[..., None], stone.expand_as(color), color)


def _on_wreckage(city: City, kind: Tensor, seed: Tensor, seen: _Seen, color: Tensor) -> Tensor:
    """Return the colours with those of rubble, speckled, and of tents."""
    bank = city.above
    speckle = bank.draw(seen.row * 977 + seen.col * 31 + seed)[..., None]
    dust = torch.tensor(DUST_RGB, device=color.device) * (0.5 + 0.75 * speckle)
    dust = dust * (0.75 + 0.4 * bank.draw(seed * 5 + 1)[..., None])
    heap = dust * (0.94 + 0.12 * bank.draw_color(seed))
    color = torch.where((kind == BoxKind.RUBBLE)[..., None], heap, color)
    cloths = torch.tensor(TENT_COLORS, device=color.device)
    cloth = cloths[(bank.draw(seed // 8) * len(cloths)).long()]
    return torch.where((kind == BoxKind.TENT)[..., None], cloth, color)


def _light(
    look: SatelliteAppearance, top: Tensor, seen: _Seen, sun: Tensor, cell_m: float
) -> Tensor:
    """Return the light (R, R, 3), brighter on slopes that face the sun."""
    to_sun = look.sun.direction()
    east = (shifted(top, 0, -1) - shifted(top, 0, 1)) / (2 * cell_m)
    north = (shifted(top, 1, 0) - shifted(top, -1, 0)) / (2 * cell_m)
    east, north = (t[seen.row, seen.col].clamp(-1.2, 1.2) for t in (east, north))
    facing = to_sun[2] - east * float(to_sun[0]) - north * float(to_sun[1])
    facing = (facing / torch.sqrt(1 + east**2 + north**2)).clamp(0, 1)
    facing = torch.where(seen.wall, 0.45, facing)
    direct = torch.from_numpy(look.light.sun_rgb).to(top.device)
    ambient = torch.from_numpy(look.light.ambient_rgb).to(top.device)
    return direct * (1.15 * facing * sun)[..., None] + ambient * 0.95


def developed(color: Tensor, look: SatelliteAppearance, cell_m: float) -> ImageU8:
    """Return the image as the provider serves it: resampled, sharpened, toned, compressed."""
    image = color.clamp(0, 1.5).cpu().numpy()
    sensor = look.sensor
    if look.m_per_px > cell_m:
        size = image.shape[0]
        small = round(size * cell_m / look.m_per_px)
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    if sensor.saturation != 1.0:
        grey = image.mean(axis=2, keepdims=True)
        image = grey + (image - grey) * np.float32(sensor.saturation)
    if sensor.blur_px > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), sensor.blur_px)
    if look.sharpen > 0.1:
        image = image + look.sharpen * (image - cv2.GaussianBlur(image, (0, 0), 1.2))
    image = np.clip(image * sensor.balance * sensor.exposure, 0, 1) ** sensor.gamma
    pixels = (image * 255).round().astype(np.uint8)
    ok, data = cv2.imencode(
        ".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality]
    )
    if not ok:
        raise ValueError("the rendered satellite image could not be compressed")
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])
