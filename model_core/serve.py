"""The engine as a JSON-RPC 2.0 server over its standard input and output.

The protocol keeps a duplicate of file descriptor 1, and 1 itself points at stderr, before anything
else loads: C libraries print. A thread reads, so that ``cancel`` works in the middle of a job; the
main thread answers one request at a time, in order. End-of-file stops the running job and ends the
process, by force where the job does not hear.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_core import contract
from model_core.contract import ContractError, ErrorCode
from model_core.errors import GeolocatorError

if TYPE_CHECKING:
    from model_core.types import CancelCheck, Progress, ProgressCallback

    Tell = Callable[[str, Mapping[str, Any]], None]
    Handler = Callable[[Mapping[str, Any], ProgressCallback, CancelCheck, Tell], Mapping[str, Any]]

GRACE_S = 10.0
PROGRESS_INTERVAL_S = 0.1
PROGRESS_PER_SECOND = 10


@dataclass
class _Job:
    request: contract.Request
    cancelled: threading.Event = field(default_factory=threading.Event)


class Server:
    """Answers requests from ``lines`` through ``handlers``, one at a time.

    Args:
        handlers: For each method of ``contract`` but cancel and shutdown, the function that
            answers it; it reports progress, raises ``Cancelled`` when its check says so, and may
            tell the client more in notifications of its request.
        lines: The messages that arrive; its end is the client's end.
        write: Sends one line; an OSError means that the client is gone.
        clock: Seconds, for the rate of progress.
        end_by_force: Called ``GRACE_S`` after the end where a job goes on regardless.
        grace_s: Seconds a running job has to hear that it is stopped.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        lines: Iterable[bytes],
        write: Callable[[bytes], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        end_by_force: Callable[[], None] | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        self._handlers = handlers
        self._lines = lines
        self._write = write
        self._clock = clock
        self._end_by_force = end_by_force
        self._grace_s = grace_s
        self._changed = threading.Condition()
        self._write_lock = threading.Lock()
        self._waiting: dict[int | str, _Job] = {}
        self._running: _Job | None = None
        self._closing = False
        self._shutdown_id: int | str | None = None

    def run(self) -> None:
        """Serve until end-of-file or ``shutdown``."""
        threading.Thread(target=self._read, name="protocol-reader", daemon=True).start()
        while (job := self._next_job()) is not None:
            answer = self._answer(job)
            with self._changed:
                self._running = None
            self._send(answer)
        if self._shutdown_id is not None:
            self._send(contract.Response(self._shutdown_id, {}))

    def _next_job(self) -> _Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or bool(self._waiting))
            if self._closing:
                return None
            self._running = self._waiting.pop(next(iter(self._waiting)))
            return self._running

    def _answer(self, job: _Job) -> contract.Message:
        request = job.request
        progress = _ProgressRate(request.request_id, self._send, self._clock)
        try:
            handler = self._handlers[request.method]
            result = handler(request.params, progress, job.cancelled.is_set, self._teller(request))
            progress.flush()
            return contract.Response(request.request_id, result)
        except ContractError as error:
            return contract.failure(error, request.request_id)
        except GeolocatorError as error:
            kind = ErrorCode(error.code).kind
            return contract.Failure(request.request_id, error.code, str(error), kind)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return contract.failure(_internal_error(error), request.request_id)

    def _teller(self, request: contract.Request) -> Tell:
        """Return what sends a notification of a request."""

        def tell(method: str, params: Mapping[str, Any]) -> None:
            plain = {
                name: value.to_json() if isinstance(value, contract.Body) else value
                for name, value in params.items()
            }
            self._send(contract.Notification(method, {"id": request.request_id, **plain}))

        return tell

    def _read(self) -> None:
        try:
            for line in self._lines:
                if line.strip():
                    self._receive(line)
        finally:
            self._close()

    def _receive(self, line: bytes) -> None:
        request_id = None
        try:
            message = contract.decode(line)
            if isinstance(message, contract.Request):
                request_id = message.request_id
                self._receive_request(message)
            elif isinstance(message, contract.Notification) and message.method == contract.CANCEL:
                self._cancel(contract.CancelParams.from_json(message.params).id)
        except ContractError as error:
            self._send(contract.failure(error, request_id))

    def _receive_request(self, request: contract.Request) -> None:
        if request.method == contract.CANCEL:
            found = self._cancel(contract.CancelParams.from_json(request.params).id)
            self._send(contract.Response(request.request_id, {"cancelled": found}))
        elif request.method == contract.SHUTDOWN:
            self._shutdown_id = request.request_id
            self._close()
        elif request.method in self._handlers:
            self._queue(request)
        else:
            raise ContractError(
                f"no method {request.method!r}; known: {', '.join(contract.METHODS)}",
                ErrorCode.METHOD_NOT_FOUND,
            )

    def _queue(self, request: contract.Request) -> None:
        with self._changed:
            running = self._running.request.request_id if self._running else None
            if self._closing:
                raise ContractError("the engine is shutting down", ErrorCode.INVALID_REQUEST)
            if request.request_id == running or request.request_id in self._waiting:
                raise ContractError(
                    f"the id {request.request_id!r} is taken by a request that is not answered yet",
                    ErrorCode.INVALID_REQUEST,
                )
            self._waiting[request.request_id] = _Job(request)
            self._changed.notify_all()

    def _cancel(self, request_id: int | str) -> bool:
        with self._changed:
            if self._running is not None and self._running.request.request_id == request_id:
                self._running.cancelled.set()
                return True
            waiting = self._waiting.pop(request_id, None)
        if waiting is not None:
            self._send(_cancelled_before_start(request_id))
        return waiting is not None

    def _close(self) -> None:
        with self._changed:
            if self._closing:
                return
            self._closing = True
            dropped = list(self._waiting)
            self._waiting.clear()
            if self._running is not None:
                self._running.cancelled.set()
            self._changed.notify_all()
        for request_id in dropped:
            self._send(_cancelled_before_start(request_id))
        if self._end_by_force is not None:
            timer = threading.Timer(self._grace_s, self._end_by_force)
            timer.daemon = True
            timer.start()

    def _send(self, message: contract.Message) -> None:
        try:
            line = contract.encode(message)
        except ContractError as error:
            if isinstance(message, contract.Notification):
                raise  # the job that told it fails: its client would miss something
            answered = message.request_id if isinstance(message, contract.Response) else None
            line = contract.encode(contract.failure(error, answered))
        try:
            with self._write_lock:
                self._write(line)
        except OSError:
            self._close()


class _ProgressRate:
    """Sends the progress of one request, about ten a second; the last one is never lost.

    A new stage is sent at once while the last second saw fewer than ten; anything else waits for
    its turn and is replaced by what comes after it.
    """

    def __init__(
        self,
        request_id: int | str,
        send: Callable[[contract.Message], None],
        clock: Callable[[], float],
    ) -> None:
        self._request_id = request_id
        self._send = send
        self._clock = clock
        self._sent_at: deque[float] = deque(maxlen=PROGRESS_PER_SECOND)
        self._stage = ""
        self._held: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        full = len(self._sent_at) == PROGRESS_PER_SECOND and now - self._sent_at[0] < 1.0
        soon = bool(self._sent_at) and now - self._sent_at[-1] < PROGRESS_INTERVAL_S
        self._held = progress
        if not full and (progress.stage != self._stage or not soon):
            self.flush()

    def flush(self) -> None:
        """Send what was held back."""
        if self._held is None:
            return
        step, self._held = self._held, None
        self._stage = step.stage
        self._sent_at.append(self._clock())
        params = contract.ProgressParams(
            self._request_id, step.stage, step.done, step.total, step.message
        )
        self._send(contract.Notification(contract.PROGRESS, params.to_json()))


def _cancelled_before_start(request_id: int | str) -> contract.Failure:
    code = ErrorCode.CANCELLED
    return contract.Failure(request_id, int(code), "cancelled before it began", code.kind)


def _internal_error(error: Exception) -> ContractError:
    if isinstance(error, ImportError):
        message = f"the engine's environment is incomplete ({error}); repair it, or run doctor"
    else:
        message = f"the engine failed with {type(error).__name__}: {error}; its log says where"
    return ContractError(message, ErrorCode.INTERNAL_ERROR)


def take_over_stdio() -> tuple[int, int]:
    """Return the file descriptors that the protocol reads and writes, kept from everything else.

    Afterwards 0 is empty and 1 is stderr, for this process, its C libraries and its children.
    """
    sys.stdout.flush()
    protocol_in, protocol_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(protocol_in, os.O_BINARY)
        msvcrt.setmode(protocol_out, os.O_BINARY)
    return protocol_in, protocol_out


def read_lines(descriptor: int) -> Iterator[bytes]:
    """Yield the lines that arrive, without their newline, until end-of-file.

    A line beyond ``contract.messages.MAX_LINE_BYTES`` is cut one byte above it, for the decoder to
    refuse; what follows the last newline is no message.
    """
    limit = contract.messages.MAX_LINE_BYTES + 1
    line = bytearray()
    while chunk := _read_some(descriptor):
        head, *following = chunk.split(b"\n")
        line += head[: limit - len(line)]
        for part in following:
            yield bytes(line)
            line = bytearray(part)


def _read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte.

    Raises:
        OSError: The other end is closed.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def serve_stdio(
    load_handlers: Callable[[], Mapping[str, Handler]], grace_s: float = GRACE_S
) -> None:
    """Serve over standard input and output until the client ends it.

    Args:
        load_handlers: Called once the protocol is safe from prints; what is heavy loads there.
        grace_s: Seconds a running job has to hear that the client is gone.
    """
    protocol_in, protocol_out = take_over_stdio()
    Server(
        load_handlers(),
        read_lines(protocol_in),
        lambda line: write_all(protocol_out, line),
        end_by_force=lambda: os._exit(1),
        grace_s=grace_s,
    ).run()
