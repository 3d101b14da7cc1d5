"""Whether options are of the kinds that they are declared as."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from model_core.errors import ConfigError


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
