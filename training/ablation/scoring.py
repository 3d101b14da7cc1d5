"""A trained model's figures on a set as plain values: what ablations ask of an evaluation."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from training.evaluate_bundle import evaluate_bundle


def score_bundle(data: Path, bundle: Path, device: str) -> list[dict[str, Any]]:
    """Return one mapping a kind of reference and field of view.

    Each holds ``kind``, ``fov_deg``, ``photos``, ``chance``, ``recall_at_1``, ``recall_at_5`` and,
    where measured, ``recall_at_10`` and ``recall_at_1_percent``.

    Args:
        data: Held-out places.
        bundle: The model.
        device: cpu, cuda or auto.

    Raises:
        InputError: There is no place, or one of another frame than the model's.
    """
    report = evaluate_bundle(data, bundle, device)
    return [dataclasses.asdict(figure) for figure in report.recalls]
