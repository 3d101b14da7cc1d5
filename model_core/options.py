"""Options of one run from plain values: a request's ``config``, or ``--set search.top_k=20``."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from model_core.config import LocateConfig, from_mapping
from model_core.errors import ConfigError


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


def check_kinds(config: Any, where: str = "") -> None:
    """Check that every option of a configuration is of the kind that it is declared as.

    Args:
        config: A dataclass, nested ones too.
        where: The path of names above, for messages.

    Raises:
        ConfigError: An option is of another kind.
    """
    for name, hint in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        if dataclasses.is_dataclass(hint) and isinstance(value, hint):  # type: ignore[arg-type]
            check_kinds(value, f"{where}{name}.")
        elif not _fits(value, hint):
            raise ConfigError(
                f"option {where + name!r} is {value!r}; {_in_words(hint)} is expected"
            )


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value in arguments
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, arguments[0]) for item in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _in_words(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(argument) for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_in_words(argument) for argument in arguments)
    if origin is tuple:
        return f"a list of {_in_words(arguments[0])}"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    if hint is type(None):
        return "null"
    return words.get(hint, f"a group of options ({getattr(hint, '__name__', hint)})")
