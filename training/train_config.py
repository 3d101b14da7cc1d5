"""What one training run is: its options, where they come from, and the folder that is its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from model_core.bundle import default_bundle_path
from model_core.config import PRESETS, ModelConfig, from_mapping, to_mapping
from model_core.errors import ConfigError
from model_core.options import check_kinds, merge_options, parse_assignments
from training.heads import HeadsConfig
from training.layout_teacher import GroundConfig
from training.matcher import MatcherConfig

CHECKPOINT = "last.safetensors"
BEST = "best.safetensors"
CONFIG_FILE = "config.json"
PACKAGED = "packaged"
_ABSENT = "not there"


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
    precision: Literal["bf16-mixed", "32-true"] = "bf16-mixed"
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
    if path is None:
        return TrainConfig()
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise ConfigError(f"{path} cannot be read ({err}); see training/configs") from err
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a mapping of options is expected; see training/configs")
    return _config_of(values)


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


def claim_run_folder(out: Path, config: TrainConfig, resume: bool) -> None:
    """Write the configuration into the run folder, or check that it is the one there.

    Raises:
        ConfigError: The folder belongs to a run with other options, or holds a checkpoint that
            nobody asked to go on from.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / CONFIG_FILE
    if path.exists():
        other = differing_options(_read_options(path), to_mapping(config))
        if other:
            raise ConfigError(
                f"{path} belongs to another run ({'; '.join(other)}); name a new folder or "
                "restore its options"
            )
    if (out / CHECKPOINT).exists() and not resume:
        raise ConfigError(f"{out} holds a run already; go on with --resume or name a new folder")
    path.write_text(json.dumps(to_mapping(config), indent=1, sort_keys=True), encoding="utf-8")


def read_run(out: Path) -> TrainConfig:
    """Return the configuration of a run folder.

    Raises:
        ConfigError: There is none, or it cannot be read.
    """
    return _config_of(_read_options(out / CONFIG_FILE))


def differing_options(there: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Return a line for every option that differs, as in ``matcher.steps is 3 there, 2 here``."""
    before, now = _flat(there), _flat(asked)
    return [
        f"{name} is {before.get(name, _ABSENT)} there, {now.get(name, _ABSENT)} here"
        for name in sorted({*before, *now})
        if before.get(name, _ABSENT) != now.get(name, _ABSENT)
    ]


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{above}{name}.")
        else:
            flat[above + name] = list(value) if isinstance(value, tuple) else value
    return flat


def _read_options(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ConfigError(f"{path} cannot be read ({err}); name the folder of a run") from err
    return values
