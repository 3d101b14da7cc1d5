"""Lists folders and reads pictures in background threads; results come back as signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QImage

from .photo_files import find_photos, read_picture

THREADS = 2


class PhotoReader(QObject):
    """Reads for one panel; ``stop`` drops what waits.

    Signals: ``listed`` (the photos of what was given), ``pictureRead`` (path, largest side asked
    for in pixels, picture or a null one, why there is none), ``failed`` (words).
    """

    listed = pyqtSignal(list)
    pictureRead = pyqtSignal(str, int, QImage, str)
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="csi-photos")
        self._stopped = False

    def list_photos(self, paths: Sequence[str]) -> None:
        """List the photos of files and folders."""
        self._submit(self._list, list(paths))

    def read(self, path: str, max_side_px: int) -> None:
        """Read one picture."""
        self.read_from(path, path, max_side_px)

    def read_from(self, path: str, file: str, max_side_px: int) -> None:
        """Read a photo's picture from a file that the engine made of it."""
        self._submit(self._read, path, file, max_side_px)

    def stop(self) -> None:
        """Drop what waits, and wait for the pictures that are being read."""
        self._stopped = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, work: Callable[..., None], *arguments: object) -> None:
        if not self._stopped:
            self._pool.submit(work, *arguments)

    def _list(self, paths: list[str]) -> None:
        try:
            found = find_photos(paths)
        except OSError as error:
            self.failed.emit(f"{error.filename}: {error.strerror}")
            return
        if not self._stopped:
            self.listed.emit(found)

    def _read(self, path: str, file: str, max_side_px: int) -> None:
        picture, error = read_picture(file, max_side_px)
        if not self._stopped:
            self.pictureRead.emit(path, max_side_px, picture, error)
