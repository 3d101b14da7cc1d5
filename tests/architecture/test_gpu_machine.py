"""Rendering, training and judging on a machine that has torch, and no geospatial library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import importlib
import sys

MISSING = ("rasterio", "pyproj", "shapely", "geopandas", "osmnx", "pillow_heif", "defusedxml",
           "pyogrio")


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in MISSING:
            raise ModuleNotFoundError(f"{name} is not installed on this machine")


sys.meta_path.insert(0, Missing())

from typer.testing import CliRunner

from training.cli import app


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, (result.output, result.exception)


for name in ("ablate", "ablation.calibration", "calibration_study", "controls", "generator_files",
             "measure", "mining", "plots", "synthesis_metrics", "synthesis_report",
             "train_panogan", "evaluation.compare", "evaluation.write", "world.real.window"):
    importlib.import_module(f"training.{name}")

out = sys.argv[1]
world, other, made = f"{out}/world", f"{out}/other", f"{out}/run"
size = ["--places", 6, "--width", 128, "--device", "cpu"]
run("render", "--out", world, "--cities", "7:8", *size)
run("render", "--out", other, "--cities", "8:9", *size)
step = ["--set", "matcher.steps=1", "--set", "batch=4", "--set", "precision=32-true"]
run("train", "--data", world, "--held-out", other, "--out", made, "--device", "cpu", *step)
run("export", "--run", made, "--out", f"{out}/bundle")
run("evaluate", "--data", other, "--bundle", f"{out}/bundle", "--device", "cpu", "--controls",
    "--fov", 90, "--samples", 2, "--out", f"{out}/report")
assert not set(MISSING) & set(sys.modules)
"""


@pytest.mark.slow
def test_a_model_is_made_without_geospatial_libraries(repository: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
