"""The points around a place from which it is looked at again, see ``beside``."""

from __future__ import annotations

AROUND = ((-1, 1), (0, 1), (1, 1), (-1, 0), (1, 0), (-1, -1), (0, -1), (1, -1))
"""Steps east and north of the place."""

LOOKS = len(AROUND)


def shifts_around_m(step_m: float) -> tuple[tuple[float, float], ...]:
    """Return how far east and north of the place the points lie, metres."""
    return tuple((east * step_m, north * step_m) for east, north in AROUND)
