"""The commands about photos, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import piexif
import pytest
from typer.testing import CliRunner, Result

from model_core.cli import app
from model_core.photo import read_photo_metadata


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def photo(repository: Path) -> Path:
    return repository / "resources" / "demo" / "photos" / "photo_07.jpg"


def test_inspect_says_what_a_file_holds_and_what_is_wrong(photo: Path, tmp_path: Path) -> None:
    result = run("inspect", photo, tmp_path / "missing.jpg")
    assert result.exit_code == 0
    assert f"{photo}: 800 x 600, field of view 85° (35 mm equivalent), taken 2024" in result.stdout
    assert "missing.jpg: failed" in result.stdout
    assert "there is no such file" in result.stdout
    assert run("inspect", tmp_path / "missing.jpg").exit_code == 1


def test_inspect_answers_json_and_writes_thumbnails(photo: Path, tmp_path: Path) -> None:
    result = run("inspect", photo, "--thumbnails", tmp_path, "--json")
    (found,) = json.loads(result.stdout)["photos"]
    assert found["sha256"] == read_photo_metadata(photo).sha256
    assert Path(found["thumbnail"]).is_file()


def test_export_writes_a_copy_and_says_what_was_left_out(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy.jpg"
    result = run(
        *("export-photo", photo, "--out", out, "--lon", 13.42, "--lat", -46.97, "--heading", 286),
        *("--decimals", 1, "--strip", "--blur", "0,0,0.5,0.5", "--blur", "0.6,0.6,1,1"),
    )
    assert result.exit_code == 0, result.output
    assert f"copy: {out}" in result.stdout
    assert "rounded to 1 decimals" in result.stdout
    gps = piexif.load(str(out))["GPS"]
    assert gps[piexif.GPSIFD.GPSImgDirection] == (28600, 100)
    assert read_photo_metadata(out).lonlat.lat == pytest.approx(-47.0)


def test_export_refuses_in_one_line(photo: Path, tmp_path: Path) -> None:
    place = ("--lon", 13.42, "--lat", 46.97)
    result = run("export-photo", photo, "--out", photo, *place)
    assert result.exit_code == 2
    assert "is the photo itself" in result.stderr
    result = run("export-photo", photo, "--out", tmp_path / "a.jpg", *place, "--blur", "1,2")
    assert result.exit_code == 2
    assert "four numbers" in result.stderr
