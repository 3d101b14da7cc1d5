"""What is seen of a run while it goes: figures on held-out places, checkpoints, curves, views."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import Callback, RichProgressBar
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from model_core.features.preprocess import IMAGENET_MEAN, IMAGENET_STD
from training.checkpoint import restore_optimizer, write_checkpoint
from training.datasets.places import PlaceSet, RawBatch
from training.distributed import agreed, rank, ranks
from training.evaluate import Recall, evaluate_matcher, watched_fovs_deg
from training.export import HISTORY_FILE
from training.matcher import Matcher
from training.run_config import CHECKPOINT, write_json
from training.stream import BatchStream
from training.train_config import BEST, TrainConfig
from training.views import Shown
from training.world.gallery import CityGallery

CURVES_FOLDER = "tensorboard"
PICTURED_ROWS = 6
TOLD_EVERY = 20
"""Steps between points of the curves; reading them makes the device finish its work."""


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Places that the run is watched by, with the galleries of some of their cities."""

    places: PlaceSet
    galleries: Mapping[int, CityGallery]


class Watch(Callback):
    """Evaluates the averaged weights now and then, notes the figures and keeps checkpoints.

    The first rank alone evaluates and writes; all ranks stop together.
    """

    def __init__(
        self,
        held_out: HeldOut,
        stream: BatchStream,
        out: Path,
        config: TrainConfig,
        say: Callable[[str], None],
        minutes: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        first_step: int = 0,
    ):
        self.held_out = held_out
        self.fovs_deg = watched_fovs_deg(held_out.places)
        self.stream = stream
        self.out = out
        self.config = config
        self.say = say
        self.minutes = minutes
        self.clock = clock
        self.started = self.now = clock()
        self.first_step = first_step
        noted = _read_history(out / HISTORY_FILE) if (out / CHECKPOINT).exists() else []
        self.history = [row for row in noted if row["step"] <= first_step]
        self.recalls: list[Recall] | None = None
        self.told: dict[str, float] = {}
        self._curves: SummaryWriter | None = None

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        """Take up the optimiser where the run was left; the module was restored before."""
        if self.first_step:
            restore_optimizer(self.out / CHECKPOINT, trainer.optimizers[0])
        if rank() > 0:
            return
        curves = self.out / CURVES_FOLDER
        self._curves = SummaryWriter(curves, purge_step=self.first_step + 1)
        if self.config.patience and self.config.start_from and not self.history:
            self.evaluate(trainer, module)  # what it begins with may be the best there will be

    def on_train_batch_end(
        self, trainer: L.Trainer, module: Any, outputs: Any, batch: RawBatch, *_: Any
    ) -> None:
        """Draw curves, evaluate every so many steps, and stop when it is time."""
        step = module.steps_done
        self.now = self.clock()
        evaluated = step % self.config.evaluate_every == 0
        if rank() == 0 and (step % TOLD_EVERY == 0 or evaluated):
            self._draw_curves(trainer, step)
        if rank() == 0 and evaluated:
            self.evaluate(trainer, module)
            self._draw_pictures(module, batch)
        # Ranks agree now and then only: it makes the device finish its work.
        if ranks() == 1 or step % TOLD_EVERY == 0 or evaluated:
            trainer.should_stop = agreed(self._over(), module.device)

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        """Judge and keep the last step, wherever the run was stopped.

        Lightning sends the module to the processor afterwards.
        """
        if rank() == 0 and (not self.history or self.history[-1]["step"] != module.steps_done):
            self.evaluate(trainer, module)
        if rank() == 0:
            self._keep(trainer, module, CHECKPOINT)
        if self._curves is not None:
            self._curves.close()

    def evaluate(self, trainer: L.Trainer, module: Matcher) -> list[Recall]:
        """Return the figures on the held-out places, noted beside the checkpoint."""
        encoder = module.averaged
        self.recalls = recalls = evaluate_matcher(
            encoder,
            module.model_config,
            self.held_out.places,
            fovs_deg=self.fovs_deg,
            device=module.device,
            galleries=self.held_out.galleries,
        )
        losses = {k: round(float(v), 3) for k, v in trainer.callback_metrics.items()}
        minutes = (self.now - self.started) / 60
        self.say(_line(module.steps_done, minutes, recalls, losses))
        self.history.append(
            {
                "step": module.steps_done,
                "minutes": round(minutes, 2),
                "recalls": [dataclasses.asdict(r) for r in recalls],
                "losses": losses,
            }
        )
        write_json(self.out / HISTORY_FILE, self.history)
        if self._curves is not None:
            for r in recalls:
                name = f"{r.kind}_{r.fov}"
                self._curves.add_scalar(f"held_out/r1_{name}", r.recall_at_1, module.steps_done)
                self._curves.add_scalar(f"held_out/r5_{name}", r.recall_at_5, module.steps_done)
        if trainer.optimizers:
            # The best one first: a run that is killed in between goes on from before it.
            if self.config.patience and self._is_best():
                self._keep(trainer, module, BEST)
            self._keep(trainer, module, CHECKPOINT)
        return recalls

    def _keep(self, trainer: L.Trainer, module: Matcher, name: str) -> None:
        write_checkpoint(
            self.out / name,
            module,
            trainer.optimizers[0],
            module.steps_done,
            self.stream.state(),
        )

    def is_patience_spent(self) -> bool:
        """Return whether too many evaluations passed since the best one."""
        judged = self._judged()
        return bool(self.config.patience) and len(judged) - _best(judged) > self.config.patience

    def _is_best(self) -> bool:
        judged = self._judged()
        return bool(judged) and judged[_best(judged)] is self.history[-1]

    def _judged(self) -> list[dict[str, Any]]:
        """Return the evaluations that count: a run that is stopped often has others between."""
        every, last = self.config.evaluate_every, self.config.matcher.steps
        return [row for row in self.history if row["step"] % every == 0 or row["step"] >= last]

    def _over(self) -> bool:
        late = self.minutes is not None and self.now - self.started >= 60 * self.minutes
        return late or self.is_patience_spent()

    def _draw_curves(self, trainer: L.Trainer, step: int) -> None:
        if self._curves is None:
            return
        self.told = {name: float(value) for name, value in trainer.callback_metrics.items()}
        for name, value in self.told.items():
            self._curves.add_scalar(f"train/{name}", value, step)
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self._curves.add_scalar("train/learning_rate", rate, step)

    def _draw_pictures(self, module: Matcher, batch: RawBatch) -> None:
        if self._curves is not None:
            module.restart_chance(self.config.matcher.seed, module.steps_done)
            picture = picture_of(module.show(batch))
            self._curves.add_image("shown", picture, module.steps_done)


class Bar(RichProgressBar):
    """Shows the losses as they were last told, since reading them would stop the device."""

    def __init__(self, watch: Watch):
        super().__init__(refresh_rate=TOLD_EVERY)
        self._watch = watch

    def get_metrics(self, *_: Any) -> dict[str, Any]:
        """Return what stands beside the bar."""
        return dict(self._watch.told)


def picture_of(shown: Shown) -> Tensor:
    """Return a picture (3, h, w) in [0, 1]: a row a place, its references, then its photos."""
    parts = [
        t
        for t in (shown.satellite, shown.street, *(p.images for p in shown.photos))
        if t is not None
    ]
    mean, std = (parts[0].new_tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    images = [F.pad(p[:PICTURED_ROWS] * std + mean, (1, 1, 1, 1)) for p in parts]
    rows = torch.cat(images, dim=3).clamp(0, 1)
    return torch.cat(list(rows), dim=1)


def _best(judged: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of the first evaluation that found most."""
    sums = [sum(r["recall_at_1"] + r["recall_at_5"] for r in row["recalls"]) for row in judged]
    return sums.index(max(sums)) if sums else 0


def _line(step: int, minutes: float, recalls: list[Recall], losses: Mapping[str, float]) -> str:
    parts = [
        f"{r.kind}@{r.fov} {r.recall_at_1:.2f}/{r.recall_at_5:.2f}"
        f" ({r.median_heading_error_deg:.0f} deg)"
        for r in recalls
    ]
    figures = " | ".join(parts)
    return f"step {step} {minutes:.1f} min chance {recalls[0].chance:.3f} | {figures} | {losses}"


def _read_history(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    history: list[dict[str, Any]] = json.loads(path.read_text())
    return history
