"""Map tools that draw the area: a rectangle by dragging, a polygon by clicking."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsGeometry, QgsPointXY, QgsRectangle, QgsWkbTypes
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

from .guest_tool import GuestTool

OUTLINE_PX = 2
MIN_CORNERS = 3


def area_band(canvas: Any) -> QgsRubberBand:
    """Return the band that shows an area on the map; orange is seen on imagery and on maps."""
    band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
    band.setStrokeColor(QColor(214, 96, 0))
    band.setFillColor(QColor(242, 165, 65, 25))
    band.setWidth(OUTLINE_PX)
    return band


class AreaTool(GuestTool):
    """What both tools share: a band while drawing, Esc to give up.

    Signals: ``drawn`` (a QgsGeometry in the map's coordinates), ``givenUp``.
    """

    drawn = pyqtSignal(object)
    givenUp = pyqtSignal()

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._band: QgsRubberBand | None = area_band(canvas)

    def keyPressEvent(self, event: Any) -> None:
        """Give up on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            event.ignore()
            self.forget()
            self.givenUp.emit()

    def deactivate(self) -> None:
        """Take the band away."""
        self.forget()
        super().deactivate()

    def forget(self) -> None:
        """Start afresh."""
        if self._band is not None:
            self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)

    def remove(self) -> None:
        """Take the tool off the map for good."""
        self.leave()
        if self._band is not None:
            self.canvas().scene().removeItem(self._band)
            self._band = None


class RectangleTool(AreaTool):
    """Draws a rectangle: press at one corner, release at the other."""

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self._start: QgsPointXY | None = None

    def canvasPressEvent(self, event: Any) -> None:
        """Take the first corner."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._start = event.mapPoint()

    def canvasMoveEvent(self, event: Any) -> None:
        """Show the rectangle so far."""
        if self._start is not None and self._band is not None:
            corner = event.mapPoint()
            self._band.setToGeometry(QgsGeometry.fromRect(QgsRectangle(self._start, corner)))

    def canvasReleaseEvent(self, event: Any) -> None:
        """Take the second corner."""
        if self._start is None or event.button() != Qt.MouseButton.LeftButton:
            return
        rectangle = QgsRectangle(self._start, event.mapPoint())
        self.forget()
        self.drawn.emit(QgsGeometry.fromRect(rectangle))

    def forget(self) -> None:
        """Start afresh."""
        self._start = None
        super().forget()


class PolygonTool(AreaTool):
    """Draws a polygon: a click a corner, the right button ends; Backspace takes a corner back."""

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self._corners: list[QgsPointXY] = []

    def canvasReleaseEvent(self, event: Any) -> None:
        """Take a corner, or end with the right button."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._corners.append(event.mapPoint())
            self._show(self._corners)
        elif event.button() == Qt.MouseButton.RightButton:
            self._end()

    def canvasDoubleClickEvent(self, event: Any) -> None:
        """End."""
        self._end()

    def canvasMoveEvent(self, event: Any) -> None:
        """Show the polygon as it would be with a corner at the pointer."""
        if self._corners:
            self._show([*self._corners, event.mapPoint()])

    def keyPressEvent(self, event: Any) -> None:
        """Take the last corner back on Backspace, end on Return, give up on Esc."""
        if event.key() == Qt.Key.Key_Backspace and self._corners:
            event.ignore()
            self._corners.pop()
            self._show(self._corners)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()
            self._end()
        else:
            super().keyPressEvent(event)

    def forget(self) -> None:
        """Start afresh."""
        self._corners = []
        super().forget()

    def _show(self, corners: list[QgsPointXY]) -> None:
        if self._band is not None:
            self._band.setToGeometry(QgsGeometry.fromPolygonXY([corners]))

    def _end(self) -> None:
        corners = self._corners
        self.forget()
        if len(corners) < MIN_CORNERS:
            self.givenUp.emit()
        else:
            self.drawn.emit(QgsGeometry.fromPolygonXY([corners]))
