"""From photos to an answer with the true engine: the panel, its task, the demo."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtWidgets import QLabel, QPushButton

PATIENCE_S = 240.0


class Iface:
    """The part of QGIS's interface that the panel uses."""

    def __init__(self, iface: Any) -> None:
        self._iface = iface

    def mapCanvas(self) -> Any:
        return self._iface.mapCanvas()

    def activeLayer(self) -> Any:
        return None

    def mainWindow(self) -> Any:
        return self._iface.mainWindow()


@pytest.fixture
def engine_python(repository: Path) -> Path:
    """The Python of the engine's environment."""
    python = Path(os.environ.get("CSI_ENGINE_PYTHON", repository / ".venv" / "bin" / "python"))
    if not python.is_file():
        pytest.skip(f"the engine's environment is not here ({python})")
    return python


@pytest.fixture
def panel(
    staged: Path,
    settings_folder: Path,
    engine_python: Path,
    qgis_iface: Any,
    qgis_new_project: None,
) -> Iterator[Any]:
    module = importlib.import_module("csi_geolocator.gui.panel")
    settings = importlib.import_module("csi_geolocator.settings").Settings()
    client = importlib.import_module("csi_geolocator.engine.client")
    settings.engine_python = str(engine_python)
    settings.device = "cpu"
    engine = client.EngineClient(settings.engine_launch)
    product = module.Product("CSI Geolocator", "9.8.7", 2, staged / "resources/icons/icon.svg")
    models = staged / "resources" / "models"
    made = module.LocatorPanel(product, Iface(qgis_iface), settings, engine, models)
    made.show()
    yield made
    made.remove()
    engine.stop()
    made.deleteLater()


@pytest.mark.slow
def test_demo_photos_are_located_and_the_next_one_is_quicker(
    panel: Any, staged: Path, wait_until: Any
) -> None:
    demo = staged / "resources" / "demo"
    project = QgsProject.instance()
    raster = QgsRasterLayer(str(demo / "imagery.tif"), "imagery")
    roads = QgsVectorLayer(str(demo / "roads.geojson"), "roads", "ogr")
    area = QgsVectorLayer(str(demo / "area.geojson"), "area", "ogr")
    project.addMapLayers([raster, roads, area])
    form = panel.form
    panel.add_photos([str(demo / "photos" / "photo_01.jpg")])
    form.area._layer.setLayer(area)
    form.references.imagery.choose("layer", raster.id())
    form.references.roads.choose("layer", roads.id())
    form.references.street_views.tick([str(demo / "street_views")])
    form.options.restore({"verification": {"budget_views": 0}, "search": {"beside_places": 10}})
    button = panel.findChild(QPushButton, "runButton")
    status = panel.findChild(QLabel, "runStatus")
    wait_until(lambda: button.isEnabled(), 30)
    stages: list[set[str]] = []
    for number in (1, 2):
        if number == 2:
            form.photos.model.clear()
            panel.add_photos([str(demo / "photos" / "photo_02.jpg")])
            wait_until(lambda: button.isEnabled(), 30)
        results: list[Any] = []
        seen: set[str] = set()
        panel.locate_tab.succeeded.connect(results.append)
        button.click()
        panel.locate_tab._task.progressed.connect(lambda step, seen=seen: seen.add(step.stage))
        wait_until(lambda: not panel.locate_tab.is_running, PATIENCE_S)
        panel.locate_tab.succeeded.disconnect(results.append)
        assert results, status.text()
        (answer,) = results[0].photos
        assert answer.error == ""
        assert answer.candidates["features"][0]["properties"]["rank"] == 1
        assert Path(results[0].files["candidates"]).is_file()
        stages.append(seen)
    assert "gallery" in stages[0]
    assert "gallery" not in stages[1], "the gallery of the area is used again"


@pytest.mark.slow
def test_estimate_that_is_no_longer_wanted_gives_way_at_once(
    plugin: Any, engine_python: Path, settings_folder: Path, wait_until: Any
) -> None:
    contract = plugin("model_core.contract")
    settings = plugin("settings").Settings()
    settings.engine_python = str(engine_python)
    engine = plugin("engine.client").EngineClient(settings.engine_launch, cancel_grace_s=5.0)
    answers: list[Any] = []
    tiles = "xyz|url=https://tiles.example.org/{z}/{x}/{y}.png"
    wide, small = "13.0,47.0,13.2,47.15", "13.0,47.0,13.001,47.001"
    try:
        engine.call(
            contract.SOURCES, contract.SourcesParams(), done=answers.append, failed=answers.append
        )
        wait_until(lambda: bool(answers), 60)
        process_id = engine.process_id
        calls = [
            engine.call(
                contract.ESTIMATE,
                contract.EstimateParams(area=area, imagery=tiles, roads="overpass"),
                done=answers.append,
                failed=answers.append,
            )
            for area in (wide, small)
        ]
        timer = time.monotonic() + 2.0
        wait_until(lambda: time.monotonic() > timer)
        calls[0].cancel()
        wait_until(lambda: len(answers) == 3, 10)
        assert answers[1].is_cancelled
        assert answers[2]["places"] > 0
        assert engine.process_id == process_id, "the engine was not ended"
    finally:
        engine.stop()
