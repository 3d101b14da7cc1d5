"""What a fit of evidence changed: a table, JSON, a plot of reliability, and the bundle."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from rich.table import Table

from model_core.bundle import ModelBundle, write_bundle
from model_core.config import EvidenceModel
from training.evidence_fit import FITTED, EvidenceFigures

FIGURES_FILE, PLOT_FILE = "evidence.json", "reliability.png"
_ROWS = {
    "rank1": "right at rank 1",
    "rank1_far": "the same, no full circle within 25 m",
    "probability": "mean probability of rank 1",
    "calibration_error": "calibration error",
    "wrongly_elsewhere": "said to be elsewhere, wrongly",
    "rightly_elsewhere": "said to be elsewhere, rightly",
}


def evidence_table(
    old: EvidenceModel, new: EvidenceModel, before: EvidenceFigures, after: EvidenceFigures
) -> Table:
    """Return constants and figures for the terminal; those of the fit are of areas left out."""
    table = Table(
        title=f"{before.photos} photos of the areas, {before.foreign} of others; fits are judged "
        "on areas left out",
        title_justify="left",
    )
    table.add_column("")
    table.add_column("before", justify="right")
    table.add_column("fitted", justify="right")
    for name in FITTED:
        table.add_row(name, f"{getattr(old, name):g}", f"{getattr(new, name):g}")
    table.add_section()
    for name, words in _ROWS.items():
        first, second = getattr(before, name), getattr(after, name)
        table.add_row(words, f"{first:.1%}", f"{second:.1%}")
    for name, words in (("log_likelihood", "of the truth"), ("log_elsewhere", "of elsewhere")):
        first, second = getattr(before, name), getattr(after, name)
        table.add_row(f"mean log probability {words}", f"{first:.2f}", f"{second:.2f}")
    return table


def write_evidence(
    folder: Path,
    old: EvidenceModel,
    new: EvidenceModel,
    before: EvidenceFigures,
    after: EvidenceFigures,
) -> None:
    """Write constants and figures as JSON, and how reliable probabilities are as a picture."""
    described = {
        name: {"constants": {key: getattr(model, key) for key in FITTED}}
        | dataclasses.asdict(figures)
        for name, model, figures in (("before", old, before), ("fitted", new, after))
    }
    (folder / FIGURES_FILE).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    canvas = Canvas(figsize=(5.2, 4.6), layout="constrained")
    axes = canvas.subplots()
    axes.plot([0, 1], [0, 1], color="0.45", linestyle="--", linewidth=1, label="honest")
    for figures, color, name in ((before, "#56b4e9", "before"), (after, "#d55e00", "fitted")):
        said, share, count = zip(*figures.reliability, strict=True)
        label = f"{name}, error {figures.calibration_error:.0%}"
        axes.plot(said, share, color=color, linewidth=0.8, alpha=0.5, zorder=1)
        most = max(count)
        axes.scatter(
            said, share, s=[12 + 160 * n / most for n in count], color=color, alpha=0.8, label=label
        )
    axes.set(xlabel="probability said", ylabel="share right", xlim=(0, 1.02), ylim=(-0.02, 1.04))
    axes.set_title("First candidates; a larger dot stands for more photos", fontsize=10)
    axes.legend(frameon=False, loc="upper left")
    axes.grid(alpha=0.25)
    FigureCanvasAgg(canvas).print_figure(folder / PLOT_FILE, dpi=130)


def keep_evidence(model: ModelBundle, evidence: EvidenceModel) -> None:
    """Write a bundle again with other constants; weights and card stay.

    Raises:
        BundleError: It cannot be written.
    """
    write_bundle(dataclasses.replace(model, evidence=evidence))
