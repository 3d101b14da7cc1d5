"""The photos of the panel as a Qt model: thumbnails are read when a view first shows them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import (
    QAbstractListModel,
    QDateTime,
    QLocale,
    QModelIndex,
    QSize,
    Qt,
    pyqtSignal,
)
from qgis.PyQt.QtGui import QIcon, QImage, QPainter, QPixmap

from ..i18n import tr
from ..model_core import contract
from .photo_edits import AS_THE_FILE_SAYS, edited_picture

THUMBNAIL_PX = 208
SIGN_PX = 64
THUMBNAILS_KEPT = 500


@dataclass(frozen=True)
class PhotoRow:
    """One photo: its path, what its file says (None: not asked yet), and what a person changed.

    ``unread`` says why QGIS could not read the picture, empty while nothing went wrong.
    """

    path: str
    info: contract.PhotoInfo | None = None
    edit: contract.PhotoEdit = AS_THE_FILE_SAYS
    unread: str = ""

    @property
    def error(self) -> str:
        """Why the photo cannot be used; the engine knows better than QGIS, once it was asked."""
        return self.info.error if self.info is not None else self.unread

    @property
    def captured_at(self) -> str:
        """When the photo was taken (ISO 8601), as edited, else as the file says; empty: unknown."""
        said = self.info.captured_at if self.info is not None else ""
        return self.edit.captured_at or said

    @property
    def fov_deg(self) -> float | None:
        """The horizontal field of view, as edited, else as the file says."""
        said = self.info.fov_deg if self.info is not None else None
        return said if self.edit.fov_deg is None else self.edit.fov_deg


class PhotoModel(QAbstractListModel):
    """The list of photos.

    Signals: ``changed`` (photos or edits are others now), ``pictureWanted`` (path: the view shows
    a thumbnail that is not there yet), ``added`` (the paths that are new).
    """

    changed = pyqtSignal()
    added = pyqtSignal(list)
    pictureWanted = pyqtSignal(str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._rows: list[PhotoRow] = []
        self._pictures: OrderedDict[str, QImage] = OrderedDict()
        self._shown: dict[str, tuple[contract.PhotoEdit, QIcon]] = {}
        self._asked: set[str] = set()
        self._removed: list[list[tuple[int, PhotoRow]]] = []

    # What Qt asks of a model.

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many photos there are."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a photo's text, thumbnail or explanation."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{Path(row.path).name}\n{describe(row)}"
        if role == Qt.ItemDataRole.DecorationRole:
            return self._thumbnail(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return explain(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{Path(row.path).name}, {describe(row)}"
        if role == Qt.ItemDataRole.UserRole:
            return row.path
        return None

    # What the panel asks.

    @property
    def rows(self) -> Sequence[PhotoRow]:
        """Every photo, in order."""
        return tuple(self._rows)

    def row_at(self, row: int) -> PhotoRow:
        """Return one photo."""
        return self._rows[row]

    def usable_paths(self) -> tuple[str, ...]:
        """Return the photos that are not known to be unreadable, in order."""
        return tuple(row.path for row in self._rows if not row.error)

    def edits(self) -> Mapping[str, Any]:
        """Return what was changed of photos that can be used, by path, as a request takes it."""
        edited = (row for row in self._rows if row.edit != AS_THE_FILE_SAYS and not row.error)
        return {row.path: row.edit.to_json() for row in edited}

    def add(self, paths: Iterable[str]) -> int:
        """Append photos that are not there yet, and return how many those are.

        One that could not be used is looked at again and counts as new: its disk may be back.
        """
        wanted = dict.fromkeys(paths)
        again = [row for row, one in enumerate(self._rows) if one.error and one.path in wanted]
        for row in again:
            one = self._rows[row]
            self._asked.discard(one.path)
            self._replace(row, replace(one, info=None, unread=""))
        known = {row.path for row in self._rows}
        new = [path for path in wanted if path not in known]
        if new:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self._rows.extend(PhotoRow(path) for path in new)
            self.endInsertRows()
        new += [self._rows[row].path for row in again]
        if new:
            self.added.emit(new)
            self.changed.emit()
        return len(new)

    def remove(self, rows: Iterable[int]) -> None:
        """Take photos out of the list; ``undo`` brings them back where they were."""
        taken = [(row, self._rows[row]) for row in sorted(set(rows))]
        if not taken:
            return
        self._removed.append(taken)
        self.beginResetModel()
        gone = {row for row, _ in taken}
        self._rows = [one for row, one in enumerate(self._rows) if row not in gone]
        self.endResetModel()
        self.changed.emit()

    def clear(self) -> None:
        """Take every photo out of the list."""
        self.remove(range(len(self._rows)))

    @property
    def can_undo(self) -> bool:
        """Whether there is a removal to take back."""
        return bool(self._removed)

    def undo(self) -> None:
        """Take back the last removal."""
        if not self._removed:
            return
        taken = self._removed.pop()
        known = {row.path for row in self._rows}
        self.beginResetModel()
        for row, one in taken:
            if one.path not in known:
                self._rows.insert(min(row, len(self._rows)), one)
        self.endResetModel()
        self.changed.emit()

    def set_edit(self, row: int, edit: contract.PhotoEdit) -> None:
        """Change what a person says of a photo."""
        if self._rows[row].edit != edit:
            self._replace(row, replace(self._rows[row], edit=edit))
            self.changed.emit()

    def set_info(self, info: contract.PhotoInfo) -> None:
        """Take what the engine read from a photo's file."""
        for row in self._rows_of(info.path):
            had_error = bool(self._rows[row].error)
            self._replace(row, replace(self._rows[row], info=info))
            if had_error != bool(info.error):
                self.changed.emit()

    def set_picture(self, path: str, picture: QImage, error: str = "") -> None:
        """Take a photo's thumbnail, upright, or why there is none."""
        if not picture.isNull():
            self._pictures[path] = picture
            while len(self._pictures) > THUMBNAILS_KEPT:
                forgotten, _ = self._pictures.popitem(last=False)
                self._asked.discard(forgotten)
                self._shown.pop(forgotten, None)
        for row in self._rows_of(path):
            unread = error if picture.isNull() else ""
            self._replace(row, replace(self._rows[row], unread=unread))
            if unread:
                self.changed.emit()

    def _rows_of(self, path: str) -> list[int]:
        return [row for row, one in enumerate(self._rows) if one.path == path]

    def _replace(self, row: int, one: PhotoRow) -> None:
        self._rows[row] = one
        index = self.index(row)
        self.dataChanged.emit(index, index)

    def _thumbnail(self, row: PhotoRow) -> QIcon:
        picture = self._pictures.get(row.path)
        if picture is None:
            if row.path not in self._asked:
                self._asked.add(row.path)
                self.pictureWanted.emit(row.path)
            name = "mIconWarning.svg" if row.error else "mIconRaster.svg"
            return QIcon(_in_a_box(_sign(f"/{name}")))
        edit, shown = self._shown.get(row.path, (None, None))
        if edit != row.edit:
            fitted = edited_picture(picture, row.edit).scaled(
                thumbnail_size() * 2,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            shown = QIcon(_in_a_box(fitted))
            self._shown[row.path] = (row.edit, shown)
        return shown


def _sign(name: str) -> QImage:
    """Return an icon of QGIS, a third of a thumbnail's height wherever the screen is dense."""
    image = QgsApplication.getThemeIcon(name).pixmap(SIGN_PX, SIGN_PX).toImage()
    image.setDevicePixelRatio(1.0)
    return image


def _in_a_box(picture: QImage) -> QPixmap:
    """Return a picture in the middle of a box that is the same for all, so that texts align."""
    box = QPixmap(thumbnail_size() * 2)
    box.fill(Qt.GlobalColor.transparent)
    painter = QPainter(box)
    left = (box.width() - picture.width()) // 2
    painter.drawImage(left, (box.height() - picture.height()) // 2, picture)
    painter.end()
    return box


def describe(row: PhotoRow) -> str:
    """Return in a line or two what is known of a photo, for the list."""
    if row.error:
        why = row.error.removeprefix(f"{row.path}: ")  # a long path would leave it no room
        return tr("Cannot be used: {}").format(why)
    lines = [
        " · ".join(part for part in (_time_text(row.captured_at), _fov_text(row)) if part),
        " · ".join(part for part in _pose_texts(row) if part),
    ]
    if row.info is None and not any(lines):
        return tr("reading …") if not row.unread else row.unread
    return "\n".join(line for line in lines if line) or tr("no time, position or heading known")


def explain(row: PhotoRow) -> str:
    """Return everything known of a photo, for its tool tip."""
    lines = [row.path]
    if row.error:
        lines.append(tr("Cannot be used: {}").format(row.error))
    elif row.info is not None:
        lines.append(f"{row.info.width_px} x {row.info.height_px} px")
        lines.append(describe(row))
        if row.info.fov_source:
            lines.append(tr("Field of view from: {}").format(row.info.fov_source))
        lines.extend(row.info.notes)
    if row.edit != AS_THE_FILE_SAYS:
        lines.append(tr("Edited here; the file is not touched."))
    return "\n".join(lines)


def _time_text(captured_at: str) -> str:
    if not captured_at:
        return ""
    moment = QDateTime.fromString(captured_at, Qt.DateFormat.ISODate)
    if not moment.isValid():
        return captured_at
    return QLocale().toString(moment, QLocale.FormatType.ShortFormat)


def _fov_text(row: PhotoRow) -> str:
    if row.info is not None and row.info.projection == "equirectangular":
        return tr("panorama")
    return "" if row.fov_deg is None else tr("{:.0f}° wide").format(row.fov_deg)


def _pose_texts(row: PhotoRow) -> Iterable[str]:
    info = row.info
    if info is None:
        return
    if info.lat is not None and info.lon is not None:
        yield tr("GPS {:.5f}, {:.5f}").format(info.lat, info.lon)
    if info.heading_deg is not None:
        yield tr("heading {:.0f}°").format(info.heading_deg)


def thumbnail_size() -> QSize:
    """Return the size at which a list shows thumbnails; they are sharp at twice of it."""
    return QSize(THUMBNAIL_PX // 2, THUMBNAIL_PX * 3 // 8)
