"""Changes to candidates that can be undone; each is in the GeoPackage as soon as it is made."""

from __future__ import annotations

from collections.abc import Sequence

try:  # Qt 6
    from qgis.PyQt.QtGui import QUndoCommand, QUndoStack
except ImportError:  # Qt 5
    from qgis.PyQt.QtWidgets import QUndoCommand, QUndoStack

from .candidate import Candidate
from .run import ResultLayers

__all__ = ["ChangeCandidates", "QUndoStack"]


class ChangeCandidates(QUndoCommand):
    """Candidates as they are to be; undone they are as they were.

    Args:
        layers: The results that hold them.
        text: What is done, as the undo button says it.
        after: The candidates changed.
    """

    def __init__(self, layers: ResultLayers, text: str, after: Sequence[Candidate]) -> None:
        super().__init__(text)
        self._layers = layers
        self._after = tuple(after)
        known = (layers.candidate(candidate.fid) for candidate in after)
        self._before = tuple(candidate for candidate in known if candidate is not None)

    def redo(self) -> None:
        """Write the candidates as they are to be; what cannot be written is not kept to undo."""
        self.setObsolete(not self._layers.write(self._after))

    def undo(self) -> None:
        """Write the candidates as they were."""
        self.setObsolete(not self._layers.write(self._before))
