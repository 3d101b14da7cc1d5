"""A raster, of whatever CRS, bands and type, becomes a north-up image in metres."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp, Resampling

from model_core.errors import ImageryError
from model_core.references.area import LocalFrame
from model_core.references.imagery import RasterImagery, open_imagery
from model_core.types import LonLat

# affine 3 prefers ``@`` between transforms, which affine 2 does not have
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

LUND = LonLat(13.1900, 55.7050)
SPOTS_M = ((0.0, 30.0), (30.0, 0.0), (-20.0, -25.0), (0.0, 0.0), (-31.0, 28.0))
FOOTPRINT_M = 80.0


def spots_seen_from(
    place: LonLat, crs: str, transform: Affine, shape: tuple[int, int]
) -> np.ndarray:
    """Render bright spots at known metres east and north of a place, float in 0..1."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    x, y = transform * (columns, rows)
    lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    east, north = LocalFrame(place).to_xy(lon, lat)
    image = np.zeros(shape)
    for spot_east, spot_north in SPOTS_M:
        image += np.exp(-((east - spot_east) ** 2 + (north - spot_north) ** 2) / (2 * 1.5**2))
    return image


def transform_around(place: LonLat, crs: str, pixel: float, size: int, turn_deg: float) -> Affine:
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(
        place.lon, place.lat
    )
    turned = Affine.translation(x, y) * Affine.rotation(turn_deg)
    return turned * Affine.scale(pixel, -pixel) * Affine.translation(-size / 2, -size / 2)


def write_raster(path: Path, bands: np.ndarray, crs: str | None, transform: Affine, **options):
    profile = {
        "driver": "GTiff",
        "count": bands.shape[0],
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype,
        "crs": crs,
        "transform": transform,
    }
    with rasterio.open(path, "w", **{**profile, **options}) as dataset:
        dataset.write(bands)
    return path


def positions_of_spots(image: np.ndarray, footprint_m: float) -> np.ndarray:
    """Return metres east and north of each spot's centre of mass in a north-up image."""
    size = image.shape[0]
    metres = ((np.arange(size) + 0.5) / size - 0.5) * footprint_m
    grey = image[..., 0].astype(float)
    found = []
    for east, north in SPOTS_M:
        near = np.hypot(metres[None, :] - east, -metres[:, None] - north) < 6.0
        weight = np.where(near, grey, 0.0)
        total = weight.sum()
        found.append(
            (
                (weight * metres[None, :]).sum() / total,
                (weight * -metres[:, None]).sum() / total,
            )
        )
    return np.array(found)


@pytest.mark.parametrize(
    ("crs", "pixel", "turn_deg"),
    [
        ("EPSG:32633", 0.25, 0.0),  # 1.8 degrees off the central meridian: grid north is not true
        ("EPSG:32633", 0.25, 37.0),
        ("EPSG:32632", 0.25, 0.0),  # 4.2 degrees off
        ("EPSG:3857", 0.45, 0.0),  # ground metres are 0.56 of map metres here
        ("EPSG:4326", 3e-6, 0.0),
        ("EPSG:3006", 0.125, 0.0),  # finer than the image: averaged
    ],
)
def test_image_is_true_north_up_and_in_metres(tmp_path, crs, pixel, turn_deg):
    size = 740 if crs == "EPSG:3006" else 500
    transform = transform_around(LUND, crs, pixel, size, turn_deg)
    spots = spots_seen_from(LUND, crs, transform, (size, size))
    bands = np.repeat((spots * 200 + 20).clip(0, 255).astype(np.uint8)[None], 3, axis=0)
    path = write_raster(tmp_path / "spots.tif", bands, crs, transform, tiled=True)
    found = open_imagery(path).read(LUND, FOOTPRINT_M, 256)
    assert found is not None
    assert found.image.shape == (256, 256, 3)
    assert found.valid.all()
    assert found.footprint_m == FOOTPRINT_M
    flattened = np.where(found.image > 40, found.image - 20.0, 0.0)
    error_m = positions_of_spots(flattened, FOOTPRINT_M) - np.array(SPOTS_M)
    assert np.abs(error_m).max() < 0.2 * FOOTPRINT_M / 256


def test_south_up_raster_is_turned_over(tmp_path):
    transform = transform_around(LUND, "EPSG:32633", 0.25, 400, 0.0)
    flipped = transform * Affine.translation(0, 400) * Affine.scale(1, -1)
    spots = spots_seen_from(LUND, "EPSG:32633", flipped, (400, 400))
    bands = np.repeat((spots * 255).clip(0, 255).astype(np.uint8)[None], 3, axis=0)
    path = write_raster(tmp_path / "south_up.tif", bands, "EPSG:32633", flipped)
    found = open_imagery(path).read(LUND, FOOTPRINT_M, 256)
    error_m = positions_of_spots(found.image, FOOTPRINT_M) - np.array(SPOTS_M)
    assert np.abs(error_m).max() < 0.2


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_ground_control_points_georeference(tmp_path):
    transform = transform_around(LUND, "EPSG:32633", 0.25, 700, 20.0)
    spots = spots_seen_from(LUND, "EPSG:32633", transform, (700, 700))
    corners = [(0, 0), (0, 700), (700, 0), (700, 700), (350, 350)]
    points = [
        GroundControlPoint(row, column, *(transform * (column, row))) for row, column in corners
    ]
    bands = np.repeat((spots * 255).clip(0, 255).astype(np.uint8)[None], 3, axis=0)
    path = tmp_path / "gcps.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=700, width=700, dtype="uint8"
    ) as dataset:
        dataset.write(bands)
        dataset.gcps = (points, rasterio.CRS.from_epsg(32633))
    found = open_imagery(path).read(LUND, FOOTPRINT_M, 256)
    error_m = positions_of_spots(found.image, FOOTPRINT_M) - np.array(SPOTS_M)
    assert np.abs(error_m).max() < FOOTPRINT_M / 256


def test_fine_stripes_are_averaged_not_aliased(tmp_path):
    stripes = np.zeros((3, 2400, 2400), np.uint8)
    stripes[:, :, ::2] = 200
    transform = transform_around(LUND, "EPSG:32633", 0.05, 2400, 0.0)
    path = write_raster(tmp_path / "stripes.tif", stripes, "EPSG:32633", transform, tiled=True)
    for size in (64, 128, 300):
        found = open_imagery(path).read(LUND, FOOTPRINT_M, size)
        assert np.abs(found.image.astype(int) - 100).max() <= 12


def test_overviews_keep_position_and_colour(tmp_path):
    transform = transform_around(LUND, "EPSG:32633", 0.1, 1001, 0.0)
    spots = spots_seen_from(LUND, "EPSG:32633", transform, (1001, 1001))
    bands = np.repeat((spots * 255).clip(0, 255).astype(np.uint8)[None], 3, axis=0)
    path = write_raster(tmp_path / "with.tif", bands, "EPSG:32633", transform, tiled=True)
    without = open_imagery(path).read(LUND, FOOTPRINT_M, 96)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4, 8], Resampling.average)
    source = RasterImagery(path)
    found = source.read(LUND, FOOTPRINT_M, 96)
    error_m = positions_of_spots(found.image, FOOTPRINT_M) - np.array(SPOTS_M)
    assert np.abs(error_m).max() < 0.1
    assert np.abs(found.image.astype(int) - without.image.astype(int)).max() <= 12


def test_sixteen_bits_are_stretched_the_same_everywhere(tmp_path):
    rng = np.random.default_rng(3)
    ramp = np.linspace(400, 2000, 1200)[None, None, :] + rng.normal(0, 5, (3, 1200, 1200))
    ramp[:, 5, 5] = 65535
    transform = transform_around(LUND, "EPSG:32633", 0.5, 1200, 0.0)
    path = write_raster(tmp_path / "sixteen.tif", ramp.astype(np.uint16), "EPSG:32633", transform)
    source = open_imagery(path)
    frame = LocalFrame(LUND)
    levels = []
    for east_m in (-150.0, 0.0, 150.0):
        lon, lat = frame.to_lonlat(east_m, 0.0)
        levels.append(source.read(LonLat(float(lon), float(lat)), 40.0, 64).image.mean())
    assert levels[1] == pytest.approx(127, abs=4)
    assert levels[0] == pytest.approx(127 - 255 * 400 / (0.96 * 1600), abs=5)
    assert levels[2] == pytest.approx(127 + 255 * 400 / (0.96 * 1600), abs=5)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint32"])
def test_other_value_types_are_pictures_too(tmp_path, dtype):
    values = np.linspace(-1.0, 1.0, 400)[None, None, :] * np.ones((1, 400, 1))
    values = values * 1000 + (2000 if dtype == "uint32" else 0)
    values = values.astype(dtype)
    if dtype.startswith("float"):
        values[:, :200] = np.nan
    transform = transform_around(LUND, "EPSG:32633", 0.5, 400, 0.0)
    path = write_raster(tmp_path / "values.tif", values, "EPSG:32633", transform)
    found = open_imagery(path).read(LUND, 100.0, 100)
    assert found.image[75, 90, 0] > found.image[75, 50, 0] > found.image[75, 10, 0]
    if dtype.startswith("float"):
        assert not found.valid[:45].any()
        assert found.valid[65:].all()


def test_nodata_hides_a_pixel_only_when_every_band_has_it(tmp_path):
    bands = np.full((3, 400, 400), 90, np.uint8)
    bands[:, :200] = 0
    bands[1:, 300:] = 0
    transform = transform_around(LUND, "EPSG:32633", 0.25, 400, 0.0)
    path = write_raster(tmp_path / "nodata.tif", bands, "EPSG:32633", transform, nodata=0)
    found = open_imagery(path).read(LUND, 80.0, 80)
    assert not found.valid[:36].any()
    assert found.valid[44:].all()
    assert found.image[50, 40].tolist() == [90, 90, 90]
    assert found.image[75, 40].tolist() == [90, 0, 0]


@pytest.mark.parametrize("size", [100, 25])
def test_hidden_pixels_leak_no_colour(tmp_path, size):
    bands = np.full((4, 800, 800), 200, np.uint8)
    bands[:3, :, :400] = 0
    bands[3] = 255
    bands[3, :, :400] = 0
    transform = transform_around(LUND, "EPSG:32633", 0.125, 800, 1.0)
    path = write_raster(
        tmp_path / "rgba.tif", bands, "EPSG:32633", transform, photometric="RGB", alpha="YES"
    )
    found = open_imagery(path).read(LUND, 80.0, size)
    assert 0.45 < found.valid.mean() < 0.55
    assert found.image[found.valid].min() >= 195
    assert found.image[~found.valid].max() == 0


@pytest.mark.parametrize(
    ("interpretation", "values", "expected"),
    [
        ((ColorInterp.gray,), (70,), (70, 70, 70)),
        ((ColorInterp.gray, ColorInterp.alpha), (70, 255), (70, 70, 70)),
        ((ColorInterp.red, ColorInterp.green, ColorInterp.blue), (10, 80, 150), (10, 80, 150)),
        (
            (ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.undefined),
            (10, 80, 150, 222),
            (150, 80, 10),
        ),
        (
            (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha),
            (10, 80, 150, 255),
            (10, 80, 150),
        ),
    ],
)
def test_one_to_four_bands_become_rgb(tmp_path, interpretation, values, expected):
    bands = np.ones((len(values), 200, 200), np.uint8) * np.array(values, np.uint8)[:, None, None]
    transform = transform_around(LUND, "EPSG:32633", 0.5, 200, 0.0)
    path = write_raster(tmp_path / "bands.tif", bands, "EPSG:32633", transform)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = interpretation
    found = open_imagery(path).read(LUND, 60.0, 60)
    assert found.valid.all()
    assert np.abs(found.image.astype(int) - np.array(expected)).max() <= 1


def test_palette_is_expanded_before_interpolation(tmp_path):
    index = np.zeros((1, 200, 200), np.uint8)
    index[:, :, 100:] = 2
    transform = transform_around(LUND, "EPSG:32633", 0.5, 200, 0.0)
    path = write_raster(tmp_path / "palette.tif", index, "EPSG:32633", transform)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {0: (250, 0, 0, 255), 1: (0, 250, 0, 255), 2: (0, 0, 250, 255)})
    found = open_imagery(path).read(LUND, 60.0, 120)
    assert found.image[60, 10].tolist() == [250, 0, 0]
    assert found.image[60, 110].tolist() == [0, 0, 250]
    assert found.image[..., 1].max() == 0


def test_edges_are_masked_and_places_off_the_raster_have_no_image(tmp_path):
    bands = np.full((3, 400, 400), 120, np.uint8)
    transform = transform_around(LUND, "EPSG:32633", 0.25, 400, 0.0)
    source = open_imagery(write_raster(tmp_path / "edge.tif", bands, "EPSG:32633", transform))
    frame = LocalFrame(LUND)

    def at(east_m: float, north_m: float):
        lon, lat = frame.to_lonlat(east_m, north_m)
        return source.read(LonLat(float(lon), float(lat)), 40.0, 80)

    on_edge = at(50.0, 0.0)
    assert on_edge.valid[:, :35].all()
    assert not on_edge.valid[:, 45:].any()
    assert on_edge.image[40, 10].tolist() == [120, 120, 120]
    assert on_edge.image[40, 70].tolist() == [0, 0, 0]
    assert 0.2 < at(50.0, 50.0).valid.mean() < 0.3
    assert at(68.0, 0.0) is None
    assert at(5000.0, 0.0) is None
    assert source.read(LonLat(-70.0, -33.0), 40.0, 80) is None


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("plain", "coordinate reference system"), ("placed", "coordinate reference system")],
)
def test_raster_without_crs_is_refused_by_name(tmp_path, name, meaning):
    transform = Affine.identity() if name == "plain" else Affine(0.5, 0, 4e5, 0, -0.5, 6e6)
    bands = np.zeros((3, 50, 50), np.uint8)
    path = write_raster(tmp_path / f"{name}.tif", bands, None, transform)
    with pytest.raises(ImageryError, match=rf"{name}\.tif.*{meaning}.*Assign"):
        open_imagery(path)


def test_unusable_files_are_refused_by_name(tmp_path):
    with pytest.raises(ImageryError, match=r"absent\.tif"):
        open_imagery(tmp_path / "absent.tif")
    text = tmp_path / "text.tif"
    text.write_text("no raster")
    with pytest.raises(ImageryError, match=r"text\.tif.*cannot be opened"):
        open_imagery(text)
    with pytest.raises(ImageryError, match=r"text\.tif"):
        open_imagery(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageryError, match="no tiles"):
        open_imagery(tmp_path / "empty")


def test_damaged_pixels_are_an_imagery_error(tmp_path):
    rng = np.random.default_rng(0)
    bands = rng.integers(0, 255, (3, 512, 512), dtype=np.uint8)
    transform = transform_around(LUND, "EPSG:32633", 0.25, 512, 0.0)
    path = write_raster(
        tmp_path / "cut.tif", bands, "EPSG:32633", transform, tiled=True, compress="deflate"
    )
    with rasterio.open(path) as dataset:
        assert dataset.profile["tiled"]
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle - 150_000 : middle + 150_000] = bytes(300_000)
    path.write_bytes(data)
    with pytest.raises(ImageryError, match=r"cut\.tif.*damaged"):
        RasterImagery(path).read(LUND, 80.0, 128)


def test_one_source_serves_several_threads(tmp_path):
    rng = np.random.default_rng(1)
    bands = rng.integers(0, 255, (3, 600, 600), dtype=np.uint8)
    transform = transform_around(LUND, "EPSG:32633", 0.25, 600, 0.0)
    source = open_imagery(write_raster(tmp_path / "noise.tif", bands, "EPSG:32633", transform))
    expected = source.read(LUND, 60.0, 64).image
    wrong = []

    def read_often() -> None:
        for _ in range(20):
            if not np.array_equal(source.read(LUND, 60.0, 64).image, expected):
                wrong.append(1)

    threads = [threading.Thread(target=read_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


REAL_RASTERS = (
    "cog_rgb.tif",
    "cog_rgb_mask.tif",
    "cog_rgba.tif",
    "pix4d_alpha_nodata.tif",
    "sample_geotiff.tif",
)


@pytest.mark.parametrize("name", REAL_RASTERS)
def test_real_raster_agrees_with_gdal(shared_data, name):
    """Compare with GDAL's own warp into the same tangent plane."""
    path = shared_data / "rasters" / name
    with rasterio.open(path) as dataset:
        lon, lat = dataset.lnglat()
        place = LonLat(lon, lat)
        plane = f"+proj=aeqd +lon_0={lon} +lat_0={lat} +datum=WGS84 +units=m"
        size, footprint_m = 160, 24.0
        pixel = footprint_m / size
        target = Affine(pixel, 0, -footprint_m / 2, 0, -pixel, footprint_m / 2)
        with rasterio.vrt.WarpedVRT(
            dataset, crs=plane, transform=target, width=size, height=size, resampling=1
        ) as warped:
            reference = warped.read(list(range(1, min(3, dataset.count) + 1))).astype(float)
            inside = warped.dataset_mask() == 255
    found = open_imagery(path).read(place, footprint_m, size)
    assert found is not None
    assert (found.valid == inside).mean() > 0.97
    both = found.valid & inside
    ours = found.image[both].astype(float)
    theirs = np.moveaxis(reference, 0, -1)[both]
    for band in range(theirs.shape[1]):
        assert np.corrcoef(ours[:, band], theirs[:, band])[0, 1] > 0.99


def test_real_masks_hide_what_they_should(shared_data):
    folder = shared_data / "rasters"
    for name in ("cog_rgba.tif", "pix4d_alpha_nodata.tif"):
        source = open_imagery(folder / name)
        with rasterio.open(folder / name) as dataset:
            lon, lat = dataset.lnglat()
            width_m = max(dataset.width * dataset.res[0], dataset.height * dataset.res[1])
            share = (dataset.dataset_mask() > 0).mean()
        found = source.read(LonLat(lon, lat), 1.02 * width_m, 256)
        assert found.image[~found.valid].max() == 0
        area = dataset.width * dataset.res[0] * dataset.height * dataset.res[1]
        assert found.valid.mean() == pytest.approx(share * area / (1.02 * width_m) ** 2, rel=0.04)
