"""Options of one run from plain values: a request's ``config``, or ``--set search.top_k=20``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from model_core.config import LocateConfig, from_mapping
from model_core.errors import ConfigError
from model_core.option_kinds import check_kinds


def read_options(values: Mapping[str, Any]) -> LocateConfig:
    """Return the configuration of a run, the defaults where nothing is said.

    Args:
        values: Options by name, nested as in ``LocateConfig``.

    Raises:
        ConfigError: An option is unknown (the message lists the known ones) or of a wrong kind.
    """
    config = from_mapping(LocateConfig, values)
    check_kinds(config)
    return config


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Return nested options from lines such as ``search.top_k=20``; values are JSON or text.

    Raises:
        ConfigError: A line has no ``=``, or two lines contradict each other.
    """
    options: dict[str, Any] = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator or not name.strip():
            raise ConfigError(f"{assignment!r} is no option; write NAME=VALUE, as in device=cpu")
        *groups, last = name.strip().split(".")
        place = options
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                raise ConfigError(f"{group!r} is set to a value and has no {last!r} inside")
        place[last] = _value(text.strip())
    return options


def merge_options(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return both nested mappings as one; ``over`` wins."""
    merged = dict(base)
    for name, value in over.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[name] = merge_options(below, value)
        else:
            merged[name] = value
    return merged


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
