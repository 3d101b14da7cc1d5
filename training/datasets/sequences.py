"""Which pictures were taken on one drive or walk, and in what order.

Pictures of one sequence share light, weather, cars and camera, so one of them is no fair photo to
be found by the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from model_core.types import StreetView

PAUSE_S = 120.0
"""A longer pause between two pictures of a source, of which nothing is said, parts them."""


@dataclass(frozen=True)
class Frame:
    """A picture's sequence, "" when unknown, and its number there."""

    sequence: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Taken:
    """When a picture was taken: its frame and its day since 1970, None when unknown."""

    frame: Frame
    day: int | None


def frames_of(views: Sequence[StreetView]) -> dict[str, Frame]:
    """Return the frame of every view by its id.

    Where a source names no sequences, pauses between its pictures' times part them.
    """
    named: dict[str, list[StreetView]] = defaultdict(list)
    unnamed: dict[str, list[StreetView]] = defaultdict(list)
    for view in views:
        if view.sequence:
            named[f"{view.terms.provider}/{view.sequence}"].append(view)
        elif view.captured_at is not None:
            unnamed[view.terms.provider].append(view)
    frames = {view.view_id: Frame() for view in views}
    for name, found in named.items():
        _number(name, found, frames)
    for provider, found in unnamed.items():
        run: list[StreetView] = []
        for view in sorted(found, key=_time):
            if run and (_time(view) - _time(run[-1])).total_seconds() > PAUSE_S:
                _number(f"{provider}/{_time(run[0]):%Y%m%dT%H%M%S}", run, frames)
                run = []
            run.append(view)
        _number(f"{provider}/{_time(run[0]):%Y%m%dT%H%M%S}", run, frames)
    return frames


def are_independent(one: Taken, other: Taken) -> bool:
    """Return whether two pictures of one spot differ in drive or walk, or in day.

    Where nothing is known of either they count as taken one after the other.
    """
    if one.frame.sequence and other.frame.sequence:
        return one.frame.sequence != other.frame.sequence
    return one.day is not None and other.day is not None and one.day != other.day


def _number(sequence: str, views: Sequence[StreetView], frames: dict[str, Frame]) -> None:
    """Number a sequence by time; without all times its pictures have no numbers."""
    if any(view.captured_at is None for view in views):
        frames.update({view.view_id: Frame(sequence) for view in views})
        return
    for number, view in enumerate(sorted(views, key=_time)):
        frames[view.view_id] = Frame(sequence, number)


def _time(view: StreetView) -> datetime:
    taken = view.captured_at or datetime.min
    return taken if taken.tzinfo is not None else taken.replace(tzinfo=UTC)
