"""The matcher as a Lightning module: photo, satellite image and street view in one space.

Each step cuts photos out of full circles, encodes them and their places, and asks for the right
place at the right heading; where a heading is unknown, for the right place at any. A step shows
satellite images, street views or both, so that one model serves places with either. Two aids make
a small model learn quickly: a curriculum whose widest fields of view come down from the full circle
(after SinGeo), and the true layout where it is known (distance and skyline of buildings, canopy,
ground cover), which the first features of every branch learn to say, each in its own slot. A photo
and a satellite image share that layout and not their looks, so places can be told apart as soon as
it is learned; the other features are free.

Chance is a function of the seed, the step and the rank: a resumed run draws what an unbroken one
would have drawn.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model_core.config import ModelConfig
from model_core.errors import ConfigError
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.matching.correlation import ENERGY_FLOOR
from training.averaging import decay_at
from training.cached_contrast import Encode, encode_in_chunks
from training.correlation import MIN_COVERAGE, Described, window_correlation
from training.datasets.augmentation import PhotoWindows
from training.datasets.places import RawBatch
from training.distributed import average_gradients, gather, rank
from training.losses import LEAST_COSINE, false_negative_mask, matching_loss
from training.views import (
    Encoded,
    Kind,
    Labels,
    Shown,
    StreetPolicy,
    centred_at_places,
    labels_of,
    show_photos,
    show_satellites,
    show_streets,
)

FULL_CIRCLE = 0.95
"""How much of a circle shows what a photo of unknown heading does, whatever its heading is."""

_KINDS_OF: dict[str, tuple[Kind, ...]] = {
    "si": ("si",),
    "svi": ("svi",),
    "both": ("both",),
    "all": ("si", "svi", "both"),
}


@dataclass(frozen=True)
class ReferenceShares:
    """The shares of steps by what references they show; ``all`` scores the three at once.

    A place without a usable street view is known by its satellite image in ``both``, and is left
    out in ``svi``.
    """

    si: float = 0.5
    svi: float = 0.0
    both: float = 0.0
    all: float = 0.5


@dataclass(frozen=True)
class MatcherConfig:
    """The recipe; ``steps`` sets the schedules.

    ``satellite_center`` is where satellite images are centred: ``camera``, within
    ``center_sigma_m`` of the photo, which remains where a search looks at places from beside every
    5 m; ``place``, where searches from centres alone look from; ``search``, as searches do: from
    beside, but at the place where its street view serves too. ``windows_per_photo`` windows share
    one encoding of the references. ``initial_scale`` and ``initial_layout_gain`` begin near their
    last values when trained weights are taken up. ``street_policy`` says which street views count:
    those in time, or of any date. None are made up to learn from: what a generator paints is
    likely, not seen, and goes through the branch that learned real views where the policy
    ``synthetic`` searches with it. ``alignment`` is how an unknown heading is found, ``accumulate``
    how many chunks a batch is encoded in. ``stochastic_depth`` is the
    probability that a step leaves the deepest block's branch out, of ConvNeXt and EfficientNet.
    """

    steps: int = 4000
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup_steps: int = 150
    loss: str = "infonce"
    alignment: Literal["logsumexp", "gumbel"] = "logsumexp"
    label_smoothing: float = 0.05
    false_negative_radius_m: float = 25.0
    references: ReferenceShares = ReferenceShares()
    street_policy: StreetPolicy = "hybrid"
    layout_weight: float = 3.0
    stochastic_depth: float = 0.0
    fov_min_deg: float = 40.0
    fov_max_deg: float = 110.0
    curriculum_share: float = 0.1
    satellite_center: Literal["search", "camera", "place"] = "search"
    center_sigma_m: float = 2.0
    windows_per_photo: int = 3
    accumulate: int = 1
    initial_scale: float = 1 / 0.07
    initial_layout_gain: float = 1.0
    ema_decay: float = 0.998
    seed: int = 11


class Matcher(L.LightningModule):
    """Encoder, layout read-out and temperature under one optimiser."""

    layout_mean: Tensor
    layout_spread: Tensor
    _chance: torch.Generator | None

    def __init__(
        self,
        model_config: ModelConfig,
        config: MatcherConfig,
        layout_mean: npt.ArrayLike,
        layout_spread: npt.ArrayLike,
        pretrained: bool = False,
    ):
        """Make a matcher.

        Args:
            model_config: What the features are.
            config: The recipe.
            layout_mean: (K,) mean of every layout label over the training set; K may be 0.
            layout_spread: (K,) its standard deviation.
            pretrained: Start from ImageNet weights.

        Raises:
            ConfigError: Shares that are no shares, an unknown loss, or a backbone without
                ImageNet weights or stochastic depth.
            BundleError: The ImageNet weights cannot be had.
        """
        super().__init__()
        shares = vars(config.references)
        if min(shares.values()) < 0.0 or sum(shares.values()) <= 0.0:
            raise ConfigError(f"references {shares} are no shares; give some of them above 0")
        self.model_config = model_config
        self.config = config
        self.matching_loss = matching_loss(config.loss)
        self.encoder = PlaceEncoder(model_config, pretrained, config.stochastic_depth)
        self.register_buffer("layout_mean", torch.as_tensor(layout_mean, dtype=torch.float32))
        self.register_buffer("layout_spread", torch.as_tensor(layout_spread, dtype=torch.float32))
        self.log_layout_gain = nn.Parameter(torch.tensor(math.log(config.initial_layout_gain)))
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.initial_scale)))
        self.averaged = deepcopy(self.encoder).requires_grad_(False)
        self.first_step = 0
        self.restart_chance(config.seed)

    @property
    def steps_done(self) -> int:
        """Optimiser steps since the run began, those before a resume among them."""
        return self.first_step + self.global_step

    @property
    def layout_channels(self) -> int:
        """Layout labels of a bin; 0 where no truth is known."""
        return len(self.layout_mean)

    @property
    def chance(self) -> torch.Generator:
        """The rank's own source of chance, on the module's device."""
        if self._chance is None or self._chance.device.type != self.device.type:
            self._chance = torch.Generator(self.device).manual_seed(self._chance_seed)
        return self._chance

    def restart_chance(self, *seed: int) -> None:
        """Begin all chance anew, so that a step or stage does not depend on those before it."""
        common, own = (
            int(np.random.SeedSequence([*seed, *mine]).generate_state(1, np.uint32)[0])
            for mine in ((), (rank(),))
        )
        self._common_chance = torch.Generator().manual_seed(common)
        self._chance_seed = own
        self._chance = None

    def draw(self) -> float:
        """Return a number in [0, 1), the same on every rank; no device is waited for."""
        return float(torch.rand(1, generator=self._common_chance))

    def training_step(self, batch: RawBatch, batch_index: int) -> Tensor:
        """Return the loss of one batch."""
        self.restart_chance(self.config.seed, self.steps_done)
        torch.manual_seed(self._common_chance.initial_seed())  # of layers that draw by themselves
        loss, parts = self.loss_of(self.encode(self.show(batch)))
        self.log_dict(parts)
        return loss

    @torch.no_grad()
    def show(self, batch: RawBatch) -> Shown:
        """Return what a step shows of a batch: a draw of references, windows and weather."""
        config, model, chance = self.config, self.model_config, self.chance
        shares = vars(config.references)
        at, kinds = self.draw() * sum(shares.values()), _KINDS_OF["si"]
        for name, share in shares.items():
            if 0.0 <= at < share:
                kinds = _KINDS_OF[name]
            at -= share
        labels = labels_of(batch, config.street_policy)
        satellite = street = mask = None
        if kinds != ("svi",):
            at_place = self.at_place(labels, with_streets=kinds != ("si",))
            labels = centred_at_places(labels, at_place)
            satellite = show_satellites(batch, model, config.center_sigma_m, chance, at_place)
        if kinds != ("si",):
            street, mask = show_streets(batch, chance)
        photos = tuple(
            show_photos(batch, self._draw_fov_deg(), model, chance)
            for _ in range(config.windows_per_photo)
        )
        return Shown(kinds, satellite, street, mask, photos, labels)

    def at_place(self, labels: Labels, *, with_streets: bool) -> Tensor:
        """Return bool (B,): the satellite images that are centred at their places."""
        there = torch.ones_like(labels.street_usable)
        if self.config.satellite_center == "search":
            return labels.street_usable & labels.street_near if with_streets else ~there
        return there if self.config.satellite_center == "place" else ~there

    def encode(self, shown: Shown) -> Encoded:
        """Return the features of what is shown by every rank, together."""
        encoder = self.encoder

        def encoded(encode: Encode, *inputs: Tensor) -> Tensor:
            return gather(encode_in_chunks(encode, self.config.accumulate, *inputs))

        satellite = street = cover = None
        if shown.satellite is not None:
            satellite = encoded(encoder.encode_satellite, shown.satellite)
        if shown.street is not None and shown.street_mask is not None:
            street = encoded(encoder.encode_street, shown.street, shown.street_mask)
            cover = gather(encoder.photo_coverage(shown.street_mask))
        return Encoded(
            kinds=shown.kinds,
            satellite=satellite,
            street=street,
            street_cover=cover,
            photos=tuple(
                Described(
                    encoded(self._encode_photo, photo.images, photo.mask),
                    gather(encoder.photo_coverage(photo.mask)),
                )
                for photo in shown.photos
            ),
            start_bins=tuple(gather(cut.start_bin) for cut in shown.photos),
            photo_layouts=tuple(gather(cut.layout) for cut in shown.photos),
            labels=shown.labels.map(gather),
        )

    def loss_of(self, encoded: Encoded) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a whole batch, and its parts without gradient, by name."""
        config, labels = self.config, encoded.labels
        scale = self.log_scale.exp().clamp(max=100.0)
        near = false_negative_mask(labels.where, config.false_negative_radius_m)
        losses: dict[str, list[Tensor]] = {}
        for kind, places in self._references(encoded).items():
            for photo, start_bin in zip(encoded.photos, encoded.start_bins, strict=True):
                counted, masked = counted_and_masked(
                    labels, kind, near, encoded.street_cover, start_bin, photo.coverage
                )
                loss = self.matching_loss(
                    self._correlate(photo, places, scale, labels.heading_known),
                    start_bin,
                    scale,
                    masked,
                    label_smoothing=config.label_smoothing,
                    heading_known=labels.heading_known & counted,
                )
                losses.setdefault(f"loss_{kind}", []).append(loss)
        means = {name: torch.stack(values).mean() for name, values in losses.items()}
        layout = self._layout_losses(encoded)
        weight = config.layout_weight * max(0.2, 1.0 - self._progress())
        total = torch.stack(list(means.values())).mean() + weight * layout
        parts = {**means, "layout": layout, "scale": scale}
        return total, {name: value.detach() for name, value in parts.items()}

    def _references(self, encoded: Encoded) -> dict[Kind, Described]:
        """Return what the places are known by, for each kind of reference."""
        si, svi, cover = encoded.satellite, encoded.street, encoded.street_cover
        count = len(encoded.labels.city)
        there = torch.ones(count, dtype=torch.bool, device=self.device)
        if svi is None or cover is None:
            if si is None:
                raise ConfigError("a step shows neither satellite images nor street views")
            svi, cover = torch.zeros_like(si), torch.zeros_like(si[:, 0, 0])
        si = torch.zeros_like(svi) if si is None else si
        usable = encoded.labels.street_usable
        presence = {"si": (there, ~there), "svi": (~there, usable), "both": (there, usable)}
        return {
            kind: Described.weighted(*self.encoder.fuse(si, svi, cover, *presence[kind]))
            for kind in encoded.kinds
        }

    def _correlate(
        self, photo: Described, places: Described, scale: Tensor, heading_known: Tensor
    ) -> Tensor:
        """Return the correlation (B, N, headings) that the loss compares."""
        searched = self.model_config.heading_search
        correlation = window_correlation(
            photo, places, uncovered=LEAST_COSINE, heading_search=searched
        )
        if self.config.alignment == "logsumexp" or not searched:
            return correlation
        picked = F.gumbel_softmax(correlation * scale, hard=True, dim=2)
        aligned = (picked * correlation).sum(2, keepdim=True)
        # Spread over all headings, such that their log-sum-exp is the picked one's logit.
        spread = aligned - math.log(correlation.shape[2]) / scale
        return torch.where(heading_known[:, None, None], correlation, spread)

    def _layout_losses(self, encoded: Encoded) -> Tensor:
        labels = encoded.labels
        losses = [
            self._layout_loss(photo.features, layout, labels.photo_there)
            for photo, layout in zip(encoded.photos, encoded.photo_layouts, strict=True)
        ]
        total = torch.stack(losses).mean()
        si, svi, cover = encoded.satellite, encoded.street, encoded.street_cover
        if si is not None:
            total = total + self._layout_loss(si, labels.satellite_layout, labels.photo_there)
        if svi is not None and cover is not None:
            total = total + self._layout_loss(svi, labels.layout, cover)
        return total

    def _layout_loss(self, features: Tensor, labels: Tensor, seen: Tensor) -> Tensor:
        """Return the smooth L1 between the layout that features say and the true one.

        Args:
            features: (B, C, h, w) with a unit norm a strip.
            labels: (B, w, K).
            seen: How much a strip, or each of its bins, counts: (B,) or (B, w).
        """
        if not self.layout_channels:
            return features.new_zeros(())
        rows = self.model_config.feature_channels * self.model_config.feature_height
        gain = self.log_layout_gain.exp() * math.sqrt(rows * features.shape[-1])
        said = features.flatten(1, 2)[:, : self.layout_channels].permute(0, 2, 1) * gain
        true = (labels - self.layout_mean) / self.layout_spread
        off = F.smooth_l1_loss(said, true, reduction="none").mean(2)
        weight = (seen if seen.ndim == 2 else seen[:, None]).to(off).expand_as(off)
        return (off * weight).sum() / weight.sum().clamp_min(1.0)

    def encode_street_views(self, batch: RawBatch) -> tuple[Tensor, Tensor]:
        """Return features of the street views and their layout loss."""
        images, mask = show_streets(batch, self.chance)
        street = self.encoder.encode_street(images, mask)
        cover = self.encoder.photo_coverage(mask)
        return street, self._layout_loss(street, batch.layout, cover)

    def encode_photos(self, batch: RawBatch) -> tuple[Tensor, PhotoWindows, Tensor]:
        """Return features of one window of every photo, the windows and their layout loss."""
        cut = show_photos(batch, self._draw_fov_deg(), self.model_config, self.chance)
        features = self._encode_photo(cut.images, cut.mask)
        there = batch.query_seen.any(dim=1)
        return features, cut, self._layout_loss(features, cut.layout, there)

    def _encode_photo(self, images: Tensor, mask: Tensor) -> Tensor:
        full = images.shape[-1] == self.model_config.geometry.width
        return self.encoder.encode_photo(images, mask, circular=full)

    def _draw_fov_deg(self) -> float:
        """Return a field of view; the curriculum begins with all up to full circles."""
        config, share = self.config, self.config.curriculum_share
        back = max(0.0, 1.0 - self._progress() / share) if share > 0.0 else 0.0
        widest = config.fov_max_deg + (360.0 - config.fov_max_deg) * back
        return config.fov_min_deg + (widest - config.fov_min_deg) * self.draw()

    def _progress(self) -> float:
        return min(1.0, self.steps_done / self.config.steps)

    def on_after_backward(self) -> None:
        """Bring the ranks' gradients together."""
        average_gradients(self.parameters())

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None
    ) -> None:
        """Clip by the norm; Lightning would refuse to beside a fused optimiser, even in bf16."""
        nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Take the step and average, so that whatever follows sees both."""
        super().optimizer_step(*args, **kwargs)
        self._average(self.steps_done + 1)  # Lightning counts the step afterwards.

    @torch.no_grad()
    def _average(self, step: int) -> None:
        """Move the averaged weights, quickly at first: an average of the last tenth of the run."""
        decay = decay_at(step, self.config.ema_decay)
        kept: list[Tensor] = list(self.averaged.parameters())
        new: list[Tensor] = list(self.encoder.parameters())
        torch._foreach_lerp_(kept, new, 1 - decay)
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
        fused = self.device.type in ("cpu", "cuda")
        optimizer = torch.optim.AdamW(
            groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=fused
        )

        def rate(steps_since_start: int) -> float:
            step = self.first_step + steps_since_start
            if step < config.warmup_steps:
                return (step + 1) / config.warmup_steps
            return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / config.steps)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def counted_and_masked(
    labels: Labels,
    kind: Kind,
    near: Tensor,
    cover: Tensor | None,
    start_bin: Tensor,
    photo_cover: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return which rows count, bool (B,), and which pairs a loss leaves out, bool (B, B).

    Args:
        labels: What is known of the places.
        kind: Of the references; street views alone must show half of a photo's window, and full
            circles where it is not known.
        near: bool (B, B), false negatives.
        cover: (B, bins), what the street views show.
        start_bin: (B,) left edges of the photos' windows.
        photo_cover: (B, w), what the photos show of their windows.
    """
    counted = labels.counted(kind)
    if kind == "svi" and cover is not None:
        shown = _shown_share(cover, start_bin, photo_cover)
        everything = cover.mean(1) >= FULL_CIRCLE
        counted = counted & torch.where(labels.heading_known, shown >= MIN_COVERAGE, everything)
    masked = near | ~counted[:, None] | ~counted[None, :]
    return counted, masked.fill_diagonal_(False)


def _shown_share(cover: Tensor, start_bin: Tensor, photo_cover: Tensor) -> Tensor:
    """Return (B,): how much circles (B, bins) show of photos (B, w) at the worse of two bins."""
    total = photo_cover.sum(1).clamp_min(ENERGY_FLOOR)
    columns = torch.arange(photo_cover.shape[1], device=cover.device)
    left = start_bin.floor().long()[:, None] + columns
    shares = [
        (photo_cover * cover.gather(1, bins % cover.shape[1])).sum(1) / total
        for bins in (left, left + 1)
    ]
    return torch.minimum(*shares)
