"""The engine's process as the panel sees it: event driven, in the main thread, never blocking."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable

from qgis.PyQt.QtCore import (
    QCoreApplication,
    QObject,
    QProcess,
    QTimer,
    pyqtSignal,
)

from ..model_core import contract
from . import failure
from .call import Answer, Call, Done, Failed, Progress
from .failure import EngineError, EngineFailure
from .launch import EngineUnavailable, Launch
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

STOPPED = "stopped"
STARTING = "starting"
READY = "ready"
FAILED = "failed"
SILENCE_S = 60.0
CANCEL_GRACE_S = 15.0
STOP_GRACE_S = 3.0


class EngineClient(QObject):
    """Starts the engine at the first call, and again at the next call after it ended.

    A new process is first asked for ``info``: one that stays silent, or speaks another protocol,
    fails the waiting calls with words. Calls are answered in their order.

    Args:
        launch: Says how the engine is started, at every start; raises ``EngineUnavailable``.
        parent: The owner.
        silence_s: How long a new engine may be silent.
        cancel_grace_s: How long a cancelled call may go on before the process is ended.
    """

    stateChanged = pyqtSignal(str)
    logLine = pyqtSignal(str)

    def __init__(
        self,
        launch: Callable[[], Launch],
        parent: QObject | None = None,
        *,
        silence_s: float = SILENCE_S,
        cancel_grace_s: float = CANCEL_GRACE_S,
    ) -> None:
        super().__init__(parent)
        self._launch = launch
        self._silence_s = silence_s
        self._cancel_grace_s = cancel_grace_s
        self._state = STOPPED
        self._info: contract.InfoResult | None = None
        self._process: QProcess | None = None
        self._ids = 0
        self._hello_id = 0
        self._calls: dict[int | str, Call] = {}
        self._waiting: list[Call] = []
        self._lines = Lines()
        self._received: deque[bytes] = deque()
        self._log = Log()
        self._silence = QTimer(self)
        self._silence.setSingleShot(True)
        self._silence.timeout.connect(self._on_silence)

    @property
    def state(self) -> str:
        """One of "stopped", "starting", "ready", "failed"."""
        return self._state

    @property
    def info(self) -> contract.InfoResult | None:
        """What the running engine said of itself; None where none is ready."""
        return self._info

    @property
    def is_busy(self) -> bool:
        """Whether something it was asked has no answer yet."""
        return bool(self._calls)

    @property
    def is_locating(self) -> bool:
        """Whether a run is going on; what is asked meanwhile is answered after it."""
        return any(call.request.method == contract.LOCATE for call in self._calls.values())

    @property
    def process_id(self) -> int:
        """The running process's number, 0 without one."""
        return int(self._process.processId()) if self._process is not None else 0

    def log(self) -> str:
        """Return the last lines of the engine's log."""
        return self._log.text()

    def call(
        self,
        method: str,
        params: contract.Params,
        *,
        done: Done,
        failed: Failed,
        progress: Progress | None = None,
        answer: Answer | None = None,
    ) -> Call:
        """Ask the engine; returns at once.

        Args:
            method: A method of the contract.
            params: What it is asked.
            done: Gets the result.
            failed: Gets the reason where there is none; a cancelled call fails with "Cancelled".
            progress: Gets each step.
            answer: Gets each photo's answer as it is known.
        """
        request = contract.Request(method, params.to_json(), self._next_id())
        call = Call(request, done, failed, progress, answer, self._cancel)
        self._calls[call.request_id] = call
        if self._state == READY:
            self._send(call)
        else:
            self._waiting.append(call)
            if self._state != STARTING:
                self._start()
        return call

    def stop(self) -> None:
        """End the engine without waiting for it; open calls fail. The next call starts it again."""
        self._end(failure.stopped(), STOPPED, is_polite=True)

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.stateChanged.emit(state)

    def _start(self) -> None:
        self._set_state(STARTING)
        self._hello_id = self._next_id()
        try:
            launch = self._launch()
        except EngineUnavailable as error:
            self._give_up_later(failure.unavailable(str(error)))
            return
        self._lines, self._log = Lines(), Log()
        self._process = self._make_process(launch)
        self._silence.start(int(self._silence_s * 1000))
        self._process.start()
        hello = contract.Request(contract.INFO, HANDSHAKE.to_json(), self._hello_id)
        self._process.write(contract.encode(hello))

    def _make_process(self, launch: Launch) -> QProcess:
        process = QProcess(self)
        prepare(process, launch.program, launch.arguments, launch.folder, launch.environment)
        process.readyReadStandardOutput.connect(self._on_output)
        process.readyReadStandardError.connect(self._on_log)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_process_error)
        return process

    def _give_up_later(self, reason: EngineFailure) -> None:
        """Fail this start from the event loop: ``call`` has to return before it is answered."""
        start = self._hello_id

        def give_up() -> None:
            if self._state == STARTING and self._hello_id == start:
                self._end(reason, FAILED)

        QTimer.singleShot(0, give_up)

    def _send(self, call: Call) -> None:
        try:
            line = contract.encode(call.request)
        except contract.ContractError as error:
            self._calls.pop(call.request_id, None)
            reason = EngineFailure(int(error.code), error.code.kind, str(error))
            QTimer.singleShot(0, lambda: call.fail(reason))
            return
        self._process.write(line)

    def _cancel(self, call: Call) -> None:
        if call in self._waiting:
            self._waiting.remove(call)
            self._calls.pop(call.request_id, None)
            QTimer.singleShot(0, lambda: call.fail(failure.cancelled()))
            return
        if self._process is None:
            return
        params = contract.CancelParams(call.request_id).to_json()
        self._process.write(contract.encode(contract.Notification(contract.CANCEL, params)))
        process = self._process
        QTimer.singleShot(int(self._cancel_grace_s * 1000), lambda: self._on_deaf(call, process))

    def _on_deaf(self, call: Call, process: QProcess) -> None:
        if not call.is_finished and process is self._process:
            self._end(failure.deaf(self._cancel_grace_s), STOPPED)

    def _on_silence(self) -> None:
        if self._state == STARTING:
            self._end(failure.silent(self._silence_s), FAILED)

    def _on_log(self) -> None:
        if self._process is not None:
            self._tell(self._log.feed(bytes(self._process.readAllStandardError())))

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            self.logLine.emit(line)

    def _on_output(self) -> None:
        if self._process is None:
            return
        try:
            self._received.extend(self._lines.feed(bytes(self._process.readAllStandardOutput())))
        except EngineError as error:
            self._end(error.failure, FAILED)
            return
        self._read()

    def _read(self) -> None:
        try:
            while self._received and self._process is not None:
                line = self._received.popleft()
                if line.strip():
                    self._receive(line)
        finally:
            if self._received:  # a callback raised: what follows must not be lost
                QTimer.singleShot(0, self._read)

    def _receive(self, line: bytes) -> None:
        try:
            act = self._understand(read_message(line))
        except EngineError as error:
            self._end(error.failure, FAILED)
        else:
            act()

    def _understand(self, message: contract.Message) -> Callable[[], None]:
        """Return what to do about a message; one that is not for us is passed over."""
        if isinstance(message, contract.Notification):
            request_id = message.params.get("id")
            call = self._calls.get(request_id) if isinstance(request_id, (int, str)) else None
            params = read_notification(message) if call is not None else None
            if params is not None:
                return lambda: call.notify(params)
        elif isinstance(message, (contract.Response, contract.Failure)):
            if self._state == STARTING and message.request_id == self._hello_id:
                return self._greet(message)
            call = self._calls.pop(message.request_id, None)
            if call is not None and isinstance(message, contract.Response):
                return lambda: call.succeed(message.result)
            if call is not None:
                return lambda: call.fail(failure_of(message))
        return _nothing

    def _greet(self, message: contract.Response | contract.Failure) -> Callable[[], None]:
        if isinstance(message, contract.Failure):
            raise EngineError(failure_of(message))
        self._info = check_handshake(message.result)
        self._silence.stop()
        waiting, self._waiting = self._waiting, []

        def begin() -> None:
            for call in waiting:
                self._send(call)
            self._set_state(READY)

        return begin

    def _on_process_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            process = self._process
            self._give_up_later(failure.not_started(process.program(), process.errorString()))

    def _on_finished(self, exit_code: int, status: QProcess.ExitStatus) -> None:
        process = self._process
        if process is None:
            return
        self._on_log()
        self._tell(self._log.finish())
        self._on_output()
        if process is self._process:
            crashed = status == QProcess.ExitStatus.CrashExit
            self._end(failure.died(exit_code, crashed, self.log()), FAILED)

    def _end(self, reason: EngineFailure, state: str, *, is_polite: bool = False) -> None:
        """Leave the process, set the state, then fail every open call once."""
        process, self._process = self._process, None
        self._silence.stop()
        self._info = None
        self._received.clear()
        open_calls = list(self._calls.values())
        self._calls, self._waiting = {}, []
        if process is not None:
            _end_process(process, self._next_id() if is_polite else None)
        self._set_state(state)
        _fail_each(open_calls, reason)


def _nothing() -> None:
    """Do nothing: the message was not for us."""


def _fail_each(calls: list[Call], reason: EngineFailure) -> None:
    """Fail every call, also where the listener of one before it raises."""
    if calls:
        try:
            calls[0].fail(reason)
        finally:
            _fail_each(calls[1:], reason)


def _end_process(process: QProcess, shutdown_id: int | None) -> None:
    """See that a process ends, and keep its object until it has; nothing waits for it here.

    It is asked to shut down where ``shutdown_id`` is given, and killed when it does not.
    """
    for signal in (
        process.readyReadStandardOutput,
        process.readyReadStandardError,
        process.finished,
        process.errorOccurred,
    ):
        with contextlib.suppress(TypeError):  # nothing is connected to it any more
            signal.disconnect()
    if process.state() == QProcess.ProcessState.NotRunning:
        process.deleteLater()
        return
    process.setParent(QCoreApplication.instance())
    process.readyReadStandardOutput.connect(process.readAllStandardOutput)
    process.readyReadStandardError.connect(process.readAllStandardError)
    process.finished.connect(process.deleteLater)
    if shutdown_id is None:
        process.kill()
        return
    process.write(contract.encode(contract.Request(contract.SHUTDOWN, {}, shutdown_id)))
    process.closeWriteChannel()
    grace = QTimer(process)
    grace.setSingleShot(True)
    grace.timeout.connect(process.kill)
    grace.start(int(STOP_GRACE_S * 1000))
