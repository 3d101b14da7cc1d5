"""Runs inside QGIS: installs the zip as its plugin manager does, and locates two demo photos."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ["CSI_INSIDE"])
import qgis.utils
import window
from qgis.core import Qgis

PHOTOS = ("photo_01.jpg", "photo_05.jpg")
RUN_TIMEOUT_S = 900.0
ENGINE_ONLY = ("torch", "cv2", "rasterio")
seen = {"qgis": Qgis.version()}


def install_and_run():
    """Install, then locate the photos; what was seen is kept."""
    import pyplugin_installer

    pyplugin_installer.initPluginInstaller()
    pyplugin_installer.instance().installFromZipFile(os.environ["CSI_PACKAGE"])
    window.wait_until(lambda: window.NAME in qgis.utils.plugins, "the plugin started")
    seen["folder"] = str(Path(qgis.utils.plugins[window.NAME].__class__.__module__))
    window.panel().show()
    layers = window.open_demo()
    window.choose_demo(layers, [str(window.DEMO / "photos" / name) for name in PHOTOS])
    tab = window.panel().locate_tab
    failures = []
    tab.engineFailed.connect(lambda failure: failures.append(failure.message))
    tab.run()
    window.wait_until(lambda: not tab.is_running, "the end of the run", RUN_TIMEOUT_S)
    if failures:
        raise RuntimeError("; ".join(failures))
    results = window.panel()._results.layers
    results.settle()
    seen["photos"] = {
        record.name: {
            "error": record.error,
            "candidates": len(results.candidates_of(record.path)),
            "elsewhere": record.probability_elsewhere,
        }
        for record in results.photos.values()
    }
    layer = results.candidates_layer
    seen["features"] = 0 if layer is None else layer.featureCount()
    seen["engine_modules"] = [name for name in ENGINE_ONLY if name in sys.modules]


def report(failure):
    """Write what was seen and what failed."""
    text = json.dumps({**seen, "failure": failure})
    Path(os.environ["CSI_REPORT"]).write_text(text, encoding="utf-8")


window.run_then_exit(install_and_run, report)
