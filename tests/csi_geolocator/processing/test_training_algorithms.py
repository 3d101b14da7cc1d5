"""Training and evaluating from QGIS: what the child process is told, and what is made of it."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsVectorLayer

FAKE_TRAINING = """
import json, os, sys, time
from pathlib import Path

command, *options = sys.argv[1:]
log = Path(os.environ["CSI_FAKE_LOG"])
with log.open("a") as lines:
    lines.write(json.dumps([command, *options]) + "\\n")
value = dict(zip(options[::2], options[1::2]))
print("a line of a library", file=sys.stderr)
if command == os.environ.get("CSI_FAKE_FAIL"):
    print("error the folder holds no rendered city; render one")
    sys.exit(2)
if command == "render":
    first, _, last = value["--cities"].partition(":")
    for done in range(int(last) - int(first)):
        time.sleep(float(os.environ.get("CSI_FAKE_PACE", "0")))
        print(f"city {int(first) + done}: {done + 1} of {int(last) - int(first)}", flush=True)
if command == "train":
    run = Path(value["--out"])
    (run / "config.json").write_text(json.dumps({"matcher": {"steps": 4}}))
    for step in (2, 4):
        print(f"step {step} 0.1 min chance 0.1 | si@60 0.2/0.5 (80 deg)", flush=True)
    (run / "bundle").mkdir()
if command == "evaluate":
    row = {"kind": "si", "fov_deg": 60.0, "photos": 12, "recall_at_1": 0.25, "recall_at_5": 0.5,
           "chance": 0.1, "median_heading_error_deg": 40.0}
    Path(value["--out"]).write_text(json.dumps({"figures": [row, {**row, "kind": "both"}]}))
"""


@pytest.fixture
def fake_training(
    staged: Path, tmp_path: Path, use_launch: Callable[[Any], None]
) -> Callable[..., list[list[str]]]:
    """Let the algorithms start a training that computes nothing.

    ``fake_training(CSI_FAKE_PACE="0.1")`` sets it up; ``fake_training.calls()`` is what it heard.
    """
    launch = importlib.import_module("csi_geolocator.engine.launch")
    package = tmp_path / "fake" / "training"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(FAKE_TRAINING)
    log = tmp_path / "calls.jsonl"

    def use(**variables: str) -> None:
        environment = {**launch.clean_environment(os.environ), "CSI_FAKE_LOG": str(log)}
        made = launch.Launch(sys.executable, (), str(package.parent), {**environment, **variables})
        use_launch(made)

    def calls() -> list[list[str]]:
        return [json.loads(line) for line in log.read_text().splitlines()]

    use.calls = calls
    return use


def values(call: list[str]) -> dict[str, list[str]]:
    """The options of a call, each with its values in order."""
    found: dict[str, list[str]] = {}
    for name, following in zip(call[1:], [*call[2:], ""], strict=True):
        if name.startswith("--"):
            found.setdefault(name, []).append("" if following.startswith("--") else following)
    return found


def test_training_renders_both_sets_then_trains(
    fake_training: Any, run: Any, tmp_path: Path
) -> None:
    fake_training()
    out = tmp_path / "run"
    parameters = {
        "CITIES": 3,
        "HELD_OUT_CITIES": 2,
        "FIRST_CITY": 10,
        "PLACES": 6,
        "WIDTH": 128,
        "DEVICE": "cpu",
        "OUTPUT": str(out),
    }
    ran = run("trainmodel", parameters)
    assert ran.ok, ran.feedback.text()
    training, held_out, train = fake_training.calls()
    assert values(training) == {
        "--out": [str(out / "cities" / "training")],
        "--cities": ["10:13"],
        "--places": ["6"],
        "--width": ["128"],
        "--device": ["cpu"],
    }
    assert values(held_out)["--cities"] == ["13:15"]
    asked = values(train)
    assert asked["--data"] == [str(out / "cities" / "training")]
    assert asked["--held-out"] == [str(out / "cities" / "held_out")]
    assert asked["--out"] == [str(out)]
    assert asked["--config"][0].endswith("training/configs/default.yaml")
    assert Path(asked["--config"][0]).is_file()
    assert asked["--device"] == ["cpu"]
    assert "--set" not in asked
    assert "--resume" not in asked
    assert "--minutes" not in asked
    assert ran.outputs == {"OUTPUT": str(out), "BUNDLE": str(out / "bundle")}


def test_training_options_go_along(fake_training: Any, run: Any, tmp_path: Path) -> None:
    fake_training()
    data = tmp_path / "rendered"
    data.mkdir()
    config = tmp_path / "mine.yaml"
    config.write_text("batch: 8\n")
    parameters = {
        "DATA": str(data),
        "CITIES": 1,
        "HELD_OUT_CITIES": 1,
        "CONFIG_FILE": str(config),
        "STEPS": 2,
        "MINUTES": 1.5,
        "RESUME": True,
        "OPTIONS": "batch=4\n\nmatcher.learning_rate=0.001\n",
        "OUTPUT": str(tmp_path / "run"),
    }
    assert run("trainmodel", parameters).ok
    *rendered, train = fake_training.calls()
    assert [values(call)["--out"] for call in rendered] == [
        [str(data / "training")],
        [str(data / "held_out")],
    ]
    asked = values(train)
    assert asked["--config"] == [str(config)]
    assert asked["--set"] == ["batch=4", "matcher.learning_rate=0.001", "matcher.steps=2"]
    assert asked["--minutes"] == ["1.5"]
    assert "--resume" in asked


def test_a_city_of_ones_own_is_trained_on_without_rendering(
    fake_training: Any, run: Any, tmp_path: Path
) -> None:
    fake_training()
    own = tmp_path / "lund"
    own.mkdir()
    (own / "manifest.parquet").write_bytes(b"rows")
    parameters = {"DATA": str(own), "PRESET": "custom_city", "OUTPUT": str(tmp_path / "run")}
    ran = run("trainmodel", parameters)
    assert ran.ok, ran.feedback.text()
    (train,) = fake_training.calls()
    asked = values(train)
    assert asked["--data"] == asked["--held-out"] == [str(own)]
    assert asked["--config"][0].endswith("training/configs/custom_city.yaml")


@pytest.mark.parametrize("preset", ["default", "gpu", "custom_city", "smoke"])
def test_each_preset_is_a_file_of_the_package(
    fake_training: Any, run: Any, tmp_path: Path, preset: str
) -> None:
    fake_training()
    parameters = {"CITIES": 1, "HELD_OUT_CITIES": 1, "PRESET": preset, "OUTPUT": str(tmp_path)}
    assert run("trainmodel", parameters).ok
    config = Path(values(fake_training.calls()[-1])["--config"][0])
    assert config.name == f"{preset}.yaml"
    assert config.is_file()


def test_progress_follows_cities_and_steps(fake_training: Any, run: Any, tmp_path: Path) -> None:
    fake_training(CSI_FAKE_PACE="0.02")
    parameters = {"CITIES": 4, "HELD_OUT_CITIES": 2, "OUTPUT": str(tmp_path)}
    ran = run("trainmodel", parameters)
    assert ran.feedback.percents == sorted(ran.feedback.percents)
    assert {7.5, 30.0, 35.0, 67.5, 100.0} <= {round(p, 3) for p in ran.feedback.percents}
    assert "a line of a library" in ran.feedback.lines


def test_failing_training_tells_its_last_words(
    fake_training: Any, run: Any, tmp_path: Path
) -> None:
    fake_training(CSI_FAKE_FAIL="train")
    ran = run("trainmodel", {"CITIES": 1, "HELD_OUT_CITIES": 1, "OUTPUT": str(tmp_path)})
    assert not ran.ok
    (error,) = ran.feedback.errors
    assert "exit code 2" in error
    assert "holds no rendered city" in error


def test_cancel_kills_the_child(fake_training: Any, run: Any, heard: Any, tmp_path: Path) -> None:
    fake_training(CSI_FAKE_PACE="2")
    began = time.monotonic()
    parameters = {"CITIES": 30, "HELD_OUT_CITIES": 1, "OUTPUT": str(tmp_path)}
    ran = run("trainmodel", parameters, heard(cancel_at=0.01))
    assert not ran.ok
    assert ran.feedback.errors == ["Cancelled."]
    assert time.monotonic() - began < 10
    assert len(fake_training.calls()) == 1


def test_python_that_cannot_start_is_said(
    staged: Path, use_launch: Any, run: Any, tmp_path: Path
) -> None:
    launch = importlib.import_module("csi_geolocator.engine.launch")
    use_launch(launch.Launch(str(tmp_path / "absent"), (), str(tmp_path), dict(os.environ)))
    ran = run("trainmodel", {"OUTPUT": str(tmp_path / "run")})
    assert not ran.ok
    assert "could not be started" in ran.feedback.errors[0]


def test_evaluation_renders_what_it_judges_by(fake_training: Any, run: Any, tmp_path: Path) -> None:
    fake_training()
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    parameters = {
        "BUNDLE": str(bundle),
        "CITIES": 2,
        "FIRST_CITY": 50,
        "PLACES": 6,
        "WIDTH": 128,
        "DEVICE": "cpu",
        "REPORT": str(tmp_path / "report.json"),
        "FIGURES": str(tmp_path / "figures.gpkg"),
    }
    ran = run("evaluatemodel", parameters)
    assert ran.ok, ran.feedback.text()
    render, evaluate = fake_training.calls()
    assert values(render)["--cities"] == ["50:52"]
    asked = values(evaluate)
    assert asked["--data"] == values(render)["--out"]
    assert asked["--bundle"] == [str(bundle)]
    assert asked["--device"] == ["cpu"]
    assert asked["--out"] == [str(tmp_path / "report.json")]
    table = QgsVectorLayer(ran.outputs["FIGURES"], "figures")
    rows = [(f["kind"], f["fov_deg"], f["recall_at_1"]) for f in table.getFeatures()]
    assert rows == [("si", 60.0, 0.25), ("both", 60.0, 0.25)]
    assert not table.isSpatial()


def test_evaluation_takes_cities_that_are_there(
    fake_training: Any, run: Any, tmp_path: Path
) -> None:
    fake_training()
    data = tmp_path / "held_out"
    data.mkdir()
    parameters = {"DATA": str(data), "REPORT": str(tmp_path / "report.json")}
    ran = run("evaluatemodel", parameters)
    assert ran.ok
    (evaluate,) = fake_training.calls()
    assert values(evaluate)["--data"] == [str(data)]
    assert "--bundle" not in values(evaluate)


@pytest.mark.slow
def test_true_training_makes_a_model_that_is_evaluated(
    staged: Path, use_launch: Any, run: Any, repository: Path, tmp_path: Path
) -> None:
    python = repository / ".venv" / "bin" / "python"
    if not python.exists():
        pytest.skip("the engine's environment .venv is not here; make it with: make demo")
    launch = importlib.import_module("csi_geolocator.engine.launch")
    environment = launch.clean_environment(os.environ)
    use_launch(launch.Launch(str(python), (), str(staged), environment))
    out = tmp_path / "run"
    parameters = {
        "CITIES": 1,
        "HELD_OUT_CITIES": 1,
        "PLACES": 6,
        "WIDTH": 128,
        "PRESET": "smoke",
        "STEPS": 2,
        "DEVICE": "cpu",
        "OUTPUT": str(out),
    }
    ran = run("trainmodel", parameters)
    assert ran.ok, ran.feedback.text()
    assert (Path(ran.outputs["BUNDLE"]) / "card.md").is_file()
    assert "step 2" in ran.feedback.text()
    scored = run(
        "evaluatemodel",
        {
            "BUNDLE": ran.outputs["BUNDLE"],
            "DATA": str(out / "cities" / "held_out"),
            "DEVICE": "cpu",
            "REPORT": str(tmp_path / "report.json"),
        },
    )
    assert scored.ok, scored.feedback.text()
    report = json.loads((tmp_path / "report.json").read_text())
    assert {row["kind"] for row in report["figures"]} == {"si", "svi", "both"}
