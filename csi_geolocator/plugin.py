"""Creates what the plugin shows in QGIS and takes every piece of it away again."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction

from .engine.client import EngineClient
from .gui.drop_handler import PhotoDropHandler
from .gui.panel import LocatorPanel, Product
from .gui.settings_page import SettingsPageFactory
from .gui.words import DocumentDialog
from .i18n import install_translator, tr
from .model_core import contract
from .processing.provider import GeolocatorProvider
from .settings import Settings

FOLDER = Path(__file__).resolve().parent
GUIDES = ("docs/user-guide.md", "README.md")
OPEN = "csi_geolocator/panel/open"


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
    """One window's plugin: panel, menus, options page, drop target, Processing provider."""

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._product = read_product()
        self._provider: GeolocatorProvider | None = None
        self._translator: Any = None
        self._engine: EngineClient | None = None
        self._panel: LocatorPanel | None = None
        self._page: SettingsPageFactory | None = None
        self._drops: PhotoDropHandler | None = None
        self._action: QAction | None = None
        self._help: QAction | None = None

    def initProcessing(self) -> None:
        """Add the Processing provider; ``qgis_process`` asks for nothing else."""
        self._provider = GeolocatorProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Add everything; no process is started."""
        self._translator = install_translator()
        self.initProcessing()
        settings = Settings()
        self._engine = EngineClient(settings.engine_launch)
        self._add_panel(settings)
        self._add_help()
        self._page = SettingsPageFactory(settings, self._engine, self._panel.follow_settings)
        self._iface.registerOptionsWidgetFactory(self._page)
        self._drops = PhotoDropHandler(self._panel_is_open, self._panel.add_photos)
        self._iface.registerCustomDropHandler(self._drops)

    def unload(self) -> None:
        """Remove all that was added, and end the engine."""
        if self._drops is not None:
            self._iface.unregisterCustomDropHandler(self._drops)
            self._drops = None
        if self._page is not None:
            self._iface.unregisterOptionsWidgetFactory(self._page)
            self._page = None
        self._remove_panel()
        if self._engine is not None:
            self._engine.stop()
            self._engine.deleteLater()
            self._engine = None
        if self._help is not None:
            self._iface.pluginHelpMenu().removeAction(self._help)
            self._help.deleteLater()
            self._help = None
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)
            self._translator = None

    def show_help(self) -> None:
        """Show the user guide."""
        dialog = self.help_dialog()
        dialog.exec()
        dialog.deleteLater()

    def help_dialog(self) -> DocumentDialog:
        """Return the dialog with the user guide."""
        guide = next(FOLDER / name for name in GUIDES if (FOLDER / name).is_file())
        text = guide.read_text(encoding="utf-8")
        window = self._iface.mainWindow()
        return DocumentDialog(self._product.name, text, str(guide.parent), window)

    def _add_panel(self, settings: Settings) -> None:
        window = self._iface.mainWindow()
        icon = QIcon(str(self._product.icon))
        self._action = QAction(icon, self._product.name, window)
        self._action.setObjectName("CsiGeolocatorAction")
        self._action.setCheckable(True)
        self._action.setToolTip(tr("Show or hide the panel of CSI Geolocator"))
        self._panel = LocatorPanel(
            self._product,
            self._iface,
            settings,
            self._engine,
            FOLDER / "resources" / "models",
            window,
        )
        self._panel.setToggleVisibilityAction(self._action)
        self._iface.addPluginToMenu(self._product.name, self._action)
        self._iface.addToolBarIcon(self._action)
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._panel)
        self._panel.setUserVisible(QgsSettings().value(OPEN, True, bool))
        self._action.triggered.connect(_remember_open)
        self._panel.closed.connect(lambda: _remember_open(False))

    def _add_help(self) -> None:
        icon = QIcon(str(self._product.icon))
        self._help = QAction(icon, self._product.name, self._iface.mainWindow())
        self._help.setObjectName("CsiGeolocatorHelp")
        self._help.setToolTip(tr("How to locate photos, step by step"))
        self._help.triggered.connect(lambda _checked=False: self.show_help())
        self._iface.pluginHelpMenu().addAction(self._help)

    def _remove_panel(self) -> None:
        if self._panel is not None:
            self._panel.remove()
            self._iface.removeDockWidget(self._panel)
            self._panel.deleteLater()
            self._panel = None
        if self._action is not None:
            self._iface.removePluginMenu(self._product.name, self._action)
            self._iface.removeToolBarIcon(self._action)
            self._action.deleteLater()
            self._action = None

    def _panel_is_open(self) -> bool:
        return self._action is not None and self._action.isChecked()


def _remember_open(is_open: bool) -> None:
    QgsSettings().setValue(OPEN, is_open)
