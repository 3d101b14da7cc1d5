"""A trained model's figures on a set as plain values: what ablations ask of an evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from model_core.bundle import load_bundle
from training.evaluate_bundle import evaluate_bundle
from training.evaluation.options import EvaluateOptions, GalleryChoice
from training.metrics import RADIUS_M, Outcomes, summarize

_FOVS_DEG = (120.0, 90.0, 70.0, 55.0, 45.0)
_KEYS = {"1": "recall_at_1", "5": "recall_at_5", "10": "recall_at_10", "1%": "recall_at_1_percent"}


def score_bundle(
    data: Path, bundle: Path, device: str, gallery: GalleryChoice = "places"
) -> list[dict[str, Any]]:
    """Return one mapping a kind of reference, or policy, and field of view.

    Each holds ``kind``, ``fov_deg``, ``queries``, ``photos``, ``chance``, ``recall_at_1``,
    ``recall_at_5``, ``recall_at_10``, ``recall_at_1_percent`` and ``by_place``: of every place its
    ``city``, number ``place``, its ``photos`` and how many of them are ``right`` at rank 1.
    Policies are compared on the same mixed fields of view, ``strict`` on the photos alone whose
    place has a street view in time: its ``queries`` are ``common``, those of all others ``all``. A
    model without a search over headings is scored without. Places are looked at from their centres
    alone, as the paper does.

    Args:
        data: Held-out places.
        bundle: The model.
        device: cpu, cuda or auto.
        gallery: What is searched, as ``evaluate`` names it.

    Raises:
        InputError: There is no place, or one of another frame than the model's.
    """
    search = "full" if load_bundle(bundle).config.heading_search else "none"
    options = EvaluateOptions(
        gallery=gallery, fovs_deg=_FOVS_DEG, beside=False, study=True, samples=1
    )
    report = evaluate_bundle(data, bundle, device, options)
    figures = []
    for label, outcomes in report.outcomes.items():
        mixed = label.fov == options.mixed_label
        if (label.model, label.search) != ("model", search) or (mixed and label.kind != "both"):
            continue
        kind, queries = label.policy if mixed else label.kind, "all"
        if kind == "strict":
            outcomes, queries = outcomes.take(outcomes.available), "common"
        if len(outcomes):
            about = {"kind": kind, "fov_deg": float(label.fov.split("-")[0]), "queries": queries}
            figures.append(about | _figures_of(outcomes))
    return figures


def _figures_of(outcomes: Outcomes) -> dict[str, Any]:
    figures = summarize(outcomes, samples=1)
    shares = {key: figures.shares[f"R@{rank} {RADIUS_M:g}m"] for rank, key in _KEYS.items()}
    return {
        "photos": figures.photos,
        "chance": shares["recall_at_1"].chance,
        **{key: share.value for key, share in shares.items()},
        "by_place": _by_place(outcomes),
    }


def _by_place(outcomes: Outcomes) -> dict[str, list[int]]:
    place, first, of_place = np.unique(outcomes.place, return_index=True, return_inverse=True)
    right = np.bincount(of_place, outcomes.reached()[:, 0, 0])
    return {
        "city": outcomes.city[first].tolist(),
        "place": place.tolist(),
        "photos": np.bincount(of_place).tolist(),
        "right": right.astype(int).tolist(),
    }
