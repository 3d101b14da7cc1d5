"""Figures on real pairs over time, one line of JSON a run: what each change of the world did."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from model_core.errors import InputError
from training.real_pairs import PairFigures


@dataclass(frozen=True)
class PairsRun:
    """One run: when, what of, what had changed, and its figures."""

    measured_at: str
    model_hash: str
    label: str
    figures: tuple[PairFigures, ...]


def append_run(
    path: Path, figures: list[PairFigures], model_hash: str, label: str, now: datetime
) -> None:
    """Add a run at the end of a history; the file is made if absent.

    Raises:
        InputError: The file cannot be written.
    """
    run = {
        "measured_at": now.isoformat(timespec="seconds"),
        "model_hash": model_hash,
        "label": label,
        "figures": [dataclasses.asdict(one) for one in figures],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error}); choose another file") from error


def read_history(path: Path) -> list[PairsRun]:
    """Return the runs of a history, oldest first.

    Raises:
        InputError: The file cannot be read, or a line of it is no run.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}); name a history") from error
    return [_run(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line]


def _run(line: str, where: str) -> PairsRun:
    try:
        values: dict[str, Any] = json.loads(line)
        figures = [
            PairFigures(**{**one, "recall_at_1_interval": tuple(one["recall_at_1_interval"])})
            for one in values["figures"]
        ]
        return PairsRun(
            values["measured_at"], values["model_hash"], values["label"], tuple(figures)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{where}: no run of `training pairs` ({error}); remove it") from error


def history_table(runs: list[PairsRun]) -> Table:
    """Return the runs, oldest first: R@1 and median rank, means over the assumed footprints.

    A column a run; below the table what each run is of, for eighty columns hold no labels. The
    best footprint is not chosen, since that would be choosing by these pairs.
    """
    table = Table(
        title="Real pairs over time: R@1 and median rank, means over the footprints",
        title_justify="left",
        caption="\n".join(
            f"{number}  {run.measured_at[:10]}  {run.model_hash[:8]}  {run.label}"
            for number, run in enumerate(runs, 1)
        ),
        caption_justify="left",
    )
    for column in ("set", "fov", "chance", *map(str, range(1, len(runs) + 1))):
        table.add_column(column, justify="left" if column == "set" else "right")
    cases = dict.fromkeys((f.dataset, f.fov_deg) for run in runs for f in run.figures)
    for dataset, fov_deg in cases:
        of_run = [
            [f for f in run.figures if (f.dataset, f.fov_deg) == (dataset, fov_deg)] for run in runs
        ]
        chance = np.mean([f.chance_at_1 for figures in of_run for f in figures])
        table.add_row(dataset, f"{fov_deg:.0f}", f"{chance:.0%}", *map(_cell, of_run))
    return table


def _cell(figures: list[PairFigures]) -> str:
    if not figures:
        return "-"
    recall = np.mean([one.recall_at_1 for one in figures])
    rank = np.mean([one.median_rank for one in figures])
    return f"{recall:.0%}  {rank:.1f}"
