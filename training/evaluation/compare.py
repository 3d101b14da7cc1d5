"""Reports side by side, and how sure their differences are, over the same photos."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.table import Table

from model_core.errors import InputError
from training.evaluation.write import PHOTOS_FILE, table
from training.metrics import Vector, bootstrap_intervals

COMPARED = ("R@1 25m", "R@5 25m", "R@1 50m", "heading 10")
# What makes two photos of one number the same photo; models, policies and looks may differ.
_EQUAL = ("gallery", "state", "imagery", "street-photos", "seed")
_LABEL = ("model", "kind", "policy", "fov", "search")
_PHOTO = ("city", "place", "photo")


@dataclass(frozen=True)
class Difference:
    """One share in one report; the difference to the first report and its 95 % interval.

    ``difference`` and ``interval`` are None in the first report, and where photos do not match.
    """

    value: float
    chance: float
    difference: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Comparison:
    """Reports side by side: for every kind of reference one tuple of shares a report."""

    names: tuple[str, ...]
    rows: dict[str, tuple[dict[str, Difference] | None, ...]]
    fov: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Read:
    """A report, how its photos were posed, and what came of them where that lies beside it."""

    name: str
    values: dict[str, Any]
    posed: dict[str, Any]
    photos: pa.Table | None


def compare_reports(
    paths: Sequence[Path], fov: str, samples: int = 2000, seed: int = 0
) -> Comparison:
    """Return several reports side by side at one field of view, over the model's own rows.

    Args:
        paths: Files ``report.json``, or folders that hold one. Photos beside them allow intervals.
        fov: Label of the field of view.
        samples: Bootstrap draws.
        seed: Of the bootstrap.

    Raises:
        InputError: A file is no report or is of other photos, or has no figures at this field of
            view.
    """
    if len(paths) < 2:
        raise InputError("one report has nothing to be compared with; name two or more")
    read = [_read(path) for path in paths]
    for one in read[1:]:
        _check_same_photos(read[0], one)
    found = [_rows_of(one, fov) for one in read]
    kinds = list(dict.fromkeys(kind for rows in found for kind in rows))
    notes = []
    rows: dict[str, tuple[dict[str, Difference] | None, ...]] = {}
    for kind in kinds:
        cells: list[dict[str, Difference] | None] = []
        for number, (one, its) in enumerate(zip(read, found, strict=True)):
            if kind not in its:
                cells.append(None)
                continue
            paired = None
            if number and kind in found[0]:
                paired = _paired(read[0], found[0][kind], one, its[kind], samples, seed)
                if paired is None:
                    notes.append(f"{one.name}: no photos in common with {read[0].name}")
            cells.append(_cell(its[kind], paired))
        rows[kind] = tuple(cells)
    return Comparison(tuple(one.name for one in read), rows, fov, tuple(dict.fromkeys(notes)))


def _read(path: Path) -> _Read:
    file = path / "report.json" if path.is_dir() else path
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        values["rows"], values["bundle"]
        posed = _posed(values)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file}: no report of `python -m training evaluate` ({error!r}); write one with --out"
        ) from error
    beside = file.with_name(PHOTOS_FILE)
    photos = pq.read_table(beside) if beside.exists() else None
    name = file.parent.name if file.name == "report.json" else file.stem
    return _Read(name, values, posed, photos)


def _posed(values: dict[str, Any]) -> dict[str, Any]:
    """Return what decides which photos a report is of and what they are sought in."""
    options = {f"--{name}": values["options"][name.replace("-", "_")] for name in _EQUAL}
    data = str(Path(values["data"]).resolve())
    return {"--data": data, "--protocol": values["protocol"], "places": values["places"], **options}


def _check_same_photos(first: _Read, other: _Read) -> None:
    for name, there in first.posed.items():
        if there != other.posed[name]:
            raise InputError(
                f"{first.name} and {other.name} are of other photos: {name} is {there} in one, "
                f"{other.posed[name]} in the other; evaluate both alike"
            )


def _rows_of(one: _Read, fov: str) -> dict[str, dict[str, Any]]:
    """Return the model's rows over all photos by kind, under the policy that was asked for."""
    policy = one.values["options"]["policy"]
    rows = {
        row["kind"]: row
        for row in one.values["rows"]
        if (row["model"], row["policy"], row["search"]) == ("model", policy, "full")
        and (row["fov"], row["state"], row["queries"]) == (fov, "all", "all")
    }
    if not rows:
        known = sorted({row["fov"] for row in one.values["rows"]})
        raise InputError(f"{one.name} has no field of view {fov}; it has {', '.join(known)}")
    return rows


def _cell(
    row: dict[str, Any], paired: dict[str, tuple[float, tuple[float, float]]] | None
) -> dict[str, Difference]:
    cell = {}
    for name in COMPARED:
        share = row["shares"].get(name)
        if share is None:  # no photo's heading is known
            continue
        difference, interval = (None, None) if paired is None else paired[name]
        cell[name] = Difference(share["value"], share["chance"], difference, interval)
    return cell


def _paired(
    first: _Read,
    first_row: dict[str, Any],
    other: _Read,
    other_row: dict[str, Any],
    samples: int,
    seed: int,
) -> dict[str, tuple[float, tuple[float, float]]] | None:
    """Return difference and interval of each share over the photos that both reports hold."""
    if first.photos is None or other.photos is None:
        return None
    keys_a, values_a = _photos_of(first.photos, first_row)
    keys_b, values_b = _photos_of(other.photos, other_row)
    at = {key: row for row, key in enumerate(map(tuple, keys_a.tolist()))}
    matched = [(at[k], row) for row, k in enumerate(map(tuple, keys_b.tolist())) if k in at]
    if not matched:
        return None
    rows_a, rows_b = np.array(matched).T
    change = values_b[rows_b] - values_a[rows_a]
    known = ~np.isnan(change)
    means = np.where(known, change, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    city, place, _ = keys_a[rows_a].T
    intervals = bootstrap_intervals(change, city, place, samples, seed)
    return {
        name: (float(means[k]), (float(intervals[k, 0]), float(intervals[k, 1])))
        for k, name in enumerate(COMPARED)
    }


def _photos_of(photos: pa.Table, row: dict[str, Any]) -> tuple[Any, Vector]:
    """Return city, place and photo (Q, 3), and the compared shares of each photo (Q, M)."""
    mine = photos
    for name in _LABEL:
        mine = mine.filter(pc.equal(mine[name].cast(pa.string()), row[name]))
    keys = np.stack([mine[name].to_numpy() for name in _PHOTO], axis=1)
    values = np.stack([mine[name].to_numpy().astype(np.float64) for name in COMPARED], axis=1)
    return keys, values


def comparison_lines(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Return header and cells: one line a kind of reference and report."""
    header = ["references", "report", *COMPARED]
    body = []
    for kind, cells in comparison.rows.items():
        for report, cell in zip(comparison.names, cells, strict=True):
            shares = cell or {}
            said = [_text(shares[name]) if name in shares else "-" for name in COMPARED]
            body.append([kind, report, *said])
    return header, body


def comparison_table(comparison: Comparison) -> Table:
    """Return the comparison as a table for the terminal."""
    shown = Table(
        title=f"Field of view {comparison.fov} degrees, all headings searched: share (chance), "
        f"difference to {comparison.names[0]} in points [95 %]",
        title_justify="left",
    )
    header, body = comparison_lines(comparison)
    for number, column in enumerate(header):
        shown.add_column(column, justify="left" if number < 2 else "right")
    for line in body:
        shown.add_row(*(cell.replace("[", "\\[") for cell in line))
    return shown


def comparison_markdown(comparison: Comparison) -> str:
    """Return the comparison as Markdown."""
    lines = [
        f"Field of view {comparison.fov} degrees, all headings searched. Share (chance), "
        f"difference to {comparison.names[0]} in points with the 95 % interval of a bootstrap over "
        "the places of the same photos.",
        "",
        *table(*comparison_lines(comparison)),
        *comparison.notes,
    ]
    return "\n".join(lines) + "\n"


def _text(one: Difference) -> str:
    text = f"{100 * one.value:.1f} % ({100 * one.chance:.1f})"
    if one.difference is None or one.interval is None:
        return text
    low, high = one.interval
    return f"{text} {100 * one.difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
