"""What a run would take, asked of the engine a moment after the last change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..engine.failure import EngineFailure, garbled
from ..i18n import number, tr
from ..model_core import contract

DELAY_MS = 700
MEGABYTE = 1e6


class Estimator(QObject):
    """Keeps one open question, about the newest input.

    Args:
        engine: The client of the engine process.
        params: Returns what to ask; None while something is missing.
        parent: The owner.

    Signals: ``estimated`` (a ``contract.EstimateResult``, or None while there is none), ``failed``
    (an ``EngineFailure``).
    """

    estimated = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(
        self,
        engine: Any,
        params: Callable[[], contract.EstimateParams | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._params = params
        self._asked: contract.EstimateParams | None = None
        self._call: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._ask)

    def refresh(self) -> None:
        """Ask again soon, where the input is another one."""
        self._timer.start()

    def stop(self) -> None:
        """Ask no more until the next refresh."""
        self._timer.stop()
        call, self._call = self._call, None
        self._asked = None
        if call is not None:
            call.cancel()

    def _ask(self) -> None:
        params = self._params()
        if params == self._asked:
            return
        self.stop()
        self._asked = params
        self.estimated.emit(None)
        if params is None:
            return

        def take(result: Mapping[str, Any]) -> None:
            self._take(params, result)

        def give_up(failure: EngineFailure) -> None:
            self._give_up(params, failure)

        self._call = self._engine.call(contract.ESTIMATE, params, done=take, failed=give_up)

    def _take(self, params: contract.EstimateParams, result: Mapping[str, Any]) -> None:
        if params != self._asked:
            return
        self._call = None
        try:
            estimate = contract.EstimateResult.from_json(result)
        except contract.ContractError as error:
            self._give_up(params, garbled(error))
            return
        self.estimated.emit(estimate)

    def _give_up(self, params: contract.EstimateParams, failure: EngineFailure) -> None:
        if params != self._asked or failure.is_cancelled:
            return
        self._call = None
        self._asked = None
        self.failed.emit(failure)


def estimate_text(estimate: contract.EstimateResult) -> str:
    """Return an estimate in a line for people."""
    parts = [tr("{} places").format(number(estimate.places))]
    if estimate.requests:
        parts.append(tr("{} requests").format(number(estimate.requests)))
        parts.append(tr("{} MB").format(number(max(1.0, estimate.bytes / MEGABYTE))))
    else:
        parts.append(tr("nothing to fetch"))
    parts.append(duration_text(estimate.seconds))
    return tr("About {}").format(" · ".join(parts))


def estimate_details(estimate: contract.EstimateResult) -> str:
    """Return what an estimate consists of, for a tool tip."""
    lines = [
        tr("{0}: {1} requests, {2} MB").format(
            one.source, number(one.requests), number(one.bytes / MEGABYTE, 1)
        )
        for one in estimate.sources
    ]
    return "\n".join([*lines, *estimate.notes])


def duration_text(seconds: float) -> str:
    """Return a time for people."""
    if seconds < 90:
        return tr("{:.0f} s").format(max(1.0, seconds))
    if seconds < 5400:
        return tr("{:.0f} min").format(seconds / 60)
    return tr("{:.1f} h").format(seconds / 3600)
