"""The foot of the panel: what a run would take, Run and Cancel, and how far it is."""

from __future__ import annotations

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..i18n import number, tr
from ..model_core import contract
from .estimator import estimate_details, estimate_text
from .words import Words


class RunBar(QWidget):
    """Shows and asks; what runs is decided elsewhere.

    Signals: ``runWanted``, ``cancelWanted``.
    """

    runWanted = pyqtSignal()
    cancelWanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("runBar")
        self._estimate = Words("estimate", quiet=True)
        self._hint = Words("runHint", quiet=True)
        self._status = Words("runStatus")
        self._progress = QProgressBar()
        self._progress.setObjectName("runProgress")
        self._progress.setToolTip(tr("How far the present stage of the run is"))
        self._progress.hide()
        self._run = QPushButton(tr("Locate"))
        self._run.setObjectName("runButton")
        self._run.setShortcut("Ctrl+Return")
        self._run.setDefault(True)
        self._run.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._run.clicked.connect(self.runWanted)
        self._cancel = QPushButton(tr("Cancel"))
        self._cancel.setObjectName("cancelButton")
        self._cancel.setToolTip(tr("Stop the run; what was built of the gallery is kept"))
        self._cancel.setEnabled(False)
        self._cancel.clicked.connect(self.cancelWanted)
        self._missing = ""
        self._over_limit = ""
        self._is_running = False
        buttons = QHBoxLayout()
        buttons.addWidget(self._run, 1)
        buttons.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 6)
        layout.addWidget(self._hint)
        layout.addWidget(self._estimate)
        layout.addLayout(buttons)
        layout.addWidget(self._progress)
        layout.addWidget(self._status)
        self._refresh()

    def show_missing(self, words: str) -> None:
        """Say what has to be given before a run; empty where nothing is missing."""
        self._missing = words
        self._refresh()

    def show_estimate(self, estimate: contract.EstimateResult | None) -> None:
        """Show what a run would take; None where it is not known."""
        self._over_limit = estimate.over_limit if estimate is not None else ""
        if estimate is None:
            self._estimate.say("")
        elif estimate.over_limit:
            self._estimate.say(
                tr(
                    "{0}. This is over the limit that you set ({1}); search a smaller area, or "
                    "raise the limit in Settings."
                ).format(estimate_text(estimate), estimate.over_limit),
                is_error=True,
            )
        else:
            self._estimate.say(estimate_text(estimate))
            self._estimate.setToolTip(estimate_details(estimate))
        self._refresh()

    def show_no_estimate(self, words: str) -> None:
        """Say why there is no estimate."""
        self._estimate.say(words, is_error=True)

    def show_running(self, photos: int) -> None:
        """Show that a run has begun."""
        self._is_running = True
        self._progress.setRange(0, 0)
        self._progress.show()
        self._status.say(
            tr("Starting with {} photos …").format(photos) if photos > 1 else tr("Starting …")
        )
        self._refresh()

    def show_progress(self, progress: contract.ProgressParams) -> None:
        """Show a step."""
        self._progress.setRange(0, progress.total)
        self._progress.setValue(progress.done)
        self._status.say(progress_text(progress))

    def show_cancelling(self) -> None:
        """Show that the engine was asked to stop."""
        self._cancel.setEnabled(False)
        self._status.say(tr("Stopping …"))

    def show_over(self, words: str, *, is_error: bool = False) -> None:
        """Show how the run ended."""
        self._is_running = False
        self._progress.hide()
        self._status.say(words, is_error=is_error)
        self._refresh()

    def _refresh(self) -> None:
        can_run = not (self._missing or self._over_limit or self._is_running)
        self._run.setEnabled(can_run)
        self._cancel.setEnabled(self._is_running)
        why = self._missing or self._over_limit
        tip = tr("Locate the photos in the area (Ctrl+Return)")
        self._run.setToolTip(why or tip)
        self._hint.say("" if self._is_running else self._missing)


def progress_text(progress: contract.ProgressParams) -> str:
    """Return a step in a line for people: "places 312 of 900"."""
    name = stage_name(progress.stage)
    if progress.total:
        counted = tr("{0} {1} of {2}").format(name, number(progress.done), number(progress.total))
    elif progress.done:
        counted = f"{name} {number(progress.done)}"
    else:
        counted = name
    return f"{counted} · {progress.message}" if progress.message else counted


def stage_name(stage: str) -> str:
    """Return what a stage counts, for people; a stage of a newer engine keeps its own name."""
    known = {
        "photos": tr("Reading photos"),
        "survey": tr("Looking for street views and roads"),
        "fetch imagery": tr("Imagery fetched"),
        "fetch street views": tr("Street views fetched"),
        "gallery": tr("Places"),
        "locate": tr("Photos located"),
        "matching": tr("Comparing with places"),
        "beside": tr("Places seen from beside"),
        "verification": tr("Street views verified"),
        "write street views": tr("Street views written"),
        "write results": tr("Results written"),
    }
    return known.get(stage, stage[:1].upper() + stage[1:])
