"""The dock panel: what the engine lacks, the tab that asks, the tab that shows what came out."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from qgis.core import Qgis, QgsApplication, QgsProject
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QT_VERSION_STR
from qgis.PyQt.QtGui import QGuiApplication, QIcon
from qgis.PyQt.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from ..engine.client import EngineClient
from ..engine.failure import EngineFailure
from ..engine.launch import EngineUnavailable
from ..i18n import tr
from ..model_core import contract
from .engine_banner import EngineBanner
from .locate_form import LocateForm
from .locate_tab import LocateTab
from .photo_list import local_paths
from .run_results import RunResults
from .source_catalogue import SourceCatalogue, ask_in_a_dialog

OBJECT_NAME = "CsiGeolocatorPanel"
RUNS = "runs"


@dataclass(frozen=True)
class Product:
    """What the panel says of the plugin itself."""

    name: str
    version: str
    protocol_version: int
    icon: Path


class LocatorPanel(QgsDockWidget):
    """The panel of one QGIS window.

    Args:
        product: Name, version and icon of the plugin.
        iface: QGIS's interface.
        settings: The plugin's settings.
        engine: The client of the engine process; its owner stops it.
        models: The folder of packaged models.
        parent: The main window.
    """

    def __init__(
        self,
        product: Product,
        iface: Any,
        settings: Any,
        engine: EngineClient,
        models: Path,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(product.name, parent)
        self.setObjectName(OBJECT_NAME)
        self.setAcceptDrops(True)
        self._product = product
        self._iface = iface
        self._settings = settings
        self._engine = engine
        self._session = tempfile.TemporaryDirectory(prefix="csi-geolocator-")
        self._set_up: Any = None
        self._banner = EngineBanner()
        self._catalogue = SourceCatalogue(engine, settings, ask_in_a_dialog(self), self)
        folder = Path(self._session.name)
        self.form = LocateForm(iface, engine, settings, self._catalogue, models, folder)
        runs = Path(QgsApplication.qgisSettingsDirPath()) / "csi_geolocator" / RUNS
        self.locate_tab = LocateTab(self.form, engine, runs, self.why_no_engine)
        self._results = RunResults(iface, engine, settings)
        self._tabs = self._make_tabs()
        self.setWidget(self._content())
        self._connect()
        self.refresh()

    def showEvent(self, event: Any) -> None:
        """Look for the engine again: it may have come or gone meanwhile."""
        self.refresh()
        super().showEvent(event)

    def dragEnterEvent(self, event: Any) -> None:
        """Welcome files wherever they come over the panel."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """Take files that are dropped beside the list."""
        event.acceptProposedAction()
        self.add_photos(local_paths(event.mimeData()))

    def add_photos(self, paths: list[str]) -> None:
        """Add files and folders to the photos to locate, and show them."""
        self._tabs.setCurrentIndex(0)
        self.form.photos.add_paths(paths)

    def why_no_engine(self) -> str:
        """Return why the engine cannot be started, for people; empty where it can."""
        try:
            self._settings.engine_launch()
        except EngineUnavailable as error:
            return str(error)
        return ""

    def refresh(self) -> None:
        """Show whether the engine is set up, and what a run still needs."""
        why = self.why_no_engine()
        if not why:
            self._banner.show_well()
        elif self._settings.find_engine() is None:
            self._banner.show_not_set_up(
                tr(
                    "Photos are compared by an engine with a Python environment of its own; "
                    "nothing is installed into the Python of QGIS. Setting it up takes one "
                    "download and some minutes."
                )
            )
        else:
            self._banner.show_unavailable(why)
        self.locate_tab.refresh()

    def set_up_engine(self) -> None:
        """Open the window that installs the engine's environment; QGIS stays usable beside it."""
        from .environment_dialog import EnvironmentDialog

        if self._set_up is None:
            self._set_up = EnvironmentDialog(self._settings, self, engine=self._engine)
            self._set_up.engineChanged.connect(self._engine_may_work)
            self._set_up.finished.connect(lambda _result: self._engine_may_work())
        self._set_up.show()
        self._set_up.raise_()

    def open_settings(self) -> None:
        """Open the options page of the plugin."""
        self._iface.showOptionsDialog(self._iface.mainWindow(), currentPage=self._product.name)
        self.follow_settings()

    def follow_settings(self) -> None:
        """Take over what was changed in the options: sources, keys, the engine."""
        self._catalogue.reload()
        self._engine_may_work()

    def copy_details(self) -> None:
        """Copy versions, state and the engine's log to the clipboard."""
        QGuiApplication.clipboard().setText(self.details())

    def details(self) -> str:
        """Return versions, state and the engine's log as lines of text, for a report."""
        info = self._engine.info
        lines = [
            f"{self._product.name} {self._product.version}",
            f"Engine protocol: {self._product.protocol_version}",
            f"Engine: {self._engine.state}; {self.why_no_engine() or self._settings.find_engine()}",
            f"QGIS: {Qgis.version()}, Qt {QT_VERSION_STR}",
            f"Python: {platform.python_version()}, {platform.platform()}",
        ]
        if info is not None:
            lines.append(f"Device: {info.device} ({info.device_name})")
            lines.append(f"Libraries: {_pairs(info.libraries)}")
        if self._banner.text():
            lines += ["", self._banner.text()]
        return "\n".join([*lines, "", self._engine.log()]).rstrip() + "\n"

    def remove(self) -> None:
        """Stop what runs, take everything off the map, and delete the session's files."""
        if self._set_up is not None:
            self._set_up.installer.cancel()
            self._set_up.deleteLater()
            self._set_up = None
        self.locate_tab.remove()
        self._results.remove()
        self._session.cleanup()

    def _engine_may_work(self) -> None:
        self.refresh()
        if not self.why_no_engine():
            self.form.photos.inspect_again()

    def _connect(self) -> None:
        self._banner.setUpWanted.connect(self.set_up_engine)
        self._banner.settingsWanted.connect(self.open_settings)
        self._banner.detailsWanted.connect(self.copy_details)
        self._banner.againWanted.connect(self._engine_may_work)
        self.form.settingsWanted.connect(self.open_settings)
        self.form.photos.model.added.connect(lambda _paths: self._fetch_sources())
        self._catalogue.failed.connect(self._on_engine_failure)
        self._catalogue.listed.connect(self.locate_tab.refresh)
        tab = self.locate_tab
        tab.engineFailed.connect(self._on_engine_failure)
        tab.engineWorks.connect(self._banner.show_well)
        tab.started.connect(self._begin_results)
        tab.answered.connect(lambda params: self._results.add(params.answer))
        tab.succeeded.connect(self._finish_results)
        tab.broken.connect(self._results.break_off)
        self._results.failed.connect(self._on_results_failure)
        self._tabs.currentChanged.connect(self._on_tab)

    def _fetch_sources(self) -> None:
        if not self.why_no_engine():
            self._catalogue.fetch()

    def _begin_results(self, params: contract.LocateParams) -> None:
        started_at = datetime.now().astimezone().isoformat(timespec="seconds")
        rows = self.form.photos.model.rows
        captured_at = {row.path: row.captured_at for row in rows if row.captured_at}
        named = (params.imagery, params.roads, *params.street_views)
        owed = self._catalogue.credits(text for text in named if text)
        self._results.begin(QgsProject.instance(), params, started_at, captured_at, owed)

    def _finish_results(self, result: contract.LocateResult) -> None:
        self._results.finish(result)
        self._tabs.setCurrentWidget(self._results)

    def _on_tab(self, index: int) -> None:
        if self._tabs.widget(index) is self._results:
            self._results.open_table()

    def _on_engine_failure(self, failure: EngineFailure) -> None:
        if not failure.is_cancelled:
            self._banner.show_failure(failure)

    def _on_results_failure(self, words: str) -> None:
        self._iface.messageBar().pushMessage(
            self._product.name, words, Qgis.MessageLevel.Warning, 0
        )

    def _make_tabs(self) -> QTabWidget:
        tabs = QTabWidget()
        tabs.setObjectName("panelTabs")
        tabs.setDocumentMode(True)
        tabs.addTab(self.locate_tab, tr("Locate"))
        tabs.addTab(self._results, tr("Results"))
        tabs.setTabToolTip(0, tr("Photos, area, references; start a run here"))
        tabs.setTabToolTip(1, tr("What the run found, as it comes"))
        tabs.setTabIcon(0, QIcon(str(self._product.icon)))
        return tabs

    def _content(self) -> QWidget:
        content = QWidget()
        content.setObjectName("panelContent")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self._banner)
        layout.addWidget(self._tabs, 1)
        return content


def _pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
