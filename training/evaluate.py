"""How well a matcher finds held-out places: recall and heading error by kind of reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.table import Table
from torch import Tensor

from model_core.alignment.polar import polar_transform_torch
from model_core.config import ModelConfig
from model_core.fusion.place_encoder import PlaceEncoder
from training.datasets.augmentation import bins_for_fov, cut_windows, normalize, to_float
from training.datasets.rendered import RawBatch, RenderedPlaces, take_batch
from training.losses import window_correlation
from training.matcher import SATELLITE_MARGIN

KINDS = ("si", "svi", "both")


@dataclass(frozen=True)
class Recall:
    """Figures of one kind of reference at one field of view, over whole held-out cities.

    Shares count photos whose answer lies within ``radius_m`` of the photo's own place;
    ``chance`` is the expected share of a random first answer.
    """

    kind: str
    fov_deg: float
    photos: int
    recall_at_1: float
    recall_at_5: float
    chance: float
    median_heading_error_deg: float


@torch.inference_mode()
def evaluate_matcher(
    encoder: PlaceEncoder,
    config: ModelConfig,
    places: RenderedPlaces,
    fovs_deg: tuple[float, ...] = (60.0, 90.0),
    radius_m: float = 25.0,
    seed: int = 5,
    device: torch.device | None = None,
) -> list[Recall]:
    """Return recall within each city of the set, averaged over cities.

    Args:
        encoder: In any mode; set to eval here.
        config: Of the encoder.
        places: Held-out cities.
        fovs_deg: Fields of view of the photos.
        radius_m: What counts as right.
        seed: Of headings and frames.
        device: Where to compute; the CPU when None.
    """
    device = device or torch.device("cpu")
    encoder.eval().to(device)
    rows: dict[tuple[str, float], list[npt.NDArray[Any]]] = {}
    for city in np.unique(places.city):
        index = np.flatnonzero(places.city == city)
        batch = take_batch(places, index, np.zeros(len(index), np.int64)).to(device)
        references = _encode_places(encoder, config, batch)
        near = torch.cdist(batch.place_xy, batch.place_xy) <= radius_m
        for fov in fovs_deg:
            chance = torch.Generator(device).manual_seed(seed)
            for photo_number in range(places.query.shape[1]):
                numbers = np.full(len(index), photo_number, np.int64)
                query = take_batch(places, index, numbers).to(device)
                photo, start = _encode_photos(encoder, config, query, fov, chance)
                for kind in KINDS:
                    correlation = window_correlation(photo, references[kind])
                    rows.setdefault((kind, fov), []).append(
                        _judge(correlation, near, start, config)
                    )
    return [_summarize(kind, fov, np.concatenate(parts)) for (kind, fov), parts in rows.items()]


def _encode_places(
    encoder: PlaceEncoder, config: ModelConfig, batch: RawBatch
) -> dict[str, Tensor]:
    footprint_m = config.geometry.footprint_m * SATELLITE_MARGIN
    strips = polar_transform_torch(
        to_float(batch.satellite), config.geometry, image_footprint_m=footprint_m
    )
    satellite = encoder.encode_satellite(normalize(strips))
    circles = to_float(batch.street)
    street = encoder.encode_street(normalize(circles), torch.ones_like(circles[:, 0]))
    present = torch.ones(len(satellite), dtype=torch.bool, device=satellite.device)
    cover = torch.ones(len(satellite), config.azimuth_bins, device=satellite.device)
    return {
        "si": encoder.fuse(satellite, street, cover, present, ~present)[0],
        "svi": encoder.fuse(satellite, street, cover, ~present, present)[0],
        "both": encoder.fuse(satellite, street, cover, present, present)[0],
    }


def _encode_photos(
    encoder: PlaceEncoder,
    config: ModelConfig,
    batch: RawBatch,
    fov_deg: float,
    chance: torch.Generator,
) -> tuple[Tensor, Tensor]:
    n_bins = bins_for_fov(fov_deg, config)
    fov = torch.full((len(batch.query),), fov_deg, device=batch.query.device)
    windows = cut_windows(to_float(batch.query), batch.query_layout, fov, n_bins, config, chance)
    photo = encoder.encode_photo(
        normalize(windows.images, windows.mask),
        windows.mask,
        circular=n_bins == config.azimuth_bins,
    )
    return photo, windows.start_bin


def _judge(
    correlation: Tensor, near: Tensor, start_bin: Tensor, config: ModelConfig
) -> npt.NDArray[Any]:
    """Return (B, 4): right at 1, right in 5, chance, heading error at the true place in degrees."""
    best, shift = correlation.max(dim=2)
    order = best.argsort(dim=1, descending=True)
    right = torch.gather(near, 1, order[:, :5])
    rows = torch.arange(len(best), device=best.device)
    off = (shift[rows, rows] - start_bin) * config.bin_deg
    error = ((off + 180) % 360 - 180).abs()
    columns = (right[:, 0].float(), right.any(1).float(), near.float().mean(1), error)
    return torch.stack(columns, 1).cpu().numpy()


def _summarize(kind: str, fov_deg: float, rows: npt.NDArray[Any]) -> Recall:
    return Recall(
        kind=kind,
        fov_deg=fov_deg,
        photos=len(rows),
        recall_at_1=float(rows[:, 0].mean()),
        recall_at_5=float(rows[:, 1].mean()),
        chance=float(rows[:, 2].mean()),
        median_heading_error_deg=float(np.median(rows[:, 3])),
    )


def recall_table(recalls: list[Recall]) -> Table:
    """Return the figures as a table for the terminal."""
    table = Table(title="Held-out rendered cities, unknown heading, right within 25 m")
    for column in ("references", "fov", "photos", "R@1", "R@5", "chance R@1", "heading error"):
        table.add_column(column, justify="right")
    for r in recalls:
        table.add_row(
            {"si": "satellite", "svi": "street view", "both": "both"}[r.kind],
            f"{r.fov_deg:.0f}",
            str(r.photos),
            f"{r.recall_at_1:.1%}",
            f"{r.recall_at_5:.1%}",
            f"{r.chance:.1%}",
            f"{r.median_heading_error_deg:.0f} deg",
        )
    return table
