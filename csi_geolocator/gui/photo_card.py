"""What was found for one photo: thumbnail, verdict in words, notes."""

from __future__ import annotations

from html import escape

from qgis.PyQt.QtCore import QEvent, QSize, Qt
from qgis.PyQt.QtGui import QImage, QPixmap
from qgis.PyQt.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from .. import wording
from ..i18n import tr
from ..layers.candidate import Candidate, PhotoRecord

THUMBNAIL_PX = 108
SHOWN_NOTES = 2


class PhotoCard(QFrame):
    """The header of the results: one photo's answer, plainly."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("photoCard")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._image = QImage()
        self._thumbnail = QLabel()
        self._thumbnail.setObjectName("photoThumbnail")
        self._thumbnail.setFixedWidth(THUMBNAIL_PX)
        self._thumbnail.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._verdict = _label("photoVerdict")
        self._best = _label("photoBest")
        self._notes = _label("photoNotes")
        words = QVBoxLayout()
        words.setSpacing(3)
        for label in (self._verdict, self._best, self._notes):
            words.addWidget(label)
        words.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self._thumbnail)
        layout.addLayout(words, 1)

    def show_record(self, record: PhotoRecord | None, best: Candidate | None) -> None:
        """Show a photo's answer; None clears the card."""
        self.show_image(QImage())
        if record is None:
            for label in (self._verdict, self._best, self._notes):
                label.clear()
            return
        self._thumbnail.setToolTip(record.path)
        self._verdict.setText(f"{escape(record.name)}<br><b>{escape(wording.verdict(record))}</b>")
        if record.error:
            self._best.setText(record.error)
        else:
            self._best.setText(wording.best_guess(best, not record.not_in_area))
        self._best.setToolTip("" if best is None else wording.evidence(best))
        notes = record.notes
        shown = list(notes[:SHOWN_NOTES])
        if len(notes) > SHOWN_NOTES:
            shown.append(tr("and {} more (point here)").format(len(notes) - SHOWN_NOTES))
        self._notes.setText("<br>".join(f"• {escape(note)}" for note in shown))
        self._notes.setToolTip("\n\n".join(notes))
        self._notes.setVisible(bool(notes))

    def show_image(self, image: QImage) -> None:
        """Show the photo's picture; a null one leaves its place empty."""
        self._image = image
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Draw anew on a screen of another density."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._draw()

    def _draw(self) -> None:
        if self._image.isNull():
            self._thumbnail.clear()
            return
        ratio = self.devicePixelRatioF()
        side = QSize(THUMBNAIL_PX, THUMBNAIL_PX) * ratio
        pixmap = QPixmap.fromImage(
            self._image.scaled(
                side,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )
        pixmap.setDevicePixelRatio(ratio)
        self._thumbnail.setPixmap(pixmap)


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
