"""A folder of web-Mercator tiles serves as imagery, at the true ground resolution."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_core.errors import ImageryError
from model_core.references.area import LocalFrame
from model_core.references.imagery import TileFolderImagery, open_imagery
from model_core.types import LonLat

PLACE = LonLat(24.94, 60.17)
SPOTS_M = ((25.0, 10.0), (-15.0, 28.0), (0.0, -30.0))


def tile_of(place: LonLat, zoom: int) -> tuple[int, int]:
    n = 1 << zoom
    lat = math.radians(place.lat)
    y = (1 - math.asinh(math.tan(lat)) / math.pi) / 2
    return int((place.lon + 180) / 360 * n), int(y * n)


def render_tile(zoom: int, x: int, y: int) -> np.ndarray:
    """Render a tile with bright spots at known metres from the place."""
    n = 256 << zoom
    columns = x * 256 + np.arange(256) + 0.5
    rows = y * 256 + np.arange(256) + 0.5
    lon = columns / n * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * rows / n))))
    east, north = LocalFrame(PLACE).to_xy(*np.meshgrid(lon, lat))
    image = np.full((256, 256), 20.0)
    for e, m in SPOTS_M:
        image += 220 * np.exp(-((east - e) ** 2 + (north - m) ** 2) / (2 * 1.5**2))
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def write_tiles(folder: Path, zoom: int, layout: str, reach: int = 2) -> None:
    x0, y0 = tile_of(PLACE, zoom)
    for x in range(x0 - reach, x0 + reach + 1):
        for y in range(y0 - reach, y0 + reach + 1):
            row = (1 << zoom) - 1 - y if layout == "tms" else y
            name = f"OAM-{x}-{y}-{zoom}.png" if layout == "flat" else f"{zoom}/{x}/{row}.png"
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), render_tile(zoom, x, y))
    if layout == "tms":
        (folder / "tilemapresource.xml").write_text("<TileMap/>")


def spot_errors_m(image: np.ndarray, footprint_m: float) -> np.ndarray:
    size = image.shape[0]
    metres = ((np.arange(size) + 0.5) / size - 0.5) * footprint_m
    grey = np.where(image[..., 0] > 40, image[..., 0] - 20.0, 0.0)
    errors = []
    for east, north in SPOTS_M:
        near = np.hypot(metres[None, :] - east, -metres[:, None] - north) < 6.0
        weight = np.where(near, grey, 0.0)
        errors.append((weight * metres[None, :]).sum() / weight.sum() - east)
        errors.append((weight * -metres[:, None]).sum() / weight.sum() - north)
    return np.abs(errors)


@pytest.mark.parametrize("layout", ["flat", "xyz", "tms"])
def test_tiles_are_placed_by_true_latitude(tmp_path, layout):
    write_tiles(tmp_path, 19, layout)
    found = open_imagery(tmp_path).read(PLACE, 80.0, 256)
    assert found.valid.all()
    assert spot_errors_m(found.image, 80.0).max() < 0.2 * 80 / 256


def test_coarser_zoom_is_read_for_coarser_images_and_fills_gaps(tmp_path):
    write_tiles(tmp_path, 19, "xyz", reach=0)
    write_tiles(tmp_path, 17, "xyz", reach=1)
    source = TileFolderImagery(tmp_path)
    fine = source.read(PLACE, 80.0, 256)
    coarse = source.read(PLACE, 80.0, 64)
    assert fine.valid.all()
    assert coarse.valid.all()
    assert spot_errors_m(fine.image, 80.0).max() < 0.5
    assert spot_errors_m(coarse.image, 80.0).max() < 0.8


def test_finer_tiles_serve_coarse_images_alone(tmp_path):
    write_tiles(tmp_path, 19, "xyz", reach=2)
    found = TileFolderImagery(tmp_path).read(PLACE, 80.0, 48)
    assert spot_errors_m(found.image, 80.0).max() < 0.4


def test_missing_tiles_are_masked_and_far_places_have_no_image(tmp_path):
    write_tiles(tmp_path, 19, "xyz", reach=0)
    source = TileFolderImagery(tmp_path)
    found = source.read(PLACE, 80.0, 256)
    assert 0.05 < found.valid.mean() < 0.9
    assert found.image[~found.valid].max() == 0
    assert source.read(LonLat(0.0, 0.0), 80.0, 256) is None
    assert source.read(LonLat(24.94, 89.9), 80.0, 256) is None


def test_damaged_tile_costs_its_places_only(tmp_path):
    write_tiles(tmp_path, 19, "xyz", reach=2)
    x, y = tile_of(PLACE, 19)
    (tmp_path / f"19/{x}/{y}.png").write_bytes(b"damaged")
    source = open_imagery(tmp_path)
    with pytest.raises(ImageryError, match=rf"{y}\.png"):
        source.read(PLACE, 80.0, 256)
    away = LocalFrame(PLACE).to_lonlat(-75.0, 0.0)
    assert source.read(LonLat(float(away[0]), float(away[1])), 20.0, 64) is not None


def test_names_that_are_no_tiles_are_passed_over(tmp_path):
    (tmp_path / "photo-2024-05-17.jpg").write_bytes(b"a date, no tile")
    with pytest.raises(ImageryError, match="no tiles"):
        open_imagery(tmp_path)


@pytest.mark.parametrize(("name", "zoom"), [("kampala", 21), ("nairobi", 21)])
def test_real_tiles_make_one_seamless_image(shared_data, name, zoom):
    source = TileFolderImagery(shared_data / "xyz" / name)
    west, south, east, north = source.bounds()
    assert west < east
    assert south < north
    keys = sorted(p.stem.split("-")[1:] for p in (shared_data / "xyz" / name).glob(f"*-{zoom}.png"))
    x, y, _ = (int(number) for number in keys[len(keys) // 2])
    lon = (x + 0.5) / 2**zoom * 360 - 180
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (y + 0.5) / 2**zoom))))
    found = source.read(LonLat(lon, lat), 40.0, 512)
    assert found is not None
    assert found.image[found.valid].std() > 20
    tile = cv2.imread(str(shared_data / "xyz" / name / f"OAM-{x}-{y}-{zoom}.png"))[..., ::-1]
    side_m = 2 * math.pi * 6378137 / 2**zoom * math.cos(math.radians(lat))
    side_px = round(side_m / 40.0 * 512)
    start = (512 - side_px) // 2
    crop = found.image[start : start + side_px, start : start + side_px]
    expected = cv2.resize(tile, (side_px, side_px), interpolation=cv2.INTER_AREA)
    inside = found.valid[start : start + side_px, start : start + side_px]
    assert np.corrcoef(crop[inside].ravel(), expected[inside].ravel())[0, 1] > 0.95
