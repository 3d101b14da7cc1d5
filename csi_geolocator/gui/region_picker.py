"""Rectangles on a photo, drawn with the mouse: what is to be blurred in a copy."""

from __future__ import annotations

from qgis.PyQt.QtCore import QPointF, QRectF, QSizeF, Qt, pyqtSignal
from qgis.PyQt.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ..i18n import tr
from .words import theme_colour

SMALLEST_SHARE = 0.005


class RegionPicker(QWidget):
    """Shows a photo; dragging draws a rectangle, a click takes one up, Delete removes it."""

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("regionPicker")
        self.setAccessibleName(tr("Regions to blur"))
        self.setToolTip(tr("Drag to draw a rectangle; click one and press Delete to remove it"))
        self.setMinimumSize(260, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._image = QImage()
        self._regions: list[QRectF] = []
        self._chosen = -1
        self._start: QPointF | None = None
        self._end = QPointF()

    def show_image(self, image: QImage) -> None:
        """Show another photo, without rectangles."""
        self._image = image
        self.clear()

    def regions(self) -> tuple[dict[str, float], ...]:
        """Return the rectangles: left, top, right, bottom as shares of the photo."""
        return tuple(
            {
                "left": region.left(),
                "top": region.top(),
                "right": region.right(),
                "bottom": region.bottom(),
            }
            for region in self._regions
        )

    def clear(self) -> None:
        """Remove every rectangle."""
        self._regions, self._chosen, self._start = [], -1, None
        self.changed.emit()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the photo and its rectangles."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), theme_colour(self, QPalette.ColorRole.Base))
        if self._image.isNull():
            painter.setPen(theme_colour(self, QPalette.ColorRole.Text))
            painter.drawText(
                QRectF(self.rect()), int(Qt.AlignmentFlag.AlignCenter), tr("No photo to show")
            )
            painter.end()
            return
        painter.drawImage(self._area(), self._image)
        highlight = self.palette().color(QPalette.ColorRole.Highlight)
        for number, region in enumerate(self._regions):
            is_chosen = number == self._chosen
            painter.setPen(QPen(highlight if is_chosen else QColor("white"), 2.0))
            painter.fillRect(self._to_widget(region), QColor(0, 0, 0, 150))
            painter.drawRect(self._to_widget(region))
        if self._start is not None:
            painter.setPen(QPen(highlight, 1.5, Qt.PenStyle.DashLine))
            painter.drawRect(self._to_widget(QRectF(self._start, self._end).normalized()))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take up a rectangle, or begin one."""
        if self._image.isNull() or event.button() != Qt.MouseButton.LeftButton:
            return
        place = self._share(event)
        inside = [n for n, region in enumerate(self._regions) if region.contains(place)]
        self._chosen = inside[-1] if inside else -1
        self._start = None if inside else place
        self._end = place
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the rectangle up to here."""
        if self._start is not None:
            self._end = self._share(event)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Keep the rectangle; one too small to be meant is dropped."""
        if self._start is None:
            return
        region = QRectF(self._start, self._share(event)).normalized()
        self._start = None
        if min(region.width(), region.height()) >= SMALLEST_SHARE:
            self._regions.append(region)
            self._chosen = len(self._regions) - 1
            self.changed.emit()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Remove the rectangle that was taken up."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._chosen >= 0:
            del self._regions[self._chosen]
            self._chosen = len(self._regions) - 1
            self.changed.emit()
            self.update()
        else:
            super().keyPressEvent(event)

    def _area(self) -> QRectF:
        size = QSizeF(self._image.size())
        size.scale(QSizeF(self.size()), Qt.AspectRatioMode.KeepAspectRatio)
        corner = QPointF((self.width() - size.width()) / 2, (self.height() - size.height()) / 2)
        return QRectF(corner, size)

    def _share(self, event: QMouseEvent) -> QPointF:
        place = event.position() if hasattr(event, "position") else event.localPos()
        area = self._area()
        x = (place.x() - area.left()) / area.width()
        y = (place.y() - area.top()) / area.height()
        return QPointF(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))

    def _to_widget(self, region: QRectF) -> QRectF:
        area = self._area()
        return QRectF(
            area.left() + region.left() * area.width(),
            area.top() + region.top() * area.height(),
            region.width() * area.width(),
            region.height() * area.height(),
        )
