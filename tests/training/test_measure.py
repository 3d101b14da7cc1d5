"""Rates of a machine: what was rendered and learned from, and how long it took."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from training.cli import app


def test_rates_are_measured_and_written(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "rates.json"
    arguments = ["measure", "--data", str(world / "train"), "--out", str(out), "--sizes", "1"]
    result = CliRunner().invoke(
        app, [*arguments, "--batch", "4", "--steps", "2", "--device", "cpu"]
    )
    assert result.exit_code == 0, result.output
    rates = json.loads(out.read_text())
    assert rates["rendering"][0]["places"] == 1
    assert rates["rendering"][0]["seconds"] > 0
    learning = rates["learning"]
    assert 0 < learning["batch"] <= 4
    assert learning["places_a_second"] * learning["seconds_a_step"] > 0.99 * learning["batch"]
    assert learning["peak_memory_gb"] is None


def test_sizes_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    arguments = ["measure", "--data", str(tmp_path), "--out", str(tmp_path / "r"), "--sizes", "a"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "20,100" in result.output
