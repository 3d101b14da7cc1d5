"""Files that are whole or not there: written under another name, then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
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


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside ``folder``; it takes its place when the block succeeds.

    Raises:
        InputError: The folder cannot be written or replaced.
    """
    unfinished, old = (folder.with_name(f".{folder.name}.{end}") for end in ("partial", "old"))
    try:
        if old.exists() and not folder.exists():  # killed between the two renames
            os.replace(old, folder)
        for left in (unfinished, old):
            if left.exists():
                shutil.rmtree(left)
        unfinished.mkdir(parents=True)
        yield unfinished
        if folder.exists():
            os.replace(folder, old)
        os.replace(unfinished, folder)
    except OSError as err:
        raise InputError(
            f"{folder}: cannot be written ({err}); close it in other programs, make room, "
            "or choose another folder"
        ) from err
    finally:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        for left in (unfinished, old):
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def without_marks(path: Path) -> Iterator[Path]:
    """Yield a path to the same file, read or written, that holds no exclamation mark.

    pyogrio takes what follows one for a file in an archive, except behind a drive of Windows.
    """
    if "!" not in str(path.absolute()) or sys.platform == "win32":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        above = Path(folder, "folder")
        if "!" not in path.name:
            above.symlink_to(path.parent.absolute(), target_is_directory=True)
            yield above / path.name
            return
        above.mkdir()
        for file in path.parent.iterdir():  # a Shapefile has several
            if file.stem == path.stem:
                (above / file.name.replace("!", "_")).symlink_to(file.absolute())
        yield above / path.name.replace("!", "_")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        InputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise InputError(f"{folder}: cannot be made ({err}); choose another folder") from err


def claim_folder(folder: Path, marker: str, *signs: str) -> None:
    """Make a folder and put a marker into it: somebody is at work there.

    Args:
        folder: New, empty, or of the same work.
        marker: A file's name; who finishes deletes it.
        signs: Other files by which the same work is known.

    Raises:
        InputError: It holds something else, or cannot be written.
    """
    is_mine = any((folder / name).exists() for name in (marker, *signs))
    if folder.is_dir() and any(folder.iterdir()) and not is_mine:
        raise InputError(
            f"{folder}: is not empty and holds something else; choose a new or empty folder"
        )
    make_folder(folder)
    with replacing(folder / marker) as unfinished:
        unfinished.touch()


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
