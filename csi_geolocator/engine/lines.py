"""The engine's output as messages: bytes arrive in pieces, a message is one line."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from ..model_core import contract
from .failure import EngineError, EngineFailure, garbled, mismatch

LOG_LINES = 500
LOG_LINE_BYTES = 20_000
HANDSHAKE = contract.InfoParams()

_NOTIFICATIONS: Mapping[str, type[contract.Body]] = {
    contract.PROGRESS: contract.ProgressParams,
    contract.ANSWER: contract.AnswerParams,
}


class Lines:
    """Puts lines together from pieces; no line grows beyond ``limit`` bytes.

    Args:
        limit: Where a line is cut.
        is_refused: Whether a longer line is an error; else its rest begins a new line.
    """

    def __init__(self, limit: int = contract.MAX_LINE_BYTES, *, is_refused: bool = True) -> None:
        self._limit = limit
        self._is_refused = is_refused
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are complete with these bytes, without their newline.

        Raises:
            EngineError: A line is longer than the protocol allows.
        """
        *ends, rest = data.split(b"\n")
        lines = []
        for end in ends:
            self._add(end)
            lines.append(self.rest())
        self._add(rest)
        if self._size > self._limit:
            if self._is_refused:
                raise EngineError(garbled(f"a line of more than {self._limit} bytes"))
            lines.append(self.rest())
        return lines

    def rest(self) -> bytes:
        """Return what came after the last newline, and forget it."""
        line = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return line

    def _add(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)


class Log:
    """The last lines that the engine wrote to its log."""

    def __init__(self) -> None:
        self._lines = Lines(LOG_LINE_BYTES, is_refused=False)
        self._kept: deque[str] = deque(maxlen=LOG_LINES)

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete with these bytes."""
        return self._keep(self._lines.feed(data))

    def finish(self) -> list[str]:
        """Return the line that the end of the process left unfinished."""
        return self._keep([self._lines.rest()])

    def text(self) -> str:
        """Return the kept lines."""
        return "\n".join(self._kept)

    def _keep(self, lines: list[bytes]) -> list[str]:
        read = [line.decode("utf-8", errors="replace").rstrip() for line in lines if line.strip()]
        self._kept.extend(read)
        return read


def read_message(line: bytes) -> contract.Message:
    """Return the message of a line.

    Raises:
        EngineError: It is none of the protocol.
    """
    try:
        return contract.decode(line)
    except contract.ContractError as error:
        start = line[:60].decode("utf-8", errors="replace")
        raise EngineError(garbled(f"{error}: {start}")) from error


def read_notification(message: contract.Notification) -> contract.Body | None:
    """Return the params of progress or of an answer, None for a notification we do not know.

    Raises:
        EngineError: They are not as agreed.
    """
    kind = _NOTIFICATIONS.get(message.method)
    try:
        return None if kind is None else kind.from_json(message.params)
    except contract.ContractError as error:
        raise EngineError(garbled(error)) from error


def failure_of(answer: contract.Failure) -> EngineFailure:
    """Return what the engine's own error says."""
    return EngineFailure(answer.code, answer.kind, answer.message)


def check_handshake(result: Mapping[str, Any]) -> contract.InfoResult:
    """Return what the engine says of itself.

    Raises:
        EngineError: It speaks another protocol.
    """
    version = result.get("protocol_version")
    if version != contract.PROTOCOL_VERSION:
        raise EngineError(mismatch(version))
    try:
        return contract.InfoResult.from_json(result)
    except contract.ContractError as error:
        raise EngineError(garbled(error)) from error
