"""Takes an environment away without blocking QGIS, and never what this plugin did not make."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from qgis.PyQt.QtCore import QLockFile

from ..i18n import tr
from .environment import MARKER

DISCARDED = ".removed-"


class NotOurs(RuntimeError):
    """A folder that this plugin did not make, or cannot take away; the message is for people."""


class FolderLock:
    """Keeps a second QGIS, or a second window, from working on the same environment.

    The lock is a file beside the folder with this process's number; that of a process which is
    gone is taken over.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder.parent / (folder.name + ".lock")
        self._file = QLockFile(str(self.path))
        self._file.setStaleLockTime(0)  # only the death of its process makes a lock stale

    def take(self) -> str:
        """Take the lock and return ""; else return in words who holds it.

        Raises:
            OSError: The folder beside it cannot be made.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._file.tryLock(0):
            return ""
        if self._file.error() == QLockFile.LockError.PermissionError:
            return tr("{} cannot be written; choose another place.").format(self.path.parent)
        known, process, host, _ = self._file.getLockInfo()
        holder = tr("process {0} on {1}").format(process, host) if known else tr("unknown")
        return tr(
            "The engine's environment is being changed by another QGIS window ({}). Wait until it "
            "has finished, then try again."
        ).format(holder)

    def give_back(self) -> None:
        """Let others work on the environment."""
        self._file.unlock()


def check_ours(folder: Path) -> None:
    """Check that an environment was made by this plugin.

    Raises:
        NotOurs: It was not, or it is a link to elsewhere.
    """
    if folder.is_symlink():
        raise NotOurs(tr("{} is a link to another folder; remove it yourself.").format(folder))
    if not (folder / MARKER).is_file():
        raise NotOurs(
            tr(
                "{0} was not made by this plugin (it holds no {1}), so it is left alone. Remove it "
                "yourself or choose another place."
            ).format(folder, MARKER)
        )


def discard(folder: Path) -> Path:
    """Move an environment out of the way at once and return where it is now, to be deleted.

    Raises:
        NotOurs: It was not made by this plugin, or a program still uses it.
    """
    check_ours(folder)
    return set_aside(folder)


def set_aside(folder: Path) -> Path:
    """Move a folder of ours out of the way at once and return where it is now, to be deleted.

    Raises:
        NotOurs: A program still uses it.
    """
    number = 0
    while (aside := folder.with_name(f"{folder.name}{DISCARDED}{os.getpid()}-{number}")).exists():
        number += 1
    try:
        folder.rename(aside)
    except OSError as error:
        raise NotOurs(
            tr(
                "{0} cannot be removed ({1}): a program still uses it. Close other QGIS windows, "
                "or restart QGIS, then try again."
            ).format(folder, error.strerror)
        ) from error
    return aside


def leftovers(folder: Path) -> list[Path]:
    """Return what was set aside beside a folder and not yet deleted."""
    return sorted(folder.parent.glob(folder.name + DISCARDED + "*"))


def delete(folders: Sequence[Path]) -> None:
    """Delete folders to the bottom, in seconds; links in them are not followed.

    Raises:
        OSError: Something in them cannot be deleted.
    """
    for folder in folders:
        if folder.is_dir():
            shutil.rmtree(folder)
