"""Requests about photos as the plugin sends them, through the handlers and through the server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import piexif
import pytest

from model_core import contract, jobs
from model_core.contract import ContractError
from model_core.errors import Cancelled, InputError
from model_core.photo_edits import PhotoEdit
from model_core.photo_jobs import photo_edits
from model_core.types import Progress, ignore_progress, never_cancelled


def tell_nobody(method: str, params: Mapping[str, Any]) -> None:
    """Take a notification and do nothing with it."""


def ask(method: str, **params: Any) -> dict[str, Any]:
    """The handler's answer; it is what goes over the wire."""
    answer = jobs.handlers()[method](params, ignore_progress, never_cancelled, tell_nobody)
    contract.encode(contract.Response(1, answer))
    return dict(answer)


@pytest.fixture
def demo(repository: Path) -> Path:
    return repository / "resources" / "demo"


def test_inspected_photos_come_as_the_contract_says(demo: Path, tmp_path: Path) -> None:
    good, bad = demo / "photos" / "photo_07.jpg", tmp_path / "bad.jpg"
    bad.write_text("no photo")
    answer = ask(
        "inspect_photos", photos=[str(good), str(bad)], thumbnails=str(tmp_path / "thumbnails")
    )
    first, second = contract.InspectPhotosResult.from_json(answer).photos
    assert (first.path, first.width_px, first.height_px) == (str(good), 800, 600)
    assert first.fov_deg == pytest.approx(84.66, abs=0.01)
    assert first.captured_at.startswith("2024-04-05T08:15")
    assert Path(first.thumbnail).is_file()
    assert first.error == ""
    assert "bad.jpg: not a JPEG" in second.error
    assert second.error_code == contract.ErrorCode.PHOTO_ERROR
    assert second.sha256 == ""


def test_inspection_reports_and_hears_cancel(demo: Path) -> None:
    steps: list[Progress] = []
    with pytest.raises(Cancelled):
        jobs.handlers()["inspect_photos"](
            {"photos": [str(demo / "photos")]},
            steps.append,
            lambda: len(steps) == 2,
            tell_nobody,
        )
    assert [step.total for step in steps] == [20, 20]


def test_edits_become_the_engine_s(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    edits = photo_edits(
        {
            str(path): {
                "turn_deg": 90,
                "left": 0.25,
                "fov_deg": 50,
                "captured_at": "2024-05-31T14:30Z",
            }
        }
    )
    taken = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)
    assert edits == {path: PhotoEdit(90, 0.25, 0.0, 1.0, 1.0, 50, taken)}
    params = contract.LocateParams(
        photos=(str(path),), area="1,1,2,2", edits={str(path): {"right": 0.5}}
    )
    assert jobs.locate_request(params).edits == {path: PhotoEdit(right=0.5)}


@pytest.mark.parametrize(
    ("edits", "error", "words"),
    [
        ({"a.jpg": {}}, ContractError, "absolute"),
        ({"/a.jpg": {"rotate": 90}}, ContractError, "unknown key 'rotate'"),
        ({"/a.jpg": {"turn_deg": 10}}, InputError, r"/a\.jpg: .*multiples of 90"),
        ({"/a.jpg": {"captured_at": "yesterday"}}, InputError, r"/a\.jpg: 'yesterday' is no time"),
        ({"/a.jpg": {"left": 0.9, "right": 0.1}}, InputError, "left, right"),
    ],
)
def test_malformed_edit_is_refused_by_name(
    edits: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        photo_edits(edits)


def test_exported_copy_comes_as_the_contract_says(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy.jpg"
    answer = ask(
        "export_photo",
        photo=str(demo / "photos" / "photo_07.jpg"),
        out=str(out),
        lon=13.4209,
        lat=46.979,
        heading_deg=286,
        decimals=2,
        blur=[{"left": 0, "top": 0, "right": 0.5, "bottom": 0.5}],
    )
    result = contract.ExportPhotoResult.from_json(answer)
    assert result.path == str(out)
    assert any("rounded to 2 decimals" in note for note in result.notes)
    assert piexif.load(str(out))["GPS"][piexif.GPSIFD.GPSImgDirectionRef] == b"T"


@pytest.mark.parametrize(
    "region", [{"left": 0}, {"left": "0", "top": 0, "right": 1, "bottom": 1}, {"x": 1}]
)
def test_region_without_four_edges_breaks_the_contract(
    demo: Path, tmp_path: Path, region: dict[str, Any]
) -> None:
    photo = str(demo / "photos" / "photo_07.jpg")
    with pytest.raises(ContractError, match="'blur' must hold left, top, right, bottom"):
        ask("export_photo", photo=photo, out=str(tmp_path / "a.jpg"), lon=1, lat=1, blur=[region])


def test_comparison_comes_as_the_contract_says(demo: Path, tmp_path: Path) -> None:
    answer = ask(
        "compare",
        photo=str(demo / "photos" / "photo_07.jpg"),
        lon=13.4209749,
        lat=46.9790689,
        heading_deg=286.0,
        out=str(tmp_path),
        imagery=str(demo / "imagery.tif"),
        street_views=[str(demo / "street_views")],
    )
    result = contract.CompareResult.from_json(answer)
    for path in (result.photo, result.street_view, result.satellite):
        assert Path(path).is_file()
    assert set(result.captions) == {"photo", "street_view", "satellite"}
    assert len(result.matches["photo"]) == len(result.matches["street_view"]) > 30
    assert all(0 <= share <= 1 for point in result.matches["photo"] for share in point)


@pytest.mark.timeout(60)
def test_server_answers_about_photos(demo: Path, repository: Path) -> None:
    request = contract.Request("inspect_photos", {"photos": [str(demo / "photos")]}, 7)
    with subprocess.Popen(
        [sys.executable, "-m", "model_core", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=repository,
    ) as engine:
        engine.stdin.write(contract.encode(request))
        engine.stdin.flush()
        messages = map(contract.decode, engine.stdout)
        answer = next(m for m in messages if not isinstance(m, contract.Notification))
        engine.stdin.close()
    assert isinstance(answer, contract.Response)
    assert len(answer.result["photos"]) == 20
