"""The scripts that a machine with a GPU runs: whole, resumable, and small enough to come back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
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
    assert [path.name for path in pieces] == ["matcher.tgz.00", "matcher.tgz.01"]
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
