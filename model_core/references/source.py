"""How an online source is named in a request, and what is known of it before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from model_core.errors import InputError
from model_core.references.http import HttpClient
from model_core.types import SourceTerms

SourceKind = Literal["imagery", "street_view", "roads"]
KeyNeed = Literal["none", "optional", "required"]


@dataclass(frozen=True)
class SourceText:
    """The name and the options of a source, as in ``xyz|url=https://...|max_zoom=19``."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    def number(self, option: str, default: float) -> float:
        """Return an option's number.

        Raises:
            InputError: It is none.
        """
        value = self.options.get(option)
        if value is None:
            return default
        try:
            return float(value)
        except ValueError as err:
            raise InputError(
                f"{self.name}: option {option} is {value!r}; a number is expected"
            ) from err

    def required(self, option: str) -> str:
        """Return an option that has to be there.

        Raises:
            InputError: It is missing.
        """
        value = self.options.get(option, "")
        if not value:
            raise InputError(f"{self.name}: say {self.name}|{option}=...; it has no default")
        return value


@dataclass(frozen=True)
class SourceContext:
    """What a source is opened with; ``keys`` are API keys by source name."""

    client: HttpClient
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def key(self, name: str) -> str:
        """Return the API key of a source.

        Raises:
            InputError: There is none.
        """
        key = self.keys.get(name, "").strip()
        if not key:
            variable = f"CSI_KEY_{name.upper().replace('-', '_')}"
            raise InputError(
                f"{name} needs an API key of your own; add it in the settings, or set {variable} "
                "in a terminal"
            )
        return key


@dataclass(frozen=True)
class FetchPlan:
    """What would be asked of the network and is not kept yet; bytes are an estimate."""

    requests: int = 0
    bytes: int = 0

    def __add__(self, other: FetchPlan) -> FetchPlan:
        """Return both together."""
        return FetchPlan(self.requests + other.requests, self.bytes + other.bytes)


@dataclass(frozen=True)
class KnownSource:
    """A source that a request may name; ``options`` explains what may follow the name.

    ``open`` makes the source from its text and asks nothing of the network. ``notice`` is shown
    before the source is used.
    """

    name: str
    title: str
    kind: SourceKind
    terms: SourceTerms
    open: Callable[[SourceText, SourceContext], Any]
    key: KeyNeed = "none"
    key_help: str = ""
    notice: str = ""
    example: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


def parse_source(text: str) -> SourceText:
    """Return the name and options of a source's text; ``|`` and ``%`` in values are escaped.

    Raises:
        InputError: An option has no value, or stands there twice.
    """
    name, *parts = text.strip().split("|")
    options: dict[str, str] = {}
    for part in parts:
        option, equals, value = part.partition("=")
        if not equals or not option.strip():
            raise InputError(
                f"source {name.strip()!r}: after each | an option is expected; write "
                "NAME|option=value, and %7C for a | within a value"
            )
        if option.strip() in options:
            raise InputError(
                f"source {name.strip()!r}: option {option.strip()!r} stands there twice"
            )
        options[option.strip()] = unquote(value.strip())
    return SourceText(name.strip(), options, text.strip())
