"""Asks the engine what photos' files say, a few at a time, so that a run need not wait long."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..engine.failure import EngineFailure, garbled
from ..model_core import contract
from .photo_files import qgis_reads

PHOTOS_AT_ONCE = 8


class PhotoInspector(QObject):
    """Keeps a queue of photos and one open question.

    Thumbnails are asked for only where QGIS has no reader (HEIC).

    Args:
        engine: The client of the engine process.
        thumbnails: The folder for the engine's thumbnails.
        thumbnail_px: Their largest side.
        parent: The owner.

    Signals: ``inspected`` (a ``contract.PhotoInfo``), ``failed`` (an ``EngineFailure``; the photos
    that wait are forgotten, ``ask`` them again).
    """

    inspected = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(
        self, engine: Any, thumbnails: str, thumbnail_px: int, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._thumbnails = thumbnails
        self._thumbnail_px = thumbnail_px
        self._waiting: deque[str] = deque()
        self._call: Any = None

    def ask(self, paths: Iterable[str]) -> None:
        """Queue photos."""
        waiting = set(self._waiting)
        self._waiting.extend(path for path in dict.fromkeys(paths) if path not in waiting)
        self._ask_next()

    def forget(self) -> None:
        """Drop what waits and stop the open question."""
        self._waiting.clear()
        if self._call is not None:
            call, self._call = self._call, None
            call.cancel()

    def _ask_next(self) -> None:
        if self._call is not None or not self._waiting:
            return
        needs_thumbnail = not qgis_reads(self._waiting[0])
        batch: list[str] = []
        while self._waiting and len(batch) < PHOTOS_AT_ONCE:
            if qgis_reads(self._waiting[0]) == needs_thumbnail:
                break
            batch.append(self._waiting.popleft())
        params = contract.InspectPhotosParams(
            tuple(batch),
            thumbnails=self._thumbnails if needs_thumbnail else None,
            thumbnail_px=self._thumbnail_px,
        )
        self._call = self._engine.call(
            contract.INSPECT_PHOTOS, params, done=self._take, failed=self._give_up
        )

    def _take(self, result: Mapping[str, Any]) -> None:
        self._call = None
        try:
            photos = contract.InspectPhotosResult.from_json(result).photos
        except contract.ContractError as error:
            self._give_up(garbled(error))
            return
        for info in photos:
            self.inspected.emit(info)
        self._ask_next()

    def _give_up(self, failure: EngineFailure) -> None:
        self._call = None
        self._waiting.clear()
        self.failed.emit(failure)
