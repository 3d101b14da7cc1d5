"""What the pages of the export dialog share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.gui import QgsFileWidget
from qgis.PyQt import sip
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QFormLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .. import wording
from ..i18n import tr
from ..layers.candidate import Candidate
from .notice import ERROR


class ExportPage(QWidget):
    """A page that writes one file: says when it begins, and how it ended; ``button`` does it."""

    begun = pyqtSignal(str)
    ended = pyqtSignal(str, str)  # WELL or ERROR of notice.py, and words

    def lay_out(self, form: QFormLayout, *below: QWidget, button: QPushButton) -> None:
        """Put a form above, other things below, and the button that does it at the end."""
        self.button = button
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        for widget in below:
            layout.addWidget(widget, 1 if widget is below[-1] else 0)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignRight)

    def may_write(self, target: str) -> bool:
        """Return whether a file is named, and nothing is lost or a person agreed to replace it."""
        if not target.strip():
            self.ended.emit(ERROR, tr("Choose a file to write."))
            return False
        if not Path(target).is_file():
            return True
        answer = QMessageBox.question(
            self,
            self.window().windowTitle(),
            tr("{} is there already. Replace it?").format(target),
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        return answer == QMessageBox.StandardButton.Yes

    def end(self, kind: str, said: str) -> None:
        """Say how it ended, unless the dialog was closed meanwhile."""
        if not sip.isdeleted(self):
            self.ended.emit(kind, said)

    def give_up(self) -> None:
        """Stop what is being written, where it can be stopped."""


def file_widget(name: str) -> QgsFileWidget:
    """Return a field for a file to write; whether to replace one is asked before it is written."""
    widget = QgsFileWidget()
    widget.setObjectName(name)
    widget.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
    widget.setConfirmOverwrite(False)
    widget.setToolTip(tr("Where it is written"))
    return widget


def action_button(name: str, text: str, do: Callable[[], None]) -> QPushButton:
    """Return the button that writes the file."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(text)
    button.clicked.connect(lambda: do())
    return button


def words(text: str) -> QLabel:
    """Return a text that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label


def form(*rows: tuple[str, Any]) -> QFormLayout:
    """Return rows of a name and a field."""
    layout = QFormLayout()
    for name, field in rows:
        layout.addRow(name, field)
    return layout


def where(candidate: Candidate) -> str:
    """Return in a line which candidate is meant."""
    return tr("{}, rank {}, {}").format(
        wording.position(candidate.lon, candidate.lat),
        candidate.rank,
        wording.status(candidate.status).lower(),
    )
