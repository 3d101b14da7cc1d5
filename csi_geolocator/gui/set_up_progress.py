"""How far a set-up is: step, bar, time, what was written, and what the programs say."""

from __future__ import annotations

import time
from pathlib import Path

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtGui import QFontDatabase
from qgis.PyQt.QtWidgets import QPlainTextEdit, QProgressBar, QVBoxLayout, QWidget

from ..engine.installer import Installer
from ..engine.plan import free_bytes
from ..i18n import tr
from .notice import WrappedLabel

FULL = 1000
LOG_BLOCKS = 5000


class SetUpProgress(QWidget):
    """Follows an installer; the log stays when it has ended."""

    def __init__(self, installer: Installer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("setUpProgress")
        self._started_s = 0.0
        self._folder = Path()
        self._free_before: int | None = None
        self._step = WrappedLabel("step")
        self._bar = QProgressBar()
        self._bar.setObjectName("progressBar")
        self._bar.setRange(0, FULL)
        self._bar.setToolTip(tr("How far the set-up is"))
        self._detail = WrappedLabel("detail")
        self._log = QPlainTextEdit()
        self._log.setObjectName("setUpLog")
        self._log.setToolTip(tr("What the installer and the engine said"))
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(LOG_BLOCKS)
        self._log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._log.setMinimumHeight(120)
        self._words = ""
        self._lay_out()
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._tell_time)
        installer.stepStarted.connect(self._on_step)
        installer.progressed.connect(self._on_progress)
        installer.logLine.connect(self._log.appendPlainText)

    def begin(self, folder: Path) -> None:
        """Start the clock.

        Args:
            folder: Where is written to, for how much that was.
        """
        self._folder = folder
        self._free_before = free_bytes(folder)
        self._started_s = time.monotonic()
        self._words = ""
        self._log.clear()
        self._bar.setValue(0)
        self._running.show()
        self._clock.start()
        self._tell_time()

    def end(self) -> None:
        """Stop the clock; the log stays."""
        self._clock.stop()
        self._running.hide()

    def _on_step(self, number: int, count: int, title: str) -> None:
        self._step.setText(tr("Step {0} of {1}: {2}").format(number, count, title))
        self._words = ""
        self._tell_time()

    def _on_progress(self, share: float, words: str) -> None:
        self._bar.setValue(round(share * FULL))
        self._words = words
        self._tell_time()

    def _tell_time(self) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._started_s), 60)
        parts = [tr("{0}:{1:02d} minutes").format(minutes, seconds)]
        free = free_bytes(self._folder)
        if free is not None and self._free_before is not None:
            written = max(0, self._free_before - free) / 1e9
            parts.append(tr("{:.1f} GB written").format(written))
        if self._words:
            parts.append(self._words)
        self._detail.setText(" · ".join(parts))

    def _lay_out(self) -> None:
        self._running = QWidget()
        running = QVBoxLayout(self._running)
        running.setContentsMargins(0, 0, 0, 0)
        running.addWidget(self._step)
        running.addWidget(self._bar)
        running.addWidget(self._detail)
        self._running.hide()
        group = QgsCollapsibleGroupBox(tr("Log"))
        group.setObjectName("logGroup")
        inside = QVBoxLayout()
        inside.addWidget(self._log)
        group.setLayout(inside)
        group.setCollapsed(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._running)
        layout.addWidget(group)
