"""The calibration table: no training, one model, street views of which some have wrong headings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.ablation.tables import CALIBRATION, PaperFigures
from training.calibration_study import (
    ACCEPTABLE_HARM,
    CORRUPTED_DEG,
    CORRUPTED_SHARE,
    RIGHT_WITHIN_DEG,
    CalibrationFigures,
)

_PAPER = {row.name: row.paper for row in CALIBRATION.rows}


def write_calibration(figures: Sequence[CalibrationFigures], folder: Path, setting: str) -> Path:
    """Write ``calibration.md``, ``.json`` and ``.png`` and return the Markdown's path.

    Args:
        figures: Of every method on the same street views.
        folder: Where to write.
        setting: The model and the data, in words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "calibration.md"
    path.write_text(markdown(figures, setting), encoding="utf-8")
    document = {"table": "calibration", "setting": setting, "rows": [_plain(f) for f in figures]}
    path.with_suffix(".json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    _draw(figures, path.with_suffix(".png"))
    return path


def _plain(figure: CalibrationFigures) -> dict[str, Any]:
    paper = _PAPER.get(figure.method)
    return {**asdict(figure), "paper_percent": None if paper is None else asdict(paper)}


def markdown(figures: Sequence[CalibrationFigures], setting: str) -> str:
    """Return the table as Markdown."""
    low, high = CORRUPTED_DEG
    lines = [
        f"# {CALIBRATION.title}",
        "",
        f"{setting}. {CORRUPTED_SHARE:.0%} of street-view headings were turned by {low:.0f} to "
        f"{high:.0f} degrees; right is within {RIGHT_WITHIN_DEG:.0f} degrees of the truth.",
        "Recovered: of the turned ones, right after calibration. Harmed: of the others, wrong "
        "after it.",
        f"Derived gate: the least confidence that harms at most {ACCEPTABLE_HARM:.0%}, found on "
        "every other place and judged on those between.",
        f"Paper: {CALIBRATION.source}, R@1 on its own data; compare orderings, not figures.",
        "",
        "| method | recovered | harmed | derived gate | recovered | harmed | R@1 at 90 degrees "
        "| ms a place | paper R@1 same / cross |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_line(figure) for figure in figures)]) + "\n"


def _line(figure: CalibrationFigures) -> str:
    shipped, derived = figure.shipped, figure.derived
    gate = "never" if derived.min_confidence is None else f"{derived.min_confidence:.2f}"
    recall = "-" if figure.recall_at_1 is None else f"{figure.recall_at_1:.1%}"
    cells = [
        figure.method,
        f"{shipped.recovered:.1%}",
        f"{shipped.harmed:.1%}",
        gate,
        f"{derived.recovered:.1%}",
        f"{derived.harmed:.1%}",
        recall,
        f"{figure.ms_a_place:.1f}",
        _printed(_PAPER.get(figure.method)),
    ]
    return "| " + " | ".join(cells) + " |"


def _printed(paper: PaperFigures | None) -> str:
    return "-" if paper is None else f"{paper.same[0]:.2f} / {paper.cross[0]:.2f}"


def _draw(figures: Sequence[CalibrationFigures], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 3.2))
    panel = FigureCanvasAgg(figure).figure.subplots()
    at = range(len(figures))
    panel.bar([x - 0.2 for x in at], [100 * f.shipped.recovered for f in figures], 0.4)
    panel.bar([x + 0.2 for x in at], [100 * f.shipped.harmed for f in figures], 0.4)
    panel.legend(["recovered of the turned", "harmed of the others"])
    panel.set_xticks(list(at), [f.method for f in figures])
    panel.set_ylabel("percent of street views")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
