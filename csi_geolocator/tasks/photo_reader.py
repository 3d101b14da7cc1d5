"""Lists folders and reads pictures in background threads; results come back as signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QImage

from .photo_files import find_photos, read_picture

THREADS = 2
STOP_S = 1.0


class PhotoReader(QObject):
    """Reads for one panel; ``stop`` drops what waits.

    Signals: ``listed`` (the photos of what was given, whether there are more), ``pictureRead``
    (path, largest side asked for in pixels, picture or a null one, why there is none), ``failed``
    (words).
    """

    listed = pyqtSignal(list, bool)
    pictureRead = pyqtSignal(str, int, QImage, str)
    failed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="csi-photos")
        self._begun: set[Future[None]] = set()
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
        """Drop what waits; what is being read gets a moment, no more: a network may be slow."""
        self._stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(set(self._begun), STOP_S)

    def _submit(self, work: Callable[..., None], *arguments: object) -> None:
        if not self._stopped:
            begun = self._pool.submit(work, *arguments)
            self._begun.add(begun)
            begun.add_done_callback(self._begun.discard)

    def _list(self, paths: list[str]) -> None:
        try:
            found, are_more = find_photos(paths, lambda: self._stopped)
        except OSError as error:
            self.failed.emit(f"{error.filename}: {error.strerror}")
            return
        if not self._stopped:
            self.listed.emit(found, are_more)

    def _read(self, path: str, file: str, max_side_px: int) -> None:
        picture, error = read_picture(file, max_side_px)
        if not self._stopped:
            self.pictureRead.emit(path, max_side_px, picture, error)
