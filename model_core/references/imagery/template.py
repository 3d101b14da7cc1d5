"""Addresses of tiles as users write them, with what is secret in them kept apart."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from model_core.contract.addresses import SECRET_NAMES
from model_core.errors import InputError
from model_core.references.imagery.pyramid import TileKey
from model_core.references.web import HttpRequest

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FIELDS = frozenset({"x", "y", "-y", "z", "q", "s", "r", "key"})
_KEY = "{key}"
_HIDDEN = "***"


@dataclass(frozen=True)
class Address:
    """An address without its secrets, and the secrets.

    ``url`` may hold placeholders, ``{key}`` among them; ``params`` are query values that stay out
    of sight, ``headers`` likewise.
    """

    url: str
    secret_params: tuple[tuple[str, str], ...] = ()
    secret_headers: tuple[tuple[str, str], ...] = ()
    key: str = ""

    def request(self, url: str) -> HttpRequest:
        """Return the request of an address made from ``url`` by filling it in."""
        name = ""
        hidden: tuple[str, ...] = ()
        if self.key and _KEY in url:
            name, url, hidden = url.replace(_KEY, _HIDDEN), url.replace(_KEY, self.key), (self.key,)
        return HttpRequest(
            url,
            secret_params=self.secret_params,
            secret_headers=self.secret_headers,
            hidden=hidden,
            name=name,
        )


def read_address(source: str, url: str, key: str = "") -> Address:
    """Return an address with the secrets taken out of it.

    Secret are a user and password before the host, and query values named in ``SECRET_NAMES``.

    Args:
        source: Named in errors.
        url: As the user wrote it; ``{key}`` stands for the source's key.
        key: The source's key from the settings.

    Raises:
        InputError: It is no address of the web, or wants a key that is not there.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InputError(f"{source}: the address has to begin with https:// or http://")
    if _KEY in url and not key:
        raise InputError(f"{source} needs an API key of your own; add it in the settings")
    login, _, host = parts.netloc.rpartition("@")
    headers: tuple[tuple[str, str], ...] = ()
    if login:
        encoded = base64.b64encode(unquote(login).encode()).decode()
        headers = (("Authorization", f"Basic {encoded}"),)
    shown, secret = [], []
    for part in parts.query.split("&") if parts.query else ():
        name, _, value = part.partition("=")
        if name.lower() in SECRET_NAMES and value:
            secret.append((unquote(name), key if value == _KEY else unquote(value)))
        else:
            shown.append(part)
    bare = urlunsplit(parts._replace(netloc=host, query="&".join(shown)))
    return Address(bare, tuple(secret), headers, key)


@dataclass(frozen=True)
class TileTemplate:
    """Addresses of tiles: ``{x} {y} {z}``, ``{-y}`` rows from the south, ``{q}`` quadkey, ``{s}``.

    ``{r}`` is left empty; ``{key}`` is the key from the settings.
    """

    address: Address
    subdomains: tuple[str, ...] = ("a", "b", "c")

    def request(self, tile: TileKey) -> HttpRequest:
        """Return the request of a tile."""
        zoom, x, y = tile
        values: Mapping[str, str] = {
            "x": str(x),
            "y": str(y),
            "-y": str((1 << zoom) - 1 - y),
            "z": str(zoom),
            "q": quadkey(tile),
            "s": self.subdomains[(x + y) % len(self.subdomains)],
            "r": "",
            "key": _KEY,
        }
        return self.address.request(
            _PLACEHOLDER.sub(lambda found: values[found[1]], self.address.url)
        )


def read_template(
    source: str, url: str, key: str = "", subdomains: tuple[str, ...] = ("a", "b", "c")
) -> TileTemplate:
    """Return a template of tile addresses.

    Raises:
        InputError: It has no place for the tile's numbers, or an unknown one.
    """
    address = read_address(source, url, key)
    fields = set(_PLACEHOLDER.findall(url))
    unknown = sorted(fields - _FIELDS)
    if unknown:
        raise InputError(
            f"{source}: {{{unknown[0]}}} in the address is unknown; known are "
            + " ".join(f"{{{one}}}" for one in sorted(_FIELDS))
        )
    if not ("q" in fields or ({"x", "z"} <= fields and fields & {"y", "-y"})):
        raise InputError(f"{source}: the address needs {{x}}, {{y}} or {{-y}}, and {{z}}; or {{q}}")
    if not subdomains:
        raise InputError(f"{source}: subdomains is empty; say for example subdomains=abc")
    return TileTemplate(address, subdomains)


def quadkey(tile: TileKey) -> str:
    """Return a tile's quadkey: a digit a zoom, 1 for east and 2 for south."""
    zoom, x, y = tile
    return "".join(
        str((x >> level & 1) + 2 * (y >> level & 1)) for level in range(zoom - 1, -1, -1)
    )


def with_params(url: str, params: Mapping[str, str]) -> str:
    """Return an address with query values set, replacing those of the same name in any case."""
    parts = urlsplit(url)
    lowered = {name.lower() for name in params}
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in lowered
    ]
    query = urlencode([*kept, *params.items()], safe=",:/{}")
    return urlunsplit(parts._replace(query=query))
