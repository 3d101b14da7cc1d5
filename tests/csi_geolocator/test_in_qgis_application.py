"""The staged plugin in the real QGIS program, in a profile of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("drive_qgis.py")


@pytest.fixture(scope="module")
def report(plugins_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the driver saw in a fresh QGIS in which the plugin is switched on."""
    home = tmp_path_factory.mktemp("home")
    profile = home / "profiles" / "default"
    (profile / "QGIS").mkdir(parents=True)
    (profile / "QGIS" / "QGIS3.ini").write_text("[PythonPlugins]\ncsi_geolocator=true\n")
    shutil.copytree(plugins_folder, profile / "python" / "plugins")
    written = home / "report.json"
    scrubbed = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "QGIS_"))}
    profile_options = ["--profiles-path", str(home), "--profile", "default"]
    run = subprocess.run(
        ["qgis", "--nologo", "--noversioncheck", *profile_options, "--code", str(DRIVER)],
        env={**scrubbed, "HOME": str(home), "CSI_TEST_REPORT": str(written)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if not written.exists():
        pytest.fail(f"QGIS ended with {run.returncode} and wrote no report:\n{run.stderr}")
    return json.loads(written.read_text(encoding="utf-8"))


def assert_in_place(seen: dict[str, Any]) -> None:
    counts = {key: seen[key] for key in ("docks", "actions", "toolbars", "menus")}
    assert counts == {"docks": 1, "actions": 1, "toolbars": 1, "menus": 1}
    assert seen["visible"] == [True]
    assert seen["checked"] == [True]
    assert seen["icon_empty"] == [False]


def test_nothing_fails_in_qgis(report: dict[str, Any]) -> None:
    assert "failure" not in report, report["failure"]


def test_panel_menu_and_toolbar_are_there_at_start(report: dict[str, Any]) -> None:
    assert report["at_start"]["started"]
    assert_in_place(report["at_start"])


def test_panel_says_what_is_installed(report: dict[str, Any], repository: Path) -> None:
    version = (repository / "metadata.txt").read_text().split("\nversion=")[1].split("\n")[0]
    labels = report["at_start"]["labels"][0]
    assert labels["productVersion"] == f"Version {version}"
    assert labels["protocolVersion"] == "2"
    assert labels["engineState"] == "Engine environment not set up"


def test_action_hides_and_shows_the_panel(report: dict[str, Any]) -> None:
    assert report["hidden"]["visible"] == [False]
    assert report["hidden"]["checked"] == [False]
    assert_in_place(report["shown"])


def test_unloading_leaves_nothing_and_loading_again_works(report: dict[str, Any]) -> None:
    assert len(report["rounds"]) == 2
    for turn in report["rounds"]:
        assert turn["unloaded"]
        left = {key: turn["gone"][key] for key in ("docks", "actions", "toolbars", "menus")}
        assert left == {"docks": 0, "actions": 0, "toolbars": 0, "menus": 0}
        assert turn["loaded"]
        assert_in_place(turn["back"])


def test_qgis_loads_nothing_of_the_engine(report: dict[str, Any]) -> None:
    assert report["engine_modules"] == []


def test_contract_comes_from_the_package(report: dict[str, Any]) -> None:
    path = Path(report["contract_file"])
    assert path.parts[-4:] == ("plugins", "csi_geolocator", "model_core", "contract.py")
