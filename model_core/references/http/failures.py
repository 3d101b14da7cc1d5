"""What failed exchanges and refusals mean, in the words of the user's next step."""

from __future__ import annotations

import logging
import re

import requests
import urllib3
from urllib3.util.retry import Retry

from model_core.errors import ProviderError
from model_core.references.bodies import describe_error_body
from model_core.references.web import HttpRequest

log = logging.getLogger(__name__)

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 509, 520, 522, 524})


def failure(err: Exception) -> ProviderError:
    """Return what a failed exchange means, in the words of the user's next step."""
    kinds: tuple[tuple[tuple[type[Exception], ...], str, str, bool], ...] = (
        (
            (requests.Timeout, urllib3.exceptions.TimeoutError),
            "did not answer in time",
            "timeout",
            True,
        ),
        (
            (requests.exceptions.SSLError, urllib3.exceptions.SSLError),
            "has a certificate that is not trusted; name your organisation's certificates in the "
            "settings",
            "certificate",
            False,
        ),
        (
            (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError),
            "cannot be reached through the proxy; check it in the settings",
            "proxy",
            True,
        ),
        (
            (urllib3.exceptions.DecodeError,),
            "sent a reply that cannot be unpacked",
            "cannot be unpacked",
            True,
        ),
        (
            (urllib3.exceptions.ProtocolError,),
            "broke off in the middle of the reply",
            "truncated",
            True,
        ),
        ((requests.ConnectionError,), "cannot be reached; check the network", "connection", True),
    )
    for types, words, reason, is_transient in kinds:
        if isinstance(err, types):
            return ProviderError(f"{words} ({err})", reason=reason, transient=is_transient)
    return ProviderError(f"cannot be asked ({err})", reason="request")


def check_part(content_range: str, body: bytes) -> None:
    """Raise where a part of a file is not as long as its server says."""
    found = re.match(r"bytes (\d+)-(\d+)/", content_range)
    if found is not None and int(found[2]) - int(found[1]) + 1 != len(body):
        raise ProviderError("sent less of a file than it says", reason="truncated", transient=True)


def refusal(request: HttpRequest, response: requests.Response, body: bytes) -> ProviderError:
    """Return the error of a reply with an error status."""
    status, wait_s = response.status_code, _retry_after_s(response.headers.get("Retry-After"))
    explained = request.explain(body)
    if explained is not None:
        explained.retry_after_s = wait_s
        return explained
    said = describe_error_body(body)
    message = f"HTTP {status}" + (f" ({said})" if said else "")
    if status in (401, 403):
        message += "; check the key in the settings"
    is_transient = status in _TRANSIENT or b'"is_transient":true' in body.replace(b" ", b"")
    reason = "rate limit" if status == 429 else f"HTTP {status}"
    return ProviderError(message, reason=reason, transient=is_transient, retry_after_s=wait_s)


def _retry_after_s(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, as a number or a date."""
    if not value:
        return None
    try:
        return float(Retry().parse_retry_after(value))
    except urllib3.exceptions.InvalidHeader as err:
        log.debug("Retry-After %r cannot be read (%s)", value, err)
        return None
