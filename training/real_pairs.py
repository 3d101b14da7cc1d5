"""Zero-shot figures on real pairs of a satellite image and a panorama of the same spot.

The sets are read where they lie, never copied, never used to choose anything. Their ground
extents are disputed, so every footprint is scored; both are taken to face north at the panorama's
centre column. A photo is a window of the panorama at one of eight headings; the gallery is the
other satellite images of its own set.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from rich.table import Table
from torch import Tensor

from model_core.alignment.panorama import street_strip
from model_core.alignment.polar import satellite_strip
from model_core.bundle import ModelBundle
from model_core.config import ModelConfig
from model_core.errors import ConfigError, InputError
from model_core.features.preprocess import to_tensor
from model_core.types import ImageU8, LonLat, SatelliteImage, SourceTerms, Strip
from training.correlation import Described, window_correlation
from training.datasets.augmentation import bins_for_fov

FOOTPRINTS_M = (50.0, 70.0, 100.0, 140.0)
FOVS_DEG = (70.0, 90.0, 120.0)
HEADINGS = 8
SATELLITE_PX = 512
TERMS = SourceTerms(provider="local test pairs", licence="none", trainable=False, cacheable=False)


@dataclass(frozen=True)
class PairFigures:
    """Figures of one set at one assumed footprint and one field of view.

    Intervals are the 2.5 and 97.5 percentiles of a bootstrap that draws whole pairs.
    """

    dataset: str
    footprint_m: float
    fov_deg: float
    pairs: int
    recall_at_1: float
    recall_at_1_interval: tuple[float, float]
    recall_at_5: float
    median_rank: float
    median_heading_error_deg: float

    @property
    def chance_at_1(self) -> float:
        """Recall at 1 of a random order."""
        return 1 / self.pairs

    @property
    def chance_at_5(self) -> float:
        """Recall at 5 of a random order."""
        return min(1.0, 5 / self.pairs)


def find_pairs(folder: Path) -> dict[str, list[tuple[Path, Path]]]:
    """Return (satellite, panorama) files by set name.

    Raises:
        InputError: Neither set is there.
    """
    cvusa = [
        (p, folder / "cvusa" / "street" / p.name)
        for p in sorted((folder / "cvusa" / "satellite").glob("*.jpg"))
    ]
    cvact = [
        (p, p.with_name(p.name.replace("_sat", "_pano")))
        for p in sorted((folder / "cvact").glob("*_sat.png"))
    ]
    found = {name: pairs for name, pairs in (("cvusa", cvusa), ("cvact", cvact)) if pairs}
    if not found:
        raise InputError(f"{folder} holds no pairs; expected cvusa/satellite and cvact/*_sat.png")
    return found


def evaluate_pairs(
    bundle: ModelBundle, folder: Path, seed: int = 3, samples: int = 2000
) -> list[PairFigures]:
    """Return the figures of every set, footprint and field of view.

    Args:
        bundle: The model.
        folder: Holds ``cvusa/`` and ``cvact/``.
        seed: Of the bootstrap.
        samples: Bootstrap draws.

    Raises:
        ConfigError: The model resizes its photos.
    """
    if bundle.config.photo_fit == "resized":
        raise ConfigError(
            f"{bundle.path} resizes its photos, and photos are cut out of panoramas here; "
            "take a model that projects them"
        )
    figures = []
    for dataset, pairs in find_pairs(folder).items():
        circles = [_panorama_strip(_read_rgb(path), bundle.config) for _, path in pairs]
        images = [_read_rgb(path) for path, _ in pairs]
        for footprint_m in FOOTPRINTS_M:
            gallery = Described.whole(_encode_satellites(bundle, images, footprint_m))
            for fov_deg in FOVS_DEG:
                ranks, errors = _rank_pairs(bundle, circles, gallery, fov_deg)
                rng = np.random.default_rng(seed)
                figures.append(
                    summarize_ranks(dataset, footprint_m, fov_deg, ranks, errors, rng, samples)
                )
    return figures


def _read_rgb(path: Path) -> ImageU8:
    """Return an image's pixels, (H, W, 3).

    Raises:
        InputError: It cannot be read.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise InputError(f"{path}: not a readable image ({error}); replace it") from error


def _panorama_strip(pixels: ImageU8, config: ModelConfig) -> Strip:
    """Return the full-circle strip of a panorama whose rows may be cut above and below."""
    height, width = pixels.shape[:2]
    full_height = width // 2
    top = (full_height - height) // 2
    canvas = np.zeros((full_height, width, 3), np.uint8)
    known = np.zeros((full_height, width, 3), np.uint8)
    canvas[top : top + height] = pixels
    known[top : top + height] = 255
    strips = [
        street_strip(image, "equirectangular", 0.0, 360.0, 0.0, 0.0, config.geometry)
        for image in (canvas, known)
    ]
    mask = strips[1].pixels[..., 0] > 250
    return Strip(strips[0].pixels * mask[..., None], mask)


@torch.inference_mode()
def _encode_satellites(bundle: ModelBundle, images: list[ImageU8], footprint_m: float) -> Tensor:
    strips = [
        satellite_strip(
            SatelliteImage(
                image=_resized(image),
                valid=np.ones((SATELLITE_PX, SATELLITE_PX), bool),
                footprint_m=footprint_m,
                center_lonlat=LonLat(0.0, 0.0),
                terms=TERMS,
            ),
            bundle.config.geometry,
        )
        for image in images
    ]
    tensor, _ = to_tensor(strips, _device(bundle))
    satellite = bundle.encoder.encode_satellite(tensor)
    present = torch.ones(len(satellite), dtype=torch.bool, device=satellite.device)
    cover = torch.ones(len(satellite), bundle.config.azimuth_bins, device=satellite.device)
    fused, _ = bundle.encoder.fuse(satellite, torch.zeros_like(satellite), cover, present, ~present)
    return fused


def _device(bundle: ModelBundle) -> torch.device:
    return next(bundle.encoder.parameters()).device


def _resized(image: ImageU8) -> ImageU8:
    resized = cv2.resize(image, (SATELLITE_PX, SATELLITE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _windows(circles: list[Strip], fov_deg: float, config: ModelConfig) -> Iterator[list[Strip]]:
    """Yield, heading by heading, the photos of all panoramas; left edges fall on bins."""
    n_bins = bins_for_fov(fov_deg, config)
    width = n_bins * config.width_stride
    for number in range(HEADINGS):
        columns = (
            number * config.geometry.width // HEADINGS + np.arange(width)
        ) % config.geometry.width
        azimuth = (np.arange(width) + 0.5 - width / 2) * config.geometry.deg_per_px
        inside = np.abs(azimuth) <= fov_deg / 2
        yield [
            Strip(c.pixels[:, columns] * inside[None, :, None], c.mask[:, columns] & inside)
            for c in circles
        ]


@torch.inference_mode()
def _rank_pairs(
    bundle: ModelBundle, circles: list[Strip], gallery: Described, fov_deg: float
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return ranks (pairs, headings) from 1 and heading errors in degrees at the true place."""
    config = bundle.config
    ranks, errors = [], []
    for number, strips in enumerate(_windows(circles, fov_deg, config)):
        images, mask = to_tensor(strips, _device(bundle))
        photo = Described.whole(bundle.encoder.encode_photo(images, mask))
        best, shift = window_correlation(photo, gallery).max(dim=2)
        own = best.diagonal()
        ranks.append(1 + (best > own[:, None]).sum(1))
        start = number * config.azimuth_bins / HEADINGS
        off = (shift.diagonal() - start) * config.bin_deg
        errors.append(((off + 180) % 360 - 180).abs())
    return torch.stack(ranks, 1).cpu().numpy(), torch.stack(errors, 1).cpu().numpy()


def summarize_ranks(
    dataset: str,
    footprint_m: float,
    fov_deg: float,
    ranks: npt.NDArray[Any],
    errors: npt.NDArray[Any],
    rng: np.random.Generator,
    samples: int,
) -> PairFigures:
    """Return the figures of ranks and heading errors, each (pairs, headings)."""
    pairs = len(ranks)
    right = (ranks == 1).mean(axis=1)
    draws = right[rng.integers(0, pairs, (samples, pairs))].mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return PairFigures(
        dataset=dataset,
        footprint_m=footprint_m,
        fov_deg=fov_deg,
        pairs=pairs,
        recall_at_1=float(right.mean()),
        recall_at_1_interval=(float(low), float(high)),
        recall_at_5=float((ranks <= 5).mean()),
        median_rank=float(np.median(ranks)),
        median_heading_error_deg=float(np.median(errors)),
    )


COLUMNS = ("set", "m", "fov", "R@1", "95 %", "chance", "R@5", "chance", "rank", "angle")


def _row(f: PairFigures) -> tuple[str, ...]:
    low, high = f.recall_at_1_interval
    return (
        f.dataset,
        f"{f.footprint_m:.0f}",
        f"{f.fov_deg:.0f}",
        f"{f.recall_at_1:.0%}",
        f"{low:.0%}-{high:.0%}",
        f"{f.chance_at_1:.0%}",
        f"{f.recall_at_5:.0%}",
        f"{f.chance_at_5:.0%}",
        f"{f.median_rank:.1f}/{f.pairs}",
        f"{f.median_heading_error_deg:.0f}",
    )


def pairs_table(figures: list[PairFigures]) -> Table:
    """Return the figures as a table for the terminal."""
    table = Table(
        title="Real pairs, zero-shot, satellite only, gallery within each set; m: assumed "
        "footprint; rank: median; angle: median heading error at the true place in degrees, "
        "chance 90",
        title_justify="left",
    )
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for f in figures:
        table.add_row(*_row(f))
    return table


def pairs_markdown(figures: list[PairFigures]) -> str:
    """Return the figures as a Markdown table for the model card, with what its columns mean."""
    lines = [
        "Satellite only, gallery within each set, 8 headings a panorama. m: assumed footprint;",
        "95 %: bootstrap over pairs; rank: median; angle: median heading error at the true place,",
        "degrees, chance 90.",
        "",
    ]
    lines += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(_row(f)) + " |" for f in figures]
    return "\n".join(lines)


def write_pairs(figures: list[PairFigures], path: Path) -> None:
    """Write the figures as JSON."""
    path.write_text(json.dumps([dataclasses.asdict(f) for f in figures], indent=1))
