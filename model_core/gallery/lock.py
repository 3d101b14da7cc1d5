"""One run at a time builds a gallery; the others wait."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from model_core.errors import Cancelled
from model_core.types import CancelCheck, Progress, ProgressCallback

log = logging.getLogger(__name__)

_POLL_S = 0.2


@contextlib.contextmanager
def alone(folder: Path, progress: ProgressCallback, cancel: CancelCheck) -> Iterator[bool]:
    """Yield, once no other run builds the gallery ``folder``, whether one had to be waited for.

    The system frees the lock of a run that is killed.

    Args:
        folder: The gallery's folder.
        progress: Told of the wait.
        cancel: Asked while waiting.

    Raises:
        Cancelled: The user asked to stop.
    """
    path = folder.with_name(f"{folder.name}.lock")
    lock, has_waited = FileLock(path), False
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        has_waited = _acquire(lock, folder, progress, cancel)
    except OSError as err:  # Whether the folder can be written is for the writer to say.
        log.warning("%s cannot be locked (%s); let no other run build it now", folder, err)
    try:
        yield has_waited
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):
                path.unlink()
        lock.release()


def _acquire(lock: FileLock, folder: Path, progress: ProgressCallback, cancel: CancelCheck) -> bool:
    """Take a lock and return whether another held it before."""
    has_waited = False
    while True:
        try:
            lock.acquire(blocking=False)
            return has_waited
        except Timeout:
            has_waited = True
        if cancel():
            raise Cancelled(f"stopped while another run was building the gallery {folder}")
        progress(Progress("gallery", 0, 0, f"waiting for another run that builds {folder}"))
        time.sleep(_POLL_S)
