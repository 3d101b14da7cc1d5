"""The panel's words, with real Qt widgets."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QLabel, QPushButton


class Engine:
    """Says where the engine's Python is."""

    def __init__(self) -> None:
        self.python: Path | None = None

    def __call__(self) -> Path | None:
        return self.python


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def panel(staged: Path, engine: Engine, qgis_app: Any, tmp_path: Path) -> Iterator[Any]:
    module = importlib.import_module("csi_geolocator.gui.panel")
    product = module.Product("CSI Geolocator", "9.8.7", 3, staged / "resources/icons/icon.svg")
    made = module.LocatorPanel(product, engine, tmp_path / "engine")
    yield made
    made.deleteLater()


def text(panel: Any, name: str) -> str:
    return panel.findChild(QLabel, name).text()


def test_missing_environment_is_said_with_its_location(panel: Any, tmp_path: Path) -> None:
    assert text(panel, "engineState") == "Engine environment not set up"
    assert text(panel, "engineLocation") == str(tmp_path / "engine")


def test_environment_made_meanwhile_is_seen_when_the_panel_is_shown(
    panel: Any, engine: Engine, tmp_path: Path
) -> None:
    engine.python = tmp_path / "bin" / "python"
    panel.show()
    assert text(panel, "engineState") == "Engine environment found"
    assert text(panel, "engineLocation") == str(engine.python)


def test_version_and_protocol_are_shown(panel: Any) -> None:
    assert text(panel, "productVersion") == "Version 9.8.7"
    assert text(panel, "protocolVersion") == "3"


def test_panel_does_not_claim_what_it_cannot_do(panel: Any) -> None:
    assert "does not start the engine yet" in text(panel, "limits")


def test_details_are_copied(panel: Any) -> None:
    panel.findChild(QPushButton, "copyDetails").click()
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("CSI Geolocator 9.8.7\nEngine protocol: 3\n")
    assert "QGIS: 3." in copied or "QGIS: 4." in copied


def test_product_is_read_from_the_metadata(staged: Path, qgis_app: Any) -> None:
    plugin = importlib.import_module("csi_geolocator.plugin")
    product = plugin.read_product(staged)
    assert product.name == "CSI Geolocator"
    assert product.icon.is_file()


@pytest.mark.parametrize("inside", ["bin/python", "Scripts/python.exe"])
def test_engine_python_is_found_in_the_profile(staged: Path, tmp_path: Path, inside: str) -> None:
    environment = importlib.import_module("csi_geolocator.engine.environment")
    python = environment.environment_folder(tmp_path) / inside
    assert environment.find_engine_python("", tmp_path) is None
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    assert environment.find_engine_python("", tmp_path) == python


def test_chosen_engine_python_goes_first(staged: Path, tmp_path: Path) -> None:
    environment = importlib.import_module("csi_geolocator.engine.environment")
    inside = environment.environment_folder(tmp_path) / "bin" / "python"
    inside.parent.mkdir(parents=True)
    inside.touch(mode=0o755)
    chosen = tmp_path / "elsewhere"
    chosen.touch(mode=0o755)
    assert environment.find_engine_python(str(chosen), tmp_path) == chosen
    chosen.unlink()
    assert environment.find_engine_python(str(chosen), tmp_path) == inside
