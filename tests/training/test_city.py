"""A collected city as places: its street views, its photos, what of it may be learnt from."""

from __future__ import annotations

import csv
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas
import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from shapely.geometry import Point
from typer.testing import CliRunner

from model_core.config import LocateConfig, ModelConfig
from model_core.errors import Cancelled, InputError
from model_core.references.street_view.local import FolderStreetViews
from model_core.references.survey import Sources, Survey, survey_area
from model_core.types import LonLat, SourceTerms, ignore_progress, never_cancelled
from training.cli import app
from training.datasets.load import load_places
from training.datasets.manifest import collect_city, read_manifest
from training.datasets.places import NO_DATE, PlaceSet
from training.datasets.resident import ResidentPlaces
from training.evaluation.options import EvaluateOptions
from training.evaluation.test_set import load_test_set
from training.matcher import Matcher, MatcherConfig

AREA = "13.4190,46.9790,13.4206,46.9796"
CONFIG = ModelConfig()


def demo_survey(repository: Path) -> Survey:
    demo = repository / "resources" / "demo"
    sources = Sources(
        imagery=str(demo / "imagery.tif"),
        roads=str(demo / "roads.geojson"),
        street_views=(str(demo / "street_views"),),
    )
    return survey_area(AREA, sources, LocateConfig())


def photo_table(repository: Path, folder: Path) -> Path:
    """The demo's photos with where they were taken; photo 09 without its heading."""
    demo = repository / "resources" / "demo"
    with (demo / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    path = folder / "photos.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "lon", "lat", "heading_deg", "fov_deg"))
        for row in rows:
            heading = "" if row["file"] == "photo_09.jpg" else row["heading_deg"]
            photo = demo / "photos" / row["file"]
            writer.writerow((photo, row["lon"], row["lat"], heading, row["fov_deg"]))
    return path


@pytest.fixture(scope="module")
def city(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city of the demo with photos, and two street views of the year after."""
    folder = tmp_path_factory.mktemp("collected")
    survey = demo_survey(repository)
    of_place = list(survey.views_of_place)
    with_view = [n for n, views in enumerate(of_place) if views]
    for number in with_view[:2]:
        view = of_place[number][0]
        assert view.captured_at is not None
        place = survey.places[number].lonlat
        beyond = LonLat(
            *(2 * spot - at for spot, at in zip(astuple(view.lonlat), astuple(place), strict=True))
        )
        later = replace(
            view,
            view_id=f"later/{number}",
            captured_at=view.captured_at + timedelta(days=366),
            lonlat=beyond,
        )
        of_place[number] = (*of_place[number], later)
    photos = FolderStreetViews(photo_table(repository, folder))
    collect_city(
        replace(survey, views_of_place=tuple(of_place)),
        folder / "city",
        CONFIG.geometry,
        ignore_progress,
        never_cancelled,
        photos,
    )
    return folder / "city"


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def places(city: Path, said: list[str]) -> PlaceSet:
    return load_places(city, CONFIG, say=said.append)


def table_of(city: Path) -> geopandas.GeoDataFrame:
    return geopandas.read_parquet(city / "manifest.parquet")


def test_places_have_satellite_images_and_street_views_of_their_day(
    city: Path, places: PlaceSet
) -> None:
    table = table_of(city)
    assert len(places) == (table.kind == "satellite").sum()
    assert places.satellite.std(axis=(1, 2, 3)).min() > 3.0
    with_street = places.street_seen.any(axis=1)
    assert with_street.mean() > 0.5
    assert (places.street_days[with_street] > 19_000).all()
    assert (places.street_days[~with_street] == NO_DATE).all()
    assert not places.street[~with_street].any()


def test_photos_lie_at_their_headings_and_show_only_their_width(
    repository: Path, city: Path, places: PlaceSet
) -> None:
    with (repository / "resources" / "demo" / "truth.csv").open() as file:
        truth = {row["file"]: row for row in csv.DictReader(file)}
    table = table_of(city)
    own = table[table.kind == "photo"]
    assert len(own) >= 4
    narrow = places.query_seen.sum(axis=2)
    narrow = narrow[(narrow > 0) & (narrow < CONFIG.geometry.width)]
    assert len(narrow) == len(own)
    widths = sorted(round(fov / CONFIG.geometry.deg_per_px) for fov in own.fov_deg)
    assert np.abs(np.array(sorted(narrow)) - widths).max() <= 1
    satellites = table[table.kind == "satellite"].place_id.tolist()
    for _, row in own.iterrows():
        number = satellites.index(row.place_id)
        slots = places.query_seen[number].sum(axis=1) < CONFIG.geometry.width
        known = places.heading_known[number][slots & places.photo_there[number]]
        name = Path(row.image_id).name
        assert known.tolist().count(False) == (1 if name == "photo_09.jpg" else 0)
        seen = places.query_seen[number][np.flatnonzero(slots & places.photo_there[number])]
        turns = np.exp(2j * np.pi * (np.arange(128) + 0.5) / 128)
        axes = np.degrees(np.angle((seen * turns).sum(axis=1))) % 360
        expected = float(truth[name]["heading_deg"])
        if name == "photo_09.jpg":
            expected = float(truth[name]["fov_deg"]) / 2
        assert np.abs((axes - expected + 180) % 360 - 180).min() < 3.0


def test_street_views_of_another_day_are_photos_and_those_of_the_same_drive_are_not(
    city: Path, places: PlaceSet, said: list[str]
) -> None:
    whole = places.query_seen.all(axis=2)
    of_day = places.query_days[whole]
    assert (of_day > 19_800).sum() == 2, "the two of the year after"
    for number, slot in np.argwhere(whole):
        photo = places.query[number, slot]
        same_day = places.query_days[number, slot] == places.street_days[number]
        assert not (same_day and np.array_equal(photo, places.street[number]))
    assert any("too like those of places around" in line for line in said)


def test_offsets_and_metres_agree_with_the_map(city: Path, places: PlaceSet) -> None:
    away = np.hypot(*np.moveaxis(places.query_offset_m[places.photo_there], -1, 0))
    assert away.max() <= 50.0
    assert away.max() > 1.0
    table = table_of(city).to_crs("EPSG:32633")
    satellite = table[table.kind == "satellite"].geometry
    expected = np.stack([satellite.x, satellite.y], axis=1)
    expected -= expected.mean(axis=0)
    found = places.place_xy - places.place_xy.mean(axis=0)
    assert np.abs(np.hypot(*expected.T) - np.hypot(*found.T)).max() < 0.2


def test_what_is_marked_in_the_manifest_is_not_learnt_from(city: Path, tmp_path: Path) -> None:
    copy = tmp_path / "city"
    copy.mkdir()
    for name in ("satellite", "street_views", "photos"):
        (copy / name).symlink_to(city / name)
    table = table_of(city)
    table.loc[table.kind == "photo", "may_train"] = False
    table.loc[table.kind == "street_view", "heading_sigma_deg"] = 20.0
    first_block = table.place_id == table.place_id.iloc[0]
    table.loc[:, "split"] = np.where(first_block, "test", "train")
    table.to_parquet(copy / "manifest.parquet")
    lines: list[str] = []
    places = load_places(copy, CONFIG, say=lines.append)
    count = (table.kind == "photo").sum()
    assert any(f"{count} images of local street views photos.csv may not" in x for x in lines)
    count = (table.kind == "street_view").sum()
    assert any(f"{count} street views serve as photos alone" in x for x in lines)
    assert not places.street_seen.any(), "a compass that is 20 degrees off places no street view"
    assert places.photo_there.any()
    assert not places.heading_known[places.photo_there].any()
    test = load_places(copy, CONFIG, "test", lines.append)
    train = load_places(copy, CONFIG, "train", lines.append)
    assert len(test) == 1
    assert 0 < len(train) < len(places) - 1
    assert np.hypot(*(train.place_xy - test.place_xy[0]).T).min() >= 50.0
    with pytest.raises(InputError, match="no place for 'validation'"):
        load_places(copy, CONFIG, "validation", lines.append)


def test_several_cities_in_a_folder_are_one_set(city: Path, places: PlaceSet) -> None:
    joined = load_places(city.parent, CONFIG, say=lambda _: None)
    assert len(joined) == len(places)
    assert joined.query_seen.sum() == places.query_seen.sum()


def test_a_city_without_satellite_images_is_refused(city: Path, tmp_path: Path) -> None:
    table = table_of(city)
    table[table.kind != "satellite"].to_parquet(tmp_path / "manifest.parquet")
    with pytest.raises(InputError, match="--imagery"):
        load_places(tmp_path, CONFIG)


def test_a_matcher_takes_a_step_on_the_city(places: PlaceSet) -> None:
    torch.manual_seed(0)
    recipe = MatcherConfig(steps=2, windows_per_photo=1)
    mean, spread = places.layout_statistics()
    matcher = Matcher(CONFIG, recipe, mean, spread)
    batch = next(iter(ResidentPlaces(places, 4, 1, seed=1)))
    assert batch.query_seen.any(dim=1).all()
    loss = matcher.training_step(batch, 0)
    loss.backward()
    gradients = [p.grad for p in matcher.encoder.parameters() if p.grad is not None]
    assert torch.isfinite(loss)
    assert sum(float(g.abs().sum()) for g in gradients) > 0.0
    assert all(torch.isfinite(g).all() for g in gradients)


def test_photos_that_may_not_be_trained_on_stay_out(repository: Path, tmp_path: Path) -> None:
    path = photo_table(repository, tmp_path)
    rows = path.read_text().splitlines()
    rows[0] += ",provider,trainable"
    rows[1:] = [f"{row},Strict Photos,no" for row in rows[1:]]
    path.write_text("\n".join(rows) + "\n")
    survey = demo_survey(repository)
    survey = replace(survey, places=survey.places[-5:], views_of_place=survey.views_of_place[-5:])
    photos = FolderStreetViews(path)
    strict = SourceTerms("Strict Photos", trainable=False)
    assert all(view.terms.provider == strict.provider for view in photos.views())
    collect_city(
        survey, tmp_path / "city", CONFIG.geometry, ignore_progress, never_cancelled, photos
    )
    assert not (tmp_path / "city" / "photos").exists()
    assert "forbid training" in survey.summary.describe()


def test_the_command_takes_photos(repository: Path, tmp_path: Path) -> None:
    demo = repository / "resources" / "demo"
    result = CliRunner().invoke(
        app,
        [
            *("collect", "--area", "13.4190,46.9790,13.4194,46.9793"),
            *("--out", str(tmp_path / "city"), "--imagery", str(demo / "imagery.tif")),
            *("--photos", str(photo_table(repository, tmp_path))),
        ],
    )
    assert result.exit_code == 0, result.output
    table = table_of(tmp_path / "city")
    assert {"satellite", "photo"} <= set(table.kind)
    told, counts = " ".join(result.output.split()), table.kind.value_counts()
    assert f"{counts['satellite']} places with a satellite image, 0 street views" in told
    assert f"{counts['photo']} photos of your own" in told
    left_out = 20 - counts["photo"]
    assert f"{left_out} could not be used [{left_out} too far away]" in told
    assert "_" not in set(table.path)


def test_the_command_takes_keys_and_works_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sources] = []

    def survey(area: str, sources: Sources, *_: object) -> None:
        asked.append(sources)
        raise InputError("nothing more is needed")

    monkeypatch.setattr("model_core.references.survey.survey_area", survey)
    (tmp_path / "keys").write_text("mapillary = of the file\nopen-view = another\n")
    monkeypatch.setenv("CSI_KEY_MAPILLARY", "of the environment")
    options = ["--keys", str(tmp_path / "keys"), "--cache", str(tmp_path / "cache"), "--offline"]
    where = ["--area", "13,46,13.1,46.1", "--out", str(tmp_path / "city")]
    told = CliRunner().invoke(app, ["collect", *where, "--street-views", "mapillary", *options])
    assert told.exit_code == 2
    assert "nothing more is needed" in told.output
    assert asked[0].keys == {"mapillary": "of the environment", "open-view": "another"}
    assert asked[0].access.offline
    assert asked[0].access.cache_folder == tmp_path / "cache"


# A city made by hand: one place, photos and street views of one colour each.


def write_image(path: Path, color: tuple[int, int, int], size: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


def row(kind: str, name: str, **values: object) -> dict[str, object]:
    made = {
        "kind": kind,
        "image_id": name,
        "place_id": "p1",
        "split": "train",
        "block": "0,0",
        "path": f"{name}.png",
        "heading_deg": 0.0,
        "heading_sigma_deg": 5.0,
        "pitch_deg": 0.0,
        "roll_deg": 0.0,
        "fov_deg": 90.0,
        "projection": "perspective",
        "footprint_m": None,
        "captured_at": datetime(2024, 5, 1, tzinfo=UTC),
        "sequence": "drive",
        "frame": 0,
        "provider": "own",
        "licence": "own",
        "attribution": "",
        "may_train": True,
    }
    return made | values


def hand_made(folder: Path, rows: list[dict[str, object]], east_m: list[float]) -> Path:
    """Write a city whose place lies at 10 E 50 N, its pictures so many metres east of it."""
    satellite = row("satellite", "p1", projection="north_up", footprint_m=100.0, fov_deg=None)
    write_image(folder / "p1.png", (90, 120, 90), (64, 64))
    for number, made in enumerate(rows):
        path = folder / str(made["path"])
        if not path.exists():
            panorama = made["projection"] == "equirectangular"
            color = (60 + 40 * number, 200 - 30 * number, 80)
            write_image(path, color, (256, 128) if panorama else (128, 128))
    degrees = [0.0, *east_m]
    points = [Point(10.0 + east / 71_700.0, 50.0) for east in degrees]
    frame = geopandas.GeoDataFrame(
        pandas.DataFrame([satellite, *rows]), geometry=points, crs="EPSG:4326"
    )
    frame.to_parquet(folder / "manifest.parquet")
    return folder


def test_photos_from_one_spot_and_day_make_one_street_view(tmp_path: Path) -> None:
    later = datetime(2024, 6, 1, tzinfo=UTC)
    rows = [
        row("street_view", "north", heading_deg=0.0, frame=0),
        row("street_view", "east", heading_deg=90.0, frame=1),
        row("street_view", "later", heading_deg=180.0, captured_at=later, sequence="walk"),
        row("street_view", "far", heading_deg=270.0, frame=30),
    ]
    places = load_places(hand_made(tmp_path, rows, [2.0, 4.0, 8.0, 40.0]), CONFIG, say=print)
    width = CONFIG.geometry.width
    seen = places.street_seen[0]
    assert seen.sum() == pytest.approx(width / 2, abs=2), "two photos of 90 degrees"
    middle = places.street[0, CONFIG.geometry.height // 2]
    assert np.abs(middle[0].astype(int) - (60, 200, 80)).max() < 5
    assert np.abs(middle[width // 4].astype(int) - (100, 170, 80)).max() < 5
    assert not seen[width // 2]
    assert places.street_days[0] == 19844
    # The photo of another day; none of the drive that the street view is of.
    assert places.photo_there.sum() == 1
    assert places.query_days[0] == [19875]
    assert places.query_offset_m[0, :, 0] == pytest.approx([8.0], abs=0.3)


def test_pictures_that_look_the_same_way_are_not_blended(tmp_path: Path) -> None:
    rows = [
        row("street_view", f"ahead{n}", heading_deg=float(n), frame=n, captured_at=None)
        for n in range(5)
    ]
    places = load_places(hand_made(tmp_path, rows, [2.0, 4.0, 6.0, 8.0, 9.0]), CONFIG, say=print)
    seen = places.street[0][:, places.street_seen[0]]
    shown = seen[CONFIG.geometry.height // 2].astype(int)
    assert np.abs(shown - (60, 200, 80)).max() < 5, "the nearest one alone"
    assert places.street_offset_m[0, 0] == pytest.approx(2.0, abs=0.3)


def test_no_photo_of_a_place_is_a_street_view_of_another(tmp_path: Path) -> None:
    """Two places 16 m apart; a picture of another day stands between them and serves the second."""
    later = datetime(2024, 6, 1, tzinfo=UTC)
    whole = {"projection": "equirectangular", "fov_deg": 360.0}
    rows = [
        row("street_view", "first", **whole),
        row("street_view", "between", captured_at=later, sequence="walk", **whole),
        row("street_view", "elsewhere", captured_at=later, sequence="run", **whole),
        row("satellite", "p2", place_id="p2", projection="north_up", footprint_m=100.0),
    ]
    write_image(tmp_path / "p2.png", (120, 90, 90), (64, 64))
    places = load_places(hand_made(tmp_path, rows, [1.0, 7.0, 8.5, 16.0]), CONFIG, say=print)
    streets = places.street[:, 32, 64].astype(int)
    assert np.abs(streets[0] - streets[1]).max() > 20, "each place has its own"
    for photo in places.query[0][places.photo_there[0]][:, 32, 64].astype(int):
        assert np.abs(streets - photo).max(axis=1).min() > 20


def test_a_street_view_in_time_goes_before_a_nearer_one_that_is_not(tmp_path: Path) -> None:
    whole = {"projection": "equirectangular", "fov_deg": 360.0}
    old = datetime(2015, 5, 1, tzinfo=UTC)
    rows = [
        row("street_view", "old", captured_at=old, sequence="a", **whole),
        row("street_view", "new", sequence="b", **whole),
        row("photo", "own", sequence=""),
    ]
    places = load_places(hand_made(tmp_path, rows, [4.0, 9.0, 1.0]), CONFIG, say=print)
    assert places.street_days[0] == 19844
    assert places.street_offset_m[0, 0] == pytest.approx(9.0, abs=0.3)


def test_a_street_view_that_cannot_be_used_gives_way_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "damaged.png").write_bytes(b"no picture")
    rows = [
        row("street_view", "damaged", sequence="a"),
        row("street_view", "width unknown", sequence="b", fov_deg=None),
        row("street_view", "good", sequence="c"),
    ]
    places = load_places(hand_made(tmp_path, rows, [1.0, 3.0, 12.0]), CONFIG, say=print)
    assert places.street_offset_m[0, 0] == pytest.approx(12.0, abs=0.3)
    assert places.street_seen[0].any()


def test_what_cannot_be_read_costs_itself_and_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    rows = [
        row("photo", "broken"),
        row("photo", "unknown", fov_deg=None),
        row("photo", "good", heading_sigma_deg=20.0, captured_at=None, sequence="", frame=None),
        row("street_view", "pano", projection="equirectangular", fov_deg=360.0),
        row("photo", "copy", path="pano.png", projection="equirectangular", fov_deg=360.0),
    ]
    said: list[str] = []
    city = hand_made(tmp_path, rows, [1.0, 1.0, 1.0, 1.0, 1.0])
    places = load_places(city, CONFIG, say=said.append)
    text = "\n".join(said)
    assert "1 images of own cannot be read" in text
    assert "1 images of own have no field of view" in text
    assert "1 photos are street views of a place" in text
    assert places.photo_there.tolist() == [[True]]
    assert places.heading_known.tolist() == [[False]]
    assert places.query_days.tolist() == [[NO_DATE]]
    assert places.query_seen[0, 0].sum() == pytest.approx(CONFIG.geometry.width / 4, abs=1)
    assert places.query_seen[0, 0, 0]
    assert places.street_seen[0].all()


def two_places(folder: Path, away_m: float, rows: list[tuple[dict[str, object], float]]) -> Path:
    """A place to train on and one to test on east of it, with pictures at their metres east."""
    folder.mkdir()
    other = row("satellite", "p2", place_id="p2", split="test", footprint_m=100.0)
    made = [(other, away_m), *rows]
    return hand_made(folder, [values for values, _ in made], [at for _, at in made])


def is_left_out(folder: Path) -> bool:
    """Whether the place to train on gave way."""
    assert len(load_places(folder, CONFIG, "test", say=print)) == 1
    try:
        return len(load_places(folder, CONFIG, "train", say=print)) == 0
    except InputError as error:
        return "no place for 'train'" in str(error)


def test_parts_share_no_picture_that_a_street_view_is_put_together_of(tmp_path: Path) -> None:
    for photo, shared in (("own.png", False), ("copy.png", True)):
        folder = tmp_path / photo
        rows = [
            (row("street_view", "north", heading_deg=0.0), 2.0),
            (row("street_view", "east", heading_deg=90.0, frame=1), 3.0),
            (row("photo", "photo", place_id="p2", heading_deg=90.0, path=photo), 302.0),
        ]
        two_places(folder, 300.0, rows)
        if shared:
            (folder / photo).write_bytes((folder / "east.png").read_bytes())
        assert is_left_out(folder) == shared


def test_parts_are_apart_where_their_pictures_were_taken(tmp_path: Path) -> None:
    for name, photo_m, near in (("far", 110.0, False), ("near", 75.0, True)):
        rows = [
            (row("street_view", "street"), 30.0),
            (row("photo", "photo", place_id="p2"), photo_m),
        ]
        assert is_left_out(two_places(tmp_path / name, 120.0, rows)) == near


def test_a_city_that_is_too_small_is_left_out_beside_others(tmp_path: Path) -> None:
    for name in ("small", "other"):
        (tmp_path / name).mkdir()
    hand_made(tmp_path / "small", [row("photo", "a", split="train")], [1.0])
    other = hand_made(tmp_path / "other", [row("photo", "a", split="test")], [1.0])
    table = table_of(other)
    table["split"] = "test"
    table["geometry"] = table.geometry.translate(xoff=1.0)
    table.to_parquet(other / "manifest.parquet")
    said: list[str] = []
    places = load_places(tmp_path, CONFIG, "test", said.append)
    assert len(places) == 1
    assert any("left out" in line and "small" in line for line in said)
    with pytest.raises(InputError, match="none of its 2 cities"):
        load_places(tmp_path, CONFIG, "validation", said.append)


def test_collecting_that_was_stopped_goes_on_in_its_folder(
    repository: Path, tmp_path: Path
) -> None:
    survey, folder = demo_survey(repository), tmp_path / "city"
    asked = iter([False] * 3)
    with pytest.raises(Cancelled):
        collect_city(survey, folder, CONFIG.geometry, ignore_progress, lambda: next(asked, True))
    with pytest.raises(InputError, match="no manifest"):
        read_manifest(folder)
    collect_city(survey, folder, CONFIG.geometry, ignore_progress, never_cancelled)
    assert len([row for row, _ in read_manifest(folder) if row.kind == "satellite"]) > 3
    with pytest.raises(InputError, match=r"not empty.*choose a new"):
        collect_city(survey, folder, CONFIG.geometry, ignore_progress, never_cancelled)


def test_photos_far_from_every_place_are_counted(repository: Path, tmp_path: Path) -> None:
    survey = demo_survey(repository)
    few = replace(survey, places=survey.places[:1], views_of_place=survey.views_of_place[:1])
    photos = FolderStreetViews(photo_table(repository, tmp_path))
    collect_city(few, tmp_path / "city", CONFIG.geometry, ignore_progress, never_cancelled, photos)
    assert "photos lie farther than 50 m from every place" in few.summary.describe()


def test_a_choice_is_made_by_what_tests_do_not_see(tmp_path: Path) -> None:
    rows = [
        row("photo", "a", split="validation"),
        row(
            "satellite", "p2", place_id="p2", projection="north_up", footprint_m=100.0,
            split="test", block="9,9",
        ),
    ]  # fmt: skip
    write_image(tmp_path / "p2.png", (120, 90, 90), (64, 64))
    city = hand_made(tmp_path, rows, [1.0, 900.0])
    table = table_of(city)
    table.loc[table.image_id == "p1", "split"] = "validation"
    table.to_parquet(city / "manifest.parquet")
    options = EvaluateOptions()
    chosen = load_test_set(city, CONFIG, options, to_choose_by=True)
    tested = load_test_set(city, CONFIG, options)
    assert chosen.places.block.tolist() != tested.places.block.tolist()
    assert chosen.places.photo_there.any()
    assert not tested.places.photo_there.any()
