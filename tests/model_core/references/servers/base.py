"""A server on loopback that remembers what it was asked and fails in the ways real ones do."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

WEB_PAGE = b"<!DOCTYPE html><html><body>Please log in to this network</body></html>"
_DRIP_BYTES = 64


@dataclass(frozen=True)
class Recorded:
    """One request as it came in; ``query`` holds the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def address(self) -> str:
        """Path and query, to search in."""
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True)
class Answer:
    """What a server sends."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """One way to fail; ``seconds`` is how long it waits, or how long it drips.

    Kinds: ``status``, ``delay``, ``truncated`` (the connection closes in the middle),
    ``half`` (a whole reply that holds half of the body), ``body`` (another body), ``oversize``,
    ``drip``, ``reset``, ``gzip`` (a body that cannot be unpacked).
    """

    kind: str
    status: int = 200
    seconds: float = 0.0
    body: bytes = b""
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int = 0


SERVER_ERROR = Fault("status", 500, body=b"internal error", content_type="text/plain")
FORBIDDEN = Fault("status", 403, body=b'{"error": "no access"}', content_type="application/json")
EXPIRED = Fault("status", 403, body=b"URL signature expired", content_type="text/plain")
HTML = Fault("body", body=WEB_PAGE)
EMPTY = Fault("body", content_type="image/png")
WRONG_TYPE = Fault("body", body=b"PK\x03\x04 no picture", content_type="application/zip")
TRUNCATED = Fault("truncated")
HALF = Fault("half")
RESET = Fault("reset")
BAD_GZIP = Fault("gzip", body=b"\x1f\x8b\x08 this is no deflate stream")


def rate_limit(retry_after: str = "0") -> Fault:
    """Return a 429 that asks to wait; seconds or an HTTP date."""
    return Fault("status", 429, body=b"slow down", headers={"Retry-After": retry_after})


def delay(seconds: float) -> Fault:
    """Return a right answer that comes late."""
    return Fault("delay", seconds=seconds)


#: How long tests of faults wait for an answer: a busy machine's right answers come sooner,
#: the late one does not.
PATIENCE_S = 1.5
LATE = delay(2 * PATIENCE_S)


def drip(seconds: float) -> Fault:
    """Return a right answer that trickles in over so many seconds."""
    return Fault("drip", seconds=seconds)


def oversize(size_bytes: int) -> Fault:
    """Return a body of so many bytes."""
    return Fault("oversize", size_bytes=size_bytes)


FaultChoice = Callable[[Recorded], "Fault | None"]


def random_faults(share: float, faults: Sequence[Fault], seed: int = 0) -> FaultChoice:
    """Return a choice that lets a share of all requests fail, each fault in turn."""
    chance = random.Random(seed)
    lock = threading.Lock()
    given = 0

    def choose(request: Recorded) -> Fault | None:
        nonlocal given
        with lock:
            if chance.random() >= share:
                return None
            given += 1
            return faults[(given - 1) % len(faults)]

    return choose


class LoopbackServer:
    """A server of one protocol; subclasses say what is answered in ``answer``.

    Use it in a ``with``: it listens on a free port of 127.0.0.1 from entry to exit. ``requests``
    holds all that was asked; ``most_at_once`` how many were under way together.
    """

    def __init__(self, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.requests: list[Recorded] = []
        self.most_at_once = 0
        self.choose_fault: FaultChoice | None = None
        self._queued: list[tuple[Fault, str]] = []
        self._at_once = 0
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def answer(self, request: Recorded) -> Answer:
        """Return what the protocol answers."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        if self._server is None:
            raise RuntimeError("the server is not started; use it in a with")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, fault: Fault, times: int = 1, matching: str = "") -> None:
        """Fail the next requests whose address holds a text."""
        with self._lock:
            self._queued.extend([(fault, matching)] * times)

    def asked(self, matching: str = "") -> list[Recorded]:
        """Return the requests whose address holds a text."""
        with self._lock:
            return [one for one in self.requests if matching in one.address]

    def forget(self) -> None:
        """Begin a new record."""
        with self._lock:
            self.requests.clear()
            self.most_at_once = 0

    def __enter__(self) -> Any:
        owner = self

        class Handler(_Handler):
            server_of = owner

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def begin(self, request: Recorded) -> Fault | None:
        """Note a request and return the fault it meets."""
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            for index, (fault, matching) in enumerate(self._queued):
                if matching in request.address:
                    del self._queued[index]
                    return fault
        return self.choose_fault(request) if self.choose_fault is not None else None

    def end(self) -> None:
        """Note that a request is answered."""
        with self._lock:
            self._at_once -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hang up, as tests of timeouts and cancelling make them do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server_of: LoopbackServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Recorded(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=dict(self.headers.items()),
            body=self.rfile.read(length) if length else b"",
            at=time.monotonic(),
        )
        fault = self.server_of.begin(request)
        try:
            time.sleep(self.server_of.latency_s)
            if fault is None:
                self._send(self.server_of.answer(request))
            else:
                self._fail(fault, request)
        finally:
            self.server_of.end()

    def _fail(self, fault: Fault, request: Recorded) -> None:
        if fault.kind == "reset":
            self._reset()
        elif fault.kind in ("status", "body"):
            self._send(Answer(fault.body, fault.status, fault.content_type, fault.headers))
        elif fault.kind == "gzip":
            self._send(Answer(fault.body, headers={"Content-Encoding": "gzip"}))
        elif fault.kind == "oversize":
            self._send_zeros(fault.size_bytes)
        elif fault.kind == "delay":
            time.sleep(fault.seconds)
            self._send(self.server_of.answer(request))
        else:
            self._send_partly(fault, self.server_of.answer(request))

    def _head(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, answer: Answer) -> None:
        self._head(answer, len(answer.body))
        if self.command != "HEAD" and answer.status != 204:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _send_partly(self, fault: Fault, answer: Answer) -> None:
        half = answer.body[: len(answer.body) // 2]
        if fault.kind == "half":
            self._send(Answer(half, answer.status, answer.content_type, answer.headers))
            return
        self._head(answer, len(answer.body))
        if fault.kind == "truncated":
            self.wfile.write(half)
            self.wfile.flush()
            self.close_connection = True
            return
        pieces = max(1, len(answer.body) // _DRIP_BYTES)
        for start in range(0, len(answer.body), _DRIP_BYTES):
            self.wfile.write(answer.body[start : start + _DRIP_BYTES])
            self.wfile.flush()
            time.sleep(fault.seconds / pieces)

    def _send_zeros(self, size_bytes: int) -> None:
        self._head(Answer(content_type="image/png"), size_bytes)
        block = bytes(1 << 16)
        for start in range(0, size_bytes, len(block)):
            self.wfile.write(block[: size_bytes - start])
        self.wfile.flush()

    def _reset(self) -> None:
        """Hang up with a reset instead of a proper end."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True
