"""The page that writes a geotagged copy of a photo; the photo itself is never touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.PyQt import sip
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ..i18n import tr
from ..layers.candidate import Candidate
from ..layers.run import ResultLayers
from ..model_core import contract
from .export_page import ExportPage, action_button, file_widget, form, where, words
from .notice import ERROR, WELL
from .picture_loader import PictureLoader
from .region_picker import RegionPicker

PHOTO_PX = 1600
ASIDE_SHARE = 0.01
"""So far, in widths of the photo, a crop's middle may be off the photo's: about half a degree."""
JPEG_SUFFIXES = (".jpg", ".jpeg")


def roundings() -> tuple[tuple[str, int | None], ...]:
    """Return how coordinates may be rounded: in words, and in decimals of a degree."""
    return (
        (tr("exact"), None),
        (tr("to about 1 m (5 decimals)"), 5),
        (tr("to about 10 m (4 decimals)"), 4),
        (tr("to about 100 m (3 decimals)"), 3),
        (tr("to about 1 km (2 decimals)"), 2),
    )


class CopyPage(ExportPage):
    """Chooses what the copy says and hides; the engine writes it.

    Args:
        layers: The results.
        candidate: Where the photo was taken.
        engine: An ``EngineClient``.
        pictures: Reads the photo.
        parent: The dialog.
    """

    def __init__(
        self,
        layers: ResultLayers,
        candidate: Candidate,
        engine: Any,
        pictures: PictureLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._candidate, self._engine = candidate, engine
        self._call: Any = None
        self._rounding = QComboBox()
        self._rounding.setObjectName("copyRounding")
        self._rounding.setToolTip(tr("How exact the coordinates in the copy are"))
        for text, decimals in roundings():
            self._rounding.addItem(text, decimals)
        self._heading = QCheckBox(tr("Write the heading too"))
        self._heading.setObjectName("copyHeading")
        self._heading.setToolTip(tr("The direction in which the camera looked"))
        self._heading.setChecked(True)
        if is_aside(layers.run.params.edits.get(candidate.photo_path) or {}):
            self._heading.setChecked(False)
            self._heading.setEnabled(False)
            self._heading.setToolTip(
                tr("The photo was cropped: the heading is of the crop's middle, not of the photo's")
            )
        self._strip = QCheckBox(tr("Leave out the photo's other metadata (camera, time, owner)"))
        self._strip.setObjectName("copyStrip")
        self._strip.setToolTip(tr("The copy holds the position alone"))
        self._file = file_widget("copyFile")
        self._file.setFilter(tr("Photos (*.jpg *.jpeg *.png *.tif *.tiff *.webp)"))
        photo = Path(layers.photo_file(candidate.photo_path))
        self._photo = photo
        suffix = photo.suffix if photo.suffix.lower() in JPEG_SUFFIXES else ".jpg"
        self._file.setFilePath(
            str(layers.folder / f"{photo.stem}_rank{candidate.rank}_located{suffix}")
        )
        self._regions = RegionPicker()
        pictures.load(str(photo), PHOTO_PX, self._show_photo)
        rows = form(
            (tr("Position:"), words(where(candidate))),
            (tr("Coordinates:"), self._rounding),
            ("", self._heading),
            ("", self._strip),
            (tr("File:"), self._file),
        )
        button = action_button("copyExport", tr("Write the copy"), self._export)
        self.lay_out(rows, self._region_area(), button=button)

    def give_up(self) -> None:
        """Stop the copy that is being written."""
        if self._call is not None and not self._call.is_finished:
            self._call.cancel()

    def _show_photo(self, image: QImage) -> None:
        if not sip.isdeleted(self):
            self._regions.show_image(image)

    def _region_area(self) -> QWidget:
        clear = QPushButton(tr("Remove all rectangles"))
        clear.setObjectName("copyClearRegions")
        clear.setToolTip(tr("Blur nothing"))
        clear.clicked.connect(self._regions.clear)
        hint = tr("Faces or number plates? Drag rectangles over them: the copy blurs them.")
        row = QHBoxLayout()
        row.addWidget(words(hint), 1)
        row.addWidget(clear)
        area = QWidget()
        layout = QVBoxLayout(area)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self._regions, 1)
        return area

    def _export(self) -> None:
        candidate, target = self._candidate, self._file.filePath()
        if _is_same_file(Path(target), self._photo):
            words = tr("{} is the photo itself; choose another file.").format(target)
            self.ended.emit(ERROR, words)
            return
        if not self.may_write(target):
            return
        params = contract.ExportPhotoParams(
            photo=str(self._photo),
            out=target,
            lon=candidate.lon,
            lat=candidate.lat,
            heading_deg=candidate.heading_deg % 360.0 if self._heading.isChecked() else None,
            decimals=self._rounding.currentData(),
            strip_metadata=self._strip.isChecked(),
            blur=self._regions.regions(),
        )
        self.begun.emit(tr("Writing {}…").format(Path(target).name))
        self._call = self._engine.call(
            contract.EXPORT_PHOTO, params, done=self._on_done, failed=self._on_failed
        )

    def _on_done(self, values: Mapping[str, Any]) -> None:
        result = contract.ExportPhotoResult.from_json(values)
        self.end(WELL, "\n".join([tr("Written: {}").format(result.path), *result.notes]))

    def _on_failed(self, failure: Any) -> None:
        if not failure.is_cancelled:
            self.end(ERROR, tr("The copy was not written: {}").format(failure.message))


def is_aside(edit: Mapping[str, Any]) -> bool:
    """Return whether a crop looks elsewhere than the photo: its middle is left or right of it."""
    middle = (edit.get("left", 0.0) + edit.get("right", 1.0)) / 2
    return abs(middle - 0.5) > ASIDE_SHARE


def _is_same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
