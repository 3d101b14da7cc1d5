"""Files that are whole or not there: written under another name, then renamed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from model_core.errors import InputError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it takes its place when the block succeeds.

    Raises:
        InputError: The file cannot be written.
    """
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        remove(unfinished)
        yield unfinished
        os.replace(unfinished, path)
    except OSError as err:
        raise InputError(
            f"{path}: cannot be written ({err}); close it in other programs, make room, "
            "or choose another folder"
        ) from err
    finally:
        with contextlib.suppress(OSError):
            remove(unfinished)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        InputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise InputError(f"{folder}: cannot be made ({err}); choose another folder") from err


def check_writable(folder: Path) -> None:
    """Make a folder where it is missing, and a file in it for a moment.

    Raises:
        InputError: The folder cannot be made, or no file in it.
    """
    make_folder(folder)
    trial = folder / f".{os.getpid()}.partial"
    try:
        trial.write_bytes(b"")
    except OSError as err:
        raise InputError(
            f"{folder}: no file can be written there ({err}); choose another folder"
        ) from err
    with contextlib.suppress(OSError):
        remove(trial)


def readable(name: str) -> str:
    """Return a text that any file can hold: bytes of a file's name that are no UTF-8 become "�"."""
    return os.fsencode(name).decode("utf-8", "replace")


def remove(path: Path) -> None:
    """Delete a file where there is one.

    Raises:
        OSError: It cannot be deleted.
    """
    path.unlink(missing_ok=True)
