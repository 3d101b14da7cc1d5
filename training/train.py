"""Train the matcher on rendered cities and write a bundle; reads top to bottom.

python -m training render --out data/world --cities 1:101 --places 80
python -m training train --data data/world --out build/matcher --steps 4000
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader

from model_core.bundle import load_bundle, save_bundle
from model_core.config import ModelConfig, from_mapping, to_mapping
from model_core.errors import ConfigError
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.options import merge_options, parse_assignments
from training.checkpoint import restore_module, restore_optimizer, write_checkpoint
from training.datasets.places import NeighbourBatches, PlaceSet
from training.datasets.rendered import load_galleries, load_rendered
from training.evaluate import Recall, evaluate_matcher
from training.heads import HeadsConfig, map_cities, train_heads
from training.layout_teacher import GroundConfig, teach_ground
from training.matcher import Matcher, MatcherConfig
from training.model_card import write_card
from training.world.gallery import CityGallery

CHECKPOINT = "last.safetensors"


@dataclass(frozen=True)
class TrainConfig:
    """One training run; batches are made of a few cities each, of geographic neighbours.

    ``start_from`` is a bundle whose weights are taken up; a branch without weights of its own
    there starts from the shared ones.
    """

    model: ModelConfig = ModelConfig()
    matcher: MatcherConfig = MatcherConfig()
    ground: GroundConfig = GroundConfig()
    heads: HeadsConfig = HeadsConfig()
    start_from: str | None = None
    batch: int = 48
    cities_per_batch: int = 4
    evaluate_every: int = 500
    precision: str = "bf16-mixed"
    accelerator: str = "auto"


class Report(Callback):
    """Evaluates the averaged weights now and then, prints a line and saves a checkpoint."""

    def __init__(
        self,
        held_out: PlaceSet,
        galleries: Mapping[int, CityGallery],
        out: Path,
        every: int,
        say: Callable[[str], None],
    ):
        self.held_out = held_out
        self.galleries = galleries
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
            encoder,
            module.model_config,
            self.held_out,
            device=module.device,
            galleries=self.galleries,
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
    trained, held_out, module = _prepare(data, held_out_data, out, config, say)
    if resume:
        module.first_step = restore_module(out / CHECKPOINT, module)
    stream = NeighbourBatches(
        trained, config.batch, config.cities_per_batch, config.matcher.seed + module.first_step
    )
    report = Report(held_out, load_galleries(held_out_data), out, config.evaluate_every, say)
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
    return _write_bundle(out, config, module.averaged, module.steps_done, recalls)


def teach(
    data: Path,
    held_out_data: Path,
    out: Path,
    config: TrainConfig,
    say: Callable[[str], None] = print,
) -> Path:
    """Teach the ground branch true layouts, then train the heads; write the bundle.

    A run that was stopped goes on after the first stage where that was finished.

    Args:
        data: Folder of rendered cities.
        held_out_data: Folder of other rendered cities.
        out: Run folder: config.json, ground.safetensors, bundle.
        config: The run; ``ground`` and ``heads`` are its recipe.
        say: Where lines for people go.

    Returns:
        The bundle's folder.

    Raises:
        ConfigError: The run folder was begun with another configuration, or the satellite branch
            has no weights of its own.
        InputError: There is nothing to train on.
    """
    if config.model.shared_weights != "ground":
        raise ConfigError("sides are taught apart: set shared_weights to ground in the model")
    trained, held_out, module = _prepare(data, held_out_data, out, config, say)
    ground = out / "ground.safetensors"
    if ground.exists():
        module.encoder.load_state_dict(load_file(ground))
    else:
        teach_ground(module, trained, config.ground, say)
        state = module.encoder.state_dict()
        save_file({name: value.contiguous() for name, value in state.items()}, ground)
    encoder = train_heads(module, map_cities(module, trained, config.heads, say), config.heads, say)
    recalls = evaluate_matcher(
        encoder, config.model, held_out, galleries=load_galleries(held_out_data)
    )
    return _write_bundle(out, config, encoder, config.ground.steps + config.heads.steps, recalls)


def _prepare(
    data: Path, held_out_data: Path, out: Path, config: TrainConfig, say: Callable[[str], None]
) -> tuple[PlaceSet, PlaceSet, Matcher]:
    """Return both sets and a matcher with the weights to start from; claim the run folder."""
    out.mkdir(parents=True, exist_ok=True)
    _claim_run_folder(out, config)
    trained = load_rendered(data, config.model)
    held_out = load_rendered(held_out_data, config.model)
    say(f"{len(trained)} places to train on, {len(held_out)} held out")
    with torch.random.fork_rng():
        torch.manual_seed(config.matcher.seed)
        module = Matcher(config.model, config.matcher, *trained.layout_statistics())
    if config.start_from is not None:
        _take_up(Path(config.start_from), module)
    return trained, held_out, module


def _write_bundle(
    out: Path, config: TrainConfig, encoder: PlaceEncoder, steps: int, recalls: list[Recall]
) -> Path:
    summary = {
        "steps": steps,
        "train": to_mapping(config),
        "held_out": [dataclasses.asdict(r) for r in recalls],
    }
    return save_bundle(
        out / "bundle",
        config.model,
        encoder,
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


def _take_up(bundle: Path, module: Matcher) -> None:
    """Fill the matcher's encoder, and its average, from a bundle of the same feature sizes."""
    given = load_bundle(bundle).encoder.state_dict()
    shared = {key.split(".", 2)[2]: value for key, value in given.items() if ".shared." in key}
    wanted = {}
    for key, value in module.encoder.state_dict().items():
        found = given.get(key)
        if found is None and key.startswith("branches."):
            found = shared.get(key.split(".", 2)[2])
        if found is None or found.shape != value.shape:
            raise ConfigError(f"{bundle} has no fitting {key!r}; start from a bundle of this size")
        wanted[key] = found
    for encoder in (module.encoder, module.averaged):
        encoder.load_state_dict(wanted)


def _claim_run_folder(out: Path, config: TrainConfig) -> None:
    text = json.dumps(to_mapping(config), indent=1, sort_keys=True)
    path = out / "config.json"
    if path.exists() and path.read_text() != text:
        raise ConfigError(
            f"{path} belongs to another run; name a new folder or restore its options"
        )
    path.write_text(text)
