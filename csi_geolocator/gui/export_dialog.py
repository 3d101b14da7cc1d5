"""Hands results on: candidates as data, a geotagged copy of the photo, a one-page report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QProgressBar,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr
from ..layers.candidate import Candidate
from ..layers.run import ResultLayers
from .compare_view import Comparison
from .decisions import local_now
from .export_copy import CopyPage
from .export_data import DataPage
from .export_page import ExportPage
from .export_report import ReportPage
from .notice import HINT, Notice
from .picture_loader import PictureLoader


class ExportDialog(QDialog):
    """One page for each kind of file.

    Args:
        layers: The results.
        current: The candidate that copy and report are about; without one there is data only.
        selected: The candidates selected in the table.
        engine: An ``EngineClient``, for the copy of the photo.
        pictures: Reads pictures.
        canvas: The map, for the report.
        comparison: What was compared for the current candidate, for the report.
        now: The clock.
        parent: The owner.
    """

    def __init__(
        self,
        layers: ResultLayers,
        current: Candidate | None,
        selected: list[Candidate],
        engine: Any,
        pictures: PictureLoader,
        canvas: QgsMapCanvas,
        comparison: Comparison | None = None,
        now: Callable[[], datetime] = local_now,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle(tr("Export results"))
        self.resize(620, 560)
        self._pages: list[ExportPage] = []
        self._tabs = QTabWidget()
        self._tabs.setObjectName("exportTabs")
        self._add(DataPage(layers, current, selected), tr("Data"))
        if current is not None:
            self._add(CopyPage(layers, current, engine, pictures), tr("Copy of the photo"))
            page = ReportPage(layers, current, pictures, canvas, comparison, now)
            self._add(page, tr("Report"))
        self._tabs.currentChanged.connect(lambda page: self._pages[page].button.setDefault(True))
        self._state = Notice("exportState")
        self._progress = QProgressBar()
        self._progress.setObjectName("exportProgress")
        self._progress.setRange(0, 0)
        self._progress.setVisible(False)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self._tabs, 1)
        layout.addWidget(self._state)
        layout.addWidget(self._progress)
        layout.addWidget(close)

    def done(self, code: int) -> None:
        """Close; what is being written is given up where it can be."""
        for page in self._pages:
            page.give_up()
        super().done(code)

    def _add(self, page: ExportPage, title: str) -> None:
        page.begun.connect(self._begin)
        page.ended.connect(self._end)
        self._pages.append(page)
        self._tabs.addTab(page, title)

    def _begin(self, words: str) -> None:
        self._state.say(HINT, words)
        self._progress.setVisible(True)
        self._tabs.setEnabled(False)

    def _end(self, kind: str, words: str) -> None:
        self._state.say(kind, words)
        self._progress.setVisible(False)
        self._tabs.setEnabled(True)
