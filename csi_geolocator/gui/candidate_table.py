"""The table of candidates: sorted and filtered in its own model, so that thousands stay quick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qgis.PyQt.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QSize,
    Qt,
    QTimer,
    pyqtSignal,
)
from qgis.PyQt.QtGui import QColor, QFont, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from .. import wording
from ..i18n import tr
from ..layers.candidate import Candidate
from .candidate_columns import Column, columns

RANK_COLOURS = ((1, "#ff6d00"), (5, "#ffb74d"))
REST_COLOUR = "#fff3e0"
STATUS_COLOURS = {
    "confirmed": "#00a152",
    "probable": "#2979ff",
    "possible": "#8e24aa",
    "rejected": "#78909c",
}
DOT_PX = 14
ROWS_SHOWN = 3
FEW = 500
ARRANGE_MS = 200
NO_INDEX = QModelIndex()


class CandidateModel(QAbstractTableModel):
    """The candidates that pass the filter, in the order that a click on a title sets."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns = columns()
        self._all: dict[int, Candidate] = {}
        self._rows: list[int] = []
        self._row_of: dict[int, int] = {}
        self._photo_path = ""
        self._status = ""
        self._sort_column = 0
        self._descending = False
        self._icons: dict[str, QIcon] = {}
        self._arrange_soon = QTimer(self)
        self._arrange_soon.setSingleShot(True)
        self._arrange_soon.setInterval(ARRANGE_MS)
        self._arrange_soon.timeout.connect(self._arrange)

    def set_candidates(self, candidates: Iterable[Candidate]) -> None:
        """Show these candidates instead."""
        self._all = {candidate.fid: candidate for candidate in candidates}
        self._arrange()

    def add(self, candidates: Sequence[Candidate]) -> None:
        """Show more candidates; many are arranged anew a few times a second only."""
        self._all.update({candidate.fid: candidate for candidate in candidates})
        if len(self._all) <= FEW:
            self._arrange()
        elif not self._arrange_soon.isActive():
            self._arrange_soon.start()

    def change(self, candidates: Sequence[Candidate]) -> None:
        """Show candidates as they are now; the order stays until a title is clicked."""
        self._all.update({candidate.fid: candidate for candidate in candidates})
        last = len(self.columns) - 1
        for candidate in candidates:
            row = self._row_of.get(candidate.fid)
            if row is not None:
                self.dataChanged.emit(self.index(row, 0), self.index(row, last))

    def filter(self, photo_path: str, status: str) -> None:
        """Show one photo's candidates and those of one status; "" for all."""
        if (photo_path, status) != (self._photo_path, self._status):
            self._photo_path, self._status = photo_path, status
            self._arrange()

    def candidate_at(self, row: int) -> Candidate:
        """Return the candidate of a row."""
        return self._all[self._rows[row]]

    def row_of(self, fid: int) -> int | None:
        """Return the row of a candidate, None where the filter hides it."""
        return self._row_of.get(fid)

    def stretch(self, first: int, last: int) -> QItemSelectionRange:
        """Return whole rows, both ends included, as a part of a selection."""
        corner = self.createIndex(last, len(self.columns) - 1)
        return QItemSelectionRange(self.createIndex(first, 0), corner)

    def sort(self, column: int, order: int = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        self._sort_column = max(column, 0)
        self._descending = order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def rowCount(self, parent: QModelIndex = NO_INDEX) -> int:
        """Return how many candidates are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = NO_INDEX) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: int, role: int) -> Any:
        """Return a title or its tool tip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.columns[section].tip
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        candidate, column = self.candidate_at(index.row()), self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(candidate)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DecorationRole and column.name in ("rank", "status"):
            return self._dot(column.name, candidate)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(candidate, column)
        if candidate.status == "rejected" and role == Qt.ItemDataRole.ForegroundRole:
            return QGuiApplication.palette().brush(
                QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text
            )
        if candidate.status == "rejected" and role == Qt.ItemDataRole.FontRole:
            font = QFont()
            font.setStrikeOut(column.name in ("rank", "probability", "heading"))
            return font
        return None

    @staticmethod
    def _tip(candidate: Candidate, column: Column) -> str:
        if column.name == "status" and candidate.decided_at:
            who = candidate.analyst or tr("somebody")
            return tr("Decided by {} at {}").format(who, candidate.decided_at)
        if column.name in ("inliers", "street_view"):
            source = candidate.street_view_source if candidate.street_view == "real" else ""
            return wording.evidence(candidate) + (f"\n{source}" if source else "")
        if column.name == "photo":
            return candidate.photo_path
        said = wording.position(candidate.lon, candidate.lat)
        return said + ("\n" + tr("moved by hand") if candidate.is_moved else "")

    def _dot(self, name: str, candidate: Candidate) -> QIcon | None:
        if name == "status":
            colour = STATUS_COLOURS.get(candidate.status, "")
        else:
            colour = next((c for top, c in RANK_COLOURS if candidate.rank <= top), REST_COLOUR)
        if not colour:
            return None
        if colour not in self._icons:
            self._icons[colour] = dot_icon(colour)
        return self._icons[colour]

    def _arrange(self) -> None:
        self._arrange_soon.stop()
        self.layoutAboutToBeChanged.emit()
        before = [(index, self._rows[index.row()]) for index in self.persistentIndexList()]
        shown = [
            candidate
            for candidate in self._all.values()
            if self._photo_path in ("", candidate.photo_path)
            and self._status in ("", candidate.status)
        ]
        shown.sort(key=self.columns[self._sort_column].order, reverse=self._descending)
        self._rows = [candidate.fid for candidate in shown]
        self._row_of = {fid: row for row, fid in enumerate(self._rows)}
        after = [
            self.index(self._row_of[fid], index.column()) if fid in self._row_of else NO_INDEX
            for index, fid in before
        ]
        self.changePersistentIndexList([index for index, _ in before], after)
        self.layoutChanged.emit()


class CandidateTable(QTableView):
    """The table; its selection is a set of fids, which the map shares."""

    selectionEdited = pyqtSignal(object)  # list of fids that a person selected here

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("candidateTable")
        self.setAccessibleName(tr("Candidates"))
        self.candidates = CandidateModel(self)
        self.setModel(self.candidates)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setIconSize(QSize(DOT_PX, DOT_PX))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._set_sizes()
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self._following = False
        self.selectionModel().selectionChanged.connect(self._on_selection)

    def current(self) -> Candidate | None:
        """Return the candidate of the current row, else of the first selected one."""
        index = self.currentIndex()
        if index.isValid():
            return self.candidates.candidate_at(index.row())
        selected = self.selected()
        return selected[0] if selected else None

    def selected(self) -> list[Candidate]:
        """Return the candidates of the selected rows, from the top."""
        rows = sorted(
            row
            for part in self.selectionModel().selection()
            for row in range(part.top(), part.bottom() + 1)
        )
        return [self.candidates.candidate_at(row) for row in rows]

    def select(self, fids: Iterable[int]) -> None:
        """Select these candidates, as the map did; nothing is said back to it."""
        rows = sorted(row for row in map(self.candidates.row_of, fids) if row is not None)
        chosen = QItemSelection()
        for first, end in _stretches(rows):
            chosen.append(self.candidates.stretch(first, end))
        flags = QItemSelectionModel.SelectionFlag
        self._following = True
        try:
            if rows and self.currentIndex().row() not in set(rows):
                current = self.candidates.index(rows[0], 0)
                self.selectionModel().setCurrentIndex(current, flags.NoUpdate)
                self.scrollTo(current)
            self.selectionModel().select(chosen, flags.ClearAndSelect)
        finally:
            self._following = False

    def set_error_shown(self, shown: bool) -> None:
        """Show the column of distances to the true position, or not."""
        names = [column.name for column in self.candidates.columns]
        self.setColumnHidden(names.index("error"), not shown)

    def step(self, rows: int) -> None:
        """Go some rows down, or up."""
        if self.candidates.rowCount() == 0:
            return
        row = min(max(self.currentIndex().row() + rows, 0), self.candidates.rowCount() - 1)
        self.selectRow(row)

    def _on_selection(self, *_: Any) -> None:
        if not self._following:
            self.selectionEdited.emit([candidate.fid for candidate in self.selected()])

    def _set_sizes(self) -> None:
        em = self.fontMetrics().horizontalAdvance("m")
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        # Each title that is painted would ask all rows whether they are selected.
        header.setSelectionModel(QItemSelectionModel(self.candidates, header))
        for number, column in enumerate(self.candidates.columns):
            title = self.fontMetrics().horizontalAdvance(column.title) + 2 * em
            self.setColumnWidth(number, max(int(column.width_em * em), title))
        rows = self.verticalHeader()
        rows.setVisible(False)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(int(self.fontMetrics().height() * 1.6))
        self.setMinimumHeight((ROWS_SHOWN + 2) * rows.defaultSectionSize())


def _stretches(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return sorted rows as stretches of neighbours: (first, last)."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and row == found[-1][1] + 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


def dot_icon(colour: str) -> QIcon:
    """Return a disc of a colour with an outline that is seen on light and dark ground."""
    pixmap = QPixmap(DOT_PX * 2, DOT_PX * 2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(colour))
    painter.setPen(QColor("#607d8b"))
    painter.drawEllipse(4, 4, DOT_PX * 2 - 8, DOT_PX * 2 - 8)
    painter.end()
    return QIcon(pixmap)
