"""The doctor's findings, on this environment and on broken input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_core.bundle import init_bundle
from model_core.cli import app
from model_core.config import ModelConfig
from model_core.contract import InfoResult
from model_core.doctor import Check, available_memory_gb, check_writing, examine
from model_core.jobs import describe


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return init_bundle(tmp_path_factory.mktemp("models") / "small", ModelConfig())


def found(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_this_environment_is_well(bundle: Path, tmp_path: Path) -> None:
    checks = found(examine(bundle, "cpu", tmp_path))
    for name in ("Python", "Libraries", "Device", "Model", "Coordinates", "Photo formats"):
        assert checks[name].ok, checks[name]
        assert checks[name].detail
    assert "torch" in checks["Libraries"].detail
    assert checks["Device"].detail.startswith("cpu")
    assert "atto" in checks["Model"].detail
    assert "PROJ" in checks["Coordinates"].detail


def test_broken_parts_are_named_and_the_rest_is_still_checked(tmp_path: Path) -> None:
    checks = found(examine(tmp_path / "no bundle", "abacus", tmp_path))
    for name in ("Model", "Device"):
        assert not checks[name].ok
        assert checks[name].next_step
    assert "no bundle" in checks["Model"].detail
    assert "abacus" in checks["Device"].detail
    assert checks["Coordinates"].ok


def test_damaged_bundle_is_found_by_its_sum(bundle: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in bundle.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    weights = damaged / "encoder.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    check = found(examine(damaged, "cpu", tmp_path))["Model"]
    assert not check.ok
    assert "encoder.safetensors is damaged" in check.detail


def test_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    assert check_writing(tmp_path / "not" / "yet") == str(tmp_path)


def test_folder_inside_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="is a file"):
        check_writing(tmp_path / "file" / "out")


def test_memory_is_a_sensible_number() -> None:
    available = available_memory_gb()
    assert available is not None
    assert 0.01 < available < 100_000


def test_command_prints_findings_and_fails_with_them(bundle: Path, tmp_path: Path) -> None:
    arguments = ["doctor", "--device", "cpu", "--out", str(tmp_path)]
    bad = CliRunner().invoke(app, [*arguments, "--bundle", str(tmp_path / "none")])
    assert bad.exit_code == 1
    assert "FAIL" in bad.stdout
    assert "next:" in bad.stdout
    good = CliRunner().invoke(app, [*arguments, "--bundle", str(bundle), "--json"])
    checks = json.loads(good.stdout)["checks"]
    assert {"Libraries", "Device", "Model"} <= {check["name"] for check in checks if check["ok"]}


def test_info_names_model_device_and_versions(bundle: Path) -> None:
    info = describe(bundle, "cpu")
    assert info.device == "cpu"
    assert info.bundle["backbone"] == "atto"
    assert len(info.bundle["model_hash"]) == 64
    assert info.libraries["torch"]
    assert InfoResult.from_json(json.loads(json.dumps(info.to_json()))) == info


def test_info_says_why_a_model_cannot_be_read(tmp_path: Path) -> None:
    info = describe(tmp_path / "none", "cpu")
    assert info.bundle == {}
    assert "none" in info.bundle_error


def test_info_command_prints_lines_or_json(bundle: Path) -> None:
    arguments = ["info", "--bundle", str(bundle), "--device", "cpu"]
    lines = CliRunner().invoke(app, arguments).stdout
    assert "preset default" in lines
    told = CliRunner().invoke(app, [*arguments, "--json"]).stdout
    assert InfoResult.from_json(json.loads(told)).device == "cpu"
    wrong = CliRunner().invoke(app, ["info", "--device", "abacus"])
    assert wrong.exit_code == 2
    assert "abacus" in wrong.stderr
