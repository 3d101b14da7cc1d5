"""How a message's params and result are read: checked dataclasses, plain values on the wire."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from .messages import ContractError

BodyT = TypeVar("BodyT", bound="Body")

_BODIES: dict[str, type[Body]] = {}
"""Every body by its name: what an annotation that is itself a body refers to."""


@dataclass(frozen=True)
class Body:
    """The fields of one kind of params or result; their annotations are what is checked.

    A field without a default must be there and must not be empty. None is left out on the wire.
    """

    strict: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _BODIES[cls.__name__] = cls

    @classmethod
    def from_json(cls: type[BodyT], values: object) -> BodyT:
        """Return the body that a message's ``params`` or ``result`` holds.

        Raises:
            ContractError: A key is missing or of the wrong type, or, in a request, unknown.
        """
        if not isinstance(values, Mapping):
            raise ContractError(f"{cls.__name__}: an object is expected, {_found(values)}")
        known = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(str(key) for key in values if key not in known)
        if unknown and cls.strict:
            raise ContractError(
                f"{cls.__name__}: unknown key {unknown[0]!r}; known: {', '.join(known)}"
            )
        return cls(**{f.name: _read(cls, f, values) for f in known.values() if _given(f, values)})

    def to_json(self) -> dict[str, Any]:
        """Return the body as plain values."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: _plain(value) for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Params(Body):
    """What a request asks: a key that is not known is refused, since it would be ignored."""

    strict: ClassVar[bool] = True


def _required(f: dataclasses.Field[Any]) -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def _given(f: dataclasses.Field[Any], values: Mapping[str, Any]) -> bool:
    return _required(f) or f.name in values


def _read(kind: type[Body], f: dataclasses.Field[Any], values: Mapping[str, Any]) -> Any:
    where = f"{kind.__name__}: '{f.name}'"
    if f.name not in values:
        raise ContractError(f"{where} is missing")
    value = values[f.name]
    annotation = str(f.type)
    if annotation in _BODIES:
        return _BODIES[annotation].from_json(value)
    many = annotation.removeprefix("tuple[").removesuffix(", ...]")
    if many in _BODIES:
        if not isinstance(value, (list, tuple)):
            raise ContractError(f"{where} must be a list, {_found(value)}")
        return tuple(_BODIES[many].from_json(item) for item in value)
    expected, fits = _TYPES[annotation]
    if not fits(value):
        raise ContractError(f"{where} must be {expected}, {_found(value)}")
    if _required(f) and (value in ("", [], ()) or (isinstance(value, str) and not value.strip())):
        raise ContractError(f"{where} must not be empty")
    return tuple(value) if isinstance(value, list) else value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_optional_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and bool(value.strip()))


def _is_text_list(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(i, str) and i for i in value)


def _is_text_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(i, str) for i in value.values())


_TYPES: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "str": ("a string", lambda value: isinstance(value, str)),
    "str | None": ("a string", _is_optional_text),
    "int": ("a whole number", _is_whole),
    "int | None": ("a whole number", lambda value: value is None or _is_whole(value)),
    "int | str": (
        "a string or a whole number",
        lambda value: _is_whole(value) or isinstance(value, str),
    ),
    "float": ("a number", lambda value: _is_whole(value) or isinstance(value, float)),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "tuple[str, ...]": ("a list of strings", _is_text_list),
    "float | None": (
        "a number",
        lambda value: value is None or _is_whole(value) or isinstance(value, float),
    ),
    "Mapping[str, Any]": ("an object", lambda value: isinstance(value, Mapping)),
    "Mapping[str, str]": ("an object of strings", _is_text_mapping),
    "tuple[Mapping[str, Any], ...]": (
        "a list of objects",
        lambda value: (
            isinstance(value, (list, tuple)) and all(isinstance(i, Mapping) for i in value)
        ),
    ),
}


def _found(value: object) -> str:
    return f"not {json.dumps(value, default=str)[:60]}"


def _plain(value: Any) -> Any:
    if isinstance(value, Body):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value
