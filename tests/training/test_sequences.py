"""Which pictures were taken together: named drives, pauses, days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from model_core.types import LonLat, SourceTerms, StreetView
from training.datasets.sequences import Frame, Taken, are_independent, frames_of

START = datetime(2024, 5, 1, 9, 0, tzinfo=UTC)


def view(name: str, seconds: float | None, sequence: str = "") -> StreetView:
    taken = None if seconds is None else START + timedelta(seconds=seconds)
    return StreetView(
        name,
        Path(f"{name}.jpg"),
        LonLat(0.0, 0.0),
        "equirectangular",
        0.0,
        360.0,
        SourceTerms("source"),
        taken,
        sequence=sequence,
    )


def test_named_sequences_are_numbered_by_time() -> None:
    frames = frames_of([view("b", 20, "drive"), view("a", 10, "drive"), view("c", 15, "other")])
    assert frames["a"] == Frame("source/drive", 0)
    assert frames["b"] == Frame("source/drive", 1)
    assert frames["c"].sequence != frames["a"].sequence


def test_a_pause_parts_pictures_of_which_nothing_is_said() -> None:
    frames = frames_of([view("a", 0), view("b", 60), view("c", 400), view("d", None)])
    assert frames["a"].sequence == frames["b"].sequence != ""
    assert frames["c"].sequence != frames["a"].sequence
    assert frames["d"] == Frame()


def test_pictures_of_one_drive_are_one_however_far_apart() -> None:
    def frame(number: int | None, day: int | None = 100, sequence: str = "s") -> Taken:
        return Taken(Frame(sequence, number), day)

    assert not are_independent(frame(3), frame(3))
    assert not are_independent(frame(3), frame(90))
    assert are_independent(frame(3), frame(3, sequence="t"))
    assert not are_independent(frame(None), frame(None))
    assert are_independent(frame(None, sequence=""), frame(3, day=101))
    assert not are_independent(frame(None, sequence=""), frame(3))
    assert not are_independent(frame(None, None, ""), frame(None, None, ""))
