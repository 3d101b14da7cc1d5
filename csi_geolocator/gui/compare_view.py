"""Compares a photo with street view and satellite image at one candidate."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import Qt, QTemporaryDir, pyqtSignal
from qgis.PyQt.QtGui import QHideEvent, QImage
from qgis.PyQt.QtWidgets import (
    QAction,
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .. import wording
from ..i18n import tr
from ..layers.candidate import Candidate
from ..layers.run import LocateRun
from ..model_core import contract
from .compare_pictures import PANES, PHOTO, SATELLITE, STREET_VIEW, ComparePictures, Pane
from .picture_loader import PictureLoader

LONGEST_PX = 2048


def compare_params(
    candidate: Candidate, run: LocateRun, out: str, settings: Any, photo: str
) -> contract.CompareParams:
    """Return what the engine is asked for one candidate; sources, keys and edits as in the run.

    ``photo`` is where its file is now.
    """
    asked = run.params
    edit = asked.edits.get(candidate.photo_path)
    is_reopened = asked.network == contract.NetworkParams()
    return contract.CompareParams(
        photo=photo,
        lon=candidate.lon,
        lat=candidate.lat,
        heading_deg=candidate.heading_deg % 360.0,
        out=out,
        fov_deg=candidate.fov_deg or None,
        street_view_id=candidate.street_view_id or None,
        imagery=asked.imagery,
        street_views=asked.street_views,
        pack=asked.pack,
        edits={photo: edit} if edit else {},
        keys=settings.api_keys() if is_reopened else asked.keys,
        network=settings.network_params() if is_reopened else asked.network,
        config=asked.config,
    )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What the engine answered for one candidate, with the pictures read."""

    result: contract.CompareResult
    images: Mapping[str, QImage]


class CompareView(QDialog):
    """A window with the pictures of the current candidate; asks the engine for each once.

    Args:
        engine: An ``EngineClient``.
        settings: ``Settings``, for keys and network of results that were opened again.
        pictures: Reads pictures.
        status_actions: The decisions, offered here too.
        parent: The owner.
    """

    stepRequested = pyqtSignal(int)

    def __init__(
        self,
        engine: Any,
        settings: Any,
        pictures: PictureLoader,
        status_actions: Sequence[QAction] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("compareView")
        self.setWindowTitle(tr("Compare candidate"))
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint, True)
        self.resize(1180, 560)
        self._engine, self._settings, self._pictures = engine, settings, pictures
        self._folder = QTemporaryDir()
        self._asked = 0
        self._call: Any = None
        self._candidate: Candidate | None = None
        self._known: dict[tuple[float, ...], Comparison] = {}
        self._build(status_actions)

    def comparison(self, candidate: Candidate) -> Comparison | None:
        """Return what is known of a candidate where it stands now."""
        return self._known.get(_key(candidate))

    def forget(self) -> None:
        """Let go of everything of a run."""
        self._stop_waiting()
        self._known.clear()
        self._candidate = None
        self.hide()

    def show_candidate(self, candidate: Candidate, run: LocateRun, photo: str = "") -> None:
        """Show a candidate, asking the engine where it was not asked before.

        ``photo`` is where its file is now, if that is elsewhere than when it was located.
        """
        photo = photo or candidate.photo_path
        self._stop_waiting()
        self._candidate = candidate
        self._title.setText(self._headline(candidate))
        known = self.comparison(candidate)
        if known is not None:
            self._show(known)
            return
        self._show_photo_alone(candidate, run, photo)
        self._say(
            tr("Waiting for the engine: the run is finished first…")
            if self._engine.is_locating
            else tr("Waiting for the engine…"),
            is_busy=True,
        )
        self._asked += 1
        out = Path(self._folder.path()) / str(self._asked)
        out.mkdir()
        self._call = self._engine.call(
            contract.COMPARE,
            compare_params(candidate, run, str(out), self._settings, photo),
            done=lambda result: self._on_done(candidate, result),
            failed=lambda failure: self._on_failed(candidate, failure),
            progress=lambda step: self._on_progress(candidate, step),
        )

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask for nothing that nobody sees."""
        self._stop_waiting()
        super().hideEvent(event)

    def _on_progress(self, candidate: Candidate, step: contract.ProgressParams) -> None:
        if candidate is self._candidate:
            self._say(step.message or step.stage, is_busy=True, done=step.done, total=step.total)

    def _on_failed(self, candidate: Candidate, failure: Any) -> None:
        if candidate is self._candidate and failure.kind != contract.ErrorCode.CANCELLED.kind:
            self._call = None
            self._say(tr("Could not compare: {}").format(failure.message))

    def _on_done(self, candidate: Candidate, values: Mapping[str, Any]) -> None:
        try:
            result = contract.CompareResult.from_json(values)
        except contract.ContractError as error:
            self._say(tr("Could not compare: {}").format(error))
            return
        paths = {name: getattr(result, name) for name in PANES if getattr(result, name)}
        images: dict[str, QImage] = {}

        def read(name: str, image: QImage) -> None:
            images[name] = image
            if len(images) == len(paths):
                self._known[_key(candidate)] = Comparison(result, images)
                if candidate is self._candidate:
                    self._call = None
                    self._show(self._known[_key(candidate)])

        for name, path in paths.items():
            self._pictures.load(path, LONGEST_PX, lambda image, name=name: read(name, image))

    def _show(self, comparison: Comparison) -> None:
        result = comparison.result
        missing = "\n".join(result.notes) or tr("Nothing to show here.")
        panes = {
            name: Pane(
                comparison.images.get(name, QImage()),
                result.captions.get(name, ""),
                result.attributions.get(name, ""),
                missing,
            )
            for name in PANES
        }
        self.pictures.show_panes(panes, result.matches)
        count = len(result.matches.get(PHOTO, ()))
        self._matches.setText(tr("Matched points ({})").format(count))
        self._matches.setEnabled(count > 0)
        self._swipe.setEnabled(STREET_VIEW in comparison.images)
        self._say("\n".join(f"• {note}" for note in result.notes))

    def _show_photo_alone(self, candidate: Candidate, run: LocateRun, photo: str) -> None:
        waiting = {name: Pane(note=tr("Waiting…")) for name in (STREET_VIEW, SATELLITE)}
        self.pictures.show_panes(waiting, {})
        self._matches.setText(tr("Matched points"))
        self._matches.setEnabled(False)

        def shown(image: QImage) -> None:
            if candidate is self._candidate and self.comparison(candidate) is None:
                alone = Pane(image, note=tr("The photo cannot be shown."))
                self.pictures.show_panes({**waiting, PHOTO: alone}, {})

        edit = run.params.edits.get(candidate.photo_path)
        self._pictures.load(photo, LONGEST_PX // 2, shown, edit)

    def _stop_waiting(self) -> None:
        if self._call is not None and not self._call.is_finished:
            self._call.cancel()
        self._call = None

    def _say(self, words: str, is_busy: bool = False, done: int = 0, total: int = 0) -> None:
        self._state.setText(words)
        self._state.setVisible(bool(words))
        self._progress.setVisible(is_busy)
        self._progress.setRange(0, total)
        self._progress.setValue(done)

    @staticmethod
    def _headline(candidate: Candidate) -> str:
        return tr("{}, rank {}: {}, heading {}, {}").format(
            candidate.photo,
            candidate.rank,
            wording.percent(candidate.probability),
            wording.heading(candidate),
            wording.evidence(candidate),
        )

    def _build(self, status_actions: Sequence[QAction]) -> None:
        self._title = QLabel()
        self._title.setObjectName("compareTitle")
        self._title.setWordWrap(True)
        self.pictures = ComparePictures()
        tools = QHBoxLayout()
        for name, text, tip, rows in (
            ("comparePrevious", tr("Previous"), tr("The row above in the table"), -1),
            ("compareNext", tr("Next"), tr("The row below in the table"), 1),
        ):
            tools.addWidget(self._tool(name, text, tip, rows))
        tools.addSpacing(12)
        self._swipe = self._toggle("compareSwipe", tr("Swipe"), self.pictures.set_swipe)
        self._swipe.setToolTip(tr("Lay the photo over the street view, with a divider to drag"))
        self._matches = self._toggle(
            "compareMatches", tr("Matched points"), self.pictures.set_shows_matches
        )
        self._matches.setChecked(True)
        self._matches.setToolTip(tr("Points that photo and street view share under one geometry"))
        whole = self._tool("compareWhole", tr("Whole picture"), tr("Undo zoom and position"), 0)
        for button in (self._swipe, self._matches, whole):
            tools.addWidget(button)
        tools.addStretch(1)
        for action in status_actions:
            button = QToolButton()
            button.setObjectName(f"compare_{action.objectName()}")
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            tools.addWidget(button)
        self._state = QLabel()
        self._state.setObjectName("compareState")
        self._state.setWordWrap(True)
        self._progress = QProgressBar()
        self._progress.setObjectName("compareProgress")
        self._progress.setMaximumWidth(220)
        below = QHBoxLayout()
        below.addWidget(self._state, 1)
        below.addWidget(self._progress)
        layout = QVBoxLayout(self)
        layout.addLayout(tools)
        layout.addWidget(self._title)
        layout.addWidget(self.pictures, 1)
        layout.addLayout(below)
        self._say("")

    def _tool(self, name: str, text: str, tip: str, rows: int) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setText(text)
        button.setToolTip(tip)
        if rows:
            button.clicked.connect(lambda: self.stepRequested.emit(rows))
        else:
            button.clicked.connect(lambda: self.pictures.reset_view())
        return button

    @staticmethod
    def _toggle(name: str, text: str, switch: Any) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setText(text)
        button.setCheckable(True)
        button.toggled.connect(switch)
        return button


def _key(candidate: Candidate) -> tuple[float, ...]:
    return candidate.fid, candidate.lon, candidate.lat, candidate.heading_deg
