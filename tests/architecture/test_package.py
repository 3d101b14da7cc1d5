"""The zip that ``make package`` builds."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

MAX_BYTES = 25_000_000


def run_package(repository: Path, *arguments: str) -> None:
    script = str(repository / ".ci" / "package.py")
    subprocess.run([sys.executable, script, *arguments], check=True, timeout=120)


@pytest.fixture(scope="module")
def package(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "csi_geolocator.zip"
    run_package(repository, "--out", str(path))
    return path


@pytest.fixture(scope="module")
def names(package: Path) -> list[str]:
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


def test_one_top_folder_holds_all(names: list[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"csi_geolocator"}


@pytest.mark.parametrize(
    "name",
    [
        "__init__.py",
        "plugin.py",
        "metadata.txt",
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "gui/panel.py",
        "model_core/__init__.py",
        "model_core/contract/messages.py",
        "model_core/pipeline.py",
        "training/train.py",
        "resources/icons/icon.svg",
        "resources/requirements/engine.txt",
        "processing/provider.py",
    ],
)
def test_package_holds(names: list[str], name: str) -> None:
    assert f"csi_geolocator/{name}" in names


@pytest.mark.parametrize("part", ["resources/models/", "resources/demo/"])
def test_package_holds_the_model_and_the_demo(names: list[str], part: str) -> None:
    assert any(name.startswith(f"csi_geolocator/{part}") for name in names)


def test_package_holds_no_caches_binaries_or_tests(names: list[str]) -> None:
    unwanted = ("__pycache__", ".pyc", ".so", ".dll", ".dylib", ".exe", "/tests/", "/.")
    assert [name for name in names if any(part in name for part in unwanted)] == []


def test_package_fits_the_plugin_site(package: Path) -> None:
    assert package.stat().st_size <= MAX_BYTES


def test_same_sources_give_the_same_bytes(package: Path, repository: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    run_package(repository, "--out", str(again))
    assert again.read_bytes() == package.read_bytes()


def test_engine_runs_from_the_staged_plugin(repository: Path, tmp_path: Path) -> None:
    run_package(repository, "--stage", str(tmp_path))
    run = subprocess.run(
        [sys.executable, "-m", "model_core", "--help"],
        cwd=tmp_path / "csi_geolocator",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert "locate" in run.stdout
