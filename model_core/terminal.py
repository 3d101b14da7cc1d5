"""What a person sees of a job in a terminal: bars by stage, tables, and Ctrl-C as a request.

Standard library and rich only.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table

from model_core.contract import LocateResult, PhotoAnswer

if TYPE_CHECKING:
    from model_core.doctor import Check
    from model_core.types import Progress


class StageBars:
    """A progress callback that draws one bar a stage; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[message]}"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> StageBars:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        """Draw one step."""
        task = self._tasks.get(progress.stage)
        if task is None:
            task = self._bars.add_task(escape(progress.stage), total=None, message="")
            self._tasks[progress.stage] = task
        self._bars.update(
            task,
            completed=progress.done,
            total=progress.total or None,
            message=escape(progress.message),
        )


@contextlib.contextmanager
def cancel_on_interrupt(console: Console) -> Iterator[Callable[[], bool]]:
    """Yield a check that says whether Ctrl-C was pressed; pressed twice, it interrupts at once."""
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def ask(signal_number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        console.print("stopping after this step; press Ctrl-C again to stop at once")

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def results_table(result: LocateResult) -> Table:
    """Return a table with the best candidate of every photo."""
    table = Table(title=None)
    table.add_column("photo", overflow="fold")
    table.add_column("latitude, longitude", no_wrap=True)
    table.add_column("heading", justify="right", no_wrap=True)
    table.add_column("probability", justify="right")
    table.add_column("elsewhere", justify="right")
    table.add_column("inliers", justify="right")
    table.add_column("answer", overflow="fold")
    for photo in result.photos:
        table.add_row(*_row(photo))
    return table


def _row(photo: PhotoAnswer) -> Sequence[str]:
    name = escape(photo.path.replace("\\", "/").rsplit("/", 1)[-1])
    features = photo.candidates.get("features", [])
    if photo.error:
        return (name, "", "", "", "", "", f"[red]failed[/red]: {escape(photo.error)}")
    elsewhere = f"{photo.probability_elsewhere:.0%}"
    if not features:
        return (name, "", "", "", elsewhere, "", "no candidate")
    best = features[0]["properties"]
    lon, lat = features[0]["geometry"]["coordinates"][:2]
    answer = "[yellow]not in this area[/yellow]" if photo.not_in_area else "in this area"
    return (
        name,
        f"{lat:.6f}, {lon:.6f}",
        _heading(best),
        f"{best['probability']:.0%}",
        elsewhere,
        str(best["inliers"]),
        answer,
    )


def _heading(properties: dict[str, Any]) -> str:
    sigma = properties.get("heading_sigma_deg")
    spread = "" if sigma is None else f" ± {sigma:.0f}"
    return f"{properties['heading_deg']:.0f}{spread}°"


def checks_table(checks: Sequence[Check]) -> Table:
    """Return the doctor's findings, each with what to do."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        mark = "[green]OK[/green]" if check.ok else "[red]FAIL[/red]"
        detail = escape(check.detail)
        if not check.ok:
            detail += f"\n[bold]next:[/bold] {escape(check.next_step)}"
        table.add_row(mark, check.name, detail)
    return table
