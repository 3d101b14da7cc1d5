"""The photos to locate: dropped or picked, with thumbnails; removed, turned, edited, brought back.

Nothing here waits for a disk: folders are listed and pictures read in threads, the engine is asked
a few photos at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QModelIndex, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QImage, QKeySequence
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QAction,
    QFileDialog,
    QHBoxLayout,
    QListView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..engine.failure import EngineFailure
from ..i18n import number, tr
from ..model_core import contract
from ..tasks.photo_files import MAX_PHOTOS, SUFFIXES, qgis_reads
from ..tasks.photo_inspector import PhotoInspector
from ..tasks.photo_reader import PhotoReader
from .icons import named_icon
from .photo_editor import PhotoEditor
from .photo_edits import turn
from .photo_model import THUMBNAIL_PX, PhotoModel, thumbnail_size
from .words import Words, draw_invitation

LINES_OF_A_ROW = 4
ROWS_SHOWN = 3
ENGINE_PICTURE_PX = 1400
"""A picture that the engine makes serves the list and the editor."""


class RowDelegate(QStyledItemDelegate):
    """Gives every row the height of its thumbnail or of four lines, so that none is measured."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the size of a row."""
        return QSize(120, row_height(option.fontMetrics.lineSpacing()))


def row_height(line_px: int) -> int:
    """Return a row's height for a font."""
    return max(thumbnail_size().height(), LINES_OF_A_ROW * line_px) + 6


class PhotoView(QListView):
    """The list; files and folders may be dropped on it."""

    dropped = pyqtSignal(list)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("photoView")
        self.setToolTip(tr("Drop photos or folders here; Return edits, Delete removes"))
        self.setItemDelegate(RowDelegate(self))
        self.setUniformItemSizes(True)
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setIconSize(thumbnail_size())
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setAcceptDrops(True)
        self.setMinimumHeight(ROWS_SHOWN * row_height(self.fontMetrics().lineSpacing()))

    def paintEvent(self, event: Any) -> None:
        """Draw the photos, or an invitation where there is none."""
        super().paintEvent(event)
        if self.model() is not None and self.model().rowCount() == 0:
            draw_invitation(self, tr("Drop photos or folders here"))

    def dragEnterEvent(self, event: Any) -> None:
        """Welcome local files."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: Any) -> None:
        """Welcome local files."""
        self.dragEnterEvent(event)

    def dropEvent(self, event: Any) -> None:
        """Take local files."""
        paths = local_paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)


def local_paths(mime: Any) -> list[str]:
    """Return the local files and folders that are dragged."""
    return [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]


class PhotoList(QWidget):
    """The list with its buttons.

    Args:
        engine: The client of the engine process, which reads metadata and HEIC.
        thumbnails: A folder for the engine's thumbnails.
        parent: The owner.

    Signals: ``changed`` (photos or edits are others now), ``engineFailed`` (an ``EngineFailure``
    while the engine read metadata; the photos stay usable).
    """

    changed = pyqtSignal()
    engineFailed = pyqtSignal(object)

    def __init__(self, engine: Any, thumbnails: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("photoList")
        self.model = PhotoModel(self)
        self._reader = PhotoReader(self)
        self._inspector = PhotoInspector(engine, str(thumbnails), ENGINE_PICTURE_PX, self)
        self._view = PhotoView()
        self._view.setModel(self.model)
        self._are_more = False
        self._count = Words("photoCount", quiet=True)
        self._actions = self._make_actions()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._buttons())
        layout.addWidget(self._view)
        layout.addWidget(self._count)
        self._connect()
        self._refresh()

    def add_paths(self, paths: Sequence[str]) -> None:
        """Add files and folders; folders are listed in the background."""
        self._reader.list_photos(paths)

    def inspect_again(self) -> None:
        """Ask the engine for the photos that it was not asked about: it may be there now."""
        self._inspector.ask(row.path for row in self.model.rows if row.info is None)

    def paths(self) -> tuple[str, ...]:
        """Return the photos that can be used."""
        return self.model.usable_paths()

    def edits(self) -> Mapping[str, Any]:
        """Return what was changed, by path, as a request takes it."""
        return self.model.edits()

    def selected_rows(self) -> list[int]:
        """Return the selected rows, in order."""
        return sorted(index.row() for index in self._view.selectionModel().selectedIndexes())

    def edit_selected(self) -> None:
        """Open the editor for the first selected photo."""
        rows = self.selected_rows()
        if rows:
            self._edit(rows[0])

    def turn_selected(self, degrees: int) -> None:
        """Turn the selected photos clockwise."""
        for row in self.selected_rows():
            self.model.set_edit(row, turn(self.model.row_at(row).edit, degrees))

    def remove(self) -> None:
        """Stop what runs in the background."""
        self._inspector.forget()
        self._reader.stop()

    def _connect(self) -> None:
        self._view.dropped.connect(self.add_paths)
        self._view.doubleClicked.connect(lambda index: self._edit(index.row()))
        self._view.selectionModel().selectionChanged.connect(lambda *_: self._refresh())
        self.model.pictureWanted.connect(self._read_thumbnail)
        self.model.added.connect(self._inspector.ask)
        self.model.changed.connect(self._refresh)
        self.model.changed.connect(self.changed)
        self._reader.listed.connect(self._take_listed)
        self._reader.pictureRead.connect(self._take_picture)
        self._reader.failed.connect(lambda words: self._count.say(words, is_error=True))
        self._inspector.inspected.connect(self._take_info)
        self._inspector.failed.connect(self._on_engine_failure)

    def _read_thumbnail(self, path: str) -> None:
        if qgis_reads(path):
            self._reader.read(path, THUMBNAIL_PX)

    def _take_picture(self, path: str, side_px: int, picture: QImage, error: str) -> None:
        if side_px == THUMBNAIL_PX:
            self.model.set_picture(path, picture, error)

    def _take_listed(self, paths: Sequence[str], are_more: bool) -> None:
        self._are_more = self._are_more or are_more
        if not paths:
            self._count.say(tr("No photo was found in what was added."), is_error=True)
        elif not self.model.add(paths):
            self._count.say(tr("These photos are in the list already."))

    def _take_info(self, info: contract.PhotoInfo) -> None:
        self.model.set_info(info)
        if info.thumbnail:
            self._reader.read_from(info.path, info.thumbnail, THUMBNAIL_PX)

    def _on_engine_failure(self, failure: EngineFailure) -> None:
        if not failure.is_cancelled:
            self.engineFailed.emit(failure)

    def make_editor(self, row: int) -> PhotoEditor:
        """Return the dialog that edits a photo."""
        return PhotoEditor(self.model.row_at(row), self._reader, self)

    def _edit(self, row: int) -> None:
        editor = self.make_editor(row)
        if editor.exec():
            self.model.set_edit(row, editor.edit())
        editor.deleteLater()

    def _pick_files(self) -> None:
        pattern = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in SUFFIXES)
        paths, _ = QFileDialog.getOpenFileNames(
            self, tr("Photos to locate"), "", tr("Photos ({});;All files (*)").format(pattern)
        )
        if paths:
            self.add_paths(paths)

    def _pick_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of photos to locate"))
        if folder:
            self.add_paths([folder])

    def _refresh(self) -> None:
        rows, count = self.selected_rows(), self.model.rowCount()
        for name in ("editPhoto", "turnLeft", "turnRight", "removePhotos"):
            self._actions[name].setEnabled(bool(rows))
        self._actions["clearPhotos"].setEnabled(count > 0)
        self._actions["undoRemoval"].setEnabled(self.model.can_undo)
        self._are_more = self._are_more and count > 0
        bad = count - len(self.model.usable_paths())
        if count == 0:
            said = tr("No photo yet.")
        elif bad:
            said = tr("{0} photos, {1} of them cannot be used.").format(count, bad)
        else:
            said = tr("{} photos.").format(count) if count > 1 else tr("1 photo.")
        if self._are_more:
            left_out = tr("What was added holds more than {} photos; the rest was left out.")
            said += "\n" + left_out.format(number(MAX_PHOTOS))
        self._count.say(said, is_error=self._are_more)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        for name, action in self._actions.items():
            button = QToolButton()
            button.setObjectName(f"{name}Button")
            button.setDefaultAction(action)
            if name == "addPhotos":
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            row.addWidget(button)
            if name == "addFolder":
                row.addStretch(1)
        return row

    def _make_actions(self) -> dict[str, QAction]:
        made = {}
        for name, text, icon, shortcut, run in self._action_list():
            action = QAction(named_icon(icon), text, self._view)
            action.setObjectName(name)
            keys = QKeySequence(shortcut) if shortcut is not None else QKeySequence()
            shown = keys.toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(f"{text} ({shown})" if shown else text)
            if not keys.isEmpty():
                action.setShortcut(keys)
                action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _checked=False, run=run: run())
            self._view.addAction(action)
            made[name] = action
        return made

    def _action_list(self) -> Iterable[tuple[str, str, str, Any, Any]]:
        remove = self.model.remove
        return (
            ("addPhotos", tr("Add photos…"), "mActionAddImage", "Ctrl+O", self._pick_files),
            ("addFolder", tr("Add a folder…"), "mIconFolderOpen", None, self._pick_folder),
            (
                "editPhoto",
                tr("Edit the photo…"),
                "mActionToggleEditing",
                "Return",
                self.edit_selected,
            ),
            (
                "turnLeft",
                tr("Turn left"),
                "turn_left",
                "Ctrl+L",
                lambda: self.turn_selected(-90),
            ),
            (
                "turnRight",
                tr("Turn right"),
                "turn_right",
                "Ctrl+R",
                lambda: self.turn_selected(90),
            ),
            (
                "removePhotos",
                tr("Remove from the list"),
                "mActionRemove",
                QKeySequence.StandardKey.Delete,
                lambda: remove(self.selected_rows()),
            ),
            ("clearPhotos", tr("Clear the list"), "mActionDeleteSelected", None, self.model.clear),
            (
                "undoRemoval",
                tr("Bring back what was removed"),
                "mActionUndo",
                QKeySequence.StandardKey.Undo,
                self.model.undo,
            ),
        )
