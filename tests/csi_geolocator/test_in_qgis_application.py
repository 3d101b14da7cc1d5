"""The staged plugin in the real QGIS program, in a profile of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PHOTO = "resources/demo/photos/photo_01.jpg"
COUNTED = ("docks", "actions", "toolbars", "menus", "helps", "providers")
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
        env={
            **scrubbed,
            "HOME": str(home),
            "CSI_TEST_REPORT": str(written),
            "CSI_TEST_PHOTO": str(plugins_folder / "csi_geolocator" / PHOTO),
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if not written.exists():
        pytest.fail(f"QGIS ended with {run.returncode} and wrote no report:\n{run.stderr}")
    return json.loads(written.read_text(encoding="utf-8"))


def assert_in_place(seen: dict[str, Any]) -> None:
    assert {key: seen[key] for key in COUNTED} == dict.fromkeys(COUNTED, 1)
    assert seen["visible"] == [True]
    assert seen["checked"] == [True]
    assert seen["icon_empty"] == [False]


def test_nothing_fails_in_qgis(report: dict[str, Any]) -> None:
    assert "failure" not in report, report["failure"]


def test_panel_menu_and_toolbar_are_there_at_start(report: dict[str, Any]) -> None:
    assert report["at_start"]["started"]
    assert_in_place(report["at_start"])


def test_panel_says_that_the_engine_is_not_set_up(report: dict[str, Any]) -> None:
    labels = report["at_start"]["labels"][0]
    assert labels["engineTitle"] == "The engine is not set up yet"


def test_panel_follows_the_options_page(report: dict[str, Any]) -> None:
    assert report["options"] == [False, True]


def test_photo_dropped_on_qgis_is_listed_and_no_layer(report: dict[str, Any]) -> None:
    assert report["dropped"] == 1
    assert report["layers"] == 0


def test_every_dialog_opens(report: dict[str, Any]) -> None:
    assert report["dialogs"] == ["CSI Geolocator", "Model card: default", "Edit photo_01.jpg"]


def test_action_hides_and_shows_the_panel(report: dict[str, Any]) -> None:
    assert report["hidden"]["visible"] == [False]
    assert report["hidden"]["checked"] == [False]
    assert_in_place(report["shown"])


def test_unloading_leaves_nothing_and_loading_again_works(report: dict[str, Any]) -> None:
    assert len(report["rounds"]) == 2
    for turn in report["rounds"]:
        assert turn["unloaded"]
        assert {key: turn["gone"][key] for key in COUNTED} == dict.fromkeys(COUNTED, 0)
        assert turn["gone"]["canvas_items"] < turn["back"]["canvas_items"]
        assert turn["loaded"]
        assert_in_place(turn["back"])
    items = [turn["gone"]["canvas_items"] for turn in report["rounds"]]
    assert items[0] == items[1]


def test_qgis_loads_nothing_of_the_engine(report: dict[str, Any]) -> None:
    assert report["engine_modules"] == []


def test_contract_comes_from_the_package(report: dict[str, Any]) -> None:
    path = Path(report["contract_file"])
    assert path.parts[-4:] == ("csi_geolocator", "model_core", "contract", "__init__.py")
