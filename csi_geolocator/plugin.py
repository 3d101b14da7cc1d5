"""Creates the plugin's widgets in QGIS and takes every one of them away again."""

from __future__ import annotations

import configparser
from pathlib import Path

from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction

from .engine.environment import PYTHON_SETTING, environment_folder, find_engine_python
from .gui.panel import LocatorPanel, Product, tr
from .model_core import contract

FOLDER = Path(__file__).resolve().parent


def read_product(folder: Path = FOLDER) -> Product:
    """Return what ``metadata.txt`` beside the plugin says of it."""
    metadata = configparser.ConfigParser(interpolation=None)
    with (folder / "metadata.txt").open(encoding="utf-8") as lines:
        metadata.read_file(lines)
    general = metadata["general"]
    return Product(
        general["name"], general["version"], contract.PROTOCOL_VERSION, folder / general["icon"]
    )


class CsiGeolocatorPlugin:
    """One window's plugin: an action in menu and toolbar that shows and hides the panel."""

    def __init__(self, iface) -> None:
        self._iface = iface
        self._product = read_product()
        self._menu = self._product.name
        self._action = None
        self._panel = None

    def initGui(self) -> None:
        """Add the action and the panel."""
        window = self._iface.mainWindow()
        self._action = QAction(QIcon(str(self._product.icon)), self._product.name, window)
        self._action.setObjectName("CsiGeolocatorAction")
        self._action.setCheckable(True)
        self._action.setToolTip(tr("Show or hide the panel of CSI Geolocator"))
        self._panel = LocatorPanel(
            self._product, self._find_engine, environment_folder(self._profile_folder()), window
        )
        self._panel.setToggleVisibilityAction(self._action)
        self._iface.addPluginToMenu(self._menu, self._action)
        self._iface.addToolBarIcon(self._action)
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._panel)

    def unload(self) -> None:
        """Remove all that initGui added."""
        if self._panel is not None:
            self._iface.removeDockWidget(self._panel)
            self._panel.deleteLater()
            self._panel = None
        if self._action is not None:
            self._iface.removePluginMenu(self._menu, self._action)
            self._iface.removeToolBarIcon(self._action)
            self._action.deleteLater()
            self._action = None

    @staticmethod
    def _profile_folder() -> Path:
        return Path(QgsApplication.qgisSettingsDirPath())

    def _find_engine(self) -> Path | None:
        chosen = QgsSettings().value(PYTHON_SETTING, "", str)
        return find_engine_python(chosen, self._profile_folder())
