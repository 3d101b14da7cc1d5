"""Packs of local imagery: only what the area needs, and read there as the source is read."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyproj
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.windows import Window
from servers.base import Answer, LoopbackServer, Recorded

from model_core.bundle import default_bundle_path, load_bundle
from model_core.config import LocateConfig, StripGeometry
from model_core.errors import Cancelled, ImageryError, InputError
from model_core.references.imagery import open_imagery
from model_core.references.imagery.base import ImagerySource
from model_core.references.pack import Pack, read_pack, write_pack
from model_core.references.survey import Sources, Survey, survey_area
from model_core.references.terms import terms_path, write_terms
from model_core.scene import describe_gallery
from model_core.types import LonLat, Progress, SourceTerms, ignore_progress, never_cancelled

CRS, EAST, NORTH = "EPSG:32633", 500_000.0, 5_338_700.0
TO_LONLAT = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
WIDTH, HEIGHT, PIXEL_M = 2803, 2605, 0.15
SHOWN_M = 100.0
READS = ((80.0, 256), (SHOWN_M, 500), (50.0, 335), (80.0, 64))
"""Footprints and sizes of images: the packaged model's, a comparison's, others' levels."""

RED, GREEN, BLUE = ColorInterp.red, ColorInterp.green, ColorInterp.blue
GREY, ALPHA, OTHER = ColorInterp.gray, ColorInterp.alpha, ColorInterp.undefined
KINDS: dict[str, dict[str, Any]] = {
    "grey": {"bands": (GREY,)},
    "grey, no overviews": {"bands": (GREY,), "overviews": ()},
    "grey and alpha": {"bands": (GREY, ALPHA)},
    "colours": {"bands": (RED, GREEN, BLUE)},
    "colours, masked, no overviews": {
        "bands": (RED, GREEN, BLUE),
        "masked": True,
        "overviews": (),
    },
    "colours turned": {"bands": (RED, GREEN, BLUE), "turn_deg": 20.0},
    "colours, masked": {"bands": (RED, GREEN, BLUE), "masked": True},
    "colours, nodata": {"bands": (RED, GREEN, BLUE), "nodata": 0},
    "colours and alpha": {"bands": (RED, GREEN, BLUE, ALPHA)},
    "colours and infrared": {"bands": (RED, GREEN, BLUE, OTHER)},
    "blue first, 16 bits": {"bands": (BLUE, GREEN, RED, OTHER), "dtype": "uint16"},
    "16 bits, no overviews": {"bands": (GREY,), "dtype": "uint16", "overviews": ()},
    "16 bits, nodata": {"bands": (GREY,), "dtype": "uint16", "nodata": 65535},
    "floating": {"bands": (GREY,), "dtype": "float32"},
    "floating, nodata": {"bands": (GREY,), "dtype": "float32", "nodata": float("nan")},
    "palette": {"bands": (ColorInterp.palette,)},
    "JPEG": {
        "bands": (RED, GREEN, BLUE),
        "compress": "jpeg",
        "photometric": "ycbcr",
        "jpeg_quality": 100,
        "shape": (4003, 4005),
    },
    "a point a pixel": {"bands": (RED, GREEN, BLUE), "tags": {"AREA_OR_POINT": "Point"}},
}


def write_raster(
    path: Path,
    bands: tuple[ColorInterp, ...] = (RED, GREEN, BLUE),
    *,
    east_m: float = 0.0,
    north_m: float = 0.0,
    shape: tuple[int, int] = (HEIGHT, WIDTH),
    turn_deg: float = 0.0,
    masked: bool = False,
    overviews: tuple[int, ...] = (2, 4, 8),
    tags: dict[str, str] | None = None,
    seed: int = 3,
    **options: Any,
) -> Path:
    """Write smooth noise around the middle, with holes in what masks, alpha and nodata hide."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(options.setdefault("dtype", "uint8"))
    most = 1.0 if dtype.kind == "f" else min(float(np.iinfo(dtype).max), 4000.0)
    rows, columns = shape
    coarse = rng.random((rows // 3 + 1, columns // 3 + 1, len(bands))).astype(np.float32)
    noise = np.atleast_3d(cv2.resize(coarse, (columns, rows)))
    values = np.moveaxis((1.0 + noise * (most - 2.0)).astype(dtype), 2, 0).copy()
    hole = np.zeros(shape, bool)
    hole[rows // 2 - 90 : rows // 2 + 30, columns // 2 : columns // 2 + 110] = True
    if options.get("nodata") is not None:
        values[:, hole] = options["nodata"]
    if ALPHA in bands:
        values[bands.index(ALPHA)] = np.where(hole, 0, 255)
    transform = (
        Affine.translation(EAST + east_m, NORTH + north_m)
        @ Affine.rotation(turn_deg)
        @ Affine.scale(PIXEL_M, -PIXEL_M)
        @ Affine.translation(-columns / 2, -rows / 2)
    )
    rgb = bands[:3] == (RED, GREEN, BLUE)
    is_palette = bands == (ColorInterp.palette,)
    options.setdefault("photometric", "palette" if is_palette else "rgb" if rgb else "minisblack")
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=columns,
            height=rows,
            count=len(bands),
            crs=CRS,
            transform=transform,
            tiled=True,
            **options,
        ) as out,
    ):
        if is_palette:
            out.write_colormap(1, {i: (i, 255 - i, i // 2, 255) for i in range(256)})
        out.colorinterp = bands
        out.update_tags(**(tags or {}))
        out.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2023-05-06T10:00:00")
        out.write(values)
        if masked:
            out.write_mask(~hole)
        if overviews:
            out.build_overviews(overviews, Resampling.nearest if is_palette else Resampling.cubic)
    return path


def lonlat(east_m: float, north_m: float) -> LonLat:
    return LonLat(*TO_LONLAT.transform(EAST + east_m, NORTH + north_m))


def area_around(east_m: float = 0.0, north_m: float = 0.0, half_m: float = 25.0) -> str:
    low = lonlat(east_m - half_m, north_m - half_m)
    high = lonlat(east_m + half_m, north_m + half_m)
    return f"{low.lon!r},{low.lat!r},{high.lon!r},{high.lat!r}"


def places_of(survey: Survey) -> list[LonLat]:
    """Return a place of the survey and the corners, edges and middle of its area."""
    west, south, east, north = survey.area.geometry.bounds
    lon, lat = (west, (west + east) / 2, east), (south, (south + north) / 2, north)
    return [survey.places[0].lonlat, *(LonLat(x, y) for x in lon for y in lat)]


def survey_of(imagery: str | Path, area: str) -> Survey:
    return survey_area(area, Sources(imagery=str(imagery)), LocateConfig())


def write(survey: Survey, folder: Path, shown_m: float = SHOWN_M) -> Pack:
    return write_pack(
        survey, folder, StripGeometry(), ignore_progress, never_cancelled, shown_m=shown_m
    )


def assert_reads_the_same(
    survey: Survey, pack: Pack, reads: tuple[tuple[float, int], ...] = READS
) -> None:
    packed = survey_area(AREA, Sources(pack=pack.folder), LocateConfig()).imagery
    assert packed is not None
    assert survey.imagery is not None
    shown = 0
    for place in places_of(survey):
        for footprint_m, size_px in reads:
            source = survey.imagery.read(place, footprint_m, size_px)
            copy = packed.read(place, footprint_m, size_px)
            if source is None or copy is None:
                assert source is copy
                continue
            shown += 1
            assert np.array_equal(source.image, copy.image)
            assert np.array_equal(source.valid, copy.valid)
            assert source.captured_at == copy.captured_at
    assert shown > 0


AREA = area_around()


def size_of(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(one.stat().st_size for one in files if one.is_file())


@pytest.mark.parametrize("kind", KINDS)
def test_the_part_that_an_area_needs_reads_like_the_raster(tmp_path: Path, kind: str) -> None:
    source = write_raster(tmp_path / "city.tif", **KINDS[kind])
    survey = survey_of(source, AREA)
    pack = write(survey, tmp_path / "pack")
    copy = pack.files["imagery"]
    assert copy.name == "city.tif"
    assert size_of(pack.folder) < size_of(source)
    assert_reads_the_same(survey, pack)
    with rasterio.open(source) as before, rasterio.open(copy) as after:
        for name in ("count", "dtypes", "crs", "transform", "shape", "colorinterp"):
            assert getattr(after, name) == getattr(before, name), name
        assert repr(after.nodata) == repr(before.nodata)
        assert after.overviews(1) == before.overviews(1)
        middle = Window(before.width // 2 - 150, before.height // 2 - 150, 300, 300)
        values = [one.read(window=middle) for one in (before, after)]
        assert np.array_equal(*values, equal_nan=values[0].dtype.kind == "f")
        masks = [one.read_masks(1, window=middle) >= 128 for one in (before, after)]
        assert np.array_equal(*masks)
    outside = open_imagery(copy).read(lonlat(-170.0, -150.0), 20.0, 128)
    assert outside is None, "what is not in the pack is not shown as black ground"


def test_a_pack_of_a_large_raster_is_small(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif", (GREY,), shape=(9_001, 9_007))
    survey = survey_of(source, AREA)
    pack = write(survey, tmp_path / "pack")
    assert size_of(pack.folder) < 0.06 * size_of(source)
    assert_reads_the_same(survey, pack)


def test_a_gallery_made_of_a_pack_serves_wherever_the_pack_goes(tmp_path: Path) -> None:
    model = load_bundle(default_bundle_path())
    write(survey_of(write_raster(tmp_path / "city.tif"), AREA), tmp_path / "pack")

    def fingerprint(folder: Path) -> str:
        survey = survey_area(AREA, Sources(pack=folder), LocateConfig())
        return describe_gallery(survey, None, model, LocateConfig()).fingerprint

    prepared = fingerprint(tmp_path / "pack")
    copied = shutil.copytree(tmp_path / "pack", tmp_path / "copy", copy_function=shutil.copyfile)
    os.utime(copied / "imagery" / "city.tif", (1e9, 1e9))
    assert fingerprint(copied) == prepared, "a stick keeps no times of change"
    shutil.move(tmp_path / "pack", tmp_path / "elsewhere")
    (tmp_path / "city.tif").unlink()
    assert fingerprint(tmp_path / "elsewhere") == prepared


class AboutOneGrey(LoopbackServer):
    """Serves noise around one grey, other noise for each tile."""

    def __init__(self, grey: int, ending: str) -> None:
        super().__init__()
        self.grey, self.ending = grey, ending

    def answer(self, request: Recorded) -> Answer:
        chance = np.random.default_rng(zlib.crc32(request.path.encode()))
        noise = chance.integers(self.grey - 9, self.grey + 10, (256, 256, 3), np.uint8)
        return Answer(cv2.imencode(self.ending, noise)[1].tobytes(), content_type="image/x")


def test_online_imagery_fetched_again_takes_the_place_of_the_earlier_one(
    tmp_path: Path, serve: Callable[[Any], Any]
) -> None:
    place = places_of(survey_of(write_raster(tmp_path / "city.tif"), AREA))[0]
    for grey, ending, options in (
        (40, ".png", "max_zoom=20|offset_east_m=9"),
        (200, ".jpg", "max_zoom=19"),
    ):
        url = serve(AboutOneGrey(grey, ending)).url
        text = f"xyz|url={url}/{{z}}/{{x}}/{{y}}|{options}|licence=CC BY 4.0"
        pack = write(survey_of(text, AREA), tmp_path / "pack")
        imagery = survey_area(AREA, Sources(pack=pack.folder), LocateConfig()).imagery
        assert imagery is not None
        shown = imagery.read(place, 40.0, 128)
        assert shown is not None
        assert shown.image.mean() == pytest.approx(grey, abs=3.0)
    files = [path for path in (pack.folder / "imagery").rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix == ".png" or path.name == "offset.json"]
    assert {path.parts[-3] for path in files if path.suffix in (".jpg", ".jpeg")} == {"19"}
    assert not list(pack.folder.glob(".*"))


def test_a_raster_that_the_area_fills_is_copied_as_it_is(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif", compress="deflate")
    survey = survey_of(source, area_around(half_m=150.0))
    pack = write(survey, tmp_path / "pack")
    assert pack.files["imagery"].read_bytes() == source.read_bytes()


def test_a_pack_brought_up_to_date_holds_the_ground_of_its_new_area(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif", compress="deflate")
    first = write(survey_of(source, AREA), tmp_path / "pack")
    for area in (area_around(half_m=60.0), area_around(-90.0, 80.0)):
        survey = survey_of(source, area)
        assert_reads_the_same(survey, write(survey, first.folder))
    whole = survey_of(source, area_around(half_m=190.0))
    assert_reads_the_same(whole, write(whole, first.folder))
    copies = sorted(path.name for path in (first.folder / "imagery").iterdir())
    assert copies == ["city.tif"], "overviews of the earlier part are gone"


def test_area_across_the_edge_of_a_raster(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif")
    survey = survey_of(source, area_around(WIDTH * PIXEL_M / 2, 40.0))
    assert_reads_the_same(survey, write(survey, tmp_path / "pack"))


def test_a_raster_elsewhere_is_refused_by_name(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif")
    with pytest.raises(ImageryError, match=r"city\.tif: shows nothing of the area.*choose"):
        write(survey_of(source, area_around(900.0, 0.0)), tmp_path / "pack")


def test_terms_and_an_offset_go_with_a_part(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif")
    terms = SourceTerms("City", "CC BY-NC 4.0", "(c) City", trainable=False)
    write_terms(terms_path(source), terms)
    survey = survey_of(f"{source}|offset_east_m=120|offset_north_m=-100", AREA)
    pack = write(survey, tmp_path / "pack", shown_m=0.0)
    assert size_of(pack.folder) < 0.5 * size_of(source)
    packed = survey_area(AREA, Sources(pack=pack.folder), LocateConfig())
    assert packed.terms == (terms,)
    assert_reads_the_same(survey, pack, READS[:1])


def test_rasters_that_overlap_stay_on_top_of_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "ortho"
    folder.mkdir()
    write_raster(folder / "1.tif", east_m=WIDTH * PIXEL_M / 2, seed=1)
    write_raster(folder / "1.east.tif", north_m=HEIGHT * PIXEL_M / 2, masked=True, seed=2)
    write_raster(folder / "2.tif", east_m=-30.0, seed=4)
    write_raster(folder / "3.tif", east_m=2000.0, seed=5)
    (folder / "3.tif.aux.xml").write_text("<PAMDataset/>")
    (folder / "read me.txt").write_text("flown in May")
    write_terms(terms_path(folder / "2.tif"), SourceTerms("City", attribution="(c) City"))
    survey = survey_of(folder, AREA)
    pack = write(survey, tmp_path / "pack")
    assert_reads_the_same(survey, pack)
    copied = {path.name for path in pack.files["imagery"].iterdir() if ".ovr" not in path.name}
    rasters = {"1.tif", "1.east.tif", "2.tif"}
    assert copied == rasters | {f"{name}.terms.json" for name in rasters} | {"read me.txt"}
    assert size_of(pack.folder) < 0.6 * size_of(folder)


def test_a_virtual_raster_among_others_is_packed_with_its_pixels(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "ortho", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    write_raster(folder / "1.tif", east_m=WIDTH * PIXEL_M / 2, seed=1)
    write_raster(folder / "2.tif", east_m=WIDTH * PIXEL_M / 2, north_m=9.0, seed=2)
    for name, east_m in (("2", 0.0), ("3", 900.0)):
        pointed = write_raster(elsewhere / f"{name}.tif", east_m=east_m, overviews=())
        rasterio.shutil.copy(pointed, folder / f"{name}.vrt", driver="VRT")
    survey = survey_of(folder, AREA)
    assert survey.imagery is not None
    before = {place: survey.imagery.read(place, 80.0, 256) for place in places_of(survey)}
    pack = write(survey, tmp_path / "pack")
    shutil.rmtree(elsewhere)
    assert not list(pack.files["imagery"].glob("*.vrt"))
    packed = open_imagery(pack.files["imagery"])
    for place, image in before.items():
        copy = packed.read(place, 80.0, 256)
        assert copy is not None
        assert image is not None
        assert np.array_equal(copy.image, image.image)


def test_of_a_folder_of_tiles_those_on_the_ground_are_packed(tmp_path: Path) -> None:
    folder, rng = tmp_path / "tiles", np.random.default_rng(5)
    at = lonlat(0.0, 0.0)
    finest = {19: 20, 20: 24}
    for zoom, reach in ((15, 1), (18, 8), *finest.items()):
        x = int((at.lon + 180) / 360 * 2**zoom)
        latitude = np.radians(at.lat)
        y = int((1 - np.arcsinh(np.tan(latitude)) / np.pi) / 2 * 2**zoom)
        for column in range(x - reach, x + reach + 1):
            (folder / str(zoom) / str(column)).mkdir(parents=True)
            for row in range(y - reach, y + reach + 1):
                if zoom == 20 and column > x:
                    continue  # there only coarser tiles show the ground
                tile = cv2.resize(rng.integers(0, 255, (16, 16, 3), np.uint8), (256, 256))
                path = folder / str(zoom) / str(column) / f"{row}.jpg"
                path.write_bytes(cv2.imencode(".jpg", tile)[1].tobytes())
    (folder / "21" / "0").mkdir(parents=True)
    shutil.copy(path, folder / "21" / "0" / "0.jpg")
    write_terms(terms_path(folder), SourceTerms("Tiles", "CC BY 4.0"))
    survey = survey_of(folder, AREA)
    pack = write(survey, tmp_path / "pack")
    assert size_of(pack.files["imagery"]) < 0.3 * size_of(folder)
    assert_reads_the_same(survey, pack, (*READS, (20.0, 256)))
    assert open_imagery(pack.files["imagery"]).terms == SourceTerms("Tiles", "CC BY 4.0")


def test_writing_a_part_is_told_and_can_be_stopped(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif")
    survey, folder = survey_of(source, AREA), tmp_path / "pack"
    told: list[Progress] = []
    with pytest.raises(Cancelled):
        write_pack(survey, folder, StripGeometry(), told.append, lambda: len(told) > 4)
    assert not (folder / "imagery" / "city.tif").exists()
    assert not list((folder / "imagery").glob(".*")), "nothing half written is left"
    with pytest.raises(InputError, match="no finished reference pack"):
        read_pack(folder)
    told.clear()
    write_pack(survey, folder, StripGeometry(), told.append, never_cancelled)
    counted = [one for one in told if one.stage == "fetch imagery"]
    assert [one.done for one in counted] == list(range(counted[-1].total + 1))
    assert {one.message for one in counted} == {"city.tif"}


def test_an_earlier_part_stays_whole_while_it_is_brought_up_to_date(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif")
    survey = survey_of(source, AREA)
    pack = write(survey, tmp_path / "pack")
    told: list[Progress] = []
    with pytest.raises(Cancelled):
        write_pack(survey, pack.folder, StripGeometry(), told.append, lambda: len(told) > 12)
    assert_reads_the_same(survey, pack)


def test_damaged_pixels_cost_themselves_and_are_counted(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "city.tif", compress="deflate", overviews=())
    with rasterio.open(source) as dataset:
        row, column = dataset.height // 2 // 256, dataset.width // 2 // 256
        offset = int(dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1))
    with source.open("r+b") as stream:
        stream.seek(offset)
        stream.write(os.urandom(200))
    survey = survey_of(source, AREA)
    pack = write(survey, tmp_path / "pack")
    assert pack.counts["failed"] >= 1
    assert "seems damaged" in pack.notes[0]
    packed: ImagerySource = open_imagery(pack.files["imagery"])
    assert packed.read(lonlat(50.0, 0.0), 40.0, 64) is not None
