"""Photos as pictures: upright, turned and cropped as chosen, read beside the main thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from qgis.PyQt.QtCore import QObject, QTemporaryDir, pyqtSignal
from qgis.PyQt.QtGui import QImage

from ..model_core import contract
from ..tasks.photo_files import read_picture
from .photo_edits import edited_picture

KEPT_PICTURES = 64
Shown = Callable[[QImage], None]


def read_edited(path: str, longest_px: int, edit: Mapping[str, Any]) -> QImage:
    """Return a photo upright, turned and cropped; a null image where Qt cannot read it.

    Args:
        path: The photo's file.
        longest_px: The longer side of the whole photo.
        edit: A ``PhotoEdit`` as plain values.
    """
    picture, _ = read_picture(path, longest_px)
    return edited_picture(picture, contract.PhotoEdit.from_json(edit))


class PictureLoader(QObject):
    """Reads one picture after the other in a thread; what Qt cannot read, the engine turns to JPEG.

    The thread ends by itself when the loader is gone.

    Args:
        engine: An ``EngineClient``.
        parent: The owner.
    """

    _read = pyqtSignal(object, object)

    def __init__(self, engine: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="csi-pictures")
        self._kept: dict[tuple[Any, ...], QImage] = {}
        self._waiting: dict[tuple[Any, ...], list[Shown]] = {}
        self._folder = QTemporaryDir()
        self._read.connect(self._on_read)

    def load(
        self, path: str, longest_px: int, shown: Shown, edit: Mapping[str, Any] | None = None
    ) -> None:
        """Hand the picture to ``shown`` once it is read; a null one where it cannot be."""
        key = (path, longest_px, tuple(sorted((edit or {}).items())))
        if key in self._kept:
            shown(self._kept[key])
            return
        if key in self._waiting:
            self._waiting[key].append(shown)
            return
        self._waiting[key] = [shown]
        self._submit(key, path)

    def _submit(self, key: tuple[Any, ...], path: str) -> None:
        longest_px, edit = key[1], dict(key[2])
        answer = self._reader.submit(read_edited, path, longest_px, edit)
        answer.add_done_callback(lambda done: self._read.emit((key, path), done.result()))

    def _on_read(self, asked: tuple[Any, ...], image: QImage) -> None:
        key, path = asked
        if image.isNull() and path == key[0]:
            self._ask_engine(key)
            return
        if len(self._kept) >= KEPT_PICTURES:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = image
        for shown in self._waiting.pop(key, []):
            shown(image)

    def _ask_engine(self, key: tuple[Any, ...]) -> None:
        params = contract.InspectPhotosParams((key[0],), self._folder.path(), key[1])

        def done(result: Mapping[str, Any]) -> None:
            found = contract.InspectPhotosResult.from_json(result).photos
            thumbnail = found[0].thumbnail if found else ""
            if thumbnail:
                self._submit(key, thumbnail)
            else:
                self._on_read((key, ""), QImage())

        self._engine.call(
            contract.INSPECT_PHOTOS,
            params,
            done=done,
            failed=lambda failure: self._on_read((key, ""), QImage()),
        )
