"""Rows of a report: figures of all photos, of those of a state, of those with a street view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from training.evaluation.options import EvaluateOptions
from training.evaluation.scoring import Search
from training.metrics import Figures, Outcomes, summarize


@dataclass(frozen=True)
class Label:
    """What was scored: ``model`` or a control, kind of reference, policy, field of view, search."""

    model: str
    kind: str
    policy: str
    fov: str
    search: Search


@dataclass(frozen=True)
class Row:
    """Figures of some photos under a label.

    ``state`` is a state of disaster, or ``all``; ``queries`` is ``all``, or ``common`` for the
    photos whose own place has a street view that serves them.
    """

    label: Label
    state: str
    queries: str
    figures: Figures


def make_rows(
    outcomes: Mapping[Label, Outcomes],
    options: EvaluateOptions,
    states: tuple[str, ...],
    device: torch.device,
) -> list[Row]:
    """Return the rows of a report.

    Args:
        outcomes: What came of the photos under each label.
        options: The mixed photos alone are split by state and by street view.
        states: Names of the states of disaster.
        device: Where the bootstrap is drawn.
    """
    rows = []
    for label, some in outcomes.items():
        split = label.fov == options.mixed_label and label.model == "model"
        for state, queries, mask in _groups(some, states, split):
            chosen = some if mask is None else some.take(mask)
            figures = summarize(chosen, options.samples, options.seed, device)
            rows.append(Row(label, state, queries, figures))
    return rows


def _groups(
    outcomes: Outcomes, states: tuple[str, ...], split: bool
) -> Iterator[tuple[str, str, npt.NDArray[np.bool_] | None]]:
    yield "all", "all", None
    if not split:
        return
    if not outcomes.available.all():
        yield "all", "common", outcomes.available
    there = np.unique(outcomes.state)
    if len(there) > 1:
        for state in there:
            name = states[state] if state < len(states) else f"state {state}"
            yield name, "all", outcomes.state == state
