"""A model of any folder on held-out rendered cities, its figures as a table and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from model_core.bundle import default_bundle_path, load_bundle
from model_core.device import choose_device
from model_core.errors import InputError
from training.datasets.rendered import load_galleries, load_rendered
from training.evaluate import Recall, evaluate_matcher

FOVS_DEG = (45.0, 60.0, 90.0, 110.0, 360.0)
RADIUS_M = 25.0


@dataclass(frozen=True)
class EvaluationReport:
    """The figures of one model; right is what lies within ``radius_m`` of the truth."""

    bundle: Path
    model_hash: str
    data: Path
    places: int
    radius_m: float
    recalls: tuple[Recall, ...]


def evaluate_bundle(
    data: Path, bundle: Path | None = None, device: str = "auto"
) -> EvaluationReport:
    """Return how well a model finds the places of rendered cities.

    Args:
        data: Folder of cities that the model did not learn from.
        bundle: Folder of the model; None takes the packaged one.
        device: "cpu", "cuda", "mps" or "auto".

    Raises:
        InputError: There is no city, or one of another frame than the model's.
        BundleError: The model cannot be read.
        DeviceError: There is no such device.
    """
    path = bundle or default_bundle_path()
    chosen = choose_device(device)
    model = load_bundle(path, chosen)
    places = load_rendered(data, model.config)
    recalls = evaluate_matcher(
        model.encoder,
        model.config,
        places,
        fovs_deg=FOVS_DEG,
        radius_m=RADIUS_M,
        device=chosen,
        galleries=load_galleries(data),
    )
    return EvaluationReport(path, model.model_hash, data, len(places), RADIUS_M, tuple(recalls))


def write_report(report: EvaluationReport, path: Path) -> None:
    """Write the report as JSON, the figures one row a kind of reference and field of view.

    Raises:
        InputError: The file cannot be written.
    """
    document = {
        "bundle": str(report.bundle),
        "model_hash": report.model_hash,
        "data": str(report.data),
        "places": report.places,
        "radius_m": report.radius_m,
        "figures": [dataclasses.asdict(recall) for recall in report.recalls],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error}); choose another file") from error
