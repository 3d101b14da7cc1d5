"""The tab "Locate": the form, the estimate, and one run at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QVBoxLayout, QWidget

from ..engine.failure import EngineFailure
from ..i18n import tr
from ..model_core import contract
from ..tasks.locate_task import LocateTask
from .engine_banner import OF_THE_ENGINE
from .estimator import Estimator
from .locate_form import FormIncomplete, LocateForm
from .run_bar import RunBar


class LocateTab(QWidget):
    """Asks for a run and follows it.

    Args:
        form: The inputs.
        engine: The client of the engine process.
        runs_folder: Where runs go unless the form names a folder.
        why_no_engine: Returns why the engine cannot work, for people; empty where it can.
        parent: The owner.

    Signals: ``started`` (the ``contract.LocateParams``), ``answered`` (a
    ``contract.AnswerParams``), ``succeeded`` (a ``contract.LocateResult``), ``broken`` (the run was
    stopped or failed), ``engineFailed`` (an ``EngineFailure`` of the process itself),
    ``engineWorks``.
    """

    started = pyqtSignal(object)
    answered = pyqtSignal(object)
    succeeded = pyqtSignal(object)
    broken = pyqtSignal()
    engineFailed = pyqtSignal(object)
    engineWorks = pyqtSignal()

    def __init__(
        self,
        form: LocateForm,
        engine: Any,
        runs_folder: Path,
        why_no_engine: Callable[[], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("locateTab")
        self.form = form
        self._engine = engine
        self._runs_folder = runs_folder
        self._why_no_engine = why_no_engine
        self._task: LocateTask | None = None
        self._bar = RunBar()
        self._estimator = Estimator(engine, form.estimate_params, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(form, 1)
        layout.addWidget(self._bar)
        form.changed.connect(self.refresh)
        form.photos.engineFailed.connect(self._on_engine_failure)
        self._bar.runWanted.connect(self.run)
        self._bar.cancelWanted.connect(self.cancel)
        self._estimator.estimated.connect(self._on_estimate)
        self._estimator.failed.connect(self._on_no_estimate)
        self.refresh()

    @property
    def is_running(self) -> bool:
        """Whether a run is on."""
        return self._task is not None

    def refresh(self) -> None:
        """Look again at what is missing, and estimate anew."""
        no_engine = bool(self._why_no_engine())
        needs_engine = tr("The engine has to be set up first: see above.")
        self._bar.show_missing(needs_engine if no_engine else self.form.missing())
        if not no_engine and not self.is_running:
            self._estimator.refresh()

    def run(self) -> None:
        """Begin a run; the bar says what is missing where it cannot begin."""
        if self.is_running:
            return
        folder = self._new_folder()
        try:
            params = self.form.locate_params(folder)
            folder.mkdir(parents=True, exist_ok=True)
        except FormIncomplete as error:
            self._bar.show_over(str(error), is_error=True)
            return
        except OSError as error:
            self._bar.show_over(
                tr("The folder for results cannot be written ({}); choose another.").format(error),
                is_error=True,
            )
            return
        self.form.save()
        self._estimator.stop()
        self._bar.show_running(len(params.photos))
        self.started.emit(params)
        self._start(params)

    def cancel(self) -> None:
        """Stop the run."""
        if self._task is not None:
            self._bar.show_cancelling()
            self._task.cancel()

    def remove(self) -> None:
        """Stop what runs."""
        self._estimator.stop()
        if self._task is not None:
            self._task.cancel()
        self.form.remove()

    def _start(self, params: contract.LocateParams) -> None:
        task = LocateTask(self._engine, params)
        self._task = task
        task.progressed.connect(self._bar.show_progress)
        task.answered.connect(self._on_answer)
        task.succeeded.connect(self._on_success)
        task.failed.connect(self._on_failure)
        task.cancelled.connect(self._on_cancelled)
        QgsApplication.taskManager().addTask(task)

    def _on_answer(self, params: contract.AnswerParams) -> None:
        self.answered.emit(params)

    def _on_success(self, result: contract.LocateResult) -> None:
        self.engineWorks.emit()
        failed = sum(1 for photo in result.photos if photo.error)
        words = result.summary or tr("{} photos answered.").format(len(result.photos) - failed)
        if failed:
            words += "\n" + tr("{} photos failed; the table says why.").format(failed)
        self.succeeded.emit(result)
        self._end("\n".join([words, *result.notes]))
        self.refresh()

    def _on_cancelled(self) -> None:
        self.broken.emit()
        self._end(tr("Stopped."))
        self.refresh()

    def _on_failure(self, failure: EngineFailure) -> None:
        self.broken.emit()
        if failure.kind in OF_THE_ENGINE:
            self._end(tr("The run failed: the engine stopped working, see above."), is_error=True)
            self.engineFailed.emit(failure)
        else:
            self._end(failure.message, is_error=True)
            self.refresh()

    def _end(self, words: str, *, is_error: bool = False) -> None:
        self._task = None
        self._bar.show_over(words, is_error=is_error)

    def _on_estimate(self, estimate: contract.EstimateResult | None) -> None:
        if estimate is not None:
            self.engineWorks.emit()
        self._bar.show_estimate(estimate)

    def _on_no_estimate(self, failure: EngineFailure) -> None:
        self._bar.show_no_estimate(failure.message)
        self._on_engine_failure(failure)

    def _on_engine_failure(self, failure: EngineFailure) -> None:
        if failure.kind in OF_THE_ENGINE:
            self.engineFailed.emit(failure)

    def _new_folder(self) -> Path:
        """Return a folder that is not there yet; it is made once the run is sure to begin."""
        chosen = self.form.options.chosen_folder
        base = Path(chosen) if chosen else self._runs_folder
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        folder, number = base / stamp, 1
        while folder.exists():
            number += 1
            folder = base / f"{stamp}-{number}"
        return folder
