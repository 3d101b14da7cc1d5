"""One request to the engine, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..model_core import contract
from .failure import EngineFailure, cancelled

Done = Callable[[Mapping[str, Any]], None]
Failed = Callable[[EngineFailure], None]
Progress = Callable[[contract.ProgressParams], None]
Answer = Callable[[contract.AnswerParams], None]


class Call:
    """One request; exactly one of ``done`` and ``failed`` is called, once, from the event loop."""

    def __init__(
        self,
        request: contract.Request,
        done: Done,
        failed: Failed,
        progress: Progress | None,
        answer: Answer | None,
        cancel: Callable[[Call], None],
    ) -> None:
        self.request = request
        self._done = done
        self._failed = failed
        self._progress = progress
        self._answer = answer
        self._cancel = cancel
        self._is_finished = False
        self.is_cancelled = False

    @property
    def request_id(self) -> int | str:
        """The request's number."""
        return self.request.request_id

    @property
    def is_finished(self) -> bool:
        """Whether ``done`` or ``failed`` was called."""
        return self._is_finished

    def cancel(self) -> None:
        """Ask the engine to stop; ``failed`` says when it has. An engine that does not is ended."""
        if not self._is_finished and not self.is_cancelled:
            self.is_cancelled = True
            self._cancel(self)

    def succeed(self, result: Mapping[str, Any]) -> None:
        """Hand over the result."""
        if not self._is_finished:
            self._is_finished = True
            self._done(result)

    def fail(self, reason: EngineFailure) -> None:
        """Say why there is no result."""
        if not self._is_finished:
            self._is_finished = True
            self._failed(cancelled() if self.is_cancelled else reason)

    def notify(self, params: contract.ProgressParams | contract.AnswerParams) -> None:
        """Pass on progress or an answer; a cancelled call hears no more of either."""
        listener = self._progress if isinstance(params, contract.ProgressParams) else self._answer
        if listener is not None and not self._is_finished and not self.is_cancelled:
            listener(params)
