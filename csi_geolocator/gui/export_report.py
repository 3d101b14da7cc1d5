"""The page that writes a one-page report on a photo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from .. import report
from ..i18n import tr
from ..layers.candidate import Candidate
from ..layers.map_picture import MapPicture
from ..layers.run import ResultLayers
from .compare_pictures import STREET_VIEW
from .compare_view import Comparison
from .export_page import ExportPage, action_button, file_widget, form, where, words
from .notice import ERROR, WELL
from .picture_loader import PictureLoader

PHOTO_PX = 1600
MAP_PX = QSize(1000, 1000)
PDF, HTML = "pdf", "html"


class ReportPage(ExportPage):
    """Chooses format and file; the map is drawn beside the main thread.

    Args:
        layers: The results.
        candidate: What the report is about.
        pictures: Reads the photo.
        canvas: The map.
        comparison: What was compared for the candidate, None where nothing was.
        now: The clock.
        parent: The dialog.
    """

    def __init__(
        self,
        layers: ResultLayers,
        candidate: Candidate,
        pictures: PictureLoader,
        canvas: QgsMapCanvas,
        comparison: Comparison | None,
        now: Callable[[], datetime],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._layers, self._candidate = layers, candidate
        self._pictures, self._canvas = pictures, canvas
        self._comparison, self._now = comparison, now
        self._map: MapPicture | None = None
        self._kind = QComboBox()
        self._kind.setObjectName("reportFormat")
        self._kind.setToolTip(tr("The kind of file"))
        self._kind.addItem(tr("PDF, one page"), PDF)
        self._kind.addItem(tr("HTML, one file"), HTML)
        self._file = file_widget("reportFile")
        self._kind.currentIndexChanged.connect(lambda _: self._follow_kind())
        self._follow_kind()
        rows = form(
            (tr("About:"), words(candidate.photo)),
            (tr("Position:"), words(where(candidate))),
            (tr("Format:"), self._kind),
            (tr("File:"), self._file),
        )
        hint = words(
            tr(
                "One page with photo, map, evidence, probability, your decision, the model and "
                "the sources. The map shows the layers that are on in the project. The street "
                "view is on it where you compared this candidate."
            )
        )
        button = action_button("reportExport", tr("Write the report"), self._export)
        self.lay_out(rows, hint, button=button)

    def _follow_kind(self) -> None:
        kind = self._kind.currentData()
        self._file.setFilter(f"{kind.upper()} (*.{kind})")
        path = self._file.filePath()
        name = f"{Path(self._candidate.photo).stem}_rank{self._candidate.rank}_report"
        base = Path(path) if path else self._layers.folder / name
        self._file.setFilePath(str(base.with_suffix(f".{kind}")))

    def _export(self) -> None:
        if not self.may_write(self._file.filePath()):
            return
        self.begun.emit(tr("Drawing the map…"))
        images: dict[str, QImage] = {}

        def take(name: str, image: QImage) -> None:
            images[name] = image
            if len(images) == 2 and not sip.isdeleted(self):
                self._write(images["photo"], images["map"])

        path = self._candidate.photo_path
        edit = self._layers.run.params.edits.get(path)
        file = self._layers.photo_file(path)
        self._pictures.load(file, PHOTO_PX, lambda image: take("photo", image), edit)
        self._map = MapPicture(
            self._layers, path, self._canvas, MAP_PX, lambda image: take("map", image), self
        )

    def _made_with(self, candidate: Candidate | None, name: str) -> str:
        """Return what a candidate says it was made with; before the run's end only the run does."""
        return getattr(candidate, name, "") or self._layers.provenance.get(name, "")

    def _write(self, photo: QImage, drawn: QImage) -> None:
        target, now = Path(self._file.filePath()), self._layers.candidate(self._candidate.fid)
        seen, credit = QImage(), ""
        if self._comparison is not None:
            seen = self._comparison.images.get(STREET_VIEW, seen)
            credit = self._comparison.result.attributions.get(STREET_VIEW, credit)
        content = report.ReportContent(
            record=self._layers.photos[self._candidate.photo_path],
            candidates=self._layers.candidates_of(self._candidate.photo_path),
            chosen=now,
            photo=photo,
            map_picture=drawn,
            street_view=seen,
            street_view_credit=credit,
            sources=self._layers.attributions,
            notes=self._layers.notes,
            has_ended=self._layers.has_ended,
            model_hash=self._made_with(now, "model_hash"),
            software_version=self._made_with(now, "software_version"),
            made_at=self._now().isoformat(timespec="seconds"),
        )
        write = report.write_pdf if target.suffix.lower() == f".{PDF}" else report.write_html
        try:
            write(content, target)
        except report.ReportError as error:
            self.ended.emit(ERROR, str(error))
            return
        self.ended.emit(WELL, tr("Written: {}").format(target))
