"""Whether what a server sent is what was asked for: an image, JSON, XML, and all of it.

Providers answer with web pages, error texts and half files under status 200; each is named here,
and none gets into a cache.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from model_core.errors import ProviderError

BodyCheck = Callable[[bytes], None]

_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_GIF = (b"GIF87a", b"GIF89a")
_TRAILING = 4096
"""Some encoders append a little after the end of an image."""

_TEXT_SHOWN = 160


def any_body(body: bytes) -> None:
    """Return; anything will do."""


def image_body(body: bytes) -> None:
    """Return where the body is a whole JPEG, PNG, WebP, GIF or TIFF.

    Raises:
        ProviderError: It is something else, or the end is missing.
    """
    if body.startswith(_JPEG):
        complete = _JPEG_END in body[-_TRAILING:]
    elif body.startswith(_PNG):
        complete = _PNG_END in body[-_TRAILING:]
    elif body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        complete = len(body) >= int.from_bytes(body[4:8], "little") + 8
    elif body.startswith(_GIF):
        complete = body.rstrip(b"\x00").endswith(b";")
    elif body.startswith(_TIFF):
        complete = True
    else:
        raise _something_else(body, "an image")
    if not complete:
        raise ProviderError("sent an image without its end", reason="truncated", transient=True)


def json_body(body: bytes) -> None:
    """Return where the body is JSON.

    Raises:
        ProviderError: It is something else, or the end is missing.
    """
    read_json(body)


def read_json(body: bytes) -> Any:
    """Return what a JSON body says.

    Raises:
        ProviderError: It is something else, or the end is missing.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as err:
        if body.lstrip()[:1] in (b"{", b"["):
            raise ProviderError(
                f"sent JSON that cannot be read ({err})", reason="truncated", transient=True
            ) from err
        raise _something_else(body, "JSON") from err


def xml_body(body: bytes) -> None:
    """Return where the body is XML and its root element is closed.

    Raises:
        ProviderError: It is a web page or something else, or the end is missing.
    """
    if _is_web_page(body) or not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise _something_else(body, "XML")
    if not body.rstrip().endswith(b">"):
        raise ProviderError("sent XML without its end", reason="truncated", transient=True)


def describe_error_body(body: bytes) -> str:
    """Return what an error reply says, in a line, empty where it says nothing."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = re.sub(rb"<[^>]*>", b" ", body).decode("utf-8", "replace")
    if isinstance(said, dict):
        error = said.get("error", said)
        if isinstance(error, dict):
            error = (
                error.get("message")
                or error.get("error_message")
                or error.get("error_user_msg")
                or error.get("detail")
                or ""
            )
        said = error
    text = " ".join(str(said).split()) if isinstance(said, str) else ""
    return text if len(text) <= _TEXT_SHOWN else text[: _TEXT_SHOWN - 3] + "..."


def _is_web_page(body: bytes) -> bool:
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _something_else(body: bytes, wanted: str) -> ProviderError:
    if not body:
        return ProviderError(f"sent nothing instead of {wanted}", reason="empty", transient=True)
    if _is_web_page(body):
        return ProviderError(
            f"sent a web page instead of {wanted}; a login or a block page may be in between",
            reason="web page",
            transient=True,
        )
    said = describe_error_body(body) if body[:1] in b"{[<" else ""
    return ProviderError(
        f"sent something else than {wanted}" + (f" ({said})" if said else ""),
        reason="wrong type",
        transient=True,
    )
