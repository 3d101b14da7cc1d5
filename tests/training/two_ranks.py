"""One of two processes that learn from halves of a batch, as ``torchrun`` starts them.

``python two_ranks.py OUT`` with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT set; writes the loss
and the averaged gradients.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from model_core.config import ModelConfig, StripGeometry
from training.datasets.augmentation import PhotoWindows
from training.datasets.places import NO_DATE, RawBatch
from training.distributed import average_gradients, join_ranks, leave_ranks, rank, ranks
from training.matcher import Matcher, MatcherConfig, ReferenceShares, Shown

LABELS = 3
MODEL = ModelConfig(geometry=StripGeometry(height=32, width=64, satellite_px=32), feature_height=2)
CONFIG = MatcherConfig(references=ReferenceShares(si=0.0, all=1.0), windows_per_photo=2)


def make_batch(count: int = 6, model: ModelConfig = MODEL, labels: int = LABELS) -> RawBatch:
    """Return noise as places 40 m apart; the last has no street view and no known heading."""
    chance = torch.Generator().manual_seed(4)
    height, width, bins = model.geometry.height, model.geometry.width, model.azimuth_bins

    def noise(*shape: int) -> Tensor:
        return torch.randint(0, 256, shape, generator=chance, dtype=torch.uint8)

    street_seen = torch.ones(count, width, dtype=torch.bool)
    street_seen[-1] = False
    known = torch.ones(count, dtype=torch.bool)
    known[-1] = False
    undated = torch.full((count,), NO_DATE, dtype=torch.int32)
    return RawBatch(
        satellite=noise(count, 40, 40, 3),
        street=noise(count, height, width, 3) * street_seen[:, None, :, None],
        street_seen=street_seen,
        street_days=undated,
        query=noise(count, height, width, 3),
        query_seen=torch.ones(count, width, dtype=torch.bool),
        query_days=undated,
        query_state=torch.zeros(count, dtype=torch.uint8),
        heading_known=known,
        query_offset_m=torch.zeros(count, 2),
        imagery_shift_m=torch.zeros(count, 2),
        street_offset_m=torch.zeros(count, 2),
        place_xy=40.0 * torch.arange(2 * count).view(count, 2).float(),
        layout=torch.randn(count, bins, labels, generator=chance),
        query_layout=torch.randn(count, bins, labels, generator=chance),
        city=torch.zeros(count, dtype=torch.long),
        block=torch.zeros(count, dtype=torch.long),
    )


def make_matcher(
    config: MatcherConfig = CONFIG, model: ModelConfig = MODEL, labels: int = LABELS
) -> Matcher:
    """Return a matcher whose weights depend on nothing but its options."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Matcher(model, config, torch.zeros(labels), torch.ones(labels))


def take_rows(shown: Shown, rows: slice) -> Shown:
    """Return some rows of everything that is shown."""

    def some(value: Tensor | None) -> Tensor | None:
        return None if value is None else value[rows]

    def window(cut: PhotoWindows) -> PhotoWindows:
        fields = (getattr(cut, f.name)[rows] for f in dataclasses.fields(cut))
        return PhotoWindows(*fields)

    return Shown(
        kinds=shown.kinds,
        satellite=some(shown.satellite),
        street=some(shown.street),
        street_mask=some(shown.street_mask),
        photos=tuple(window(cut) for cut in shown.photos),
        labels=shown.labels.map(lambda value: value[rows]),
    )


def learn(matcher: Matcher, shown: Shown) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss and every gradient of one step, averaged over ranks."""
    loss, _ = matcher.loss_of(matcher.encode(shown))
    loss.backward()
    average_gradients(matcher.parameters())
    named = matcher.named_parameters()
    return loss.detach(), {name: p.grad for name, p in named if p.grad is not None}


def main(out: Path) -> None:
    """Learn from this rank's half of the batch."""
    matcher = make_matcher()
    shown = matcher.show(make_batch())
    join_ranks(torch.device("cpu"))
    half = len(shown.labels.city) // ranks()
    mine = slice(rank() * half, (rank() + 1) * half)
    loss, gradients = learn(matcher, take_rows(shown, mine))
    save_file({"loss": loss, **gradients}, out)
    leave_ranks()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
