"""What online sources answered, kept on disk: safe with several processes, correct after a kill.

One file a reply: a line of JSON that says what it is, then the body. It is written under a
temporary name and renamed, and checked against its own sum when it is read, so that half a file is
never taken for a whole one. What was used longest ago goes first when the folder grows too large.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

SUFFIX = ".reply"
_FORMAT = 1
_KEPT_SHARE = 0.9
_TOUCHED_AFTER_S = 3600.0
_ABANDONED_AFTER_S = 3600.0
_GIVEN_UP_AFTER = 8


@dataclass(frozen=True)
class Reply:
    """What a server answered; ``body`` is empty where ``status`` says that nothing is there."""

    status: int
    body: bytes
    content_type: str = ""
    content_range: str = ""


@dataclass(frozen=True)
class StoredReply:
    """A reply out of the cache and how old it is."""

    reply: Reply
    age_s: float


class DiskCache:
    """Replies by the hash of their request, which holds no key of any API.

    Args:
        folder: Made at the first write.
        max_bytes: What the files may take together.
        clock: Seconds since 1970.
    """

    def __init__(self, folder: Path, max_bytes: int, clock: Callable[[], float]) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._total_bytes: int | None = None
        self._failures_in_a_row = 0

    def get(self, key: str) -> StoredReply | None:
        """Return the reply kept under a key, None where there is none or it is damaged."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            modified_at = path.stat().st_mtime
        except OSError:
            return None
        found = _unpack(data)
        if found is None:
            log.warning("%s: a damaged cached reply is dropped and fetched again", path)
            self._remove(path, len(data))
            return None
        reply, stored_at = found
        now = self._clock()
        if now - modified_at > _TOUCHED_AFTER_S:
            self._touch(path, now)
        return StoredReply(reply, max(0.0, now - stored_at))

    def has(self, key: str) -> bool:
        """Return whether there is a reply under a key; whether it is whole, ``get`` finds out."""
        return self._path(key).is_file()

    def put(self, key: str, reply: Reply) -> bool:
        """Keep a reply; return whether it is kept.

        A failure is said once, and after several in a row no more is tried.
        """
        if self._failures_in_a_row >= _GIVEN_UP_AFTER:
            return False
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
        data = _pack(reply, self._clock())
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError as err:
            if not self._failures_in_a_row:
                log.warning("%s: a reply cannot be kept there (%s)", self.folder, err.strerror)
            self._failures_in_a_row += 1
            self._remove(temporary, 0)
            return False
        self._failures_in_a_row = 0
        self._account(len(data))
        return True

    def size_bytes(self) -> int:
        """Return what the kept replies take together."""
        return sum(size for _, _, size in self._files())

    def clear(self) -> int:
        """Remove every reply and return how many bytes that freed."""
        freed = 0
        for path, _, size in list(self._files()):
            freed += self._remove(path, size)
        return freed

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{SUFFIX}"

    def _account(self, added: int) -> None:
        with self._lock:
            if self._total_bytes is None:
                self._total_bytes = self.size_bytes()
            else:
                self._total_bytes += added
            if self._total_bytes > self.max_bytes:
                self._total_bytes = self._trim()

    def _trim(self) -> int:
        """Remove the replies used longest ago; return the bytes that are left."""
        files = sorted(self._files(), key=lambda one: one[1])
        total = sum(size for _, _, size in files)
        for path, _, size in files:
            if total <= self.max_bytes * _KEPT_SHARE:
                break
            total -= self._remove(path, size)
        return total

    def _files(self) -> Iterator[tuple[Path, float, int]]:
        """Yield every reply with its time of use and its size; abandoned temporary files go."""
        for path in self.folder.glob("??/*") if self.folder.is_dir() else ():
            try:
                state = path.stat()
            except FileNotFoundError:
                continue  # another process trims too
            if path.suffix == SUFFIX and not path.name.startswith("."):
                yield path, state.st_mtime, state.st_size
            elif self._clock() - state.st_mtime > _ABANDONED_AFTER_S:
                self._remove(path, state.st_size)

    def _remove(self, path: Path, size: int) -> int:
        try:
            path.unlink(missing_ok=True)
        except OSError as err:
            log.debug("%s: in use and left (%s)", path, err.strerror)
            return 0
        return size

    def _touch(self, path: Path, now: float) -> None:
        try:
            os.utime(path, (now, now))
        except OSError as err:
            log.debug("%s: its time of use cannot be noted (%s)", path, err.strerror)


def _pack(reply: Reply, now: float) -> bytes:
    header = {
        "format": _FORMAT,
        "status": reply.status,
        "content_type": reply.content_type,
        "content_range": reply.content_range,
        "stored_at": now,
        "sha256": hashlib.sha256(reply.body).hexdigest(),
    }
    return json.dumps(header).encode() + b"\n" + reply.body


def _unpack(data: bytes) -> tuple[Reply, float] | None:
    line, newline, body = data.partition(b"\n")
    try:
        header: Any = json.loads(line)
        intact = (
            bool(newline)
            and header["format"] == _FORMAT
            and header["sha256"] == hashlib.sha256(body).hexdigest()
        )
        if not intact:
            return None
        reply = Reply(
            int(header["status"]), body, str(header["content_type"]), str(header["content_range"])
        )
        return reply, float(header["stored_at"])
    except (ValueError, KeyError, TypeError):
        return None
