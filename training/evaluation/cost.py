"""What a query costs: time and memory of one photo against a gallery."""

from __future__ import annotations

import resource
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.benchmark import Timer

from model_core.bundle import ModelBundle
from training.datasets.places import PlaceSet
from training.evaluation.galleries import Gallery
from training.evaluation.photos import cut_blocks, list_photos
from training.evaluation.run import Setting, model_photos
from training.evaluation.scoring import rank_places


@dataclass(frozen=True)
class QueryCost:
    """Median milliseconds to encode one photo and rank a gallery, and the process's peak memory."""

    encode_ms: float
    rank_ms: float
    places: int
    peak_memory_mb: float


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
    parts = (
        lambda: encode(block),
        lambda: rank_places(described, gallery, block, ("full",))["full"].scores.argmax(1),
    )
    # The timer waits for the device and warms up.
    with torch.inference_mode():
        encode_s, rank_s = (
            Timer("run()", globals={"run": part}, num_threads=torch.get_num_threads())
            .blocked_autorange(min_run_time=least_s)
            .median
            for part in parts
        )
    return QueryCost(encode_s * 1e3, rank_s * 1e3, len(gallery), _peak_memory_mb(device))


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
