"""A photo with a frame on it: what lies outside is left out. Dragged with the mouse."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QImage, QPainter, QPainterPath, QPalette, QPen
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from .words import centred, theme_colour

GRAB_PX = 10.0
WHOLE = QRectF(0.0, 0.0, 1.0, 1.0)
OUTSIDE = QColor(0, 0, 0, 150)
FRAME = QColor(255, 255, 255)


class CropView(QWidget):
    """Shows a picture and its frame, in shares of the picture.

    An edge or corner is dragged to move it, the inside to move the whole, the outside to draw the
    frame anew.

    Signals: ``cropped`` (a QRectF of shares).
    """

    cropped = pyqtSignal(QRectF)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cropView")
        self.setMouseTracking(True)
        self.setMinimumSize(QSize(240, 180))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._picture = QImage()
        self._words = ""
        self._frame = QRectF(WHOLE)
        self._held: frozenset[str] = frozenset()
        self._pressed = QPointF()
        self._frame_when_pressed = QRectF(WHOLE)

    def sizeHint(self) -> QSize:
        """Return a size at which a photo can be judged."""
        return QSize(640, 440)

    def show_picture(self, picture: QImage) -> None:
        """Show a picture."""
        self._picture, self._words = picture, ""
        self.update()

    def show_words(self, words: str) -> None:
        """Show words where there is no picture."""
        self._picture, self._words = QImage(), words
        self.update()

    def set_frame(self, shares: QRectF) -> None:
        """Show the frame."""
        self._frame = QRectF(shares)
        self.update()

    def picture_rect(self) -> QRectF:
        """Return where the picture is drawn, in the widget's coordinates."""
        if self._picture.isNull():
            return QRectF(self.rect())
        size = self._picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left = (self.width() - size.width()) / 2.0
        top = (self.height() - size.height()) / 2.0
        return QRectF(left, top, size.width(), size.height())

    def frame_rect(self) -> QRectF:
        """Return where the frame is drawn, in the widget's coordinates."""
        whole, frame = self.picture_rect(), self._frame
        return QRectF(
            whole.left() + frame.left() * whole.width(),
            whole.top() + frame.top() * whole.height(),
            frame.width() * whole.width(),
            frame.height() * whole.height(),
        )

    def paintEvent(self, event: Any) -> None:
        """Draw picture, veil and frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._picture.isNull():
            painter.setPen(theme_colour(self, QPalette.ColorRole.WindowText))
            painter.drawText(QRectF(self.rect()), self._words, centred())
            return
        painter.drawImage(self.picture_rect(), self._picture)
        veil = QPainterPath()
        veil.addRect(self.picture_rect())
        veil.addRect(self.frame_rect())
        painter.fillPath(veil, OUTSIDE)
        pen = QPen(FRAME, 2.0)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawRect(self.frame_rect().adjusted(1.0, 1.0, -1.0, -1.0))

    def mousePressEvent(self, event: Any) -> None:
        """Take hold of an edge, of the frame, or of nothing."""
        if event.button() != Qt.MouseButton.LeftButton or self._picture.isNull():
            return
        position = _position(event)
        self._pressed = position
        self._held = self._hold_at(position)
        self._frame_when_pressed = QRectF(self._frame)

    def mouseMoveEvent(self, event: Any) -> None:
        """Move what is held."""
        position = _position(event)
        if not self._held:
            self._show_cursor(position)
            return
        whole = self.picture_rect()
        moved = QPointF(
            (position.x() - self._pressed.x()) / whole.width(),
            (position.y() - self._pressed.y()) / whole.height(),
        )
        if "new" in self._held:
            frame = QRectF(self._share_at(self._pressed), self._share_at(position)).normalized()
        else:
            frame = _dragged(self._frame_when_pressed, self._held, moved)
        self._frame = frame & WHOLE
        self.update()

    def mouseReleaseEvent(self, event: Any) -> None:
        """Let go."""
        if self._held:
            self._held = frozenset()
            if self._frame.width() <= 0.0 or self._frame.height() <= 0.0:
                self._frame = QRectF(WHOLE)
            self.cropped.emit(QRectF(self._frame))

    def _share_at(self, position: QPointF) -> QPointF:
        whole = self.picture_rect()
        return QPointF(
            (position.x() - whole.left()) / whole.width(),
            (position.y() - whole.top()) / whole.height(),
        )

    def _hold_at(self, position: QPointF) -> frozenset[str]:
        frame = self.frame_rect()
        if not frame.adjusted(-GRAB_PX, -GRAB_PX, GRAB_PX, GRAB_PX).contains(position):
            return frozenset({"new"})
        held = set()
        if abs(position.x() - frame.left()) < GRAB_PX:
            held.add("left")
        elif abs(position.x() - frame.right()) < GRAB_PX:
            held.add("right")
        if abs(position.y() - frame.top()) < GRAB_PX:
            held.add("top")
        elif abs(position.y() - frame.bottom()) < GRAB_PX:
            held.add("bottom")
        if not held:
            held.add("new" if self._frame == WHOLE else "all")
        return frozenset(held)

    def _show_cursor(self, position: QPointF) -> None:
        held = self._hold_at(position)
        shapes = {
            frozenset({"all"}): Qt.CursorShape.SizeAllCursor,
            frozenset({"left"}): Qt.CursorShape.SizeHorCursor,
            frozenset({"right"}): Qt.CursorShape.SizeHorCursor,
            frozenset({"top"}): Qt.CursorShape.SizeVerCursor,
            frozenset({"bottom"}): Qt.CursorShape.SizeVerCursor,
            frozenset({"left", "top"}): Qt.CursorShape.SizeFDiagCursor,
            frozenset({"right", "bottom"}): Qt.CursorShape.SizeFDiagCursor,
            frozenset({"right", "top"}): Qt.CursorShape.SizeBDiagCursor,
            frozenset({"left", "bottom"}): Qt.CursorShape.SizeBDiagCursor,
        }
        self.setCursor(shapes.get(held, Qt.CursorShape.CrossCursor))


def _position(event: Any) -> QPointF:
    return event.position() if hasattr(event, "position") else QPointF(event.pos())


def _dragged(frame: QRectF, held: frozenset[str], moved: QPointF) -> QRectF:
    dragged = QRectF(frame)
    if "all" in held:
        dragged.translate(
            min(max(moved.x(), -frame.left()), 1.0 - frame.right()),
            min(max(moved.y(), -frame.top()), 1.0 - frame.bottom()),
        )
    if "left" in held:
        dragged.setLeft(frame.left() + moved.x())
    if "right" in held:
        dragged.setRight(frame.right() + moved.x())
    if "top" in held:
        dragged.setTop(frame.top() + moved.y())
    if "bottom" in held:
        dragged.setBottom(frame.bottom() + moved.y())
    return dragged.normalized()
