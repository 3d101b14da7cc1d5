"""A page of the panel that scrolls up and down where the panel is lower than what it holds."""

from __future__ import annotations

from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtWidgets import QFrame, QScrollArea, QWidget

LEAST_HEIGHT_PX = 200


class ScrollPage(QScrollArea):
    """Lets QGIS be as low as a laptop's screen; at the sides nothing is cut off."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        """Return a width at which nothing is cut off, the scroll bar included."""
        bar_px = self.verticalScrollBar().sizeHint().width()
        return QSize(self.widget().minimumSizeHint().width() + bar_px, LEAST_HEIGHT_PX)
