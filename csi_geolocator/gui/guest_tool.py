"""A map tool of the panel, which gives the map back to the tool that was there before."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsMapTool


class GuestTool(QgsMapTool):
    """Takes the map with ``enter`` and gives it back with ``leave``."""

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self._before: QgsMapTool | None = None
        self._has_map = False

    def enter(self) -> None:
        """Become the map's tool; a guest that has the map leaves for good."""
        now = self.canvas().mapTool()
        self._before = now._before if isinstance(now, GuestTool) else now
        if self._before is not None:
            self._before.destroyed.connect(self._forget_before)
        self._has_map = True
        self.canvas().setMapTool(self)

    def leave(self) -> None:
        """Give the map back, unless another tool was chosen meanwhile."""
        if not self._has_map:
            return
        if self._before is None:
            self.canvas().unsetMapTool(self)
        else:
            self.canvas().setMapTool(self._before)

    def deactivate(self) -> None:
        """Note that another tool has the map; called by QGIS."""
        self._has_map = False
        super().deactivate()

    def _forget_before(self) -> None:
        self._before = None
