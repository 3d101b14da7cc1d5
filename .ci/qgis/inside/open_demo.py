"""Runs inside QGIS: opens the demo project with the panel beside it, and stays."""

import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ["CSI_INSIDE"])
import window
from qgis.PyQt.QtCore import QTimer


def show():
    """Show the demo project, and choose three photos of it."""
    layers = window.open_demo(Path(os.environ["CSI_PROJECT"]))
    photos = sorted(str(path) for path in (window.DEMO / "photos").glob("*.jpg"))
    window.panel().show()
    window.choose_demo(layers, photos[:3])


QTimer.singleShot(window.START_DELAY_MS, show)
