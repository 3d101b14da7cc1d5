"""Keeps passwords out of logs and diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

HIDDEN = "***"


class Redactor:
    """Replaces the user and password of addresses wherever they turn up.

    Args:
        addresses: Addresses that may hold a user and a password, as of a proxy.
    """

    def __init__(self, addresses: Iterable[str | None] = ()) -> None:
        secrets: set[str] = set()
        for address in addresses:
            parts = urlsplit(address or "")
            if "@" in parts.netloc:
                secrets.add(parts.netloc.rpartition("@")[0])
            if parts.password:
                secrets.update((parts.password, unquote(parts.password)))
            elif parts.username:  # a token in place of a user
                secrets.update((parts.username, unquote(parts.username)))
        self._secrets = sorted(secrets, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text
