"""Icons by path: the plugin's own, and those of QGIS's theme."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtGui import QIcon

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "icons"


def named_icon(name: str) -> QIcon:
    """Return the plugin's own icon of a name, else the one of QGIS's theme."""
    own = FOLDER / f"{name}.svg"
    return QIcon(str(own)) if own.is_file() else QgsApplication.getThemeIcon(f"/{name}.svg")
