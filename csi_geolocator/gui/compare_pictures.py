"""Draws a photo beside what stands at a candidate: zoomed together, swiped, with matched points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qgis.PyQt.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt
from qgis.PyQt.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QWheelEvent,
)
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ..i18n import tr
from .words import theme_colour

PHOTO, STREET_VIEW, SATELLITE = "photo", "street_view", "satellite"
PANES = (PHOTO, STREET_VIEW, SATELLITE)
MATCH_COLOUR = "#00e5ff"
GAP_PX = 8
MAX_ZOOM = 16.0
ZOOM_STEP = 1.25
PAN_SHARE = 0.1
GRIP_PX = 7
MAX_LINES = 60


@dataclass(frozen=True)
class Pane:
    """One picture with its words; ``note`` says why there is none."""

    image: QImage = field(default_factory=QImage)
    caption: str = ""
    attribution: str = ""
    note: str = ""


@dataclass
class _View:
    """What part of a picture is seen: zoom 1 is all of it; the centre is in shares of it."""

    zoom: float = 1.0
    center: QPointF = field(default_factory=lambda: QPointF(0.5, 0.5))


class ComparePictures(QWidget):
    """Photo and street view share zoom and position; the satellite image has its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("comparePictures")
        self.setAccessibleName(tr("Photo, street view and satellite image"))
        self.setToolTip(
            tr(
                "Wheel or + and -: zoom; drag or arrow keys: move; double click or 0: all of it. "
                "Photo and street view move together."
            )
        )
        self.setMinimumSize(320, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._panes: dict[str, Pane] = {name: Pane() for name in PANES}
        self._matches: list[tuple[QPointF, QPointF]] = []
        self._pair, self._ground = _View(), _View()
        self._swipe = False
        self._divider = 0.5
        self._shows_matches = True
        self._drag_from: QPointF | None = None
        self._drags_divider = False

    @property
    def divider(self) -> float:
        """Where the photo ends and the street view begins, as a share of their width."""
        return self._divider

    @property
    def zoom(self) -> float:
        """How much the photo and the street view are enlarged."""
        return self._pair.zoom

    def show_panes(
        self, panes: Mapping[str, Pane], matches: Mapping[str, Sequence[Sequence[float]]]
    ) -> None:
        """Show other pictures, all of each.

        Args:
            panes: By ``PHOTO``, ``STREET_VIEW`` and ``SATELLITE``.
            matches: Points as shares of the photo and of the street view, in the same order.
        """
        self._panes = {name: panes.get(name, Pane()) for name in PANES}
        photo, view = matches.get(PHOTO, ()), matches.get(STREET_VIEW, ())
        self._matches = [
            (QPointF(*photo[number][:2]), QPointF(*view[number][:2]))
            for number in range(min(len(photo), len(view)))
        ]
        self.reset_view()

    def set_swipe(self, swipe: bool) -> None:
        """Lay the photo over the street view, with a divider to drag."""
        self._swipe = swipe
        self.update()

    def set_divider(self, share: float) -> None:
        """Put the divider somewhere."""
        self._divider = min(max(share, 0.0), 1.0)
        self.update()

    def set_shows_matches(self, shown: bool) -> None:
        """Draw the matched points, or not."""
        self._shows_matches = shown
        self.update()

    def reset_view(self) -> None:
        """Show all of every picture."""
        self._pair, self._ground = _View(), _View()
        self.update()

    def zoom_at(self, factor: float, place: QPointF) -> None:
        """Enlarge what is at a place of the widget, which stays where it is."""
        name = self._pane_at(place)
        if name is None:
            return
        view, before = self._view_of(name), self._share_at(name, place)
        view.zoom = min(max(view.zoom * factor, 1.0), MAX_ZOOM)
        after = self._share_at(name, place)
        view.center += before - after
        self._keep_inside(view)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the panes and what belongs over them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._swipe:
            self._paint_swipe(painter)
        else:
            self._paint_picture(painter, PHOTO)
            self._paint_picture(painter, STREET_VIEW)
        self._paint_picture(painter, SATELLITE)
        if self._shows_matches and self._matches and not self._is_empty(STREET_VIEW):
            self._paint_matches(painter)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        steps = event.angleDelta().y() / 120.0
        self.zoom_at(ZOOM_STEP**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take up the divider or a picture."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag_from = _place(event)
            self._drags_divider = self._is_on_divider(self._drag_from)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move what was taken up."""
        place = _place(event)
        if self._drag_from is None:
            on_divider = self._is_on_divider(place)
            shape = Qt.CursorShape.SplitHCursor if on_divider else Qt.CursorShape.OpenHandCursor
            self.setCursor(shape)
            return
        if self._drags_divider:
            area = self._picture_area(PHOTO)
            self.set_divider((place.x() - area.left()) / max(area.width(), 1.0))
            return
        name = self._pane_at(self._drag_from)
        if name is not None:
            view = self._view_of(name)
            view.center += self._share_at(name, self._drag_from) - self._share_at(name, place)
            self._keep_inside(view)
            self.update()
        self._drag_from = place

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._drag_from = None
        self._drags_divider = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all of every picture."""
        self.reset_view()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom and move from the keyboard."""
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        middle = self._picture_area(PHOTO).center()
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_at(ZOOM_STEP, middle)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_at(1.0 / ZOOM_STEP, middle)
        elif event.key() == Qt.Key.Key_0:
            self.reset_view()
        elif event.key() in moves:
            self._nudge(*moves[event.key()])
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Draw anew in other colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _nudge(self, right: int, down: int) -> None:
        if self._swipe and self._pair.zoom == 1.0:
            self.set_divider(self._divider + right * PAN_SHARE / 2.0)
            return
        step = PAN_SHARE / self._pair.zoom
        self._pair.center += QPointF(right * step, down * step)
        self._keep_inside(self._pair)
        self.update()

    def _paint_swipe(self, painter: QPainter) -> None:
        area = self._picture_area(PHOTO)
        x = area.left() + self._divider * area.width()
        left, right = QRectF(area), QRectF(area)
        left.setRight(x)
        right.setLeft(x)
        self._paint_words(painter, PHOTO, tr("Photo (left), street view (right)"))
        for name, clip in ((PHOTO, left), (STREET_VIEW, right)):
            self._paint_image(painter, name, area, clip)
        self._paint_footer(painter, STREET_VIEW, area)
        highlight = self.palette().color(QPalette.ColorRole.Highlight)
        painter.setPen(QPen(highlight, 2.0))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setBrush(highlight)
        painter.drawEllipse(QPointF(x, area.center().y()), GRIP_PX, GRIP_PX)

    def _paint_picture(self, painter: QPainter, name: str) -> None:
        titles = {
            PHOTO: tr("Photo"),
            STREET_VIEW: tr("Street view"),
            SATELLITE: tr("Satellite, heading up"),
        }
        area = self._picture_area(name)
        self._paint_words(painter, name, titles[name])
        self._paint_image(painter, name, area, area)
        self._paint_footer(painter, name, area)

    def _paint_words(self, painter: QPainter, name: str, title: str) -> None:
        area, line = self._picture_area(name), self.fontMetrics().height()
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(theme_colour(self, QPalette.ColorRole.WindowText))
        head = QRectF(area.left(), area.top() - 2 * line - 4, area.width(), line)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft, title)
        painter.setFont(self.font())
        head.translate(0, line)
        caption = self._panes[name].caption
        elided = self.fontMetrics().elidedText(
            caption, Qt.TextElideMode.ElideRight, int(area.width())
        )
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft, elided)

    def _paint_image(self, painter: QPainter, name: str, area: QRectF, clip: QRectF) -> None:
        painter.save()
        painter.setClipRect(clip)
        painter.fillRect(area, theme_colour(self, QPalette.ColorRole.Base))
        if self._is_empty(name):
            painter.setPen(theme_colour(self, QPalette.ColorRole.Text))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            inside = clip.adjusted(12, 12, -12, -12)
            painter.drawText(inside, int(flags), self._panes[name].note)
        else:
            painter.drawImage(self._image_rect(name), self._panes[name].image)
        painter.restore()

    def _paint_footer(self, painter: QPainter, name: str, area: QRectF) -> None:
        painter.setPen(theme_colour(self, QPalette.ColorRole.WindowText))
        line = self.fontMetrics().height()
        foot = QRectF(area.left(), area.bottom() + 3, area.width(), 2 * line)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
        painter.drawText(foot, int(flags), self._panes[name].attribution)

    def _paint_matches(self, painter: QPainter) -> None:
        photo_area, view_area = self._picture_area(PHOTO), self._picture_area(STREET_VIEW)
        seen = []
        for in_photo, in_view in self._matches:
            start, end = self._place_of(PHOTO, in_photo), self._place_of(STREET_VIEW, in_view)
            if photo_area.contains(start) and view_area.contains(end):
                seen.append((start, end))
        colour = QColor(MATCH_COLOUR)
        faint = QColor(colour)
        faint.setAlpha(150)
        painter.setPen(QPen(faint, 1.2))
        for start, end in seen[:: max(1, len(seen) // MAX_LINES)]:
            painter.drawLine(start, end)
        painter.setPen(QPen(QColor("#263238"), 1.0))
        painter.setBrush(colour)
        for start, end in seen:
            painter.drawEllipse(start, 3.0, 3.0)
            painter.drawEllipse(end, 3.0, 3.0)

    def _is_empty(self, name: str) -> bool:
        return self._panes[name].image.isNull()

    def _frames(self) -> dict[str, QRectF]:
        """Return each pane with its words; in a row where there is width, else in a column."""
        names = [PHOTO, SATELLITE] if self._swipe else list(PANES)
        in_row = self.width() >= self.height()
        whole = self.width() if in_row else self.height()
        side = (whole - GAP_PX * (len(names) - 1)) / len(names)
        frames = {}
        for number, name in enumerate(names):
            start = number * (side + GAP_PX)
            frames[name] = (
                QRectF(start, 0, side, self.height())
                if in_row
                else QRectF(0, start, self.width(), side)
            )
        if self._swipe:
            frames[STREET_VIEW] = frames[PHOTO]
        return frames

    def _picture_area(self, name: str) -> QRectF:
        line = self.fontMetrics().height()
        return self._frames()[name].adjusted(0, 2 * line + 6, 0, -2 * line - 4)

    def _view_of(self, name: str) -> _View:
        return self._ground if name == SATELLITE else self._pair

    def _image_rect(self, name: str) -> QRectF:
        area, view = self._picture_area(name), self._view_of(name)
        size = QSizeF(self._panes[name].image.size())
        size.scale(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
        size *= view.zoom
        corner = QPointF(
            area.center().x() - view.center.x() * size.width(),
            area.center().y() - view.center.y() * size.height(),
        )
        return QRectF(corner, size)

    def _place_of(self, name: str, share: QPointF) -> QPointF:
        rect = self._image_rect(name)
        return QPointF(
            rect.left() + share.x() * rect.width(), rect.top() + share.y() * rect.height()
        )

    def _share_at(self, name: str, place: QPointF) -> QPointF:
        rect = self._image_rect(name)
        return QPointF(
            (place.x() - rect.left()) / max(rect.width(), 1.0),
            (place.y() - rect.top()) / max(rect.height(), 1.0),
        )

    def _pane_at(self, place: QPointF) -> str | None:
        names = [n for n in PANES if self._picture_area(n).contains(place)]
        return next((name for name in names if not self._is_empty(name)), None)

    def _is_on_divider(self, place: QPointF) -> bool:
        area = self._picture_area(PHOTO)
        x = area.left() + self._divider * area.width()
        return self._swipe and area.contains(place) and abs(place.x() - x) <= GRIP_PX

    @staticmethod
    def _keep_inside(view: _View) -> None:
        margin = 0.5 / view.zoom
        view.center = QPointF(
            min(max(view.center.x(), margin), 1.0 - margin),
            min(max(view.center.y(), margin), 1.0 - margin),
        )


def _place(event: QMouseEvent) -> QPointF:
    """Return where the pointer is, in Qt 5 and 6."""
    return event.position() if hasattr(event, "position") else event.localPos()
