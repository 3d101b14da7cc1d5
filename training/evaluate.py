"""How well a matcher finds held-out places: recall and heading error by kind of reference."""

from __future__ import annotations

from collections.abc import Mapping
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
from training.datasets.places import PlaceSet, RawBatch, take_batch
from training.losses import window_correlation
from training.matcher import SATELLITE_MARGIN
from training.world.gallery import CityGallery

KIND_NAMES = {
    "si": "satellite",
    "svi": "street view",
    "both": "both",
    "road": "satellites along roads",
}
_PART = 64


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
    places: PlaceSet,
    fovs_deg: tuple[float, ...] = (60.0, 90.0),
    radius_m: float = 25.0,
    seed: int = 5,
    device: torch.device | None = None,
    galleries: Mapping[int, CityGallery] | None = None,
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
        galleries: Of some cities, satellite images where a search lays its places. They add the
            kind ``road``, right within ``radius_m`` of the camera.
    """
    device = device or torch.device("cpu")
    encoder.eval().to(device)
    rows: dict[tuple[str, float], list[npt.NDArray[Any]]] = {}
    for city in np.unique(places.city):
        index = np.flatnonzero(places.city == city)
        batch = take_batch(places, index, np.zeros(len(index), np.int64)).to(device)
        at_places = batch.place_xy
        references = {
            kind: (features, at_places)
            for kind, features in _encode_places(encoder, config, batch).items()
        }
        gallery = (galleries or {}).get(int(city))
        if gallery is not None:
            features = _encode_satellites(encoder, config, torch.from_numpy(gallery.satellite))
            references["road"] = (features, torch.from_numpy(gallery.place_xy).to(device))
        for fov in fovs_deg:
            chance = torch.Generator(device).manual_seed(seed)
            for photo_number in range(places.query.shape[1]):
                numbers = np.full(len(index), photo_number, np.int64)
                query = take_batch(places, index, numbers).to(device)
                photo, start = _encode_photos(encoder, config, query, fov, chance)
                camera_xy = query.place_xy + query.query_offset_m
                for kind, (features, xy) in references.items():
                    away_m = torch.cdist(camera_xy if kind == "road" else at_places, xy)
                    correlation = window_correlation(photo, features, config.heading_search)
                    rows.setdefault((kind, fov), []).append(
                        _judge(correlation, away_m, radius_m, start, config)
                    )
    return [_summarize(kind, fov, np.concatenate(parts)) for (kind, fov), parts in rows.items()]


def _encode_places(
    encoder: PlaceEncoder, config: ModelConfig, batch: RawBatch
) -> dict[str, Tensor]:
    satellite = _encode_satellites(encoder, config, batch.satellite)
    circles = to_float(batch.street)
    street = encoder.encode_street(normalize(circles), torch.ones_like(circles[:, 0]))
    present = torch.ones(len(satellite), dtype=torch.bool, device=satellite.device)
    cover = torch.ones(len(satellite), config.azimuth_bins, device=satellite.device)
    return {
        "si": encoder.fuse(satellite, street, cover, present, ~present)[0],
        "svi": encoder.fuse(satellite, street, cover, ~present, present)[0],
        "both": encoder.fuse(satellite, street, cover, present, present)[0],
    }


def _encode_satellites(encoder: PlaceEncoder, config: ModelConfig, crops: Tensor) -> Tensor:
    """Return features of uint8 crops (N, S, S, 3), a part at a time, on the encoder's device."""
    device = next(encoder.parameters()).device
    footprint_m = config.geometry.footprint_m * SATELLITE_MARGIN
    parts = []
    for some in torch.split(crops, _PART):
        images = to_float(some.to(device))
        strips = polar_transform_torch(images, config.geometry, image_footprint_m=footprint_m)
        parts.append(encoder.encode_satellite(normalize(strips)))
    return torch.cat(parts)


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
    correlation: Tensor, away_m: Tensor, radius_m: float, start_bin: Tensor, config: ModelConfig
) -> npt.NDArray[Any]:
    """Return (B, 4): right at 1, right in 5, chance, degrees off at the nearest place."""
    best, shift = correlation.max(dim=2)
    near = away_m <= radius_m
    order = best.argsort(dim=1, descending=True)
    right = torch.gather(near, 1, order[:, :5])
    own = away_m.argmin(dim=1, keepdim=True)
    off = (shift.gather(1, own).squeeze(1) - start_bin) * config.bin_deg
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
            KIND_NAMES[r.kind],
            f"{r.fov_deg:.0f}",
            str(r.photos),
            f"{r.recall_at_1:.1%}",
            f"{r.recall_at_5:.1%}",
            f"{r.chance:.1%}",
            f"{r.median_heading_error_deg:.0f} deg",
        )
    return table
