"""The matcher as a Lightning module: photo, satellite image and street view in one space.

Each step cuts photos at unknown headings out of rendered circles, encodes them and their places,
and asks for the right place at the right heading. Two aids make a small model learn quickly:
a field-of-view curriculum from the full circle down (SinGeo), and the true layout (distance and
skyline of buildings, canopy, ground cover), which the first features of every branch learn to
say, each in its own slot. A photo and a satellite image share that layout and not their looks, so
places can be told apart as soon as it is learned; the other features are free.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import lightning as L
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_core.alignment.polar import polar_transform_torch
from model_core.config import ModelConfig
from model_core.fusion.place_encoder import PlaceEncoder
from training.datasets.augmentation import (
    PhotoWindows,
    bins_for_fov,
    cut_windows,
    hide_rectangles,
    jitter_colors,
    normalize,
    soften,
    to_float,
)
from training.datasets.places import RawBatch
from training.losses import (
    LossName,
    false_negative_mask,
    matching_loss,
    window_correlation,
)

SATELLITE_MARGIN = 1.25


@dataclass(frozen=True)
class MatcherConfig:
    """The recipe. ``steps`` sets the schedules; ``layout_channels`` is K of the labels.

    ``center_sigma_m`` is how far off a photo its satellite image may be centred: the spacing of a
    gallery and the registration of imagery. ``windows_per_photo`` windows share one encoding of
    the references. ``loss`` is one of ``training.losses``. ``initial_scale`` and
    ``initial_layout_gain`` begin near their last values when trained weights are taken up.
    """

    steps: int = 4000
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup_steps: int = 150
    label_smoothing: float = 0.05
    false_negative_radius_m: float = 25.0
    street_share: float = 0.5
    layout_weight: float = 3.0
    layout_channels: int = 16
    fov_min_deg: float = 40.0
    fov_max_deg: float = 110.0
    curriculum_share: float = 0.1
    center_sigma_m: float = 3.5
    windows_per_photo: int = 3
    loss: LossName = "infonce"
    initial_scale: float = 1 / 0.07
    initial_layout_gain: float = 1.0
    ema_decay: float = 0.998
    seed: int = 11


class Matcher(L.LightningModule):
    """Encoder, layout read-out and temperature under one optimiser."""

    layout_mean: Tensor
    layout_spread: Tensor

    def __init__(
        self,
        model_config: ModelConfig,
        config: MatcherConfig,
        layout_mean: npt.ArrayLike,
        layout_spread: npt.ArrayLike,
    ):
        """Make a matcher.

        Args:
            model_config: What the features are.
            config: The recipe.
            layout_mean: (K,) mean of every layout label over the training set.
            layout_spread: (K,) its standard deviation.
        """
        super().__init__()
        self.model_config = model_config
        self.config = config
        self.encoder = PlaceEncoder(model_config)
        self.register_buffer("layout_mean", torch.as_tensor(layout_mean, dtype=torch.float32))
        self.register_buffer("layout_spread", torch.as_tensor(layout_spread, dtype=torch.float32))
        self.log_layout_gain = nn.Parameter(torch.tensor(math.log(config.initial_layout_gain)))
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.initial_scale)))
        self.averaged = deepcopy(self.encoder).requires_grad_(False)
        self.first_step = 0
        self._chance: torch.Generator | None = None

    @property
    def steps_done(self) -> int:
        """Optimiser steps since the run began, those before a resume among them."""
        return self.first_step + self.global_step

    @property
    def chance(self) -> torch.Generator:
        """The module's own source of chance, on its device."""
        if self._chance is None:
            seed = self.config.seed + self.first_step
            self._chance = torch.Generator(self.device).manual_seed(seed)
        return self._chance

    def restart_chance(self, seed: int) -> None:
        """Begin the source of chance anew, so that a stage does not depend on those before it."""
        self._chance = torch.Generator(self.device).manual_seed(seed)

    def training_step(self, batch: RawBatch, batch_index: int) -> Tensor:
        """Return the loss of one batch: every kind of reference the step holds, plus layout."""
        config = self.config
        references, layout_loss = self._encode_references(
            batch, with_street=self._draw() < config.street_share
        )
        camera_xy = batch.place_xy + batch.query_offset_m
        masked = false_negative_mask(camera_xy, batch.city, config.false_negative_radius_m)
        searched = self.model_config.heading_search
        scale = self.log_scale.exp().clamp(max=100.0)
        losses: dict[str, Tensor] = {}
        for _ in range(config.windows_per_photo):
            photo, windows, photo_layout_loss = self.encode_photos(batch)
            layout_loss = layout_loss + photo_layout_loss / config.windows_per_photo
            for name, features in references.items():
                loss = matching_loss(config.loss)(
                    window_correlation(photo, features, searched),
                    windows.start_bin,
                    scale,
                    masked,
                    label_smoothing=config.label_smoothing,
                    heading_known=batch.heading_known & searched,
                )
                losses[name] = losses.get(name, 0.0) + loss / config.windows_per_photo
        matching = torch.stack(list(losses.values())).mean()
        weight = config.layout_weight * max(0.2, 1.0 - self._progress())
        loss = matching + weight * layout_loss
        self.log_dict(
            {f"loss_{name}": value.detach() for name, value in losses.items()}
            | {"layout": layout_loss.detach(), "scale": scale.detach()},
            prog_bar=True,
        )
        return loss

    def _encode_references(
        self, batch: RawBatch, *, with_street: bool
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return the features of the places for each kind of reference, and their layout loss.

        The satellite images are centred near the photos, as galleries along roads are laid.
        """
        satellite = self.encode_satellites(batch)
        layout_loss = self._layout_loss(satellite, batch.query_layout)
        present = torch.ones(len(satellite), dtype=torch.bool, device=self.device)
        cover = torch.ones(len(satellite), self.model_config.azimuth_bins, device=self.device)
        fuse = self.encoder.fuse
        if not with_street:
            blank = torch.zeros_like(satellite)
            return {"si": fuse(satellite, blank, cover, present, ~present)[0]}, layout_loss
        street, street_layout_loss = self.encode_street_views(batch)
        layout_loss = layout_loss + street_layout_loss
        kinds = {
            "si": fuse(satellite, street, cover, present, ~present)[0],
            "svi": fuse(satellite, street, cover, ~present, present)[0],
            "both": fuse(satellite, street, cover, present, present)[0],
        }
        return kinds, layout_loss

    def encode_street_views(self, batch: RawBatch) -> tuple[Tensor, Tensor]:
        """Return features of the street views and their layout loss."""
        circles = jitter_colors(to_float(batch.street), self.chance, 0.7)
        street = self.encoder.encode_street(normalize(circles), torch.ones_like(circles[:, 0]))
        return street, self._layout_loss(street, batch.layout)

    def encode_photos(self, batch: RawBatch) -> tuple[Tensor, PhotoWindows, Tensor]:
        """Return features of one window of every photo, the windows and their layout loss."""
        config, model = self.config, self.model_config
        fov_max = config.fov_max_deg + (360.0 - config.fov_max_deg) * self._curriculum()
        fov = config.fov_min_deg + (fov_max - config.fov_min_deg) * self._draw()
        n_bins = bins_for_fov(fov, model)
        inside = torch.rand(len(batch.query), generator=self.chance, device=self.device)
        fov_deg = (n_bins - 0.5 * inside) * model.bin_deg
        windows = cut_windows(
            to_float(batch.query),
            batch.query_layout,
            fov_deg,
            n_bins,
            model,
            self.chance,
            seen=batch.query_seen,
        )
        photo = jitter_colors(soften(windows.images, self.chance), self.chance)
        photo = normalize(hide_rectangles(photo, self.chance), windows.mask)
        full = n_bins == model.azimuth_bins
        features = self.encoder.encode_photo(photo, windows.mask, circular=full)
        return features, windows, self._layout_loss(features, windows.layout)

    def encode_satellites(self, batch: RawBatch) -> Tensor:
        """Return features (B, C, h, bins) of the crops, shifted and scaled as imagery is."""
        return self.encoder.encode_satellite(normalize(self._satellite_strips(batch)))

    def _satellite_strips(self, batch: RawBatch) -> Tensor:
        count, device = len(batch.satellite), self.device
        shift = torch.randn(count, 2, generator=self.chance, device=device)
        spread = torch.rand(count, generator=self.chance, device=device)
        images = jitter_colors(to_float(batch.satellite), self.chance)
        return polar_transform_torch(
            images,
            self.model_config.geometry,
            image_footprint_m=self.model_config.geometry.footprint_m * SATELLITE_MARGIN,
            shift_m=batch.query_offset_m + (shift * self.config.center_sigma_m).clamp(-9, 9),
            scale=0.9 + 0.2 * spread,
        )

    def _layout_loss(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the smooth L1 between the layout that features say and the true one.

        Args:
            features: (B, C, h, w) with a unit norm a strip.
            labels: (B, w, K); K is 0 where no truth is known, and so is the loss.
        """
        if labels.shape[-1] == 0:
            return features.new_zeros(())
        rows = self.model_config.feature_channels * self.model_config.feature_height
        gain = self.log_layout_gain.exp() * math.sqrt(rows * features.shape[-1])
        said = features.flatten(1, 2)[:, : self.config.layout_channels].permute(0, 2, 1) * gain
        return F.smooth_l1_loss(said, (labels - self.layout_mean) / self.layout_spread)

    def _draw(self) -> float:
        return float(torch.rand(1, generator=self.chance, device=self.device))

    def _progress(self) -> float:
        return min(1.0, self.steps_done / self.config.steps)

    def _curriculum(self) -> float:
        """Return the share of the way back to full circles: 1 at the start, 0 once it ends."""
        share = self.config.curriculum_share
        return max(0.0, 1.0 - self._progress() / share) if share > 0.0 else 0.0

    def on_train_batch_end(self, *_: Any) -> None:
        """Move the averaged weights, quickly at first: an average of the last tenth of the run."""
        decay = min(self.config.ema_decay, (1 + self.steps_done) / (10 + self.steps_done))
        with torch.no_grad():
            for kept, new in zip(
                self.averaged.parameters(), self.encoder.parameters(), strict=True
            ):
                kept.lerp_(new, 1 - decay)
            # Batch norm's statistics are averages already.
            for held, seen in zip(self.averaged.buffers(), self.encoder.buffers(), strict=True):
                held.copy_(seen)

    def configure_optimizers(self) -> Any:
        """AdamW with warm-up and cosine, no decay on norms and biases."""
        config = self.config
        trained = [p for n, p in self.named_parameters() if not n.startswith("averaged.")]
        groups = [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))

        def rate(steps_since_start: int) -> float:
            step = self.first_step + steps_since_start
            if step < config.warmup_steps:
                return (step + 1) / config.warmup_steps
            return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / config.steps)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
