"""The user's key of Google's map services, and the signature that a secret beside it asks for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from model_core.errors import InputError


@dataclass(frozen=True)
class GoogleKey:
    """A key, and the bytes that sign addresses where the user's account has them."""

    key: str = field(repr=False)
    secret: bytes = field(default=b"", repr=False)

    @classmethod
    def parse(cls, source: str, text: str) -> GoogleKey:
        """Return the key of a text, ``key`` or ``key:secret``.

        Raises:
            InputError: What stands after the colon is no secret for signing.
        """
        key, _, secret = text.partition(":")
        try:
            return cls(key, base64.b64decode(secret, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError) as err:
            raise InputError(
                f"{source}: the secret after the colon in the key is none; copy it again"
            ) from err

    def params(self, url: str, params: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return the secret parameters of a request: the key, and the signature where one is due.

        Args:
            url: Without its query.
            params: The others, in the order in which they are sent.
        """
        named = ("key", self.key)
        if not self.secret:
            return (named,)
        text = f"{urlsplit(url).path}?{urlencode([*params, named])}"
        digest = hmac.new(self.secret, text.encode(), hashlib.sha1).digest()
        return named, ("signature", base64.urlsafe_b64encode(digest).decode())
