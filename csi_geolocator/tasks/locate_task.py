"""One run of the engine as a task of QGIS: shown in its task bar, cancelled from there or here."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..engine.failure import EngineFailure, garbled
from ..i18n import tr
from ..model_core import contract

POLL_S = 0.1


@dataclass(frozen=True)
class Succeeded:
    """The run's result, with the answers that came ahead of it."""

    result: contract.LocateResult


@dataclass(frozen=True)
class Failed:
    """Why there is none."""

    failure: EngineFailure


@dataclass(frozen=True)
class Cancelled:
    """The user asked to stop."""


class LocateTask(QgsTask):
    """Waits in a worker thread for a ``locate`` call that the main thread's client makes.

    Make and add it in the main thread. It touches no widget; exactly one of ``succeeded``,
    ``failed`` and ``cancelled`` is emitted in the main thread, and ``outcome`` is set with it.

    Args:
        engine: The client of the engine process.
        params: What to locate.

    Signals: ``progressed`` (a ``contract.ProgressParams``), ``answered`` (a
    ``contract.AnswerParams``), ``succeeded`` (a ``contract.LocateResult``), ``failed`` (an
    ``EngineFailure``), ``cancelled``.
    """

    progressed = pyqtSignal(object)
    answered = pyqtSignal(object)
    succeeded = pyqtSignal(object)
    failed = pyqtSignal(object)
    cancelled = pyqtSignal()

    def __init__(self, engine: Any, params: contract.LocateParams) -> None:
        super().__init__(
            tr("Locating {} photos").format(len(params.photos)), QgsTask.Flag.CanCancel
        )
        self.outcome: Succeeded | Failed | Cancelled | None = None
        self._answer: Succeeded | Failed | None = None
        self._photos: list[contract.PhotoAnswer] = []
        self._over = threading.Event()
        self._call = engine.call(
            contract.LOCATE,
            params,
            done=self._done,
            failed=self._failed,
            progress=self._progress,
            answer=self._answered,
        )

    def run(self) -> bool:
        """Wait for the engine's answer; called by QGIS in a worker thread."""
        while not self._over.wait(POLL_S):
            if self.isCanceled():
                return False
        return isinstance(self._answer, Succeeded)

    def cancel(self) -> None:
        """Stop the engine's work on this run."""
        super().cancel()
        if not self._call.is_finished:
            self._call.cancel()

    def finished(self, result: bool) -> None:
        """Say how the run went; called by QGIS in the main thread."""
        answer = self._answer
        was_cancelled = isinstance(answer, Failed) and answer.failure.is_cancelled
        if isinstance(answer, Succeeded):
            self.outcome = answer
            self.succeeded.emit(answer.result)
        elif isinstance(answer, Failed) and not was_cancelled and not self.isCanceled():
            self.outcome = answer
            self.failed.emit(answer.failure)
        else:
            self.outcome = Cancelled()
            self.cancelled.emit()

    def _done(self, result: Mapping[str, Any]) -> None:
        try:
            told = contract.LocateResult.from_json(result)
            self._answer = Succeeded(replace(told, photos=tuple(self._photos)))
        except contract.ContractError as error:
            self._answer = Failed(garbled(error))
        self._over.set()

    def _failed(self, failure: EngineFailure) -> None:
        self._answer = Failed(failure)
        self._over.set()

    def _answered(self, params: contract.AnswerParams) -> None:
        self._photos.append(params.answer)
        self.answered.emit(params)

    def _progress(self, progress: contract.ProgressParams) -> None:
        if progress.total:
            self.setProgress(100.0 * progress.done / progress.total)
        self.progressed.emit(progress)
