"""Teach the ground branch true layouts, then train the heads; write a bundle."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import load_file, save_file

from model_core.device import choose_device
from model_core.errors import ConfigError
from model_core.files import replacing
from training.checkpoint import write_averaged
from training.distributed import check_alone
from training.evaluate import evaluate_matcher, watched_fovs_deg
from training.export import HISTORY_FILE, export_run
from training.heads import map_cities, train_heads
from training.layout_teacher import teach_ground
from training.precision import choose_precision
from training.run_config import CHECKPOINT, write_json
from training.train import prepare
from training.train_config import TrainConfig


def teach(
    data: Path,
    held_out_data: Path,
    out: Path,
    config: TrainConfig,
    say: Callable[[str], None] = print,
    device: str | None = None,
) -> Path:
    """Teach the ground branch true layouts, then train the heads; write the bundle.

    A run that was stopped goes on after the first stage where that was finished, on the same data.

    Args:
        data: Folder of places whose true layout is known: rendered cities.
        held_out_data: Folder of other rendered cities.
        out: Run folder: config.json, ground.safetensors, last.safetensors, bundle.
        config: The run; ``ground`` and ``heads`` are its recipe.
        say: Where lines for people go.
        device: "cpu", "cuda", "mps" or "auto"; what the configuration says when None.

    Returns:
        The bundle's folder.

    Raises:
        ConfigError: The run folder was begun with another configuration or other places, the
            satellite branch has no weights of its own, no true layout is known, or several
            processes were started.
        InputError: There is nothing to train on.
        DeviceError: There is no such device.
    """
    check_alone("teach")
    taught = config.ground.steps > 0
    if config.model.shared_weights != "ground":
        raise ConfigError("sides are taught apart: set shared_weights to ground in the model")
    chosen = choose_device(device or config.accelerator)
    done = (out / CHECKPOINT).exists()
    trained, held_out, module = prepare(
        data, held_out_data, out, config, say, chosen, done, command="teach"
    )
    if taught and not module.layout_channels:
        raise ConfigError(f"{data} knows no true layout to teach; use rendered cities, or train")
    if done:
        return export_run(out, out / "bundle")
    precision = choose_precision(config.precision, chosen)
    ground = out / "ground.safetensors"
    if ground.exists():
        module.encoder.load_state_dict(load_file(ground))
    elif taught:
        teach_ground(module, trained, config.ground, precision, say)
        state = module.encoder.state_dict()
        with replacing(ground) as unfinished:
            save_file({name: value.contiguous() for name, value in state.items()}, unfinished)
    maps = map_cities(module, trained, config.heads, precision, say)
    encoder = train_heads(module, maps, config.heads, precision, say)
    recalls = evaluate_matcher(
        encoder,
        config.model,
        held_out.places,
        watched_fovs_deg(held_out.places),
        device=chosen,
        galleries=held_out.galleries,
    )
    steps = config.ground.steps + config.heads.steps
    history = [{"step": steps, "recalls": [dataclasses.asdict(r) for r in recalls]}]
    write_json(out / HISTORY_FILE, history)
    write_averaged(out / CHECKPOINT, encoder, steps)
    return export_run(out, out / "bundle")
