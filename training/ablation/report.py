"""A table of ablations as Markdown, JSON and a picture: our figures beside the paper's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from training.ablation.figures import AREAS, DIFFERS, RowFigures, printed_recall
from training.ablation.tables import PAPER_RANKS, Row, Table

_ORDER = (
    "Order: it differs where a row is surely better than one above it in the paper, or worse than "
    "one below; it is as in the paper where every such difference surely is. Sure is what 95 % of "
    "the differences over the same places say, or intervals that do not overlap."
)
_NO_PERCENT = "R@1% is not shown where it is R@1, as in galleries of 100 places or fewer."
_AREA_NAMES = {"same": "same area", "cross": "cross area"}


@dataclass(frozen=True)
class Report:
    """What a table came to.

    ``figures`` by area, then by row, None where nothing has been measured yet; ``notes`` say why a
    row is missing; ``setting`` is what all rows share, ``options`` what of it is set otherwise than
    by default.
    """

    table: Table
    setting: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, RowFigures | None]]
    notes: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)


def write_report(report: Report, folder: Path) -> Path:
    """Write ``<table>.md``, ``.json`` and ``.png`` into a folder and return the Markdown's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.table.name}.md"
    path.write_text(markdown(report), encoding="utf-8")
    document = {
        "table": report.table.name,
        "setting": dict(report.setting),
        "options": dict(report.options),
        "notes": list(report.notes),
        "rows": [_row_document(report, row) for row in report.table.rows],
    }
    path.with_suffix(".json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    _draw(report, path.with_suffix(".png"))
    return path


def _row_document(report: Report, row: Row) -> dict[str, Any]:
    measured = {area: rows[row.name] for area, rows in report.figures.items()}
    return {
        "name": row.name,
        "preset": row.preset,
        "options": list(row.options),
        "scored": list(row.scored),
        "gallery": row.gallery,
        "kind": row.kind,
        "ours": {area: None if f is None else asdict(f) for area, f in measured.items()},
        "paper_percent": None if row.paper is None else asdict(row.paper),
    }


def markdown(report: Report) -> str:
    """Return the report as Markdown."""
    table = report.table
    shared = ", ".join(f"{name} {value}" for name, value in report.setting.items())
    lines = [f"# {table.title}", "", f"Equal for all rows: {shared}."]
    lines += _options(report.options)
    lines += [f"Paper: {table.source}, on its own data; compare orderings, not figures."]
    lines += [table.note] if table.note else []
    lines += [_intervals(report)]
    found = [f for rows in report.figures.values() for f in rows.values() if f is not None]
    lines += [_ORDER] if any(f.order for f in found) else []
    lines += [_NO_PERCENT] if any(map(_percent_is_first, found)) else []
    for area in (a for a in AREAS if a in report.figures):
        lines += ["", f"## {_AREA_NAMES[area]}", "", *_area_table(report, area)]
    lines += ["", *(f"- {note}" for note in report.notes)] if report.notes else []
    return "\n".join(lines) + "\n"


def _options(options: Mapping[str, Any]) -> list[str]:
    if not options:
        return ["Rows have the default options but for what they are about."]
    named = ", ".join(f"{name}={'null' if v is None else v}" for name, v in options.items())
    lines = [f"Set otherwise than by default, but for what a row is about: {named}."]
    if "start_from" in options:
        lines += ["Rows start from a trained model: those that are alike to it begin ahead."]
    return lines


def _intervals(report: Report) -> str:
    found = {n: f for rows in report.figures.values() for n, f in rows.items() if f is not None}
    older = [name for name, figures in found.items() if not figures.over_places]
    single = [name for name, figures in found.items() if len(figures.seeds) == 1]
    several = len(single) < len(found)
    text = "Intervals are of a bootstrap over "
    text += "seeds, and over places within each city" if several else "places within each city"
    if single:
        whose = f" are {', '.join(single)}" if several else ""
        text += f"; of one seed{whose}, so that how much trainings differ is not in them"
    if older:
        text += f"; over photos, which is too narrow, of {', '.join(older)}: no places were kept"
    return text + "."


def _area_table(report: Report, area: str) -> list[str]:
    rows = report.figures[area]
    measured = [f for f in rows.values() if f is not None]
    ranks = [r for r in PAPER_RANKS if measured and all(r in f.recall for f in measured)]
    if all(_percent_is_first(f) for f in measured):
        ranks = [rank for rank in ranks if rank != "1%"]
    head = ["row", *(f"R@{r}" for r in ranks or ["1"]), "95 % of R@1", "chance R@1", "seeds"]
    first = report.table.rows[0]
    head += [f"{first.name} finds"] if report.table.times else []
    head += ["paper R@1/5/10/1%", "order"]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in report.table.rows:
        printed = " / ".join(f"{share:.2f}" for share in printed_recall(row.paper, area)) or "-"
        found = rows[row.name]
        if found is None:
            lines.append(_line([row.name, *["-"] * (len(head) - 3), printed, ""]))
            continue
        shares = {rank: f"{share:.1%}" for rank, share in found.recall.items()}
        if _percent_is_first(found):
            shares["1%"] = "-"
        cells = [row.name, *(shares[rank] for rank in ranks)]
        cells += [f"{found.low:.1%} to {found.high:.1%}", f"{found.chance:.1%}"]
        cells += [", ".join(map(str, found.seeds))]
        cells += [_times(found.times, row, first)] if report.table.times else []
        cells += [printed, found.order]
        lines.append(_line(cells))
    return lines


def _percent_is_first(figures: RowFigures) -> bool:
    return figures.recall.get("1%") == figures.recall["1"]


def _times(times: Sequence[float], row: Row, first: Row) -> str:
    """Return how many times as much the first row finds, and how otherwise this one is searched."""
    if not times:
        return "-"
    reach = f" ({times[1]:.2f} to {times[2]:.2f})" if len(times) > 1 else ""
    unlike = [f"gallery {row.gallery}, not {first.gallery}"] if row.gallery != first.gallery else []
    unlike += ["headings not searched"] if first.searches and not row.searches else []
    return "; ".join([f"{times[0]:.2f} times{reach}", *unlike])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _draw(report: Report, path: Path) -> None:
    """Draw our R@1 as bars with their intervals, chance and the paper's R@1 as marks."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 0.9 + 0.45 * len(report.table.rows) * len(report.figures)))
    panels = FigureCanvasAgg(figure).figure.subplots(len(report.figures), 1, squeeze=False)
    names = [row.name for row in report.table.rows]
    for panel, (area, rows) in zip(panels[:, 0], report.figures.items(), strict=True):
        for height, row in enumerate(report.table.rows):
            found, printed = rows[row.name], printed_recall(row.paper, area)
            if found is not None:
                share = 100 * found.recall["1"]
                reach = [[share - 100 * found.low], [100 * found.high - share]]
                colour = "tab:orange" if found.order == DIFFERS else "tab:blue"
                panel.barh(height, share, xerr=reach, color=colour, capsize=3, height=0.6)
                panel.plot([100 * found.chance] * 2, [height - 0.35, height + 0.35], "k:")
            if printed:
                panel.plot(printed[0], height, "kD", fillstyle="none")
        panel.set_yticks(range(len(names)), names)
        panel.invert_yaxis()
        panel.set_xlim(left=0)
        panel.set_xlabel(
            f"R@1 in percent, {_AREA_NAMES[area]}; diamond: paper, dotted: chance, "
            "orange: another order"
        )
    figure.tight_layout()
    figure.savefig(path, dpi=120)
