"""What is said above the results, in full and until it is closed: what failed, what ended."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from ..i18n import tr
from .notice import HINT, WARNING, Notice


class ResultMessages(QFrame):
    """One message at a time; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("resultMessages")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._notice = Notice("resultMessage")
        self._show_run = QPushButton(tr("Show the run"))
        self._show_run.setObjectName("showEndedRun")
        self._show_run.setToolTip(tr("Show what the run found; the earlier results stay on disk"))
        self._show_run.clicked.connect(lambda _checked=False: self._show())
        self._show: Callable[[], None] = self.clear
        close = QToolButton()
        close.setObjectName("closeResultMessage")
        close.setAutoRaise(True)
        close.setIcon(QgsApplication.getThemeIcon("/mIconClose.svg"))
        close.setToolTip(tr("Close this message"))
        close.clicked.connect(lambda _checked=False: self.clear())
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 4, 4)
        row.addWidget(self._notice, 1)
        row.addWidget(self._show_run)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def text(self) -> str:
        """Return what is said; empty while nothing is."""
        return self._notice.text()

    def warn(self, words: str) -> None:
        """Say what went wrong."""
        self._show_run.hide()
        self._say(WARNING, words)

    def offer_run(self, show: Callable[[], None]) -> None:
        """Say that a run has ended while earlier results are shown; a button shows it."""
        self._show = show
        self._show_run.show()
        self._say(HINT, tr("The run has ended. What is shown here are earlier results."))

    def clear(self) -> None:
        """Say nothing."""
        self._show = self.clear
        self._say(HINT, "")

    def _say(self, kind: str, words: str) -> None:
        self._notice.say(kind, words)
        self.setVisible(bool(words))
