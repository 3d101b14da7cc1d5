"""The configuration of a run: read from a file, changed by options, kept in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from model_core.config import from_mapping, to_mapping
from model_core.errors import ConfigError
from model_core.options import merge_options, parse_assignments

ConfigT = TypeVar("ConfigT")


def read_run_config(
    kind: type[ConfigT], path: Path | None, assignments: Sequence[str] = ()
) -> ConfigT:
    """Return the configuration of a YAML or JSON file, with options such as ``recipe.steps=500``.

    Args:
        kind: Its dataclass; the default one is taken without a file.
        path: The file.
        assignments: Options that win over the file.

    Raises:
        ConfigError: The file cannot be read or is no mapping, or an option is unknown.
    """
    import yaml

    values: Any = {}
    if path is not None:
        try:
            values = yaml.safe_load(path.read_text())
        except (OSError, yaml.YAMLError) as err:
            raise ConfigError(f"{path} cannot be read ({err}); see training/configs") from err
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: a mapping of options is expected; see training/configs")
    return from_mapping(kind, merge_options(values, parse_assignments(assignments)))


def claim_run_folder(out: Path, config: Any) -> None:
    """Make the run's folder and keep the configuration in it.

    Raises:
        ConfigError: The folder was begun with another configuration.
    """
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_mapping(config), indent=1, sort_keys=True)
    path = out / "config.json"
    if path.exists() and path.read_text() != text:
        raise ConfigError(
            f"{path} belongs to another run; name a new folder or restore its options"
        )
    path.write_text(text)
