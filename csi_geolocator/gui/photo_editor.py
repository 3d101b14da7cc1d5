"""What a person knows better than a photo's file: time, field of view, which way is up, a crop."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from qgis.gui import QgsDateTimeEdit
from qgis.PyQt.QtCore import QDateTime, QRectF, Qt
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr
from ..model_core import contract
from ..tasks.photo_reader import PhotoReader
from .crop_view import CropView
from .icons import named_icon
from .photo_edits import AS_THE_FILE_SAYS, crop, crop_shares, turn, turned_picture
from .photo_model import PhotoRow
from .words import Words

PREVIEW_PX = 1400
AS_FILE = 0.0
MAX_FOV_DEG = 360.0
ZONE = re.compile(r"(Z|[+-]\d\d:\d\d)$")


class PhotoEditor(QDialog):
    """Edits one photo's ``contract.PhotoEdit``; the file stays as it is.

    Args:
        row: The photo.
        reader: Reads the picture in the background.
        parent: The owner.
    """

    def __init__(self, row: PhotoRow, reader: PhotoReader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("photoEditor")
        self.setWindowTitle(tr("Edit {}").format(Path(row.path).name))
        self._row = row
        self._edit = row.edit
        self._picture = QImage()
        self._view = CropView()
        self._view.setToolTip(tr("Drag a frame around what is to be compared"))
        self._view.show_words(tr("reading …"))
        self._time = self._make_time()
        self._fov = self._make_fov()
        self._sides = {name: self._make_side(name) for name in ("left", "top", "right", "bottom")}
        self._lay_out()
        self._view.cropped.connect(self._on_cropped)
        reader.pictureRead.connect(self._take_picture)
        self._show()
        of_engine = row.info.thumbnail if row.info is not None else ""
        reader.read_from(row.path, of_engine or row.path, PREVIEW_PX)

    def edit(self) -> contract.PhotoEdit:
        """Return the edit as it is shown."""
        fov_deg = None if self._fov.value() == AS_FILE else self._fov.value()
        return replace(self._edit, fov_deg=fov_deg, captured_at=self._edited_time())

    def turn(self, degrees: int) -> None:
        """Turn the picture clockwise."""
        self._edit = turn(self._edit, degrees)
        self._show()

    def reset(self) -> None:
        """Go back to what the file says."""
        self._edit = AS_THE_FILE_SAYS
        self._fov.setValue(AS_FILE)
        _show_time_in(self._time, self._row.info.captured_at if self._row.info else "")
        self._show()

    def _edited_time(self) -> str | None:
        if self._time.isNull():
            return None
        text = self._time.dateTime().toString("yyyy-MM-ddTHH:mm:ss")
        said = self._row.info.captured_at if self._row.info is not None else ""
        if said and _to_time(said) == _to_time(text):
            return None
        zone = ZONE.search(said)
        return text + (zone[0] if zone else "")

    def _take_picture(self, path: str, side_px: int, picture: QImage, error: str) -> None:
        if path != self._row.path or side_px != PREVIEW_PX:
            return
        self._picture = picture
        if picture.isNull():
            self._view.show_words(error)
        self._show()

    def _show(self) -> None:
        if not self._picture.isNull():
            self._view.show_picture(turned_picture(self._picture, self._edit))
        self._view.set_frame(crop_shares(self._edit))
        for name, box in self._sides.items():
            box.blockSignals(True)
            box.setValue(round(100 * getattr(self._edit, name)))
            box.blockSignals(False)

    def _on_cropped(self, shares: QRectF) -> None:
        self._edit = crop(self._edit, shares)
        self._show()

    def _on_side(self) -> None:
        sides = {name: box.value() / 100.0 for name, box in self._sides.items()}
        self._edit = crop(
            self._edit,
            QRectF(
                sides["left"],
                sides["top"],
                sides["right"] - sides["left"],
                sides["bottom"] - sides["top"],
            ),
        )
        self._show()

    def _make_time(self) -> QgsDateTimeEdit:
        edit = QgsDateTimeEdit()
        edit.setObjectName("photoTime")
        edit.setToolTip(
            tr(
                "When the photo was taken, in the time zone that its file names, else in UTC; it "
                "decides which street views serve"
            )
        )
        edit.setAllowNull(True)
        edit.setCalendarPopup(True)
        edit.setDisplayFormat("yyyy-MM-dd HH:mm:ss")
        edit.setNullRepresentation(tr("not known"))
        _show_time_in(edit, self._row.captured_at)
        return edit

    def _make_fov(self) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setObjectName("photoFov")
        box.setRange(AS_FILE, MAX_FOV_DEG)
        box.setDecimals(1)
        box.setSuffix("°")
        said = self._row.info.fov_deg if self._row.info is not None else None
        box.setSpecialValueText(
            tr("as the file says") if said is None else tr("as the file says: {:.0f}°").format(said)
        )
        box.setToolTip(tr("Degrees from the left to the right edge of what is left of the photo"))
        box.setValue(AS_FILE if self._edit.fov_deg is None else self._edit.fov_deg)
        return box

    def _make_side(self, name: str) -> QSpinBox:
        box = QSpinBox()
        box.setObjectName(f"crop_{name}")
        box.setRange(0, 100)
        box.setSuffix(" %")
        box.setToolTip(tr("Where the frame's edge is, in per cent of the photo"))
        box.valueChanged.connect(lambda _value: self._on_side())
        return box

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow(tr("Taken at"), self._time)
        form.addRow(tr("Field of view"), self._fov)
        form.addRow(tr("Frame left, top"), _side_by_side(self._sides["left"], self._sides["top"]))
        form.addRow(
            tr("Frame right, bottom"), _side_by_side(self._sides["right"], self._sides["bottom"])
        )
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.setObjectName("editorButtons")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        note = Words(
            "editorNote", tr("The file is not touched; the engine turns and crops its own copy.")
        )
        layout = QVBoxLayout(self)
        layout.addWidget(self._view, 1)
        layout.addLayout(self._turn_buttons())
        layout.addLayout(form)
        layout.addWidget(note)
        layout.addWidget(buttons)

    def _turn_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        quarter, undo = tr("A quarter turn"), tr("Undo every edit")
        for name, text, icon, tip, action in (
            ("editorTurnLeft", tr("Turn left"), "turn_left", quarter, lambda: self.turn(-90)),
            ("editorTurnRight", tr("Turn right"), "turn_right", quarter, lambda: self.turn(90)),
            ("editorReset", tr("As the file says"), "mActionUndo", undo, self.reset),
        ):
            button = QPushButton(named_icon(icon), text)
            button.setObjectName(name)
            button.setToolTip(tip)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, action=action: action())
            row.addWidget(button)
        row.addStretch(1)
        return row


def _side_by_side(*widgets: QWidget) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        row.addWidget(widget)
    return box


def _show_time_in(edit: QgsDateTimeEdit, captured_at: str) -> None:
    moment = _to_time(captured_at)
    if moment is None:
        edit.clear()
    else:
        edit.setDateTime(moment)


def _to_time(text: str) -> QDateTime | None:
    """Return the local time that an ISO text names, its zone left out; None for none."""
    moment = QDateTime.fromString(text[:19], Qt.DateFormat.ISODate)
    return moment if moment.isValid() else None
