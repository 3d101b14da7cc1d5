"""The command line around a pipeline that answers at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from model_core import __version__, contract
from model_core.cli import app
from model_core.config import LocateConfig
from model_core.errors import AreaError
from model_core.request import GalleryRequest, LocateRequest
from tests.model_core.fake_pipeline import FakePipeline

FAKE = str(Path(__file__).with_name("fake_pipeline.py"))
AREA = "-0.1,51.4,0.1,51.6"


def run(fake: FakePipeline, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), obj=fake, env={"COLUMNS": "140"})


def request_of(fake: FakePipeline) -> LocateRequest:
    (request,) = fake.requests
    assert isinstance(request, LocateRequest)
    return request


def test_table_shows_the_best_candidate_of_each_photo() -> None:
    result = run(FakePipeline(), "locate", "a.jpg", "far.jpg", "bad.jpg", "--area", AREA)
    assert result.exit_code == 0
    rows = [line for line in result.stdout.splitlines() if ".jpg" in line]
    assert "55.700000, 13.191000" in rows[0]
    assert "271 ± 4°" in rows[0]
    assert "in this area" in rows[0]
    assert "not in this area" in rows[1]
    assert "failed" in rows[2]
    assert "a summary" in result.stdout
    assert "note: a [note]" in result.stdout


def test_request_has_absolute_paths_and_the_options() -> None:
    fake = FakePipeline()
    run(
        fake,
        *("locate", "a.jpg", "folder", "--area", "area.gpkg", "--imagery", "i.tif"),
        *("--roads", "r.gpkg", "--street-views", "s1", "--street-views", "s2.csv"),
        *("--gallery", "g", "--bundle", "b", "--out", "o"),
        *("--device", "cpu", "--no-retrieval", "--budget", "12", "--fov", "60", "--fov", "75"),
        *("--set", "ranking.max_candidates=3"),
    )
    request = request_of(fake)
    here = Path.cwd()
    assert request.photos == (here / "a.jpg", here / "folder")
    assert request.area == str(here / "area.gpkg")
    assert request.sources.street_views == (str(here / "s1"), str(here / "s2.csv"))
    assert (request.sources.imagery, request.sources.roads) == (
        str(here / "i.tif"),
        str(here / "r.gpkg"),
    )
    assert (request.gallery, request.bundle) == (here / "g", here / "b")
    assert (request.out, request.truth) == (here / "o", None)
    assert request.config.device == "cpu"
    assert request.config.use_retrieval is False
    assert request.config.verification.budget_views == 12
    assert request.config.search.fov_hypotheses_deg == (60.0, 75.0)
    assert request.config.ranking.max_candidates == 3


def test_truth_scores_the_answers(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("file,lon,lat,heading_deg\na.jpg,13.191,55.7,281.4\nb.jpg,13.3,55.7,0\n")
    result = run(FakePipeline(), "locate", "a.jpg", "b.jpg", "--area", AREA, "--truth", str(truth))
    assert "0 m" in result.stdout
    assert "10°" in result.stdout
    assert "50%" in result.stdout


def test_wrong_truth_is_said_before_anything_runs(tmp_path: Path) -> None:
    fake = FakePipeline()
    missing = str(tmp_path / "none.csv")
    result = run(fake, "locate", "a.jpg", "--area", AREA, "--truth", missing)
    assert result.exit_code == 2
    assert "none.csv" in result.stderr
    assert fake.requests == []


def test_nothing_said_is_the_default_run() -> None:
    fake = FakePipeline()
    run(fake, "locate", "a.jpg", "--area", AREA)
    assert request_of(fake).area == AREA
    assert request_of(fake).config == LocateConfig()


def test_no_verification_is_a_budget_of_nothing() -> None:
    fake = FakePipeline()
    run(fake, "locate", "a.jpg", "--area", AREA, "--no-verification")
    assert request_of(fake).config.verification.budget_views == 0


def test_json_is_the_answer_of_the_contract_and_nothing_else() -> None:
    result = run(FakePipeline(), "locate", "a.jpg", "bad.jpg", "--area", AREA, "--json")
    answer = contract.LocateResult.from_json(json.loads(result.stdout))
    good, bad = answer.photos
    first, second = good.candidates["features"]
    assert first["geometry"]["coordinates"] == pytest.approx([13.191, 55.7])
    assert first["properties"]["street_view_date"] == "2024-05-01T00:00:00+00:00"
    assert second["properties"]["heading_sigma_deg"] is None
    assert (bad.error_code, bad.not_in_area) == (contract.ErrorCode.PHOTO_ERROR, True)
    assert "a library prints" in result.stderr


def test_all_photos_failed_is_status_1() -> None:
    result = run(FakePipeline(), "locate", "bad1.jpg", "bad2.jpg", "--area", AREA)
    assert result.exit_code == 1


def test_error_is_one_clear_line_and_status_2() -> None:
    fake = FakePipeline(AreaError("area.gpkg: holds no polygon; draw one [first]"))
    result = run(fake, "locate", "a.jpg", "--area", AREA)
    assert result.exit_code == 2
    assert "error: area.gpkg: holds no polygon; draw one [first]" in result.stderr.splitlines()
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_bug_says_how_to_see_more() -> None:
    result = run(FakePipeline(ZeroDivisionError("a bug")), "locate", "a.jpg", "--area", AREA)
    assert result.exit_code == 2
    assert "ZeroDivisionError: a bug; run again with --debug" in result.stderr


def test_debug_lets_the_error_through() -> None:
    fake = FakePipeline(AreaError("empty"))
    result = run(fake, "locate", "a.jpg", "--area", AREA, "--debug")
    assert isinstance(result.exception, AreaError)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "search.topk=5"], "unknown option 'search.topk'"),
        (["--set", "search.top_k=many"], "a whole number is expected"),
        (["--set", "nonsense"], "NAME=VALUE"),
    ],
)
def test_wrong_option_is_refused_before_anything_runs(arguments: list[str], words: str) -> None:
    fake = FakePipeline()
    result = run(fake, "locate", "a.jpg", "--area", AREA, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert fake.requests == []


def test_area_is_required() -> None:
    result = run(FakePipeline(), "locate", "a.jpg")
    assert result.exit_code == 2
    assert "--area" in result.stderr


def test_gallery_is_built_where_it_was_asked_for(tmp_path: Path) -> None:
    fake = FakePipeline()
    out = tmp_path / "gallery"
    result = run(fake, "build-gallery", "--area", AREA, "--out", str(out), "--json")
    (request,) = fake.requests
    assert isinstance(request, GalleryRequest)
    assert request.out == out
    assert json.loads(result.stdout) == {"gallery": str(out)}


def test_version_is_told() -> None:
    assert run(FakePipeline(), "--version").stdout.strip() == __version__


@pytest.mark.parametrize("command", ["locate", "build-gallery", "info", "doctor", "serve"])
def test_every_command_explains_itself(command: str) -> None:
    result = run(FakePipeline(), command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def environment(repository: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(repository), "COLUMNS": "140"}


@pytest.mark.skipif(os.name == "nt", reason="a signal cannot be sent to oneself there")
def test_interrupt_cancels_the_job(repository: Path) -> None:
    process = subprocess.run(
        [sys.executable, FAKE, "locate", "a.jpg", "--area", AREA],
        env={**environment(repository), "FAKE_WAIT_FOR_INTERRUPT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 130
    assert "stopping after this step" in process.stderr
    assert "error: interrupted" in process.stderr
    assert "Traceback" not in process.stderr
    assert process.stdout == ""


def test_interrupt_handler_is_taken_away_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    run(FakePipeline(), "locate", "a.jpg", "--area", AREA)
    assert signal.getsignal(signal.SIGINT) is before


def test_served_pipeline_answers_by_the_contract(repository: Path, tmp_path: Path) -> None:
    params = contract.LocateParams((str(tmp_path / "a.jpg"),), AREA)
    relative = contract.LocateParams(("a.jpg",), AREA)
    asked = contract.encode(contract.Request("locate", params.to_json(), 1))
    refused = contract.encode(contract.Request("locate", relative.to_json(), 2))
    process = subprocess.Popen(
        [sys.executable, FAKE, "serve"],
        env=environment(repository),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(asked + refused)
    process.stdin.flush()
    answers: list[contract.Message] = []
    told: list[contract.AnswerParams] = []
    while len(answers) < 2:
        message = contract.decode(process.stdout.readline())
        if not isinstance(message, contract.Notification):
            answers.append(message)
        elif message.method == contract.ANSWER:
            told.append(contract.AnswerParams.from_json(message.params))
    process.communicate(timeout=30)
    good, bad = answers
    assert isinstance(good, contract.Response)
    result = contract.LocateResult.from_json(good.result)
    assert (result.photos, result.summary) == ((), "a summary")
    assert [(one.id, one.done, one.total) for one in told] == [(1, 1, 1)]
    assert told[0].answer.probability_elsewhere == 0.05
    assert len(told[0].answer.candidates["features"]) == 2
    assert isinstance(bad, contract.Failure)
    assert (bad.request_id, bad.code) == (2, contract.ErrorCode.INVALID_PARAMS)
    assert "absolute path" in bad.message
    assert process.returncode == 0
