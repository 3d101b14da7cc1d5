"""What an analyst decides of candidates: status, precision, note; with undo."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import (
    QAction,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .. import wording
from ..i18n import tr
from ..layers.candidate import PROPOSED, STATUSES, Candidate
from ..layers.edits import ChangeCandidates, QUndoStack
from ..layers.run import ResultLayers
from .candidate_table import STATUS_COLOURS, dot_icon

MAX_PRECISION_M = 100_000.0
UNKNOWN_PRECISION_M = -1.0


def local_now() -> datetime:
    """Return the present moment with the zone of this computer."""
    return datetime.now().astimezone()


class DecisionPanel(QWidget):
    """Edits the selected candidates; every change goes to the GeoPackage at once.

    Args:
        settings: Holds the analyst's name.
        now: The clock.
        parent: The owner.

    Signals: ``moveRequested`` (whether to begin), ``warned`` (in words).
    """

    moveRequested = pyqtSignal(bool)
    warned = pyqtSignal(str)

    def __init__(
        self,
        settings: Any,
        now: Callable[[], datetime] = local_now,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("decisionPanel")
        self._settings = settings
        self._now = now
        self._layers: ResultLayers | None = None
        self._chosen: list[Candidate] = []
        self.undo_stack = QUndoStack(self)
        self.status_actions = {
            status: self._status_action(STATUSES.index(status), status)
            for status in (*STATUSES[1:], PROPOSED)
        }
        self.undo_action = self._undo_action(
            self.undo_stack.createUndoAction(self, tr("Undo")), "undoDecision", "Undo"
        )
        self.redo_action = self._undo_action(
            self.undo_stack.createRedoAction(self, tr("Redo")), "redoDecision", "Redo"
        )
        self.move_action = QAction(tr("Move on map"), self)
        self.move_action.setObjectName("moveCandidate")
        self.move_action.setCheckable(True)
        self.move_action.setToolTip(
            tr("Drag the selected candidate on the map to where the camera stood; Escape ends it")
        )
        self.move_action.toggled.connect(self.moveRequested)
        self.move_back_action = QAction(tr("Move back"), self)
        self.move_back_action.setObjectName("moveCandidateBack")
        self.move_back_action.setToolTip(tr("Put the candidate where it was found"))
        self.move_back_action.triggered.connect(self._move_back)
        self._build()
        self.show_candidates([])

    def set_layers(self, layers: ResultLayers | None) -> None:
        """Edit the candidates of another run; what was done before cannot be undone any more."""
        self.undo_stack.clear()
        self._layers = layers
        self.show_candidates([])

    def show_candidates(self, chosen: Sequence[Candidate]) -> None:
        """Show what was decided of the selected candidates; a half-written note of them stays."""
        are_same = [c.fid for c in self._chosen] == [c.fid for c in chosen]
        self._chosen = list(chosen)
        first = self._chosen[0] if self._chosen else None
        statuses = {candidate.status for candidate in self._chosen}
        for status, action in self.status_actions.items():
            action.setEnabled(first is not None)
            action.setChecked(statuses == {status})
        for field in (self._precision, self._note, self.move_action):
            field.setEnabled(first is not None)
        self.move_back_action.setEnabled(any(c.is_moved for c in self._chosen))
        for field in (self._precision, self._note):
            field.blockSignals(True)
        precision_m = None if first is None else first.precision_m
        self._precision.setValue(UNKNOWN_PRECISION_M if precision_m is None else precision_m)
        if not (are_same and self._note.isModified()):
            _show_text(self._note, "" if first is None else first.note)
        if not self._analyst.isModified():
            _show_text(self._analyst, self._settings.analyst)
        for field in (self._precision, self._note):
            field.blockSignals(False)
        self._who.setText(self._decided(first))

    def decide(self, status: str) -> None:
        """Give the selected candidates a status; the analyst and the time are noted with it."""
        self._change(tr("Mark as {}").format(wording.status(status).lower()), status=status)

    def move(self, candidate: Candidate, lon: float, lat: float) -> None:
        """Put a candidate elsewhere; its wedge follows."""
        now = self._layers.candidate(candidate.fid) if self._layers is not None else None
        if now is not None:
            self._push(tr("Move candidate"), [self._signed(now.moved_to(lon, lat))])

    def _move_back(self) -> None:
        moved = [self._signed(c.moved_back()) for c in self._chosen_now() if c.is_moved]
        self._push(tr("Move back"), moved)

    def _change(self, text: str, **values: Any) -> None:
        changed = [
            self._signed(dataclasses.replace(candidate, **values))
            for candidate in self._chosen_now()
            if any(getattr(candidate, name) != value for name, value in values.items())
        ]
        self._push(text, changed)

    def _push(self, text: str, changed: Sequence[Candidate]) -> None:
        if self._layers is not None and changed:
            self.undo_stack.push(ChangeCandidates(self._layers, text, changed, self.warned.emit))
        self.show_candidates(self._chosen_now())

    def _chosen_now(self) -> list[Candidate]:
        if self._layers is None:
            return []
        now = [self._layers.candidate(candidate.fid) for candidate in self._chosen]
        return [candidate for candidate in now if candidate is not None]

    def _signed(self, candidate: Candidate) -> Candidate:
        is_untouched = candidate.status == PROPOSED and candidate.precision_m is None
        if is_untouched and not candidate.note and not candidate.is_moved:
            return dataclasses.replace(candidate, analyst="", decided_at="")
        return dataclasses.replace(
            candidate,
            analyst=self._settings.analyst,
            decided_at=self._now().isoformat(timespec="seconds"),
        )

    def _set_precision(self) -> None:
        value = self._precision.value()
        self._change(tr("Set precision"), precision_m=value if value >= 0.0 else None)

    def _set_note(self) -> None:
        if not self._note.isModified():
            return
        self._note.setModified(False)
        self._change(tr("Write note"), note=self._note.text().strip())

    def _set_analyst(self) -> None:
        if not self._analyst.isModified():
            return
        self._analyst.setModified(False)
        self._settings.analyst = self._analyst.text().strip()

    def _decided(self, candidate: Candidate | None) -> str:
        if candidate is None:
            return tr("Select a candidate in the table or on the map.")
        if len(self._chosen) > 1:
            return tr("{} candidates selected").format(len(self._chosen))
        if not candidate.decided_at:
            return tr("Nothing decided yet.")
        who = candidate.analyst or tr("no name given")
        return tr("Last changed {} ({})").format(candidate.decided_at[:16].replace("T", " "), who)

    def _status_action(self, key: int, status: str) -> QAction:
        action = QAction(wording.status(status), self)
        action.setObjectName(f"status_{status}")
        action.setCheckable(True)
        action.setShortcut(QKeySequence(str(key)))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        if status in STATUS_COLOURS:
            action.setIcon(dot_icon(STATUS_COLOURS[status]))
        action.setToolTip(
            tr("Mark the selected candidates as {} (key {} in the table)").format(
                wording.status(status).lower(), key
            )
        )
        action.triggered.connect(lambda checked=False, chosen=status: self.decide(chosen))
        return action

    @staticmethod
    def _undo_action(action: QAction, name: str, key: str) -> QAction:
        action.setObjectName(name)
        action.setIconText(action.text())  # the button stays short; its tip says what is undone
        action.setShortcut(QKeySequence(getattr(QKeySequence.StandardKey, key)))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        return action

    def _build(self) -> None:
        statuses = QHBoxLayout()
        statuses.setSpacing(2)
        for action in self.status_actions.values():
            statuses.addWidget(_button(action, is_wide=True))
        self._precision = QDoubleSpinBox()
        self._precision.setObjectName("precision")
        self._precision.setRange(UNKNOWN_PRECISION_M, MAX_PRECISION_M)
        self._precision.setSpecialValueText(tr("unknown"))
        self._precision.setDecimals(0)
        self._precision.setSuffix(tr(" m"))
        self._precision.setKeyboardTracking(False)
        self._precision.setToolTip(tr("How precise the position is, in metres"))
        self._precision.valueChanged.connect(lambda _: self._set_precision())
        self._note = QLineEdit()
        self._note.setObjectName("note")
        self._note.setPlaceholderText(tr("What decided it"))
        self._note.setToolTip(tr("A note that is kept with the selected candidates"))
        self._note.editingFinished.connect(self._set_note)
        self._analyst = QLineEdit(self._settings.analyst)
        self._analyst.setObjectName("analyst")
        self._analyst.setPlaceholderText(tr("Your name"))
        self._analyst.setToolTip(tr("The name that is written beside your decisions"))
        self._analyst.editingFinished.connect(self._set_analyst)
        self._who = QLabel()
        self._who.setObjectName("decidedBy")
        self._who.setWordWrap(True)
        self._who.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        who = QHBoxLayout()
        who.addWidget(self._precision)
        who.addWidget(QLabel(tr("Analyst:")))
        who.addWidget(self._analyst, 1)
        form.addRow(tr("Precision:"), who)
        form.addRow(tr("Note:"), self._note)
        tools = QHBoxLayout()
        tools.setSpacing(2)
        for action in (
            self.move_action,
            self.move_back_action,
            self.undo_action,
            self.redo_action,
        ):
            self.addAction(action)
            tools.addWidget(_button(action))
        tools.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(statuses)
        layout.addLayout(form)
        layout.addWidget(self._who)
        layout.addLayout(tools)


def _show_text(field: QLineEdit, text: str) -> None:
    """Let a field show a text that nobody typed; the cursor stays where it shows that already."""
    if field.isModified() or field.text() != text:
        field.setText(text)


def _button(action: QAction, is_wide: bool = False) -> QToolButton:
    button = QToolButton()
    button.setObjectName(f"{action.objectName()}Button")
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    if is_wide:
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return button
