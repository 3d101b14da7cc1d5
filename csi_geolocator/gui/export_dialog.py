"""Hands results on: candidates as data, a geotagged copy of the photo, a one-page report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsTask
from qgis.gui import QgsFileWidget, QgsMapCanvas
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from .. import report, wording
from ..i18n import tr
from ..layers.candidate import STATUSES, Candidate
from ..layers.export import FORMATS, ExportError, Format, Selection, export_candidates
from ..layers.map_picture import MapPicture
from ..layers.run import ResultLayers
from ..model_core import contract
from .compare_pictures import STREET_VIEW
from .compare_view import Comparison
from .decisions import local_now
from .picture_loader import PictureLoader
from .region_picker import RegionPicker

PHOTO_PX = 1600
REPORT_MAP_PX = QSize(1000, 1000)
PDF, HTML = "pdf", "html"


def roundings() -> tuple[tuple[str, int | None], ...]:
    """Return how coordinates may be rounded: in words, and in decimals of a degree."""
    return (
        (tr("exact"), None),
        (tr("to about 1 m (5 decimals)"), 5),
        (tr("to about 10 m (4 decimals)"), 4),
        (tr("to about 100 m (3 decimals)"), 3),
        (tr("to about 1 km (2 decimals)"), 2),
    )


class ExportDialog(QDialog):
    """Exports what is chosen; nothing that is there is overwritten without a question.

    Args:
        layers: The results.
        current: The candidate that copy and report are about, None without one.
        selected: The candidates selected in the table.
        engine: An ``EngineClient``, for the copy of the photo.
        pictures: Reads pictures.
        canvas: The map, for the report.
        comparison: Returns what was compared for a candidate, for the report.
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
        comparison: Callable[[Candidate], Comparison | None] = lambda candidate: None,
        now: Callable[[], datetime] = local_now,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setWindowTitle(tr("Export results"))
        self.resize(620, 560)
        self._layers, self._current, self._selected = layers, current, selected
        self._engine, self._pictures, self._canvas = engine, pictures, canvas
        self._comparison, self._now = comparison, now
        self._call: Any = None
        self._task: QgsTask | None = None
        self._map: MapPicture | None = None
        self._tabs = QTabWidget()
        self._tabs.setObjectName("exportTabs")
        self._tabs.addTab(self._data_page(), tr("Data"))
        self._tabs.addTab(self._copy_page(), tr("Copy of the photo"))
        self._tabs.addTab(self._report_page(), tr("Report"))
        self._state = QLabel()
        self._state.setObjectName("exportState")
        self._state.setWordWrap(True)
        self._state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
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
        for page in (1, 2):
            self._tabs.setTabEnabled(page, current is not None)

    def done(self, code: int) -> None:
        """Close; a copy that is being made is given up."""
        if self._call is not None and not self._call.is_finished:
            self._call.cancel()
        super().done(code)

    # Data

    def _data_page(self) -> QWidget:
        self._photos = QComboBox()
        self._photos.setObjectName("exportPhotos")
        self._photos.setToolTip(tr("Whose candidates are written"))
        self._photos.addItem(tr("All photos ({})").format(len(self._layers.photos)), "all")
        if self._current is not None:
            self._photos.addItem(tr("Only {}").format(self._current.photo), "photo")
        if self._selected:
            text = tr("Selected candidates ({})").format(len(self._selected))
            self._photos.addItem(text, "selected")
        self._statuses: dict[str, QCheckBox] = {}
        statuses = QHBoxLayout()
        for status in STATUSES:
            box = QCheckBox(wording.status(status))
            box.setObjectName(f"exportStatus_{status}")
            box.setToolTip(tr("Write candidates that are {}").format(box.text().lower()))
            box.setChecked(status != "rejected")
            self._statuses[status] = box
            statuses.addWidget(box)
        self._format = QComboBox()
        self._format.setObjectName("exportFormat")
        self._format.setToolTip(tr("The kind of file"))
        for kind in FORMATS:
            self._format.addItem(kind.title, kind)
        self._data_file = _file_widget("exportDataFile")
        self._format.currentIndexChanged.connect(lambda _: self._follow_format())
        self._follow_format()
        button = _do_button("exportData", tr("Export candidates"), self._export_data)
        form = _form(
            (tr("Photos:"), self._photos),
            (tr("Decisions:"), statuses),
            (tr("Format:"), self._format),
            (tr("File:"), self._data_file),
        )
        hint = tr(
            "A GeoPackage holds the fields of view and the styles too. The paths of your photos "
            "are left out."
        )
        return _page(form, _hint(hint), None, button)

    def _follow_format(self) -> None:
        kind: Format = self._format.currentData()
        self._data_file.setFilter(f"{kind.title} (*{kind.suffix})")
        path = self._data_file.filePath()
        base = Path(path) if path else self._layers.folder / "candidates_export"
        self._data_file.setFilePath(str(base.with_suffix(kind.suffix)))

    def _export_data(self) -> None:
        target, kind = Path(self._data_file.filePath()), self._format.currentData()
        which = self._photos.currentData()
        selection = Selection(
            photo_paths=(self._current.photo_path,) if which == "photo" and self._current else (),
            statuses=tuple(s for s, box in self._statuses.items() if box.isChecked()) or ("",),
            fids=tuple(c.fid for c in self._selected) if which == "selected" else (),
        )
        store = self._layers.store

        def run(task: QgsTask) -> tuple[int, str]:
            try:
                return export_candidates(store, target, kind, selection), ""
            except ExportError as error:
                return 0, str(error)

        def finished(error: Any, outcome: tuple[int, str] | None = None) -> None:
            count, problem = outcome or (0, str(error))
            done = tr("{} candidates written to {}").format(count, target)
            self._finish(problem or done)

        self._begin(tr("Writing {}…").format(target.name))
        self._task = QgsTask.fromFunction(tr("Export candidates"), run, on_finished=finished)
        QgsApplication.taskManager().addTask(self._task)

    # Copy of the photo

    def _copy_page(self) -> QWidget:
        self._rounding = QComboBox()
        self._rounding.setObjectName("copyRounding")
        self._rounding.setToolTip(tr("How exact the coordinates in the copy are"))
        for text, decimals in roundings():
            self._rounding.addItem(text, decimals)
        self._with_heading = QCheckBox(tr("Write the heading too"))
        self._with_heading.setObjectName("copyHeading")
        self._with_heading.setToolTip(tr("The direction in which the camera looked"))
        self._with_heading.setChecked(True)
        self._strip = QCheckBox(tr("Leave out the photo's other metadata (camera, time, owner)"))
        self._strip.setObjectName("copyStrip")
        self._strip.setToolTip(tr("The copy holds the position alone"))
        self._regions = RegionPicker()
        self._copy_file = _file_widget("copyFile")
        clear = QPushButton(tr("Remove all rectangles"))
        clear.setObjectName("copyClearRegions")
        clear.setToolTip(tr("Blur nothing"))
        clear.clicked.connect(self._regions.clear)
        if self._current is not None:
            photo = Path(self._current.photo_path)
            suffix = photo.suffix if photo.suffix.lower() in (".jpg", ".jpeg") else ".jpg"
            name = f"{photo.stem}_located{suffix}"
            self._copy_file.setFilePath(str(self._layers.folder / name))
            self._copy_file.setFilter(tr("Photos (*.jpg *.jpeg *.png *.tif *.tiff *.webp)"))
            self._pictures.load(self._current.photo_path, PHOTO_PX, self._regions.show_image)
        button = _do_button("copyExport", tr("Write the copy"), self._export_copy)
        form = _form(
            (tr("Position:"), _hint(self._where())),
            (tr("Coordinates:"), self._rounding),
            ("", self._with_heading),
            ("", self._strip),
            (tr("File:"), self._copy_file),
        )
        hint = _hint(tr("Faces or number plates? Drag rectangles over them: the copy blurs them."))
        words = QHBoxLayout()
        words.addWidget(hint, 1)
        words.addWidget(clear)
        return _page(form, words, self._regions, button)

    def _where(self) -> str:
        if self._current is None:
            return ""
        return tr("{}, rank {}, {}").format(
            wording.position(self._current.lon, self._current.lat),
            self._current.rank,
            wording.status(self._current.status).lower(),
        )

    def _export_copy(self) -> None:
        candidate, target = self._current, self._copy_file.filePath()
        if candidate is None or not target:
            self._finish(tr("Choose a file for the copy."))
            return
        if _is_same_file(Path(target), Path(candidate.photo_path)):
            self._finish(tr("{} is the photo itself; choose another file.").format(target))
            return
        params = contract.ExportPhotoParams(
            photo=candidate.photo_path,
            out=target,
            lon=candidate.lon,
            lat=candidate.lat,
            heading_deg=candidate.heading_deg % 360.0 if self._with_heading.isChecked() else None,
            decimals=self._rounding.currentData(),
            strip_metadata=self._strip.isChecked(),
            blur=self._regions.regions(),
        )
        self._begin(tr("Writing {}…").format(Path(target).name))
        self._call = self._engine.call(
            contract.EXPORT_PHOTO, params, done=self._on_copied, failed=self._on_failed
        )

    def _on_copied(self, values: Mapping[str, Any]) -> None:
        result = contract.ExportPhotoResult.from_json(values)
        self._finish("\n".join([tr("Written: {}").format(result.path), *result.notes]))

    def _on_failed(self, failure: Any) -> None:
        self._finish(tr("The copy was not written: {}").format(failure.message))

    # Report

    def _report_page(self) -> QWidget:
        self._report_kind = QComboBox()
        self._report_kind.setObjectName("reportFormat")
        self._report_kind.setToolTip(tr("The kind of file"))
        self._report_kind.addItem(tr("PDF, one page"), PDF)
        self._report_kind.addItem(tr("HTML, one file"), HTML)
        self._report_file = _file_widget("reportFile")
        self._report_kind.currentIndexChanged.connect(lambda _: self._follow_report_kind())
        self._follow_report_kind()
        button = _do_button("reportExport", tr("Write the report"), self._export_report)
        about = "" if self._current is None else self._current.photo
        form = _form(
            (tr("About:"), _hint(about)),
            (tr("Position:"), _hint(self._where())),
            (tr("Format:"), self._report_kind),
            (tr("File:"), self._report_file),
        )
        hint = tr(
            "One page with photo, map, evidence, probability, your decision, the model and the "
            "sources. The map shows the layers that are on in the project. The street view is on "
            "it where you compared this candidate."
        )
        return _page(form, _hint(hint), None, button)

    def _follow_report_kind(self) -> None:
        kind = self._report_kind.currentData()
        self._report_file.setFilter(f"{kind.upper()} (*.{kind})")
        path = self._report_file.filePath()
        name = "report" if self._current is None else f"{Path(self._current.photo).stem}_report"
        base = Path(path) if path else self._layers.folder / name
        self._report_file.setFilePath(str(base.with_suffix(f".{kind}")))

    def _export_report(self) -> None:
        candidate = self._current
        if candidate is None:
            return
        self._begin(tr("Drawing the map…"))
        images: dict[str, QImage] = {}

        def take(name: str, image: QImage) -> None:
            images[name] = image
            if len(images) == 2:
                self._write_report(candidate, images["photo"], images["map"])

        edit = self._layers.run.params.edits.get(candidate.photo_path)
        self._pictures.load(
            candidate.photo_path, PHOTO_PX, lambda image: take("photo", image), edit
        )
        self._map = MapPicture(
            self._layers,
            candidate.photo_path,
            self._canvas,
            REPORT_MAP_PX,
            lambda image: take("map", image),
            self,
        )

    def _write_report(self, candidate: Candidate, photo: QImage, drawn: QImage) -> None:
        target = Path(self._report_file.filePath())
        compared = self._comparison(candidate)
        content = report.ReportContent(
            record=self._layers.photos[candidate.photo_path],
            candidates=self._layers.candidates_of(candidate.photo_path),
            chosen=self._layers.candidate(candidate.fid),
            photo=photo,
            map_picture=drawn,
            street_view=compared.images.get(STREET_VIEW, QImage()) if compared else QImage(),
            street_view_credit=(
                compared.result.attributions.get(STREET_VIEW, "") if compared else ""
            ),
            sources=self._layers.attributions,
            notes=self._layers.notes,
            model_hash=candidate.model_hash or self._layers.provenance.get("model_hash", ""),
            software_version=candidate.software_version,
            made_at=self._now().isoformat(timespec="seconds"),
        )
        write = report.write_pdf if target.suffix.lower() == ".pdf" else report.write_html
        try:
            write(content, target)
        except report.ReportError as error:
            self._finish(str(error))
            return
        self._finish(tr("Written: {}").format(target))

    def _begin(self, words: str) -> None:
        self._state.setText(words)
        self._progress.setVisible(True)
        self._tabs.setEnabled(False)

    def _finish(self, words: str) -> None:
        self._state.setText(words)
        self._progress.setVisible(False)
        self._tabs.setEnabled(True)


def _file_widget(name: str) -> QgsFileWidget:
    widget = QgsFileWidget()
    widget.setObjectName(name)
    widget.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
    widget.setConfirmOverwrite(True)
    widget.setToolTip(tr("Where it is written"))
    return widget


def _is_same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def _do_button(name: str, text: str, do: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(text)
    button.clicked.connect(lambda: do())
    return button


def _hint(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    return label


def _form(*rows: tuple[str, Any]) -> QFormLayout:
    form = QFormLayout()
    for name, field in rows:
        form.addRow(name, field)
    return form


def _page(form: Any, words: Any, middle: QWidget | None, button: QPushButton) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.addLayout(form)
    if isinstance(words, QWidget):
        layout.addWidget(words)
    else:
        layout.addLayout(words)
    if middle is None:
        layout.addStretch(1)
    else:
        layout.addWidget(middle, 1)
    layout.addWidget(button, 0, Qt.AlignmentFlag.AlignRight)
    return page
