"""What one training run of the matcher is: its options and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_core.bundle import default_bundle_path
from model_core.config import PRESETS, ModelConfig, from_mapping, to_mapping
from model_core.errors import ConfigError
from model_core.option_kinds import check_kinds
from model_core.options import merge_options, parse_assignments
from training.heads import HeadsConfig
from training.layout_teacher import GroundConfig
from training.matcher import MatcherConfig
from training.precision import Asked
from training.run_config import read_kept_options, read_options

BEST = "best.safetensors"
PACKAGED = "packaged"


@dataclass(frozen=True)
class MiningConfig:
    """Hard negatives by similarity, from a step on; before, batches hold geographic neighbours.

    ``from_step`` None never mines. Negatives are mined anew at every evaluation, ``negatives`` a
    place, by photos of ``fov_deg``.
    """

    from_step: int | None = None
    negatives: int = 32
    fov_deg: float = 90.0


@dataclass(frozen=True)
class TrainConfig:
    """One training run; batches are made of a few cities each, of geographic neighbours.

    ``start_from`` is a bundle whose weights are taken up, or ``packaged``; a branch without weights
    of its own there starts from the shared ones. ``pretrained`` starts the backbone from ImageNet
    weights. ``patience`` is how many evaluations may pass without a better recall; 0 never stops
    early.
    ``precision`` is float32, bfloat16 beside it, or whichever of them suits where it runs;
    ``accelerator`` is where a run computes that is not told: auto, cpu or cuda.
    """

    model: ModelConfig = ModelConfig()
    matcher: MatcherConfig = MatcherConfig()
    mining: MiningConfig = MiningConfig()
    ground: GroundConfig = GroundConfig()
    heads: HeadsConfig = HeadsConfig()
    start_from: str | None = None
    pretrained: bool = False
    batch: int = 48
    cities_per_batch: int = 4
    evaluate_every: int = 500
    patience: int = 0
    precision: Asked = "auto"
    compile: bool = False
    accelerator: str = "auto"


def start_bundle(start_from: str) -> Path:
    """Return the folder of the bundle that a run starts from."""
    return default_bundle_path() if start_from == PACKAGED else Path(start_from)


def read_config(path: Path | None) -> TrainConfig:
    """Return the configuration of a JSON or YAML file, the default one without a file.

    Raises:
        ConfigError: The file cannot be read, or an option is unknown or of a wrong kind.
    """
    return TrainConfig() if path is None else _config_of(read_options(path))


def override(config: TrainConfig, assignments: Sequence[str]) -> TrainConfig:
    """Return the configuration with options such as ``matcher.steps=500`` changed.

    A preset that is named brings its own model: what the configuration said of the model is
    dropped, what other assignments say of it is kept.

    Raises:
        ConfigError: An option is unknown or of a wrong kind, or no assignment.
    """
    over = parse_assignments(assignments)
    base = to_mapping(config)
    if "preset" in over.get("model", {}):
        base["model"] = {}
    return _config_of(merge_options(base, over))


def _config_of(values: Mapping[str, Any]) -> TrainConfig:
    """Return the configuration; a model's options are changes to the preset that it names."""
    model = values.get("model", {})
    name = model.get("preset", "default") if isinstance(model, Mapping) else "default"
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}; known here: {', '.join(PRESETS)}")
    base = {"model": to_mapping(PRESETS[name])}
    config = from_mapping(TrainConfig, merge_options(base, values))
    check_kinds(config)
    return config


def read_run(out: Path) -> TrainConfig:
    """Return the configuration of a run folder.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    return _config_of(read_kept_options(out))
