"""Plots of an evaluation: recall, heading errors, risk over coverage, reliability, states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter, ScalarFormatter

from training.evaluate import KIND_NAMES
from training.evaluation.rows import Label, Row
from training.metrics import RADIUS_M, Outcomes, Vector, chance_of_reach, reliability, risk_coverage

COLORS = {
    "si": "#0072b2",
    "svi": "#d55e00",
    "both": "#009e73",
    "road": "#56b4e9",
    "layout": "#cc79a7",
}
CHANCE_COLOR = "0.45"
_RANKS_SHOWN = 100
_HEADING_STEP_DEG = 10.0
_LEAST_PHOTOS = 10


def draw_plots(
    outcomes: Mapping[Label, Outcomes], rows: Sequence[Row], folder: Path, mixed: str
) -> list[str]:
    """Draw every plot that the figures allow and return the files' names.

    Args:
        outcomes: What came of the photos under each label.
        rows: All figures.
        folder: Where the PNG files go.
        mixed: Label of the mixed fields of view.
    """
    own = _own(outcomes, mixed)
    if not own:
        return []
    drawn = []
    plots: tuple[tuple[str, Callable[[Any], bool]], ...] = (
        ("recall_by_rank", lambda axes: _recall_by_rank(axes, own, mixed)),
        ("recall_by_fov", lambda axes: _recall_by_fov(axes, _of_model(rows, own), mixed)),
        ("heading_error", lambda axes: _heading_error(axes, own, mixed)),
        ("risk_coverage", lambda axes: _risk_coverage(axes, own, mixed)),
        ("reliability", lambda axes: _reliability(axes, own, mixed)),
        ("recall_by_state", lambda axes: _by_state(axes, rows, own, mixed)),
    )
    for name, draw in plots:
        canvas = Canvas(figsize=(7.0, 4.4), layout="constrained")
        axes = canvas.subplots()
        if draw(axes):
            FigureCanvasAgg(canvas).print_figure(folder / f"{name}.png", dpi=130)
            drawn.append(f"{name}.png")
    return drawn


def _own(outcomes: Mapping[Label, Outcomes], mixed: str) -> dict[str, tuple[Label, Outcomes]]:
    """Return the model's photos of mixed fields of view by kind, under its first policy."""
    found: dict[str, tuple[Label, Outcomes]] = {}
    for label, some in outcomes.items():
        if (label.model, label.fov, label.search) == ("model", mixed, "full"):
            found.setdefault(label.kind, (label, some))
    return found


def _of_model(rows: Sequence[Row], own: Mapping[str, tuple[Label, Outcomes]]) -> list[Row]:
    policies = {label.policy for label, _ in own.values()}
    return [
        row
        for row in rows
        if (row.label.model, row.label.search) == ("model", "full")
        and (row.state, row.queries) == ("all", "all")
        and (row.label.kind != "both" or row.label.policy in policies)
    ]


def _name(kind: str) -> str:
    return KIND_NAMES.get(kind, kind)


def _recall_by_rank(axes: Any, own: Mapping[str, tuple[Label, Outcomes]], mixed: str) -> bool:
    most = min(_RANKS_SHOWN, max(int(some.places.max()) for _, some in own.values()))
    at = np.arange(1, most + 1)
    for kind, (_, some) in own.items():
        found = (some.rank[:, :1] <= at) & (some.rank[:, :1] <= some.places[:, None])
        axes.plot(at, found.mean(axis=0), color=COLORS[kind], marker=".", label=_name(kind))
    curves = {
        kind: chance_of_reach(some.scored[:, None], some.right[:, :1], at).mean(axis=0)
        for kind, (_, some) in own.items()
    }
    _draw_chance(axes, curves, at, "random order")
    axes.set_xscale("log")
    axes.set_xlim(0.95, most * 1.05)
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick <= most]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    _finish(
        axes,
        f"answers looked at, of {int(some.places.max())} places at most",
        f"photos with one within {RADIUS_M:g} m",
        f"Recall by rank, fields of view {mixed} degrees",
    )
    return True


def _recall_by_fov(axes: Any, rows: Sequence[Row], mixed: str) -> bool:
    single = [row for row in rows if row.label.fov != mixed]
    if len({row.label.fov for row in single}) < 2:
        return False
    labels = sorted({row.label.fov for row in single}, key=float)
    at = {label: k for k, label in enumerate(labels)}
    kinds = list(dict.fromkeys(row.label.kind for row in single))
    chance = {}
    for number, kind in enumerate(kinds):
        mine = sorted((r for r in single if r.label.kind == kind), key=lambda r: float(r.label.fov))
        shares = [row.figures.shares[f"R@1 {RADIUS_M:g}m"] for row in mine]
        x = np.array([at[row.label.fov] for row in mine]) + 0.06 * (number - 1)
        value = np.array([share.value for share in shares])
        chance[kind] = np.array([share.chance for share in shares])
        edges = [value - [s.low for s in shares], [s.high for s in shares] - value]
        axes.errorbar(
            x,
            value,
            np.maximum(edges, 0.0),
            marker="o",
            capsize=3,
            color=COLORS[kind],
            label=_name(kind),
        )
    _draw_chance(axes, chance, range(len(labels)), "chance")
    axes.set_xticks(range(len(labels)), labels)
    _finish(
        axes,
        "field of view, degrees",
        f"first answer within {RADIUS_M:g} m",
        "Recall at 1 by field of view (bars: 95 %)",
    )
    return True


def _draw_chance(axes: Any, curves: Mapping[str, Vector], at: Any, name: str) -> None:
    """Draw what chance gives: one line, or one a kind where they have different places to name."""
    first = next(iter(curves.values()))
    if all(np.allclose(first, curve) for curve in curves.values()):
        axes.plot(at, first, "--", color=CHANCE_COLOR, label=name)
        return
    for kind, curve in curves.items():
        axes.plot(at, curve, "--", color=COLORS[kind], linewidth=1)
    axes.plot([], [], "--", color=CHANCE_COLOR, label=name)


def _heading_error(axes: Any, own: Mapping[str, tuple[Label, Outcomes]], mixed: str) -> bool:
    edges = np.arange(0.0, 180.0 + _HEADING_STEP_DEG, _HEADING_STEP_DEG)
    drawn = False
    for kind, (_, some) in own.items():
        error = some.heading_error_deg[~np.isnan(some.heading_error_deg)]
        if len(error):
            share = np.histogram(error, edges)[0] / len(error)
            axes.stairs(
                share,
                edges,
                color=COLORS[kind],
                linewidth=1.8,
                label=f"{_name(kind)} (median {np.median(error):.0f})",
            )
            drawn = True
    axes.axhline(_HEADING_STEP_DEG / 180, ls="--", color=CHANCE_COLOR, label="chance (median 90)")
    axes.set_xlim(0, 180)
    axes.set_xticks(range(0, 181, 30))
    _finish(
        axes,
        "heading error at the right place, degrees",
        f"photos, a step of {_HEADING_STEP_DEG:g} degrees",
        f"Heading error, fields of view {mixed} degrees",
        top=None,
    )
    return drawn


def _risk_coverage(axes: Any, own: Mapping[str, tuple[Label, Outcomes]], mixed: str) -> bool:
    for kind, (_, some) in own.items():
        right = some.reached()[:, 0, 0]
        coverage, risk = risk_coverage(some.probability, right)
        axes.plot(coverage, risk, color=COLORS[kind], label=f"{_name(kind)} ({risk.mean():.2f})")
        axes.axhline(1 - right.mean(), ls=":", color=COLORS[kind], linewidth=1)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _finish(
        axes,
        "photos answered, the surest first",
        "of those, first answer wrong",
        f"Risk over coverage, {mixed} degrees (area; dotted: random order)",
    )
    return True


def _reliability(axes: Any, own: Mapping[str, tuple[Label, Outcomes]], mixed: str) -> bool:
    axes.plot([0, 1], [0, 1], "--", color=CHANCE_COLOR, label="well calibrated")
    for kind, (_, some) in own.items():
        said, share, count = reliability(some.probability, some.reached()[:, 0, 0])
        # Lines join what rests on enough photos; a share of a few is a point of its own.
        sound = count >= _LEAST_PHOTOS
        style = {"color": COLORS[kind], "marker": "o"}
        axes.plot(said[sound], share[sound], label=_name(kind), **style)
        axes.plot(said[~sound], share[~sound], ls="", alpha=0.35, markersize=4, **style)
    axes.plot(
        [],
        [],
        ls="",
        marker="o",
        alpha=0.35,
        markersize=4,
        color="black",
        label=f"fewer than {_LEAST_PHOTOS} photos",
    )
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _finish(
        axes,
        "probability of the first answer",
        f"first answer within {RADIUS_M:g} m",
        f"Reliability, fields of view {mixed} degrees",
        top=1.02,
    )
    return True


def _by_state(
    axes: Any, rows: Sequence[Row], own: Mapping[str, tuple[Label, Outcomes]], mixed: str
) -> bool:
    policies = {label.policy for label, _ in own.values()}
    mine = [
        row
        for row in rows
        if row.state != "all" and row.label.policy in policies and row.label.search == "full"
    ]
    if not mine:
        return False
    states = list(dict.fromkeys(row.state for row in mine))
    kinds = [kind for kind in own if any(row.label.kind == kind for row in mine)]
    width = 0.8 / len(kinds)
    for number, kind in enumerate(kinds):
        for at, state in enumerate(states):
            found = [r for r in mine if (r.label.kind, r.state) == (kind, state)]
            if found:
                share = found[0].figures.shares[f"R@1 {RADIUS_M:g}m"]
                x = at + (number - (len(kinds) - 1) / 2) * width
                error = [[max(0.0, share.value - share.low)], [max(0.0, share.high - share.value)]]
                axes.bar(
                    x,
                    share.value,
                    0.92 * width,
                    yerr=error,
                    capsize=2,
                    color=COLORS[kind],
                    label=_name(kind) if at == 0 else None,
                )
                axes.hlines(
                    share.chance,
                    x - width / 2,
                    x + width / 2,
                    color="black",
                    label="chance" if at == 0 and number == 0 else None,
                )
    photos = {row.state: row.figures.photos for row in mine}
    axes.set_xticks(range(len(states)), [f"{state}\n({photos[state]})" for state in states])
    _finish(
        axes,
        "state (photos)",
        f"first answer within {RADIUS_M:g} m",
        f"Recall at 1 by state of disaster, {mixed} degrees (bars: 95 %)",
    )
    return True


def _finish(axes: Any, x: str, y: str, title: str, top: float | None = None) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, fontsize=11)
    axes.set_ylim(bottom=0, top=top)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9, framealpha=0.7, edgecolor="none")
