"""The scripts that a machine with a GPU runs: whole, resumable, and small enough to come back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest


def run_script(repository: Path, name: str, **told: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SIZE": "tiny", "DEVICE": "cpu", "PYTHON": sys.executable}
    environment |= {key: str(value) for key, value in told.items()}
    script = repository / "training" / "experiments" / "gpu" / name
    return subprocess.run(
        [str(script)], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def scripts(repository: Path) -> list[Path]:
    return sorted((repository / "training" / "experiments" / "gpu").glob("*.sh"))


def lay_out(world: Path, work: Path) -> Path:
    """A folder of a machine where the data is rendered already."""
    work.mkdir()
    for name, folder in (("train", "train"), ("watch", "held_out"), ("test", "held_out")):
        (work / name).symlink_to(world / folder)
    (work / "whole").touch()
    return work


def test_scripts_are_in_order_and_stop_at_the_first_error(scripts: list[Path]) -> None:
    numbered = [path for path in scripts if path.name[0].isdigit()]
    assert [path.name[0] for path in numbered] == list("1234567")
    for path in numbered:
        assert os.access(path, os.X_OK)
        assert '. "$(dirname "$0")/common.sh"' in path.read_text()
    assert "set -euo pipefail" in (scripts[0].parent / "common.sh").read_text()
    for path in scripts:
        subprocess.run(["bash", "-n", str(path)], check=True)


@pytest.mark.slow
def test_training_goes_on_elsewhere_from_what_came_back(
    repository: Path, world: Path, tmp_path: Path
) -> None:
    came_back = tmp_path / "out"
    first, second = (lay_out(world, tmp_path / name) for name in ("first", "second"))
    done = run_script(repository, "2_matcher.sh", WORK=first, OUT=came_back)
    assert done.returncode == 0, done.stderr[-2000:]
    pieces = sorted(came_back.iterdir())
    names = ["bundle.tgz.00", "matcher.tgz.00", "matcher.tgz.01"]
    assert [path.name for path in pieces] == names
    with tarfile.open(came_back / "bundle.tgz.00") as archive:
        assert "matcher/bundle/encoder.safetensors" in archive.getnames()
    assert all(path.stat().st_size <= 15_000_000 for path in pieces)
    told = {"WORK": second, "OUT": tmp_path / "again", "RESUME_FROM": came_back}
    again = run_script(repository, "2_matcher.sh", **told)
    assert again.returncode == 0, again.stderr[-2000:]
    assert "resumed at step 2" in again.stdout
    history = [json.loads((w / "matcher" / "history.json").read_text()) for w in (first, second)]
    assert history[0] == history[1]


def test_scores_and_tables_come_back_and_weights_do_not(repository: Path, tmp_path: Path) -> None:
    work, out, seed = tmp_path / "work", tmp_path / "out", "ablation/runs/abc/seed_1"
    (work / seed / "scores").mkdir(parents=True)
    (work / "whole").touch()
    for name in (f"{seed}/scores/cross.json", f"{seed}/last.safetensors", "ablation/fusion.md"):
        (work / name).write_text("{}")
    done = run_script(repository, "7_tables.sh", WORK=work, OUT=out, PYTHON="true", TABLES="fusion")
    assert done.returncode == 0, done.stderr
    with tarfile.open(out / "ablation.tgz.00") as archive:
        assert set(archive.getnames()) == {f"{seed}/scores/cross.json", "ablation/fusion.md"}
    assert len(list(out.iterdir())) == 1


def stand_in(folder: Path, does: str) -> Path:
    """A program in place of Python; ``$3`` is the command of training that it is asked for."""
    path = folder / "stand_in"
    path.write_text(f"#!/usr/bin/env bash\n{does}\n")
    path.chmod(0o755)
    return path


def test_what_a_killed_script_has_done_comes_back(repository: Path, tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    (work / "whole").touch()
    trains = stand_in(
        tmp_path,
        'mkdir "$WORK/matcher" && echo step >"$WORK/matcher/last.safetensors"\nexec sleep 60',
    )
    told = {"SIZE": "tiny", "DEVICE": "cpu", "PYTHON": trains, "WORK": work, "OUT": out}
    environment = {**os.environ, **{key: str(value) for key, value in told.items()}}
    script = repository / "training" / "experiments" / "gpu" / "2_matcher.sh"
    with subprocess.Popen([str(script)], env=environment) as running:
        patient = time.monotonic() + 30
        while not (work / "matcher" / "last.safetensors").exists() and time.monotonic() < patient:
            time.sleep(0.02)
        running.terminate()
        assert running.wait(timeout=30) == 143
    with tarfile.open(out / "matcher.tgz.00") as archive:
        assert archive.getnames() == ["matcher/last.safetensors"]


def test_the_row_that_was_stopped_goes_on_elsewhere(repository: Path, tmp_path: Path) -> None:
    first, second, out = tmp_path / "first", tmp_path / "second", tmp_path / "out"
    runs = "ablation/runs/abc"
    for name in ("seed_1/scores/same.json", "seed_2/scores/same.json", "seed_2/scores/cross.json"):
        (first / runs / name).parent.mkdir(parents=True, exist_ok=True)
        (first / runs / name).write_text("{}")
        (first / runs / name).parents[1].joinpath("last.safetensors").write_text(name)
    os.utime(first / runs / "seed_2" / "last.safetensors", (1, 1))
    second.mkdir()
    for work in (first, second):
        (work / "whole").touch()
        told = {"WORK": work, "OUT": out, "PYTHON": "true", "TABLES": "fusion"}
        done = run_script(repository, "7_tables.sh", **told, RESUME_FROM=out)
        assert done.returncode == 0, done.stderr
    assert (second / runs / "seed_1" / "last.safetensors").read_text() == "seed_1/scores/same.json"
    assert (second / runs / "seed_2" / "scores" / "cross.json").exists()
    assert not (second / runs / "seed_2" / "last.safetensors").exists()


def test_rendering_takes_no_more_processes_than_there_are_cores(
    repository: Path, tmp_path: Path
) -> None:
    notes = stand_in(tmp_path, f'echo "$*" >>"{tmp_path}/asked"')
    told = {"SIZE": "full", "PYTHON": notes, "WORK": tmp_path / "w", "OUT": tmp_path / "o"}
    done = run_script(repository, "2_matcher.sh", **told)
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    rendered = [line for line in asked if " render " in line]
    at_once = [line for line in rendered if "/w/train " in line]
    assert all("--workers 1 " in line for line in rendered)
    assert 1 < 2 * len(at_once) <= 16


def test_what_is_missing_is_named(repository: Path, tmp_path: Path) -> None:
    done = run_script(repository, "3_controls.sh", WORK=tmp_path / "w", OUT=tmp_path / "o")
    assert done.returncode == 2
    assert "run 2_matcher.sh first" in done.stderr
    environment = {key: value for key, value in os.environ.items() if key not in ("WORK", "OUT")}
    script = repository / "training" / "experiments" / "gpu" / "1_smoke.sh"
    done = subprocess.run(
        [str(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "folder for what comes back" in done.stderr
