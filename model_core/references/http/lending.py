"""What lets a library that asks the network itself do so under the client's rules."""

from __future__ import annotations

import io
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

LENDING = threading.Lock()
"""Held while a library uses the network, since the settings of libraries are global."""


def answered(response: requests.Response, body: bytes) -> requests.Response:
    """Return a response whose body is here already."""
    answered = requests.Response()
    answered.status_code, answered.reason = response.status_code, response.reason
    answered.url, answered.request = response.url, response.request
    answered.headers["Content-Type"] = response.headers.get("Content-Type", "")
    answered.encoding = "utf-8"
    answered.raw = io.BytesIO(body)
    return answered


@contextmanager
def resolver_restored() -> Iterator[None]:
    """Undo what a library does to the look-up of host names of the whole process."""
    resolver = socket.getaddrinfo
    try:
        yield
    finally:
        socket.getaddrinfo = resolver


@contextmanager
def trusted(ca_bundle: Path | None) -> Iterator[bool | str]:
    """Yield what ``verify`` has to be to trust further certificates beside the usual ones."""
    if ca_bundle is None:
        yield True
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificates.pem"
        usual = Path(requests.utils.DEFAULT_CA_BUNDLE_PATH).read_bytes()
        path.write_bytes(usual + b"\n" + ca_bundle.read_bytes())
        yield str(path)
