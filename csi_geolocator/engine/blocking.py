"""One request to an engine of its own, waited for: Processing and ``qgis_process``, any thread."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..model_core import contract
from . import failure
from .call import Answer, Progress
from .failure import EngineError
from .launch import Launch, process_flags
from .lines import (
    HANDSHAKE,
    Lines,
    Log,
    check_handshake,
    failure_of,
    read_message,
    read_notification,
)

SILENCE_S = 60.0
CANCEL_GRACE_S = 15.0
STOP_GRACE_S = 3.0
POLL_S = 0.1
PIECE_BYTES = 65536
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
        self._said: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._open_streams = {"output", "log"}
        self._cancelled_at: float | None = None
        self._is_deaf = False
        try:
            self._process = subprocess.Popen(
                [launch.program, *launch.arguments],
                cwd=launch.folder,
                env=dict(launch.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **process_flags(sys.platform),
            )
        except OSError as error:
            reason = failure.not_started(launch.program, error.strerror or str(error))
            raise EngineError(reason) from error
        self._threads = [
            threading.Thread(target=self._listen, args=stream, daemon=True)
            for stream in (("output", self._process.stdout), ("log", self._process.stderr))
        ]
        for thread in self._threads:
            thread.start()

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
        with contextlib.suppress(OSError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

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
            for line in self._read():
                message = read_message(line)
                if isinstance(message, contract.Notification):
                    self._notify(message)
                elif getattr(message, "request_id", None) == request_id:
                    return self._result(message)
            if not self._open_streams:
                raise EngineError(self._end_in_words())
            self._cancel_if_asked(request_id, cancel_grace_s)
            if deadline is not None and time.monotonic() > deadline:
                self._is_deaf = True
                raise EngineError(too_late)

    def close(self) -> None:
        """End the process: it is asked, then killed."""
        self.send(contract.Request(contract.SHUTDOWN, {}, _SHUTDOWN))
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(0.0 if self._is_deaf else STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(STOP_GRACE_S)
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()

    def _listen(self, name: str, stream: Any) -> None:
        while data := stream.read1(PIECE_BYTES):
            self._said.put((name, data))
        self._said.put((name, b""))

    def _read(self) -> list[bytes]:
        """Return the lines of output that came within a moment; what came for the log is told."""
        try:
            name, data = self._said.get(timeout=POLL_S)
        except queue.Empty:
            return []
        if not data:
            self._open_streams.discard(name)
        if name == "output":
            return [line for line in self._lines.feed(data) if line.strip()]
        for line in self._log.feed(data) if data else self._log.finish():
            if self._tell is not None:
                self._tell(line)
        return []

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
        code = self._process.wait()
        crashed = code < 0 or code > 0x7FFFFFFF
        return failure.died(-code if code < 0 else code, crashed, self._log.text())
