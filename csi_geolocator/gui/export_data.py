"""The page that writes candidates as data for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from .. import wording
from ..i18n import tr
from ..layers.candidate import STATUSES, Candidate
from ..layers.export import FORMATS, ExportError, Format, Selection, export_candidates
from ..layers.run import ResultLayers
from .export_page import ExportPage, action_button, file_widget, form, words
from .notice import ERROR, WELL

ALL, PHOTO, SELECTED = "all", "photo", "selected"


class DataPage(ExportPage):
    """Chooses photos, decisions, format and file; writes in a task of QGIS.

    Args:
        layers: The results.
        current: The candidate whose photo is offered, None without one.
        selected: The candidates selected in the table.
        parent: The dialog.
    """

    def __init__(
        self,
        layers: ResultLayers,
        current: Candidate | None,
        selected: list[Candidate],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._layers, self._current, self._selected = layers, current, selected
        self._task: QgsTask | None = None
        self._photos = self._photo_choice()
        self._statuses = {status: self._status_box(status) for status in STATUSES}
        statuses = QHBoxLayout()
        for box in self._statuses.values():
            statuses.addWidget(box)
        self._format = QComboBox()
        self._format.setObjectName("exportFormat")
        self._format.setToolTip(tr("The kind of file"))
        for kind in FORMATS:
            self._format.addItem(kind.title, kind)
        self._file = file_widget("exportDataFile")
        self._format.currentIndexChanged.connect(lambda _: self._follow_format())
        self._follow_format()
        hint = words(
            tr(
                "A GeoPackage holds the fields of view and the styles too. The paths of your "
                "photos are left out."
            )
        )
        rows = form(
            (tr("Photos:"), self._photos),
            (tr("Decisions:"), statuses),
            (tr("Format:"), self._format),
            (tr("File:"), self._file),
        )
        button = action_button("exportData", tr("Export candidates"), self._export)
        self.lay_out(rows, hint, button=button)

    def _photo_choice(self) -> QComboBox:
        choice = QComboBox()
        choice.setObjectName("exportPhotos")
        choice.setToolTip(tr("Whose candidates are written"))
        choice.addItem(tr("All photos ({})").format(len(self._layers.photos)), ALL)
        if self._current is not None:
            choice.addItem(tr("Only {}").format(self._current.photo), PHOTO)
        if self._selected:
            text = tr("Selected candidates ({})").format(len(self._selected))
            choice.addItem(text, SELECTED)
        return choice

    @staticmethod
    def _status_box(status: str) -> QCheckBox:
        box = QCheckBox(wording.status(status))
        box.setObjectName(f"exportStatus_{status}")
        box.setToolTip(tr("Write candidates that are {}").format(box.text().lower()))
        box.setChecked(status != "rejected")
        return box

    def _follow_format(self) -> None:
        kind: Format = self._format.currentData()
        self._file.setFilter(f"{kind.title} (*{kind.suffix})")
        path = self._file.filePath()
        base = Path(path) if path else self._layers.folder / "candidates_export"
        self._file.setFilePath(str(base.with_suffix(kind.suffix)))

    def _selection(self) -> Selection:
        which = self._photos.currentData()
        is_photo = which == PHOTO and self._current is not None
        return Selection(
            photo_paths=(self._current.photo_path,) if is_photo else (),
            statuses=tuple(s for s, box in self._statuses.items() if box.isChecked()),
            fids=tuple(c.fid for c in self._selected) if which == SELECTED else (),
        )

    def _export(self) -> None:
        target, kind = Path(self._file.filePath()), self._format.currentData()
        if not self.may_write(self._file.filePath()):
            return
        candidates = self._selection().of(self._layers.candidates())

        def run(task: QgsTask) -> tuple[str, str]:
            try:
                export_candidates(candidates, target, kind)
            except ExportError as error:
                return ERROR, str(error)
            return WELL, tr("{} candidates written to {}").format(len(candidates), target)

        def finished(error: Any, told: tuple[str, str] | None = None) -> None:
            self.end(*(told or (ERROR, str(error))))

        self.begun.emit(tr("Writing {}…").format(target.name))
        self._task = QgsTask.fromFunction(tr("Export candidates"), run, on_finished=finished)
        QgsApplication.taskManager().addTask(self._task)
