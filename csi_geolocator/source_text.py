"""The text that names an online source in a request, and what of it must not be kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from .model_core.contract.addresses import SECRET_NAMES

_SECRET = re.compile(
    rf"([?&](?:{'|'.join(map(re.escape, sorted(SECRET_NAMES)))})=)(?!\{{key\}})[^&|]+",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(?<=://)[^/?#|]*@")


def source_text(name: str, options: Mapping[str, str]) -> str:
    """Return how a request names an online source: ``NAME|option=value|option=value``."""
    parts = [f"{key}={encode_value(value)}" for key, value in options.items() if value]
    return "|".join([name, *parts])


def encode_value(value: str) -> str:
    """Return an option's value with the grammar's own signs percent-encoded."""
    return value.replace("%", "%25").replace("|", "%7C")


def source_name(text: str) -> str:
    """Return the source that a request's text names; empty for a path."""
    name = text.split("|", 1)[0].strip()
    is_path = "/" in name or "\\" in name or name.startswith("~")
    return "" if is_path else name


def source_option(text: str, name: str) -> str:
    """Return the value of an option in a request's text; empty where it is not given."""
    given = (part.partition("=") for part in text.split("|")[1:])
    return next((unquote(value.strip()) for key, _, value in given if key.strip() == name), "")


def holds_secret(text: str) -> bool:
    """Return whether an address carries a key or a login, and so is not to be kept."""
    return without_secret(text) != text


def without_secret(text: str) -> str:
    """Return a source's text without login, and ``{key}`` for the stored key in place of a key."""
    return _SECRET.sub(r"\1{key}", _LOGIN.sub("", text))
