"""The options of a run: read from a file, changed by assignments, kept in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from model_core.config import from_mapping, to_mapping
from model_core.errors import ConfigError
from model_core.files import replacing
from model_core.option_kinds import check_kinds
from model_core.options import merge_options, parse_assignments

CHECKPOINT = "last.safetensors"
CONFIG_FILE = "config.json"
RUN_FILE = "run.json"
_ABSENT = "not there"

ConfigT = TypeVar("ConfigT")


def read_options(path: Path) -> dict[str, Any]:
    """Return the options of a YAML or JSON file.

    Raises:
        ConfigError: The file cannot be read or is no mapping.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise ConfigError(f"{path} cannot be read ({err}); see training/configs") from err
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a mapping of options is expected; see training/configs")
    return values


def read_run_config(
    kind: type[ConfigT], path: Path | None, assignments: Sequence[str] = ()
) -> ConfigT:
    """Return the configuration of a YAML or JSON file, with options such as ``recipe.steps=500``.

    Args:
        kind: Its dataclass; the default one is taken without a file.
        path: The file.
        assignments: Options that win over the file.

    Raises:
        ConfigError: The file cannot be read or is no mapping, or an option is unknown or of a wrong
            kind.
    """
    values = {} if path is None else read_options(path)
    config = from_mapping(kind, merge_options(values, parse_assignments(assignments)))
    check_kinds(config)
    return config


def read_numbers(option: str, text: str) -> tuple[float, ...]:
    """Return the numbers of an option, which are separated by commas.

    Raises:
        ConfigError: Something between them is no number.
    """
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r}: numbers with commas are expected, as in 90,70"
        ) from error


def check_resume(out: Path, resume: bool) -> None:
    """Raise ConfigError where a run is to go on that has no checkpoint."""
    if resume and not (out / CHECKPOINT).exists():
        raise ConfigError(f"{out} holds no checkpoint to go on from; leave out --resume")


def claim_run_folder(out: Path, config: Any, resume: bool) -> None:
    """Write the configuration into the run folder, or check that it is the one there.

    Raises:
        ConfigError: The folder belongs to a run with other options, holds a checkpoint that nobody
            asked to go on from, or none where somebody did.
    """
    check_resume(out, resume)
    out.mkdir(parents=True, exist_ok=True)
    path = out / CONFIG_FILE
    if path.exists():
        other = differing_options(read_kept_options(out), to_mapping(config))
        if other:
            raise ConfigError(
                f"{path} belongs to another run ({'; '.join(other)}); name a new folder or "
                "restore its options"
            )
    if (out / CHECKPOINT).exists() and not resume:
        raise ConfigError(f"{out} holds a run already; go on with --resume or name a new folder")
    write_json(path, to_mapping(config))


def claim_data(out: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run folder notes of its run, nothing of one that never began.

    Args:
        out: The run folder.
        about: What the run learns from and is watched by, as ``describe_data`` says it.

    Raises:
        ConfigError: The run was begun with other places.
    """
    path = out / RUN_FILE
    noted: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for option, of in (("--data", ""), ("--held-out", "held_out_")):
        names = (f"{of}places", f"{of}sources")
        if any(noted.get(name, about[name]) != about[name] for name in names):
            there, here = (_places_of(one, *names) for one in (noted, about))
            raise ConfigError(
                f"{out} was begun with other places as {option}: {there} there, {here} here; go on "
                "with those or name a new folder as --out"
            )
    return noted


def _places_of(about: Mapping[str, Any], places: str, sources: str) -> str:
    names = dict.fromkeys(str(one["name"]) for one in about.get(sources, ()))
    return f"{about.get(places, 'unknown')} of {', '.join(names) or 'unknown'}"


def write_json(path: Path, values: Any) -> None:
    """Write plain values to a file that is whole or not there, whenever the run is killed.

    Raises:
        InputError: The file cannot be written.
    """
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(values, indent=1), encoding="utf-8")


def read_kept_options(run: Path) -> dict[str, Any]:
    """Return the options that a run folder keeps.

    Raises:
        ConfigError: There are none, or they cannot be read.
    """
    path = run / CONFIG_FILE
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ConfigError(f"{path} cannot be read ({err}); name the folder of a run") from err
    return values


def differing_options(there: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Return a line for every option that differs, as in ``matcher.steps is 3 there, 2 here``."""
    before, now = flat_options(there), flat_options(asked)
    return [
        f"{name} is {before.get(name, _ABSENT)} there, {now.get(name, _ABSENT)} here"
        for name in sorted({*before, *now})
        if before.get(name, _ABSENT) != now.get(name, _ABSENT)
    ]


def flat_options(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return options by their whole names, as in ``matcher.steps``."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flat_options(value, f"{above}{name}.")
        else:
            flat[above + name] = list(value) if isinstance(value, tuple) else value
    return flat
