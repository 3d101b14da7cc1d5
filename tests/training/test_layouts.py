"""Published sets read as they lie on disk: small made trees, and real pairs in their place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from model_core.config import ModelConfig, StripGeometry
from model_core.errors import InputError
from training.datasets.layouts import cvact, cvusa, msgd, vigor
from training.datasets.layouts.frames import CropsFrame, PanoramaFrame, PhotoFrame, local_xy
from training.datasets.layouts.index import crop_satellite
from training.datasets.load import load_apart, load_places
from training.datasets.places import PlaceSet
from training.evaluation.options import EvaluateOptions
from training.evaluation.test_set import OWN_LIST, load_test_set

CONFIG = ModelConfig(geometry=StripGeometry(height=16, width=64, footprint_m=50.0), width_stride=4)
GEOMETRY = CONFIG.geometry
Write = Callable[[Path, np.ndarray], None]


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1])


def noise(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 256, (height, width, 3), np.uint8)


def compass(height: int, width: int, center_deg: float = 0.0) -> np.ndarray:
    """A panorama whose red is the azimuth's cosine and whose green is its sine."""
    azimuth = np.radians(center_deg + ((np.arange(width) + 0.5) / width - 0.5) * 360.0)
    pixels = np.stack([np.cos(azimuth), np.sin(azimuth), 0 * azimuth], axis=-1)
    return np.broadcast_to((127 + 120 * pixels).astype(np.uint8), (height, width, 3)).copy()


def looks_deg(strip: np.ndarray) -> np.ndarray:
    """Azimuths (W,) that the columns of a strip of ``compass`` show."""
    row = strip[strip.shape[0] // 2].astype(float) - 127
    return np.degrees(np.arctan2(row[:, 1], row[:, 0])) % 360


def off_deg(strip: np.ndarray) -> float:
    columns = (np.arange(strip.shape[1]) + 0.5) * 360 / strip.shape[1]
    return float(np.abs((looks_deg(strip) - columns + 180) % 360 - 180).max())


# Frames.


def test_north_comes_to_column_0_from_the_centre_of_a_panorama() -> None:
    strip = PanoramaFrame().strip(compass(128, 256), GEOMETRY)
    assert off_deg(strip.pixels) < 4.0
    turned = PanoramaFrame(heading_at_center_deg=70.0).strip(compass(128, 256, 70.0), GEOMETRY)
    assert off_deg(turned.pixels) < 4.0


def test_rows_that_a_cropped_panorama_lacks_are_masked() -> None:
    frame = PanoramaFrame(horizon_row=0.585)
    below, above = -27.2, 38.3  # of 224 rows of 360 / 1232 degrees, the horizon at 0.585 of them
    strip = frame.strip(noise(224, 1232, 0), GEOMETRY)
    elevation = GEOMETRY.elevation_max_deg - (np.arange(16) + 0.5) * 70 / 16
    inside = (elevation - 70 / 32 >= below) & (elevation + 70 / 32 <= above)
    assert np.array_equal(strip.mask.any(axis=1), inside)
    assert not strip.pixels[~inside].any()
    assert strip.pixels[inside].any(axis=2).all()


def test_the_horizon_of_a_cropped_panorama_stays_where_it_is() -> None:
    image = np.full((224, 1232, 3), 40, np.uint8)
    image[131:] = 200
    strip = PanoramaFrame(horizon_row=0.585).strip(image, GEOMETRY)
    first_below = GEOMETRY.elevation_max_deg / (70 / 16)
    assert (strip.pixels[int(first_below) + 1, :, 0] > 180).all()
    assert (strip.pixels[int(first_below) - 1, :, 0] < 60).all()


def test_four_photos_side_by_side_come_to_their_headings() -> None:
    colors = np.array([(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)], np.uint8)
    image = np.repeat(colors, 128, axis=0)[None].repeat(128, axis=0)
    strip = CropsFrame().strip(image, GEOMETRY)
    middle = strip.pixels[8]
    for heading, color in zip((0, 90, 180, 270), colors, strict=True):
        assert np.abs(middle[heading * 64 // 360].astype(int) - color).max() < 10
    assert strip.mask[8].all(), "photos at right angles close the circle"
    assert not strip.mask[0].any(), "the middle half of a photo reaches 27 degrees up"


def test_a_photo_of_unknown_heading_begins_at_column_0() -> None:
    strip = PhotoFrame(65.0).strip(noise(128, 170, 1), GEOMETRY)
    seen = strip.mask.any(axis=0)
    assert seen.sum() == pytest.approx(65 / 360 * 64, abs=1)
    assert seen[0]
    assert not seen[13:].any()


def test_metres_agree_with_a_projection() -> None:
    from model_core.references.area import LocalFrame
    from model_core.types import LonLat

    lon, lat = np.array([-122.3, -122.45]), np.array([47.62, 47.5])
    expected = np.stack(LocalFrame(LonLat(-122.4, 47.6)).to_xy(lon, lat), axis=1)
    assert np.allclose(local_xy(lon, lat, (-122.4, 47.6)), expected, atol=15.0)
    assert np.allclose(
        local_xy(lon[:1] * 0 - 122.3996, lat[:1] * 0 + 47.6004, (-122.4, 47.6)),
        np.stack(LocalFrame(LonLat(-122.4, 47.6)).to_xy(-122.3996, 47.6004)),
        atol=0.01,
    )


def test_a_crop_keeps_the_centre_and_is_black_beyond_the_image() -> None:
    image = np.full((100, 100, 3), 80, np.uint8)
    image[48:52, 48:52] = 255
    near = crop_satellite(image, footprint_m=100.0, reach_m=50.0)
    far = crop_satellite(image, footprint_m=100.0, reach_m=200.0)
    assert near.shape == far.shape == (160, 160, 3)
    assert near[80, 80].min() > 200
    assert far[80, 80].min() > 200
    assert near[0, 0].min() > 60
    assert far[:38].max() == 0


# VIGOR.


def vigor_tree(folder: Path) -> None:
    """One city: two images, three panoramas, one of them not downloaded."""
    lat, lon = 41.877972, -87.689435
    one, two = f"satellite_{lat}_{lon}.png", f"satellite_{lat}_{lon + 0.00044}.png"
    lines = []
    for name, north, east, own in (
        ("a", -0.00002, 0.00004, one),
        ("b", 0.00006, 0.0, one),
        ("c", 0.0, 0.00044, two),
    ):
        pano = f"{name},{lat + north:.6f},{lon + east:.6f},.jpg"
        others = " ".join(f"{other} 1.0 2.0" for other in (two, one, two))
        lines.append(f"{pano} {own} 23.0 -29.0 {others}")
        if name != "c":
            write(folder / "Chicago" / "panorama" / pano, compass(128, 256))
    splits = folder / "splits" / "Chicago"
    splits.mkdir(parents=True)
    (splits / "satellite_list.txt").write_text(f"{one}\n{two}\n")
    (splits / "same_area_balanced_train.txt").write_text("\n".join(lines) + "\n")
    for image in (one, two):
        write(folder / "Chicago" / "satellite" / image, noise(64, 64, 4))


def test_vigor_gives_a_place_for_each_image_and_says_what_is_missing(tmp_path: Path) -> None:
    vigor_tree(tmp_path)
    said: list[str] = []
    places = load_places(tmp_path, CONFIG, say=said.append)
    assert len(places) == 1
    assert places.query.shape[1] == 2
    assert places.photo_there.all()
    assert places.heading_known.all()
    assert off_deg(places.query[0, 0]) < 4.0
    assert not places.street_seen.any()
    # Panorama a lies 2.2 m south and 3.3 m east of the image's centre.
    assert places.query_offset_m[0, 0].tolist() == pytest.approx([3.3, -2.2], abs=0.1)
    assert places.query_offset_m[0, 1].tolist() == pytest.approx([0.0, 6.7], abs=0.1)
    text = "\n".join(said)
    assert "1 files missing" in text
    assert "c,41.87" in text
    assert "north" in text
    assert "academic" in text
    index = vigor.read_index(tmp_path)
    assert index.entries[0].footprint_m == pytest.approx(640 * 0.111, rel=0.01)
    assert index.part("test").entries == ()


def test_vigor_lists_that_are_damaged_are_refused(tmp_path: Path) -> None:
    vigor_tree(tmp_path)
    path = tmp_path / "splits" / "Chicago" / "same_area_balanced_train.txt"
    path.write_text("a,1.0,2.0,.jpg satellite_1_2.png 3 4\n")
    with pytest.raises(InputError, match="line 1 has 4 words"):
        vigor.read_index(tmp_path)
    path.write_text("a,x,y,.jpg" + " satellite_1_2.png 1.0 2.0" * 4 + "\n")
    with pytest.raises(InputError, match="latitude"):
        vigor.read_index(tmp_path)


# CVUSA.


def cvusa_tree(folder: Path, count: int = 3) -> None:
    lines = []
    for number in range(1, count + 1):
        satellite, panorama = f"bingmap/19/{number:07}.jpg", f"streetview/panos/{number:07}.jpg"
        write(folder / satellite, noise(50, 50, number))
        write(folder / panorama, noise(56, 308, number))
        lines.append(f"{satellite},{panorama},streetview/annotations/{number:07}.png")
    (folder / "splits").mkdir()
    (folder / "splits" / "train-19zl.csv").write_text("\n".join(lines[:-1]) + "\n")
    (folder / "splits" / "val-19zl.csv").write_text(lines[-1] + "\n")


def test_cvusa_is_read_by_its_lists(tmp_path: Path) -> None:
    cvusa_tree(tmp_path)
    (tmp_path / "streetview" / "panos" / "0000002.jpg").write_bytes(b"no picture")
    said: list[str] = []
    places = load_places(tmp_path, CONFIG, say=said.append)
    assert len(places) == 2
    assert any("1 files damaged" in line and "0000002" in line for line in said)
    assert len(load_places(tmp_path, CONFIG, "test", said.append)) == 1
    away = np.hypot(*(places.place_xy[0] - places.place_xy[1]))
    assert away > 500.0, "without positions no two places are neighbours"


def pictures(places: PlaceSet) -> set[bytes]:
    return {image.tobytes() for image in places.satellite}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CVUSA with eleven places to train on and one to test on."""
    folder = tmp_path_factory.mktemp("cvusa")
    cvusa_tree(folder, 12)
    return folder


def test_a_set_without_a_list_to_validate_by_is_trained_and_watched_by_its_own(
    listed: Path,
) -> None:
    tested = load_places(listed, CONFIG, "test", say=lambda _: None)
    train, watched = load_apart(listed, listed, CONFIG, say=lambda _: None)
    assert len(train) + len(watched) == 11
    assert len(watched) == 2
    assert not pictures(train) & pictures(watched)
    assert not (pictures(train) | pictures(watched)) & pictures(tested)


def test_what_a_set_tests_on_is_not_learned_beside_another_folder(
    listed: Path, tmp_path: Path
) -> None:
    cvusa_tree(tmp_path)
    train, watched = load_apart(listed, tmp_path, CONFIG, say=lambda _: None)
    assert len(train) == 11
    assert not pictures(train) & pictures(load_places(listed, CONFIG, "test", lambda _: None))
    tested = load_places(tmp_path, CONFIG, "test", lambda _: None)
    assert len(watched) == 2, "all but what that folder tests on"
    assert not pictures(watched) & pictures(tested)


@pytest.mark.parametrize("protocol", ["cross", "same"])
def test_a_set_is_tested_by_its_own_list(listed: Path, protocol: Literal["cross", "same"]) -> None:
    test = load_test_set(listed, CONFIG, EvaluateOptions(protocol=protocol))
    expected = pictures(load_places(listed, CONFIG, "test", lambda _: None))
    assert pictures(test.places) == expected
    assert test.protocol == OWN_LIST


def test_cvusa_places_have_positions_where_the_set_has_them(tmp_path: Path) -> None:
    cvusa_tree(tmp_path)
    located = tmp_path / "split_locations"
    located.mkdir()
    rows = ["38.0,-77.1,38.001,-77.1,0", "38.0,-77.1,38.002,-77.1,0", "45.0,-93.1,45.0,-93.1,0"]
    (located / "all.csv").write_text("\n".join(rows) + "\n")
    places = load_places(tmp_path, CONFIG, say=lambda _: None)
    assert places.city.tolist() == [0, 0, 1]
    assert np.hypot(*(places.place_xy[0] - places.place_xy[1])) == pytest.approx(111, abs=1)
    index = cvusa.read_index(tmp_path)
    assert index.entries[0].footprint_m == pytest.approx(176, abs=1)
    assert index.entries[2].footprint_m == pytest.approx(158, abs=1)
    (located / "all.csv").write_text("here,there\n")
    with pytest.raises(InputError, match="four numbers"):
        cvusa.read_index(tmp_path)


# CVACT and MSGD.


def test_cvact_is_read_by_its_list(tmp_path: Path) -> None:
    ids = [f"pano{n:02}" for n in range(4)]
    utm = np.array([[690000.0, 6.09e6], [690030.0, 6.09e6], [690000.0, 6.0901e6], [7e5, 6.09e6]])
    parts = {
        "trainSet": {"trainInd": np.array([[1], [2]])},
        "valSet": {"valInd": np.array([[3]])},
        "valSetAll": {"valInd": np.array([[3], [4]])},
    }
    images = tmp_path / "ANU_data_small"
    for name in ids[:3]:
        write(images / "streetview" / f"{name}_grdView.jpg", compass(128, 256))
        write(images / "satview_polish" / f"{name}_satView_polish.jpg", noise(60, 60, 3))
    for columns in (utm, utm[:, ::-1]):
        savemat(tmp_path / "ACT_data.mat", {"panoIds": ids, "utm": columns, **parts})
        places = load_places(tmp_path, CONFIG, "train", say=lambda _: None)
        assert (places.place_xy[1] - places.place_xy[0]).tolist() == [30.0, 0.0]
    assert off_deg(places.query[0, 0]) < 4.0
    index = cvact.read_index(tmp_path)
    assert len(index.entries) == 3
    assert index.missing == (), "the large test was not downloaded, so it is not missed"
    assert index.entries[0].footprint_m == pytest.approx(73.1, abs=0.2)
    parts["trainSet"] = {"trainInd": np.array([[9]])}
    savemat(tmp_path / "ACT_data.mat", {"panoIds": ids, "utm": utm, **parts})
    with pytest.raises(InputError, match="beyond the 4"):
        cvact.read_index(tmp_path)
    (tmp_path / "ACT_data.mat").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=r"ACT_data\.mat"):
        cvact.read_index(tmp_path)


def test_msgd_has_street_views_photos_of_unknown_heading_and_its_cities(tmp_path: Path) -> None:
    ids = ["x1", "x2", "x3"]
    # Toronto, Toronto, Perth.
    utm = np.array([[630000.0, 4.835e6], [630020.0, 4.835e6], [392000.0, 6.464e6]])
    for name in ids:
        write(tmp_path / "satview_all" / f"{name}_satView.jpg", noise(67, 67, 1))
        write(tmp_path / "crdview_resize_all" / f"{name}_crdView.png", noise(128, 170, 2))
        if name != "x2":
            write(tmp_path / "streetview_all" / f"{name}_grdView_pano.png", noise(128, 512, 3))
    parts = {
        "trainSet": {"trainInd": np.array([[1], [2]])},
        "valSet": {"valInd": np.array([[3]])},
    }
    (tmp_path / "OriNet_MSGD").mkdir()
    savemat(tmp_path / "OriNet_MSGD" / "matdata.mat", {"panoIds": ids, "utm": utm, **parts})
    said: list[str] = []
    places = load_places(tmp_path, CONFIG, say=said.append)
    assert len(places) == 3
    assert not places.heading_known.any()
    assert places.street_seen.any(axis=1).tolist() == [True, False, True]
    assert places.query_seen[0, 0].sum() == pytest.approx(65 / 360 * 64, abs=1)
    assert any("x2_grdView_pano" in line for line in said)
    index = msgd.read_index(tmp_path)
    assert [entry.city for entry in index.entries] == ["Toronto", "Toronto", "Perth"]
    assert index.entries[0].footprint_m == pytest.approx(36.2, abs=0.2)
    assert index.part("validation").entries[0].place_id == "x3"


@pytest.mark.parametrize(
    ("city", "northing_m"),
    [("Los Angeles", 3_768_000), ("Stockholm", 6_580_000), ("Nairobi", 9_857_000)],
)
def test_a_northing_tells_the_city(city: str, northing_m: float) -> None:
    assert msgd.city_of(northing_m) == city
    assert msgd.city_of(northing_m + 70_000) == msgd.ELSEWHERE


# What load_places makes of folders.


def test_a_folder_that_holds_nothing_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no rendered city, no collected one.*VIGOR"):
        load_places(tmp_path, CONFIG)
    with pytest.raises(InputError, match="no such folder"):
        load_places(tmp_path / "none", CONFIG)
    (tmp_path / "city_00001").mkdir()
    with pytest.raises(InputError, match="no part 'train'"):
        load_places(tmp_path, CONFIG, "train")


def test_a_set_of_which_nothing_is_there_is_refused(tmp_path: Path) -> None:
    cvusa_tree(tmp_path)
    shutil.rmtree(tmp_path / "bingmap")
    with pytest.raises(InputError, match=r"none of its places.*bingmap"):
        load_places(tmp_path, CONFIG, say=lambda _: None)


# Real pairs, where they lie.


def real_cvusa(shared_data: Path, folder: Path) -> PlaceSet:
    pairs = shared_data / "pairs" / "cvusa"
    lines = []
    for path in sorted((pairs / "satellite").glob("*.jpg")):
        for name, source in (("bingmap/19", path), ("streetview/panos", pairs / "street")):
            target = folder / name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source if source.is_file() else source / path.name)
        lines.append(f"bingmap/19/{path.name},streetview/panos/{path.name},none.png")
    (folder / "splits").mkdir()
    (folder / "splits" / "train-19zl.csv").write_text("\n".join(lines) + "\n")
    return load_places(folder, ModelConfig(), say=lambda _: None)


def test_real_pairs_of_cvusa_have_their_horizon_in_place(shared_data: Path, tmp_path: Path) -> None:
    places = real_cvusa(shared_data, tmp_path)
    assert len(places) == 13
    geometry = ModelConfig().geometry
    horizon = geometry.elevation_max_deg / 70 * geometry.height
    rows = []
    for name in ("0000015", "0000020"):  # plains, with nothing before the horizon
        number = [p.stem for p in sorted((tmp_path / "bingmap/19").glob("*"))].index(name)
        strip = places.query[number, 0].astype(float)
        blue_over_red = (strip[..., 2] - strip[..., 0]).mean(axis=1)[4:-8]
        rows.append(4 + int(np.argmax(-np.diff(blue_over_red))) + 1)
    assert np.abs(np.array(rows) - horizon).max() <= 2.0, "within 2 degrees"


def test_real_pairs_agree_that_north_is_the_centre_column(
    shared_data: Path, tmp_path: Path
) -> None:
    """A straight road to the north and south: grey below the horizon in the satellite's turn.

    The road of pair 0000020 runs north; a house lies east of it, and the field west of it is
    ploughed and red.
    """
    places = real_cvusa(shared_data, tmp_path)
    number = [p.stem for p in sorted((tmp_path / "bingmap/19").glob("*"))].index("0000020")
    width = ModelConfig().geometry.width
    ground = places.query[number, 0, -16:-4].astype(float).mean(axis=0)
    red = ground[:, 0] - ground[:, 2]
    east, west = red[width // 8 : 3 * width // 8], red[5 * width // 8 : 7 * width // 8]
    north = np.r_[red[:4], red[-4:]]
    south = red[width // 2 - 4 : width // 2 + 4]
    assert max(north.mean(), south.mean()) < min(east.mean(), west.mean()), "the road is grey"
    image = places.satellite[number].astype(float)
    redness = image[..., 0] - image[..., 2]
    assert redness[:, :60].mean() > redness[:, 100:].mean(), "the satellite: ploughed in the west"
    assert west.mean() > east.mean(), "and the panorama"
