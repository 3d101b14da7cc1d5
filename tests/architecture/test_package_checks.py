"""The checks of the package find what the plugin site refuses, and find nothing in ours."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

GOOD_METADATA = """[general]
name=Good
description=d
about=Needs external dependencies.
version=1.0
qgisMinimumVersion=3.22
qgisMaximumVersion=4.99
author=a
email=e
homepage=h
tracker=t
repository=r
tags=t
icon=icon.svg
changelog=1.0 First
hasProcessingProvider=yes
"""
GOOD = {
    "__init__.py": "",
    "metadata.txt": GOOD_METADATA,
    "LICENSE": "words",
    "icon.svg": "<svg/>",
}


@pytest.fixture(scope="module")
def checks(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "check_package", repository / ".ci" / "check_package.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def zipped(tmp_path: Path):
    def write(files: Mapping[str, str], top: str = "csi_geolocator") -> Path:
        path = tmp_path / "package.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(f"{top}/{name}", text)
        return path

    return write


@pytest.fixture
def unpacked(tmp_path: Path):
    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "folder" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "folder"

    return write


@pytest.mark.slow
def test_our_package_has_no_findings(repository: Path, tmp_path: Path) -> None:
    package = tmp_path / "csi_geolocator.zip"
    script = repository / ".ci" / "package.py"
    subprocess.run([sys.executable, script, "--out", package], check=True, timeout=120)
    run = subprocess.run(
        [sys.executable, repository / ".ci" / "check_package.py", package],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr


def test_a_small_good_package_has_no_findings(checks: ModuleType, zipped, unpacked) -> None:
    assert list(checks.layout_findings(zipped(GOOD))) == []
    folder = unpacked(GOOD)
    assert list(checks.metadata_findings(folder)) == []
    assert list(checks.source_findings(folder)) == []


@pytest.mark.parametrize("name", ["lib/_c.so", "a/__pycache__/b.py", ".gitignore", "tool.exe"])
def test_binaries_caches_and_hidden_files_are_found(checks: ModuleType, zipped, name: str) -> None:
    (finding,) = checks.layout_findings(zipped({**GOOD, name: "x"}))
    assert name in finding


def test_missing_licence_and_another_top_folder_are_found(checks: ModuleType, zipped) -> None:
    without = {name: text for name, text in GOOD.items() if name != "LICENSE"}
    assert list(checks.layout_findings(zipped(without))) == ["LICENSE is missing"]
    assert "one top folder" in next(checks.layout_findings(zipped(GOOD, top="other")))


def test_too_large_a_demo_is_found(checks: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, text in GOOD.items():
            archive.writestr(f"csi_geolocator/{name}", text)
        archive.writestr("csi_geolocator/resources/demo/imagery.tif", b"\0" * 6_000_001)
    (finding,) = checks.layout_findings(path)
    assert "resources/demo/" in finding


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name=Good", "name=My Plugin", "the word 'plugin'"),
        ("tracker=t\n", "", "tracker is missing"),
        ("icon=icon.svg", "icon=gone.svg", "gone.svg"),
        ("dependencies", "things", "external dependencies"),
        ("version=1.0\n", "version=1.1\n", "changelog"),
    ],
)
def test_bad_metadata_is_found(
    checks: ModuleType, unpacked, old: str, new: str, words: str
) -> None:
    folder = unpacked({**GOOD, "metadata.txt": GOOD_METADATA.replace(old, new, 1)})
    (finding,) = checks.metadata_findings(folder)
    assert words in finding


def test_new_syntax_is_found_where_qgis_loads_it_only(checks: ModuleType, unpacked) -> None:
    new = "match 1:\n    case 1:\n        pass\n"
    folder = unpacked({**GOOD, "gui/a.py": new, "model_core/a.py": new})
    (finding,) = checks.source_findings(folder)
    assert finding.startswith("gui/a.py:")


def test_markers_that_silence_the_scanners_are_found(checks: ModuleType, unpacked) -> None:
    folder = unpacked({**GOOD, "model_core/a.py": "x = 1  # " + "nosec\n"})
    (finding,) = checks.source_findings(folder)
    assert "model_core/a.py" in finding


@pytest.mark.slow
def test_risky_code_and_secrets_are_found(checks: ModuleType, unpacked) -> None:
    key = "AKIA" + "Z7Q2M4X9" * 2
    folder = unpacked({**GOOD, "a.py": "import pickle\n", "b.py": f'KEY = "{key}"\n'})
    assert any("bandit B403: a.py:1" in line for line in checks.bandit_findings(folder))
    assert any("b.py:1" in line for line in checks.secret_findings(folder))
