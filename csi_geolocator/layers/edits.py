"""Changes to candidates that can be undone; each is in the GeoPackage as soon as it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

try:  # Qt 6
    from qgis.PyQt.QtGui import QUndoCommand, QUndoStack
except ImportError:  # Qt 5
    from qgis.PyQt.QtWidgets import QUndoCommand, QUndoStack

from ..i18n import tr
from .candidate import Candidate
from .run import ResultLayers

__all__ = ["ChangeCandidates", "QUndoStack"]


Values = Mapping[int, Mapping[str, Any]]
"""Some fields of some candidates, by their fid."""


class ChangeCandidates(QUndoCommand):
    """Candidates as they are to be; undone, what was changed of them is as it was.

    The rest of their rows stays as it is by then. A candidate of which the same was changed
    elsewhere meanwhile is left alone.

    Args:
        layers: The results that hold them.
        text: What is done, as the undo button says it.
        after: The candidates changed.
        warn: Told in words of candidates that are left alone.
    """

    def __init__(
        self,
        layers: ResultLayers,
        text: str,
        after: Sequence[Candidate],
        warn: Callable[[str], None],
    ) -> None:
        super().__init__(text)
        self._layers = layers
        self._warn = warn
        pairs = [
            (vars(before), vars(candidate))
            for candidate in after
            if (before := layers.candidate(candidate.fid)) is not None
        ]
        self._before = {old["fid"]: _differing(old, new) for old, new in pairs}
        self._after = {new["fid"]: _differing(new, old) for old, new in pairs}

    def redo(self) -> None:
        """Write what is to be; what cannot be written is not kept to undo."""
        self._replace(self._before, self._after)

    def undo(self) -> None:
        """Write what was."""
        self._replace(self._after, self._before)

    def _replace(self, old: Values, new: Values) -> None:
        if any(self._layers.candidate(fid) is None for fid in old):
            self._layers.settle()  # they may be about to be read anew
        now = [self._layers.candidate(fid) for fid in old]
        free = [one for one in now if one is not None and _has(one, old[one.fid])]
        left = len(old) - len(free)
        if left:
            self._warn(
                tr("{0}: what was changed elsewhere since is left alone (candidates: {1}).").format(
                    self.text(), left
                )
            )
        changed = [dataclasses.replace(one, **new[one.fid]) for one in free]
        self.setObsolete(not changed or not self._layers.write(changed))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of one row that another has not."""
    return {name: value for name, value in one.items() if value != other[name]}


def _has(candidate: Candidate, values: Mapping[str, Any]) -> bool:
    """Return whether a candidate has these values; a file tells times in another zone."""
    return all(
        getattr(candidate, name) == value for name, value in values.items() if name != "decided_at"
    )
