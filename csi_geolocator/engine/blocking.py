"""One request to an engine of its own, waited for: Processing and ``qgis_process``, any thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from qgis.PyQt.QtCore import QProcess

from ..model_core import contract
from . import failure
from .call import Answer, Progress
from .failure import EngineError
from .launch import Launch
from .lines import (
    HANDSHAKE,
    Lines,
    Log,
    check_handshake,
    failure_of,
    read_message,
    read_notification,
)
from .process import prepare

SILENCE_S = 60.0
CANCEL_GRACE_S = 15.0
STOP_GRACE_S = 3.0
START_S = 30.0
POLL_S = 0.1
_HELLO, _REQUEST, _SHUTDOWN = 1, 2, 3


def never_cancelled() -> bool:
    """Return False."""
    return False


def call_engine(
    launch: Launch,
    method: str,
    params: contract.Params,
    *,
    progress: Progress | None = None,
    answer: Answer | None = None,
    is_cancelled: Callable[[], bool] = never_cancelled,
    log: Callable[[str], None] | None = None,
    silence_s: float = SILENCE_S,
    cancel_grace_s: float = CANCEL_GRACE_S,
) -> Mapping[str, Any]:
    """Return the engine's result; its process is gone when this returns or raises.

    Everything is called in the caller's thread.

    Args:
        launch: How the engine is started.
        method: A method of the contract.
        params: What it is asked.
        progress: Gets each step.
        answer: Gets each photo's answer as it is known.
        is_cancelled: Asked ten times a second.
        log: Gets each line of the engine's log.
        silence_s: How long a new engine may be silent.
        cancel_grace_s: How long a cancelled engine may go on.

    Raises:
        EngineError: There is no result; it holds the reason, and its text is for people.
    """
    session = _Session(launch, progress, answer, is_cancelled, log)
    try:
        session.send(contract.Request(contract.INFO, HANDSHAKE.to_json(), _HELLO))
        hello = session.result_of(_HELLO, silence_s, failure.silent(silence_s), cancel_grace_s)
        check_handshake(hello)
        session.send(contract.Request(method, params.to_json(), _REQUEST))
        return session.result_of(_REQUEST, None, failure.stopped(), cancel_grace_s)
    finally:
        session.close()


class _Session:
    """A running engine, what it has said and not yet been read, and who listens."""

    def __init__(
        self,
        launch: Launch,
        progress: Progress | None,
        answer: Answer | None,
        is_cancelled: Callable[[], bool],
        log: Callable[[str], None] | None,
    ) -> None:
        self._progress = progress
        self._answer = answer
        self._is_cancelled = is_cancelled
        self._tell = log
        self._log = Log()
        self._lines = Lines()
        self._cancelled_at: float | None = None
        self._is_deaf = False
        self._process = QProcess()
        prepare(self._process, launch.program, launch.arguments, launch.folder, launch.environment)
        self._process.start()
        if not self._process.waitForStarted(_ms(START_S)):
            reason = failure.not_started(launch.program, self._process.errorString())
            raise EngineError(reason)

    def send(self, message: contract.Message) -> None:
        """Write one message; an engine that is gone is noticed when it is read.

        Raises:
            EngineError: The message is not plain JSON.
        """
        try:
            line = contract.encode(message)
        except contract.ContractError as error:
            raise EngineError(
                failure.EngineFailure(int(error.code), error.code.kind, str(error))
            ) from error
        self._process.write(line)

    def result_of(
        self,
        request_id: int,
        limit_s: float | None,
        too_late: failure.EngineFailure,
        cancel_grace_s: float,
    ) -> Mapping[str, Any]:
        """Return a request's result, passing on what comes before it.

        Raises:
            EngineError: It failed, was cancelled, took longer than ``limit_s``, or the engine died.
        """
        deadline = None if limit_s is None else time.monotonic() + limit_s
        while True:
            has_ended = self._process.state() == QProcess.ProcessState.NotRunning
            for line in self._read():
                message = read_message(line)
                if isinstance(message, contract.Notification):
                    self._notify(message)
                elif getattr(message, "request_id", None) == request_id:
                    return self._result(message)
            if has_ended:
                raise EngineError(self._end_in_words())
            self._cancel_if_asked(request_id, cancel_grace_s)
            if deadline is not None and time.monotonic() > deadline:
                self._is_deaf = True
                raise EngineError(too_late)

    def close(self) -> None:
        """End the process: it is asked, then killed."""
        if self._process.state() == QProcess.ProcessState.NotRunning:
            return
        self.send(contract.Request(contract.SHUTDOWN, {}, _SHUTDOWN))
        self._process.closeWriteChannel()
        if self._is_deaf or not self._process.waitForFinished(_ms(STOP_GRACE_S)):
            self._process.kill()
            self._process.waitForFinished(_ms(STOP_GRACE_S))

    def _read(self) -> list[bytes]:
        """Return the lines of output that came within a moment; what came for the log is told."""
        self._process.waitForReadyRead(_ms(POLL_S))
        told = self._log.feed(bytes(self._process.readAllStandardError()))
        if self._process.state() == QProcess.ProcessState.NotRunning:
            told += self._log.finish()
        for line in told:
            if self._tell is not None:
                self._tell(line)
        output = bytes(self._process.readAllStandardOutput())
        return [line for line in self._lines.feed(output) if line.strip()]

    def _notify(self, message: contract.Notification) -> None:
        listener = {contract.PROGRESS: self._progress, contract.ANSWER: self._answer}.get(
            message.method
        )
        is_ours = message.params.get("id") == _REQUEST and self._cancelled_at is None
        if listener is not None and is_ours:
            listener(read_notification(message))

    def _result(self, message: contract.Message) -> Mapping[str, Any]:
        if isinstance(message, contract.Response):
            return message.result
        if self._cancelled_at is not None:
            raise EngineError(failure.cancelled())
        raise EngineError(failure_of(message))

    def _cancel_if_asked(self, request_id: int, grace_s: float) -> None:
        if self._cancelled_at is None:
            if self._is_cancelled():
                self._cancelled_at = time.monotonic()
                params = contract.CancelParams(request_id).to_json()
                self.send(contract.Notification(contract.CANCEL, params))
        elif time.monotonic() > self._cancelled_at + grace_s:
            self._is_deaf = True
            raise EngineError(failure.cancelled())

    def _end_in_words(self) -> failure.EngineFailure:
        if self._cancelled_at is not None:
            return failure.cancelled()
        crashed = self._process.exitStatus() == QProcess.ExitStatus.CrashExit
        return failure.died(self._process.exitCode(), crashed, self._log.text())


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
