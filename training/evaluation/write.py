"""A report as files: report.json, report.md, photos.parquet and plots."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model_core.errors import InputError
from training.evaluate import KIND_NAMES, SEARCH_NAMES
from training.evaluate_bundle import EvaluationReport
from training.evaluation.rows import Row
from training.metrics import HEADING_WITHIN_DEG, RADII_M, RANKS, Figures, share_values
from training.plots import draw_plots

PAPER_POLICIES = {
    "strict": (60.62, 37.90),
    "hybrid": (46.34, 26.44),
    "nearest": (48.18, 28.57),
    "synthetic": (54.27, 32.12),
}
"""R@1 in percent, same-area and cross-area, on real data. Source: Hou et al. 2025, Table 4."""
PHOTOS_FILE = "photos.parquet"


def write_report(report: EvaluationReport, out: Path) -> None:
    """Write a report: as JSON alone where ``out`` ends in ``.json``, else all files in a folder.

    Raises:
        InputError: A file cannot be written.
    """
    try:
        if out.suffix == ".json":
            out.parent.mkdir(parents=True, exist_ok=True)
            _write_json(report, out)
            return
        out.mkdir(parents=True, exist_ok=True)
        _write_json(report, out / "report.json")
        pq.write_table(photo_table(report), out / PHOTOS_FILE)
        plots = draw_plots(report.outcomes, report.rows, out, report.options.mixed_label)
        (out / "report.md").write_text(report_markdown(report, plots), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error}); choose another place") from error


def _write_json(report: EvaluationReport, path: Path) -> None:
    text = json.dumps(report_mapping(report), indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def report_mapping(report: EvaluationReport) -> dict[str, Any]:
    """Return a report as plain values; ``figures`` are the short form of the model's own rows."""
    return {
        "bundle": str(report.bundle),
        "model_hash": report.model_hash,
        "data": str(report.data),
        "protocol": report.protocol,
        "places": report.places,
        "radius_m": report.radius_m,
        "device": report.device,
        "options": dataclasses.asdict(report.options),
        "cost": None if report.cost is None else dataclasses.asdict(report.cost),
        "notes": list(report.notes),
        "figures": [dataclasses.asdict(r) for r in report.recalls if r.fov_max_deg is None],
        "rows": [
            {
                **dataclasses.asdict(row.label),
                "state": row.state,
                "queries": row.queries,
                "photos": row.figures.photos,
                "shares": {k: dataclasses.asdict(v) for k, v in row.figures.shares.items()},
                "numbers": dict(row.figures.numbers),
            }
            for row in report.rows
        ],
    }


def photo_table(report: EvaluationReport) -> pa.Table:
    """Return what came of every photo under every label, one row each."""
    parts = []
    for label, some in report.outcomes.items():
        names, values, _ = share_values(some)
        count = len(some)
        columns: dict[str, Any] = {
            name: pa.array([value] * count, pa.string()).dictionary_encode()
            for name, value in dataclasses.asdict(label).items()
        }
        for name in ("city", "place", "photo", "state", "available", "fov_deg", "probability"):
            columns[name] = getattr(some, name)
        for k, radius_m in enumerate(some.radii_m):
            columns[f"rank {radius_m:g}m"] = some.rank[:, k]
        columns["heading_error_deg"] = some.heading_error_deg
        columns["first_heading_error_deg"] = some.first_heading_error_deg
        columns["first_distance_m"] = some.first_distance_m
        columns |= {name: values[:, k].astype(np.float32) for k, name in enumerate(names)}
        parts.append(pa.table(columns))
    return pa.concat_tables(parts).unify_dictionaries()


def report_markdown(report: EvaluationReport, plots: Iterable[str] = ()) -> str:
    """Return a report to be read, chance beside every share."""
    options, notes = report.options, list(report.notes)
    if any(recall.search == "none" for recall in report.recalls):
        notes.append(
            "The model itself searches no headings. What it finds so is the row of the table on "
            "headings that is not searched; every other table and plot is of a search."
        )
    if "1%" not in _ranks(report):
        notes.append("R@1% is left out: in galleries of 100 places or fewer it is R@1.")
    lines = [
        f"# Evaluation of {report.bundle.name}",
        "",
        f"Model `{report.model_hash[:12]}`, data `{report.data.name}`: {report.places} places, "
        f"{report.protocol}; gallery: {options.gallery}, street views: "
        f"{options.policy}, imagery {options.imagery}.",
        f"Right is what lies within {report.radius_m:g} m of {_right_of(report)} unless said "
        "otherwise; headings are unknown and all are searched; brackets are 95 % intervals of a "
        "bootstrap over places within each city; (chance) is what a random order of the places "
        "that could be scored gives: fewer places where some have no street view.",
        "",
        *[f"- {note}" for note in notes],
        *([""] if notes else []),
        *_headline(report),
        *_by_field_of_view(report),
        *_searches(report),
        *_states(report),
        *_policies(report),
        *_controls(report),
        *_confidence(report),
        *_cost(report),
    ]
    for name in plots:
        lines += [f"![{Path(name).stem.replace('_', ' ')}]({name})", ""]
    return "\n".join(lines)


def _right_of(report: EvaluationReport) -> str:
    """Return what a right answer lies near: roads and photos are searched from the camera."""
    at_camera = report.options.gallery in ("roads", "photos")
    return "the camera" if at_camera else "the photo's place"


def _headline(report: EvaluationReport) -> list[str]:
    label = report.options.mixed_label
    rows = [r for r in _own(report) if r.label.fov == label and r.label.search == "full"]
    ranks = _ranks(report)
    header = ["references", "photos", "radius", *(f"R@{k}" for k in ranks)]
    body = [
        [KIND_NAMES.get(row.label.kind, row.label.kind), str(row.figures.photos), f"{radius:g} m"]
        + [_share(row.figures, f"R@{k} {radius:g}m") for k in ranks]
        for row in rows
        for radius in RADII_M
    ]
    return [f"## Fields of view {label} degrees, mixed", "", *table(header, body)]


def _by_field_of_view(report: EvaluationReport) -> list[str]:
    ranks = _ranks(report)
    header = ["references", "fov", "photos", *(f"R@{k}" for k in ranks), "median rank"]
    header += ["heading error", *(f"within {d:g} deg" for d in HEADING_WITHIN_DEG)]
    body = []
    for row in (r for r in _own(report) if r.label.search == "full"):
        numbers = row.figures.numbers
        body.append(
            [KIND_NAMES.get(row.label.kind, row.label.kind), row.label.fov]
            + [str(row.figures.photos)]
            + [_share(row.figures, f"R@{k} {report.radius_m:g}m") for k in ranks]
            + [f"{_number(numbers, 'median_rank')} of {_number(numbers, 'places')}"]
            + [_number(numbers, "median_heading_error_deg")]
            + [_share(row.figures, f"heading {d:g}") for d in HEADING_WITHIN_DEG]
        )
    note = "Heading errors in degrees at the right place; the median of chance is 90."
    return ["## By field of view", "", note, "", *table(header, body)]


def _searches(report: EvaluationReport) -> list[str]:
    label = report.options.mixed_label
    rows = [r for r in _own(report) if r.label.fov == label]
    if len({row.label.search for row in rows}) < 2:
        return []
    header = ["references", "heading", "R@1", "R@5", "heading error at the first answer"]
    body = [
        [
            KIND_NAMES.get(row.label.kind, row.label.kind),
            SEARCH_NAMES[row.label.search],
            _share(row.figures, f"R@1 {report.radius_m:g}m"),
            _share(row.figures, f"R@5 {report.radius_m:g}m"),
            _number(row.figures.numbers, "median_first_heading_error_deg"),
        ]
        for row in rows
    ]
    return [f"## Headings, {label} degrees", "", *table(header, body)]


def _states(report: EvaluationReport) -> list[str]:
    rows = [
        row
        for row in report.rows
        if row.state != "all"
        and (row.label.policy, row.label.search) == (report.options.policy, "full")
    ]
    if not rows:
        return []
    header = ["state", "references", "photos", "R@1", "R@5", "heading error"]
    body = [
        [
            row.state,
            KIND_NAMES.get(row.label.kind, row.label.kind),
            str(row.figures.photos),
            _share(row.figures, f"R@1 {report.radius_m:g}m"),
            _share(row.figures, f"R@5 {report.radius_m:g}m"),
            _number(row.figures.numbers, "median_heading_error_deg"),
        ]
        for row in sorted(rows, key=lambda row: row.state)
    ]
    label = report.options.mixed_label
    return [f"## By state of disaster, {label} degrees", "", *table(header, body)]


def _policies(report: EvaluationReport) -> list[str]:
    rows = [
        row
        for row in report.rows
        if (row.label.model, row.label.kind, row.label.search) == ("model", "both", "full")
        and row.label.fov == report.options.mixed_label
        and row.state == "all"
    ]
    policies = list(dict.fromkeys(row.label.policy for row in rows))
    if len(policies) < 2:
        return []
    header = ["street views", "R@1, all photos", "R@1, common photos", "R@5, common photos"]
    header += ["paper R@1, same / cross"]
    body = []
    for policy in policies:
        of = {row.queries: row.figures for row in rows if row.label.policy == policy}
        common = of.get("common", of["all"])
        paper = PAPER_POLICIES.get(policy)
        body.append(
            [policy, _share(of["all"], f"R@1 {report.radius_m:g}m")]
            + [_share(common, f"R@{k} {report.radius_m:g}m") for k in ("1", "5")]
            + ["" if paper is None else f"{paper[0]:.2f} / {paper[1]:.2f} %"]
        )
    photos, common_photos = of["all"].photos, common.photos
    note = (
        f"Common photos are those whose own place has a street view that is recent enough: "
        f"{common_photos} of {photos}, a coverage of {common_photos / photos:.2%} (the paper's: "
        "62.45 %). `strict` has only such places to search. The paper's figures are of real data "
        "that is not public: compare orders, not values."
    )
    return ["## Street views under each policy", "", note, "", *table(header, body)]


def _controls(report: EvaluationReport) -> list[str]:
    label = report.options.mixed_label
    rows = [
        row
        for row in report.rows
        if row.label.fov == label
        and (row.state, row.queries, row.label.search) == ("all", "all", "full")
        and row.label.policy == report.options.policy
    ]
    if all(row.label.model == "model" for row in rows):
        return []
    header = ["", "references", "R@1", "R@5", "heading error"]
    body = [
        [
            row.label.model,
            KIND_NAMES.get(row.label.kind, row.label.kind),
            _share(row.figures, f"R@1 {report.radius_m:g}m"),
            _share(row.figures, f"R@5 {report.radius_m:g}m"),
            _number(row.figures.numbers, "median_heading_error_deg"),
        ]
        for row in rows
    ]
    return [f"## Controls, {label} degrees", "", *table(header, body)]


def _confidence(report: EvaluationReport) -> list[str]:
    label = report.options.mixed_label
    header = ["references", "AURC", "of a random order", "ECE", "mean probability", "share right"]
    body = []
    for row in _own(report):
        if row.label.fov == label and row.label.search == "full":
            n = row.figures.numbers
            names = ("aurc", "aurc_chance", "ece", "mean_probability")
            values = [_number(n, name, 3) for name in names]
            right = row.figures.share(f"R@1 {report.radius_m:g}m")
            body.append([KIND_NAMES.get(row.label.kind, row.label.kind), *values, f"{right:.3f}"])
    note = (
        "AURC: the mean risk of a wrong first answer while only the surest photos are answered, "
        "from one to all. ECE: the mean gap between the first answer's probability and how often "
        "it is right. Every photo was taken at one of the places searched, so these probabilities "
        "leave nothing for elsewhere, as those of a search do."
    )
    return [f"## Confidence, {label} degrees", "", note, "", *table(header, body)]


def _cost(report: EvaluationReport) -> list[str]:
    cost = report.cost
    if cost is None:
        return []
    memory = "-" if cost.peak_memory_mb is None else f"{cost.peak_memory_mb:.0f} MB"
    return [
        "## Cost of a query",
        "",
        f"{cost.encode_ms:.2f} ms to encode a photo and {cost.rank_ms:.2f} ms to rank "
        f"{cost.places} places over all headings, on {report.device}; peak memory "
        f"{memory}. The paper's: 107.3 ms a query on an RTX 3080.",
        "",
    ]


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table and a blank one."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in body), ""]


def _own(report: EvaluationReport) -> list[Row]:
    """Return the model's rows over all photos, under the policy asked for."""
    return [
        row
        for row in report.rows
        if row.label.model == "model"
        and (row.state, row.queries) == ("all", "all")
        and row.label.policy == report.options.policy
    ]


def _ranks(report: EvaluationReport) -> tuple[str, ...]:
    """Return the ranks that say something each: R@1% is R@1 where galleries are small."""
    shares = [row.figures.shares for row in _own(report)]
    pairs = [
        (some[f"R@1% {m:g}m"].value, some[f"R@1 {m:g}m"].value) for some in shares for m in RADII_M
    ]
    return RANKS if any(one != other for one, other in pairs) else RANKS[:-1]


def _share(figures: Figures, name: str) -> str:
    if name not in figures.shares:
        return "-"
    one = figures.shares[name]
    interval = f"[{100 * one.low:.1f}, {100 * one.high:.1f}]"
    return f"{100 * one.value:.1f} % {interval} ({100 * one.chance:.1f})"


def _number(numbers: Any, name: str, digits: int = 1) -> str:
    value = numbers.get(name)
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits == 1 else f"{value:.{digits}f}"
