"""The frozen test world: committed hashes, that a change to the world breaks."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from model_core.errors import InputError
from training.cli import app
from training.world import frozen
from training.world.cities import CITIES, plan_of
from training.world.families import FACADES
from training.world.frozen import (
    add_hashes,
    changed_districts,
    changed_geometry,
    freeze_district,
    freeze_real,
    frozen_districts,
    hash_district,
    hash_folder,
    read_frozen,
)
from training.world.real.prepare import prepare_geometry
from training.world.samples import StripGeometry, plan_samples
from training.world.version import RENDERER_VERSION


def test_the_frozen_world_is_large_enough_and_whole():
    world = read_frozen()
    assert world["version"] == "world-v1"
    assert world["renderer"] == RENDERER_VERSION
    everyday = [d for d in world["districts"] if d["tier"] == "everyday"]
    assert sum(d["places"] for d in everyday) >= 2000
    assert {d["city"] for d in everyday} == {c.name for c in CITIES if c.split == "test"}
    hard = [d for d in world["districts"] if d["tier"] == "hard"]
    assert len(hard) == 6
    assert all(d["state"] != "none" for d in hard)
    assert len({d["state"] for d in hard}) >= 3
    assert len({d["sha256"] for d in world["districts"]}) == len(world["districts"])


def test_no_frozen_district_can_be_trained_on():
    assert all(plan_of(seed).split == "test" for seed, _, _ in frozen_districts())


def test_two_districts_are_what_the_committed_file_says():
    assert changed_districts(read_frozen(), [16000, 19900]) == []


def test_a_changed_world_is_noticed():
    world = read_frozen()
    for district in world["districts"]:
        if district["seed"] == 20001:
            district["sha256"] = "00000000"
    world["same_elsewhere"]["20001"] = ["11111111"]
    lines = changed_districts(world, [20001])
    assert len(lines) == 1
    assert "hong_kong, district 20001" in lines[0]


def test_the_same_world_is_known_where_numbers_have_other_last_bits():
    world = read_frozen()
    now = freeze_district(20001, "everyday", "none")
    (entry,) = [d for d in world["districts"] if d["seed"] == 20001]
    entry["sha256"] = "00000000"
    made = {"districts": [{**d} for d in world["districts"]], "real": []}
    for district in made["districts"]:
        if district["seed"] == 20001:
            district["sha256"] = now.sha256
    world["same_elsewhere"] = {"20001": ["11111111"]}
    known = add_hashes(world, made)
    assert changed_districts(known, [20001]) == []
    assert known["same_elsewhere"]["20001"] == ["11111111", now.sha256]
    assert add_hashes(known, made) == known
    entry["places"] += 1
    assert len(changed_districts(known, [20001])) == 1, "more than the hash counts"
    with pytest.raises(InputError, match="other districts"):
        add_hashes(world, made)


def test_the_hash_covers_cameras_looks_dates_facades_and_geometry(monkeypatch):
    geometry, plan = plan_samples(21000, 3, StripGeometry())
    same = hash_district(geometry, plan)
    pose = replace(plan.poses[0], pitch_deg=plan.poses[0].pitch_deg + 1e-9)
    look = replace(plan.looks[0], flood_m=0.1)
    days = plan.query_days.copy()
    days[0, 0] += 1
    ground = geometry.ground
    changed = [
        hash_district(geometry, replace(plan, poses=(pose, *plan.poses[1:]))),
        hash_district(geometry, replace(plan, looks=(look, *plan.looks[1:]))),
        hash_district(geometry, replace(plan, query_days=days)),
        hash_district(
            replace(geometry, boxes=replace(geometry.boxes, eave_m=geometry.boxes.eave_m + 1)), plan
        ),
    ]
    ground.cells[0, 0] ^= 1
    changed.append(hash_district(geometry, plan))
    ground.cells[0, 0] ^= 1
    assert hash_district(geometry, plan) == same
    family = FACADES["limestone"]
    monkeypatch.setitem(FACADES, "limestone", replace(family, bands=0.9))
    changed.append(hash_district(geometry, plan))
    assert len({same, *changed}) == 7


def test_a_file_whose_whole_is_not_its_parts_is_refused(tmp_path):
    world = read_frozen()
    world["districts"].pop()
    path = tmp_path / "world.json"
    path.write_text(json.dumps(world))
    with pytest.raises(InputError, match="not that of its districts"):
        read_frozen(path)
    with pytest.raises(InputError, match="--freeze"):
        read_frozen(tmp_path / "absent.json")


def test_real_geometry_is_named_by_its_content(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    first = hash_folder(tmp_path)
    (tmp_path / "a.json").write_text("[]")
    assert hash_folder(tmp_path) != first


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("berlin-siegessaeule.osm.gz", "berlin"),
        ("delft.json", "delft"),
        ("overpass-response-2.json.gz", "san_francisco"),
    ],
)
def test_the_real_tier_is_what_the_committed_file_says(shared_data, tmp_path, name, folder):
    prepare_geometry([shared_data / "city" / name], tmp_path / folder)
    world = read_frozen()
    assert changed_geometry(world, [tmp_path / folder]) == []
    (tmp_path / folder / "city.json").write_text(
        (tmp_path / folder / "city.json").read_text().replace("ODbL", "odbl") + " "
    )
    (line,) = changed_geometry(world, [tmp_path / folder])
    assert line.startswith(f"{folder} (real): ")


def test_the_real_tier_takes_no_place_to_train_on_and_no_second_hash(shared_data, tmp_path):
    krems = shared_data / "city" / "krems.osm.gz"
    prepare_geometry([krems], tmp_path / "krems")
    with pytest.raises(InputError, match="place to train on"):
        freeze_real([tmp_path / "krems"])
    world = {"districts": [], "real": [{"folder": "delft", "sha256": "one"}]}
    again = {"districts": [], "real": [{"folder": "oslo", "sha256": "two"}]}
    assert [one["folder"] for one in add_hashes(world, again)["real"]] == ["delft", "oslo"]
    with pytest.raises(InputError, match="delft is frozen with another hash"):
        add_hashes(world, {"districts": [], "real": [{"folder": "delft", "sha256": "two"}]})


def test_the_command_checks_and_freezes(tmp_path, monkeypatch):
    run = CliRunner()
    monkeypatch.setattr(frozen, "FROZEN_FILE", tmp_path / "world.json")
    monkeypatch.setattr(frozen, "frozen_districts", lambda: [(16000, "everyday", "none")])
    monkeypatch.setattr(frozen, "PLACES_A_DISTRICT", 4)
    assert run.invoke(app, ["world"]).exit_code == 2
    made = run.invoke(app, ["world", "--freeze"])
    assert made.exit_code == 0, made.output
    assert json.loads((tmp_path / "world.json").read_text())["places"] == 4
    monkeypatch.setattr(frozen, "read_frozen", lambda: read_frozen(tmp_path / "world.json"))
    whole = run.invoke(app, ["world", "--check"])
    assert whole.exit_code == 0, whole.output
    assert "not checked" not in whole.output, "no real tier is frozen here"
    world = json.loads((tmp_path / "world.json").read_text())
    world["real"] = [{"folder": "delft", "sha256": "one"}]
    (tmp_path / "world.json").write_text(json.dumps(world))
    part = run.invoke(app, ["world", "--check"])
    assert part.exit_code == 0
    assert "not checked of the real tier: delft; name them by --real" in part.output
    (tmp_path / "world.json").write_text(json.dumps({**world, "renderer": 2}))
    older = run.invoke(app, ["world", "--check"])
    assert older.exit_code == 1
    assert "renderer: version 3, 2 is frozen" in older.output
    monkeypatch.setattr(frozen, "PLACES_A_DISTRICT", 5)
    broken = run.invoke(app, ["world", "--check"])
    assert broken.exit_code == 1
    assert "16000" in broken.output
