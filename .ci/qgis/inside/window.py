"""Inside QGIS: wait, open the demo, choose what a run needs, as the scripts beside this want it."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import qgis.utils
from qgis.core import (
    QgsApplication,
    QgsFillSymbol,
    QgsLineSymbol,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QTimer
from qgis.PyQt.QtTest import QTest

NAME = "csi_geolocator"
START_DELAY_MS = 1500
DEMO = Path(os.environ.get("CSI_DEMO", ""))


class NeverTrue(AssertionError):
    """Something did not happen in time."""


def wait_until(is_true: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Let QGIS work until something is true.

    Raises:
        NeverTrue: It was not in time.
    """
    deadline = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > deadline:
            raise NeverTrue(f"{what}: not after {timeout_s:.0f} seconds")
        QTest.qWait(30)


def settle(milliseconds: int = 400) -> None:
    """Let Qt and the map finish what they have begun."""
    QTest.qWait(milliseconds)
    canvas = qgis.utils.iface.mapCanvas()
    wait_until(lambda: not canvas.isDrawing(), "drawing the map", 30.0)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()


def open_demo(save_to: Path | None = None) -> dict[str, object]:
    """Show the demo's imagery, roads and area, and return the layers by those names."""
    project = QgsProject.instance()
    project.clear()
    layers = {
        "imagery": QgsRasterLayer(str(DEMO / "imagery.tif"), "Demo imagery"),
        "roads": QgsVectorLayer(str(DEMO / "roads.geojson"), "Demo roads", "ogr"),
        "area": QgsVectorLayer(str(DEMO / "area.geojson"), "Demo area", "ogr"),
    }
    project.setCrs(layers["imagery"].crs())
    outline = {"style": "no", "outline_color": "255,200,0,255", "outline_width": "0.8"}
    layers["area"].renderer().setSymbol(QgsFillSymbol.createSimple(outline))
    line = {"line_color": "255,255,255,160", "line_width": "0.4"}
    layers["roads"].renderer().setSymbol(QgsLineSymbol.createSimple(line))
    for layer in layers.values():
        project.addMapLayer(layer)
    project.layerTreeRoot().findLayer(layers["imagery"].id()).setExpanded(False)
    canvas = qgis.utils.iface.mapCanvas()
    canvas.setDestinationCrs(layers["imagery"].crs())
    canvas.setExtent(layers["imagery"].extent())
    canvas.refresh()
    if save_to is not None:
        project.setTitle("CSI Geolocator demo")
        project.write(str(save_to))
    return layers


def panel():
    """Return the panel of the plugin."""
    return qgis.utils.plugins[NAME]._panel


def choose_demo(layers: dict[str, object], photos: list[str]) -> None:
    """Choose photos, area and references of the demo in the panel, and wait for the photos."""
    from csi_geolocator.gui.areas import area_of_layer
    from csi_geolocator.gui.source_picker import LAYER

    form = panel().form
    form.photos.add_paths(photos)
    form.area.set_area(area_of_layer(layers["area"], selected=False))
    form.references.imagery.choose(LAYER, layers["imagery"].id())
    form.references.roads.choose(LAYER, layers["roads"].id())
    form.references.street_views.tick([str(DEMO / "street_views")])
    wait_until(lambda: form.photos.model.rowCount() == len(photos), "photos in the list")
    wait_until(lambda: form.missing() == "", "a form that is ready to run")


def run_then_exit(script: Callable[[], None], report: Callable[[str], None]) -> None:
    """Run a script once QGIS is up; hand what failed, or "", to ``report``; leave QGIS."""

    def run() -> None:
        failure = ""
        try:
            script()
        except Exception:
            failure = traceback.format_exc()
        report(failure)
        if NAME in qgis.utils.plugins:
            qgis.utils.unloadPlugin(NAME)
        QgsProject.instance().setDirty(False)
        QgsApplication.exit(0)

    QTimer.singleShot(START_DELAY_MS, run)
