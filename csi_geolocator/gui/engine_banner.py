"""Why the engine cannot work, in words, with the button that mends it."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..engine.failure import (
    ENGINE_DIED,
    ENGINE_GARBLED,
    ENGINE_SILENT,
    ENGINE_UNAVAILABLE,
    PROTOCOL_MISMATCH,
    EngineFailure,
)
from ..i18n import tr
from .words import Words

ICON_PX = 24
OF_THE_ENGINE = (
    ENGINE_DIED,
    ENGINE_GARBLED,
    ENGINE_SILENT,
    ENGINE_UNAVAILABLE,
    PROTOCOL_MISMATCH,
)
"""Failures of the process itself, which more runs of the same would not mend by themselves."""


class EngineBanner(QFrame):
    """Hidden while all is well.

    Signals: ``setUpWanted``, ``settingsWanted``, ``detailsWanted`` (copy them), ``againWanted``.
    """

    setUpWanted = pyqtSignal()
    settingsWanted = pyqtSignal()
    detailsWanted = pyqtSignal()
    againWanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("engineBanner")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        sign = QLabel()
        sign.setObjectName("engineSign")
        icon = QgsApplication.getThemeIcon("/mIconWarning.svg")
        sign.setPixmap(icon.pixmap(ICON_PX, ICON_PX))
        self._title = QLabel()
        self._title.setObjectName("engineTitle")
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._title.setWordWrap(True)
        self._words = Words("engineWords")
        self._buttons = {
            "setUp": self._button("engineSetUp", tr("Set up engine…")),
            "again": self._button("engineAgain", tr("Try again")),
            "settings": self._button("engineSettings", tr("Settings…")),
            "details": self._button("engineDetails", tr("Copy details")),
        }
        self._buttons["setUp"].setToolTip(
            tr("Install the engine's own Python environment; QGIS's Python is not touched")
        )
        self._buttons["again"].setToolTip(tr("Start the engine again"))
        self._buttons["settings"].setToolTip(tr("Open the options page of CSI Geolocator"))
        self._buttons["details"].setToolTip(
            tr("Copy versions, settings and the engine's log to the clipboard")
        )
        self._buttons["setUp"].clicked.connect(self.setUpWanted)
        self._buttons["again"].clicked.connect(self.againWanted)
        self._buttons["settings"].clicked.connect(self.settingsWanted)
        self._buttons["details"].clicked.connect(self.detailsWanted)
        self._lay_out(sign)
        self.hide()

    def show_not_set_up(self, words: str) -> None:
        """Say that the engine's environment is missing."""
        self._show(tr("The engine is not set up yet"), words, ("setUp", "settings"))

    def show_unavailable(self, words: str) -> None:
        """Say that there is an environment, but none that can be used."""
        title = tr("The engine cannot be started")
        self._show(title, words, ("setUp", "settings", "details"))

    def show_failure(self, failure: EngineFailure) -> None:
        """Say why the engine failed."""
        if failure.kind == ENGINE_UNAVAILABLE:
            self.show_unavailable(failure.message)
        elif failure.kind in OF_THE_ENGINE:
            self._show(
                tr("The engine stopped working"), failure.message, ("again", "settings", "details")
            )
        else:
            self._show(tr("This did not work"), failure.message, ("settings", "details"))

    def show_well(self) -> None:
        """Say nothing."""
        self.hide()

    def text(self) -> str:
        """Return what is said; empty while all is well."""
        return "" if self.isHidden() else f"{self._title.text()}\n{self._words.text()}"

    def _show(self, title: str, words: str, buttons: tuple[str, ...]) -> None:
        self._title.setText(title)
        self._words.say(words)
        for name, button in self._buttons.items():
            button.setVisible(name in buttons)
        self.show()

    def _lay_out(self, sign: QLabel) -> None:
        words = QVBoxLayout()
        words.addWidget(self._title)
        words.addWidget(self._words)
        layout = QGridLayout(self)
        layout.addWidget(sign, 0, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 0, 1, 1, 4)
        layout.addWidget(self._buttons["setUp"], 1, 1)
        layout.addWidget(self._buttons["again"], 1, 1)
        layout.addWidget(self._buttons["settings"], 1, 2)
        layout.addWidget(self._buttons["details"], 1, 3)
        layout.setColumnStretch(4, 1)

    @staticmethod
    def _button(name: str, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        return button
