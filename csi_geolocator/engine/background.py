"""Work that takes seconds, in a worker thread of QGIS; its result comes back to the main thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from qgis.core import QgsApplication, QgsTask


class Background(QgsTask):
    """Runs one function, which touches no widget.

    Args:
        title: What QGIS shows of it.
        work: The function.
        done: Gets its result, in the main thread.
        failed: Gets the ``OSError`` or ``RuntimeError`` that it raised, in the main thread.
    """

    _running: ClassVar[set[Background]] = set()  # QGIS keeps no Python object alive

    def __init__(
        self,
        title: str,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        super().__init__(title, QgsTask.Flag(0))
        self._work = work
        self._done = done
        self._failed = failed
        self._result: Any = None
        self._error: Exception | None = None

    def start(self) -> Background:
        """Begin, and return this."""
        self._running.add(self)
        QgsApplication.taskManager().addTask(self)
        return self

    def forget(self) -> None:
        """Tell nobody of the result: who waited for it is gone."""
        self._done = self._failed = _ignore

    def run(self) -> bool:
        """Work; called by QGIS in a worker thread."""
        try:
            self._result = self._work()
        except (OSError, RuntimeError) as error:
            self._error = error
        return self._error is None

    def finished(self, is_done: bool) -> None:
        """Hand over what came of it; called by QGIS in the main thread."""
        self._running.discard(self)
        if self._error is not None:
            self._failed(self._error)
        elif is_done:
            self._done(self._result)


def _ignore(result: Any) -> None:
    """Take a result that nobody waits for."""
