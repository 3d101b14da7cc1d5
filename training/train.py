"""Train the matcher on rendered cities and write a bundle; reads top to bottom.

python -m training render --out data/world --cities 1:101 --places 80
python -m training train --data data/world --out build/matcher --steps 4000
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from model_core.bundle import save_bundle
from model_core.config import ModelConfig, from_mapping, to_mapping
from model_core.errors import ConfigError
from model_core.options import merge_options, parse_assignments
from training.checkpoint import restore_module, restore_optimizer, write_checkpoint
from training.datasets.rendered import NeighbourBatches, RenderedPlaces
from training.evaluate import Recall, evaluate_matcher
from training.matcher import Matcher, MatcherConfig
from training.model_card import write_card

CHECKPOINT = "last.safetensors"


@dataclass(frozen=True)
class TrainConfig:
    """One training run; batches are made of a few cities each, of geographic neighbours."""

    model: ModelConfig = ModelConfig()
    matcher: MatcherConfig = MatcherConfig()
    batch: int = 48
    cities_per_batch: int = 4
    evaluate_every: int = 500
    precision: str = "bf16-mixed"
    accelerator: str = "auto"


class Report(Callback):
    """Evaluates the averaged weights now and then, prints a line and saves a checkpoint."""

    def __init__(self, held_out: RenderedPlaces, out: Path, every: int, say: Callable[[str], None]):
        self.held_out = held_out
        self.out = out
        self.every = every
        self.say = say
        self.history: list[dict[str, Any]] = []
        self.started = time.monotonic()

    def on_train_start(self, trainer: L.Trainer, module: Any) -> None:
        """Take up the optimiser where the run was left; the module was restored before."""
        if module.first_step:
            restore_optimizer(self.out / CHECKPOINT, trainer.optimizers[0])

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, *_: Any) -> None:
        """Evaluate every so many steps."""
        if module.steps_done % self.every == 0:
            self.evaluate(trainer, module)

    def on_train_end(self, trainer: L.Trainer, module: Any) -> None:
        """Keep the last step, wherever the run was stopped."""
        write_checkpoint(self.out / CHECKPOINT, module, trainer.optimizers[0], module.steps_done)

    def evaluate(self, trainer: L.Trainer, module: Matcher) -> list[Recall]:
        """Return the figures on the held-out cities, noted beside the checkpoint."""
        encoder = module.averaged
        recalls = evaluate_matcher(
            encoder, module.model_config, self.held_out, device=module.device
        )
        minutes = (time.monotonic() - self.started) / 60
        parts = [
            f"{r.kind}@{r.fov_deg:.0f} {r.recall_at_1:.2f}/{r.recall_at_5:.2f}"
            f" ({r.median_heading_error_deg:.0f} deg)"
            for r in recalls
        ]
        losses = {k: round(float(v), 3) for k, v in trainer.callback_metrics.items()}
        self.say(
            f"step {module.steps_done} {minutes:.1f} min chance {recalls[0].chance:.3f} | "
            + " | ".join(parts)
            + f" | {losses}"
        )
        self.history.append(
            {
                "step": module.steps_done,
                "minutes": round(minutes, 2),
                "recalls": [dataclasses.asdict(r) for r in recalls],
                "losses": losses,
            }
        )
        (self.out / "history.json").write_text(json.dumps(self.history, indent=1))
        if trainer.optimizers:
            write_checkpoint(
                self.out / CHECKPOINT, module, trainer.optimizers[0], module.steps_done
            )
        return recalls


def train(
    data: Path,
    held_out_data: Path,
    out: Path,
    config: TrainConfig,
    resume: bool = False,
    minutes: float | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Train, evaluate on the held-out cities and write the bundle.

    Args:
        data: Folder of rendered cities.
        held_out_data: Folder of other rendered cities, to watch the training by.
        out: Run folder: config.json, history.json, last.safetensors, bundle.
        config: The run.
        resume: Go on from the last checkpoint.
        minutes: Stop early after this long; the schedules still count steps.
        say: Where lines for people go.

    Returns:
        The bundle's folder.

    Raises:
        ConfigError: The run folder was begun with another configuration.
        InputError: There is nothing to train on, or to resume.
    """
    out.mkdir(parents=True, exist_ok=True)
    _claim_run_folder(out, config)
    trained = RenderedPlaces.load(data, config.model)
    held_out = RenderedPlaces.load(held_out_data, config.model)
    say(f"{len(trained)} places to train on, {len(held_out)} held out")
    with torch.random.fork_rng():
        torch.manual_seed(config.matcher.seed)
        module = Matcher(config.model, config.matcher, *trained.layout_statistics())
    if resume:
        module.first_step = restore_module(out / CHECKPOINT, module)
    stream = NeighbourBatches(
        trained, config.batch, config.cities_per_batch, config.matcher.seed + module.first_step
    )
    report = Report(held_out, out, config.evaluate_every, say)
    trainer = L.Trainer(
        max_steps=max(0, config.matcher.steps - module.first_step),
        max_time=timedelta(minutes=minutes) if minutes else None,
        accelerator=config.accelerator,
        devices=1,
        precision=config.precision,  # type: ignore[arg-type]
        gradient_clip_val=1.0,
        callbacks=[report],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    loader = DataLoader(stream, batch_size=None)
    trainer.fit(module, loader)
    recalls = report.evaluate(trainer, module)
    summary = {
        "steps": module.steps_done,
        "train": to_mapping(config),
        "held_out": [dataclasses.asdict(r) for r in recalls],
    }
    return save_bundle(
        out / "bundle",
        config.model,
        module.averaged,
        card=write_card(config.model, summary),
        street_view_trained=True,
        extra=summary,
    )


def read_config(path: Path | None) -> TrainConfig:
    """Return the configuration of a JSON or YAML file, the default one without a file."""
    if path is None:
        return TrainConfig()
    import yaml

    values = yaml.safe_load(path.read_text())
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a mapping of options is expected; see training/configs")
    return from_mapping(TrainConfig, values)


def override(config: TrainConfig, assignments: Sequence[str]) -> TrainConfig:
    """Return the configuration with options such as ``matcher.steps=500`` changed.

    Raises:
        ConfigError: An option is unknown, or no assignment.
    """
    values = merge_options(to_mapping(config), parse_assignments(assignments))
    return from_mapping(TrainConfig, values)


def _claim_run_folder(out: Path, config: TrainConfig) -> None:
    text = json.dumps(to_mapping(config), indent=1, sort_keys=True)
    path = out / "config.json"
    if path.exists() and path.read_text() != text:
        raise ConfigError(
            f"{path} belongs to another run; name a new folder or restore its options"
        )
    path.write_text(text)
