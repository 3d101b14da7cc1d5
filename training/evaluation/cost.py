"""What a query costs: time and memory of one photo against a gallery."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from model_core.bundle import ModelBundle
from training.datasets.places import PlaceSet
from training.evaluation.galleries import Gallery
from training.evaluation.photos import cut_blocks, list_photos
from training.evaluation.run import Setting, model_photos
from training.evaluation.scoring import rank_places
from training.precision import wait_for

_FEWEST_RUNS = 5


@dataclass(frozen=True)
class QueryCost:
    """Median milliseconds to encode one photo and rank a gallery, and the process's peak memory.

    ``peak_memory_mb`` is None where the system does not tell it.
    """

    encode_ms: float
    rank_ms: float
    places: int
    peak_memory_mb: float | None


@torch.inference_mode()
def query_cost(
    model: ModelBundle,
    places: PlaceSet,
    rows: npt.NDArray[np.int64],
    setting: Setting,
    gallery: Gallery,
    device: torch.device,
    least_s: float = 0.3,
) -> QueryCost | None:
    """Return what one photo costs; None where no photo shows enough.

    Args:
        model: The model.
        places: The set.
        rows: Places whose first photo is taken.
        setting: The photo's field of view.
        gallery: What it is ranked against.
        device: Where both run.
        least_s: How long each part is repeated.
    """
    photos = list_photos(places, rows[:1], setting.fov_deg, seed=0)
    block = next(cut_blocks(places, photos, model.config, device, 0, 1), None)
    if block is None:
        return None
    encode = model_photos(model.encoder)
    described = encode(block)
    encode_ms = _median_ms(lambda: encode(block), device, least_s)
    rank_ms = _median_ms(
        lambda: rank_places(described, gallery, block, ("full",))["full"].scores.argmax(1),
        device,
        least_s,
    )
    return QueryCost(encode_ms, rank_ms, len(gallery), _peak_memory_mb(device))


def _median_ms(run: Callable[[], object], device: torch.device, least_s: float) -> float:
    """Return the median time of a call, the first of them left out, with the device's work done."""
    run()
    taken: list[float] = []
    while len(taken) < _FEWEST_RUNS or sum(taken) < least_s:
        wait_for(device)
        started = time.perf_counter()
        run()
        wait_for(device)
        taken.append(time.perf_counter() - started)
    return float(np.median(taken)) * 1e3


def _peak_memory_mb(device: torch.device) -> float | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, else kilobytes
