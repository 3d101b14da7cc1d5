"""Train the matcher on any places and write a bundle; reads top to bottom.

python -m training render --out data/world --cities 1:101 --places 80
python -m training render --out data/held_out --cities 4001:4004 --places 80
python -m training train --data data/world --held-out data/held_out --out build/matcher

On several GPUs: torchrun --nproc-per-node 2 -m training train ...
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from torch.utils.data import DataLoader

from model_core.bundle import ModelBundle, load_bundle
from model_core.device import choose_device
from model_core.errors import ConfigError, InputError
from training.checkpoint import restore_module, restore_stream
from training.data_sources import describe_data
from training.datasets.load import load_apart
from training.datasets.places import PlaceSet
from training.datasets.rendered import load_galleries
from training.datasets.resident import ResidentPlaces
from training.distributed import join_ranks, leave_ranks, own_device, rank
from training.export import export_run
from training.matcher import Matcher
from training.mining import mine_hard_negatives
from training.precision import autocast, choose_precision
from training.run_config import (
    CHECKPOINT,
    RUN_FILE,
    check_resume,
    claim_data,
    claim_run_folder,
    write_json,
)
from training.stream import BatchStream
from training.train_config import TrainConfig as TrainConfig
from training.train_config import override as override
from training.train_config import read_config as read_config
from training.train_config import start_bundle
from training.watch import Bar, HeldOut, Watch

CLIP_NORM = 1.0


def train(
    data: Path,
    held_out_data: Path,
    out: Path,
    config: TrainConfig,
    resume: bool = False,
    minutes: float | None = None,
    say: Callable[[str], None] = print,
    device: str | None = None,
    bar: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Train, evaluate on the held-out places and write the bundle.

    Args:
        data: Folder of places to learn from.
        held_out_data: Folder of other places, to watch the training by; the same folder: its
            own parts for training and validation, rendered cities block by block.
        out: Run folder: config.json, run.json, history.json, last.safetensors, tensorboard, bundle.
        config: The run.
        resume: Go on from the last checkpoint.
        minutes: Stop early after this long; the schedules still count steps.
        say: Where lines for people go.
        device: "cpu", "cuda", "mps" or "auto"; what the configuration says when None.
        bar: Show a progress bar, on a terminal.
        clock: Seconds, for ``minutes``.

    Returns:
        The bundle's folder.

    Raises:
        ConfigError: The run folder was begun with another configuration or other places, or may
            not be written over.
        InputError: There is nothing to train on, or the checkpoint is damaged.
        BundleError: Weights to start from cannot be had.
        DeviceError: There is no such device.
    """
    chosen = own_device(choose_device(device or config.accelerator))
    join_ranks(chosen)
    try:
        if rank() > 0:
            say, bar = _say_nothing, False
        return _train(
            *prepare(data, held_out_data, out, config, say, chosen, resume),
            config, out, resume, minutes, say, bar, clock,
        )  # fmt: skip
    finally:
        leave_ranks()


def _train(
    trained: PlaceSet,
    held_out: HeldOut,
    module: Matcher,
    config: TrainConfig,
    out: Path,
    resume: bool,
    minutes: float | None,
    say: Callable[[str], None],
    bar: bool,
    clock: Callable[[], float],
) -> Path:
    if resume:
        module.first_step = restore_module(out / CHECKPOINT, module)
        say(f"resumed at step {module.first_step}")
    if config.compile:
        for strips in module.encoder.branches.values():
            strips.compile()
    stream = _stream(trained, module, config, out, resume)
    watch = Watch(held_out, stream, out, config, say, minutes, clock, module.first_step)
    trainer = _trainer(config, module, watch, bar)
    if module.first_step < config.matcher.steps and not watch.is_patience_spent():
        trainer.fit(module, DataLoader(stream, batch_size=None))
    bundle = out / "bundle"
    if rank() == 0:
        if not watch.history or watch.history[-1]["step"] != module.steps_done:
            watch.evaluate(trainer, module)
        say(f"bundle: {export_run(out, bundle)}")
        if load_bundle(bundle).training["steps"] == 0:
            say("no step found more than the weights it began with, so the bundle holds those")
    return bundle


def prepare(
    data: Path,
    held_out_data: Path,
    out: Path,
    config: TrainConfig,
    say: Callable[[str], None],
    device: torch.device,
    resume: bool = False,
    command: str = "train",
) -> tuple[PlaceSet, HeldOut, Matcher]:
    """Return both sets and a matcher with the weights to start from; claim the run folder.

    ``command`` is noted there as what made the model.
    """
    check_resume(out, resume)
    if rank() == 0:
        claim_run_folder(out, config, resume)
    trained, watched = load_apart(data, held_out_data, config.model, say)
    held_out = HeldOut(watched, load_galleries(held_out_data))
    say(f"{len(trained)} places to train on, {len(held_out.places)} held out")
    if config.model.calibration not in ("none", "metadata"):
        say(
            f"street views are learned from as they are: the engine calibrates them "
            f"({config.model.calibration}), a training does not, but for ablate's copies"
        )
    if not watched.photo_there.any():
        raise InputError(f"{held_out_data} has no photo to watch by; name places with photos")
    about = describe_data(data, len(trained), held_out_data, len(watched))
    noted = claim_data(out, about)
    labels = trained.layout.shape[-1]
    mean, spread = trained.layout_statistics() if labels else (np.zeros(0), np.zeros(0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.matcher.seed)
        pretrained = config.pretrained and not resume
        module = Matcher(config.model, config.matcher, mean, spread, pretrained)
    before: list[dict[str, Any]] = noted.get("before", []) if resume else []
    if config.start_from is not None and not resume:
        start = load_bundle(start_bundle(config.start_from))
        _take_up(start, module)
        before = _stages(start.training)
    if rank() == 0:
        made = {"command": command, "device": _name_of(device), **about, "before": before}
        write_json(out / RUN_FILE, made)
    module = module.to(device).to(memory_format=torch.channels_last)
    return trained, held_out, module


def _stream(
    trained: PlaceSet, module: Matcher, config: TrainConfig, out: Path, resume: bool
) -> BatchStream:
    """Return the batches of the run, from sets that stay on the device."""
    places = ResidentPlaces(
        trained,
        config.batch,
        config.cities_per_batch,
        config.matcher.seed,
        module.device,
        config.matcher.false_negative_radius_m,
    )
    mining, precision = config.mining, choose_precision(config.precision, module.device)

    def mine(seed: int) -> torch.Tensor:
        with autocast(precision, module.device):
            return mine_hard_negatives(module, places, mining.negatives, mining.fov_deg, seed)

    return BatchStream(
        places,
        config.matcher.seed,
        config.evaluate_every,
        module.first_step,
        None if mining.from_step is None else mine,
        mining.from_step or 0,
        restore_stream(out / CHECKPOINT) if resume else None,
    )


def _trainer(config: TrainConfig, module: Matcher, watch: Watch, bar: bool) -> L.Trainer:
    """Return a trainer for this process alone; ranks speak to each other in the module."""
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    on_gpu = module.device.type == "cuda"
    return L.Trainer(
        max_epochs=1,  # an endless one
        max_steps=max(0, config.matcher.steps - module.first_step),
        accelerator="gpu" if on_gpu else module.device.type,
        devices=[module.device.index or 0] if on_gpu else 1,
        plugins=[LightningEnvironment()],
        precision=choose_precision(config.precision, module.device),
        gradient_clip_val=CLIP_NORM,
        callbacks=[watch, *([Bar(watch)] if bar else [])],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=bar,
        enable_model_summary=False,
    )


def _stages(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a bundle's weights have learned from, stage by stage, the last one first."""
    if "steps" not in training:
        return []
    told = ("command", "steps", "sources", "cities")
    stage = {key: training[key] for key in told if key in training}
    if training.get("train", {}).get("pretrained"):
        stage["pretrained"] = True
    return [stage, *training.get("before", ())]


def _take_up(start: ModelBundle, module: Matcher) -> None:
    """Fill the matcher's encoder, and its average, from a bundle of the same feature sizes.

    Another fusion than the bundle's begins anew.
    """
    given = start.encoder.state_dict()
    if start.config.fusion != module.model_config.fusion:
        own = module.encoder.fusion.state_dict()
        given |= {f"fusion.{key}": value for key, value in own.items()}
    shared = {key.split(".", 2)[2]: value for key, value in given.items() if ".shared." in key}
    wanted = {}
    for key, value in module.encoder.state_dict().items():
        found = given.get(key)
        if found is None and key.startswith("branches."):
            found = shared.get(key.split(".", 2)[2])
        if found is None or found.shape != value.shape:
            raise ConfigError(
                f"{start.path} has no fitting {key!r}; start from a bundle of this size"
            )
        wanted[key] = found
    for encoder in (module.encoder, module.averaged):
        encoder.load_state_dict(wanted)


def _name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _say_nothing(_: str) -> None:
    """Ranks other than the first are silent."""
