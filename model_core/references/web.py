"""What is asked of the network, and with which access; nothing here opens a socket."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from model_core.errors import ProviderError
from model_core.references.bodies import BodyCheck, any_body


def unexplained(body: bytes) -> ProviderError | None:
    """Return None: the status of a refusal says enough."""
    return None


@dataclass(frozen=True)
class NetworkAccess:
    """Who the engine is on the network and where replies are kept; belongs to one request.

    ``proxy`` None takes the system's, ``no_proxy`` are the beginnings of addresses that are reached
    without it, by their host; ``ca_bundle`` adds certificates to the usual ones;
    ``cache_folder`` None keeps replies in memory only. Limits of 0 are none.
    """

    proxy: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()
    ca_bundle: Path | None = None
    contact: str = ""
    offline: bool = False
    cache_folder: Path | None = None
    cache_max_bytes: int = 2_000_000_000
    max_requests: int = 0
    max_bytes: int = 0


@dataclass(frozen=True)
class HttpRequest:
    """One request; what is secret is kept apart from what may be seen and stored.

    ``name`` stands for the address in messages and in the cache where the address itself is secret
    or expires; ``hidden`` are the secrets that stand in it. ``check`` raises ``ProviderError`` for
    a reply that is not what was asked for; ``explain`` returns one where the body of a refusal says
    more than its status. A reply larger than ``max_bytes`` is not taken (0: than the configured
    limit).
    """

    url: str = field(repr=False)
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    secret_params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secret_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)
    method: str = "GET"
    body: bytes = field(default=b"", repr=False)
    name: str = ""
    check: BodyCheck = field(default=any_body, compare=False)
    explain: Callable[[bytes], ProviderError | None] = field(default=unexplained, compare=False)
    max_bytes: int = 0

    @property
    def label(self) -> str:
        """The request as it may be shown."""
        if self.name:
            return self.name
        query = urlencode(self.params, safe=",:/{}")
        joint = "&" if "?" in self.url else "?"
        return f"{self.url}{joint}{query}" if query else self.url

    @property
    def key(self) -> str:
        """The hash that names the reply in a cache; it holds nothing secret."""
        named = [self.method, self.label, self.headers, hashlib.sha256(self.body).hexdigest()]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()

    @property
    def host(self) -> str:
        """Host and port that are asked."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def hide(self, text: str) -> str:
        """Return a text without this request's address where that may not be shown."""
        if not self.name:
            return text
        parts = urlsplit(self.url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        for address in (self.url, target if len(target) > 1 else ""):
            text = text.replace(address, "...") if address else text
        return text

    def secrets(self) -> Iterator[str]:
        """Yield what must not be seen."""
        yield from self.hidden
        for _, value in (*self.secret_params, *self.secret_headers):
            yield value
            yield value.rpartition(" ")[2]


@dataclass
class TrafficCount:
    """What went over the network in a run; ``failures`` counts every failed try by its reason."""

    requests: int = 0
    bytes: int = 0
    from_cache: int = 0
    failures: Counter[str] = field(default_factory=Counter)
