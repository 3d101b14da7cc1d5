"""Moves a candidate by hand: drag it on the map; its field of view follows."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent

from ..layers.candidate import Candidate
from ..layers.wedge import view_wedge
from .guest_tool import GuestTool

LINE_PX = 2
POINT_PX = 12


class MoveTool(GuestTool):
    """Drags the current candidate.

    Args:
        canvas: The map.
        current: Returns the candidate to drag, None without one.
        colour: Of what is dragged.
    """

    moved = pyqtSignal(object, float, float)  # Candidate, lon, lat

    def __init__(
        self, canvas: QgsMapCanvas, current: Callable[[], Candidate | None], colour: QColor
    ) -> None:
        super().__init__(canvas)
        self._current = current
        self._dragged: Candidate | None = None
        self._point = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PointGeometry)
        self._point.setIcon(QgsRubberBand.IconType.ICON_CIRCLE)
        self._point.setIconSize(POINT_PX)
        self._wedge = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        faint = QColor(colour)
        faint.setAlpha(70)
        for band in (self._point, self._wedge):
            band.setColor(colour)
            band.setWidth(LINE_PX)
        self._wedge.setFillColor(faint)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def activate(self) -> None:
        """Show what will be dragged."""
        super().activate()
        candidate = self._current()
        if candidate is not None:
            self._draw(candidate, candidate.lon, candidate.lat)

    def deactivate(self) -> None:
        """Leave everything where it is."""
        self._drop()
        super().deactivate()

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        """Take the candidate up."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged = self._current()
            self._follow(event)

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        """Show where it would go."""
        self._follow(event)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        """Put it down."""
        if self._dragged is None or event.button() != Qt.MouseButton.LeftButton:
            return
        candidate, (lon, lat) = self._dragged, self._lonlat(event)
        self._drop()
        self.moved.emit(candidate, lon, lat)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """End without moving it."""
        if event.key() == Qt.Key.Key_Escape:
            self._drop()
            self.leave()
            event.accept()

    def remove(self) -> None:
        """Take the tool and what it drew off the map for good."""
        self.leave()
        for band in (self._point, self._wedge):
            self.canvas().scene().removeItem(band)

    def _follow(self, event: QgsMapMouseEvent) -> None:
        if self._dragged is not None:
            self._draw(self._dragged, *self._lonlat(event))

    def _draw(self, candidate: Candidate, lon: float, lat: float) -> None:
        degrees = QgsCoordinateReferenceSystem("EPSG:4326")
        point = QgsGeometry.fromPointXY(QgsPointXY(lon, lat))
        self._point.setToGeometry(point, degrees)
        wedge = view_wedge(lon, lat, candidate.heading_deg, candidate.fov_deg)
        self._wedge.setToGeometry(wedge, degrees)

    def _drop(self) -> None:
        self._dragged = None
        self._point.reset(QgsWkbTypes.GeometryType.PointGeometry)
        self._wedge.reset(QgsWkbTypes.GeometryType.PolygonGeometry)

    def _lonlat(self, event: QgsMapMouseEvent) -> tuple[float, float]:
        point = to_degrees(self.canvas()).transform(event.mapPoint())
        return point.x(), point.y()


def to_degrees(canvas: QgsMapCanvas) -> QgsCoordinateTransform:
    """Return the transform from the map's plane to longitude and latitude."""
    return QgsCoordinateTransform(
        canvas.mapSettings().destinationCrs(),
        QgsCoordinateReferenceSystem("EPSG:4326"),
        QgsProject.instance().transformContext(),
    )
