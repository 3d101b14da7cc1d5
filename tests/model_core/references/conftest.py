"""Servers on loopback that speak the protocols of online sources."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from model_core.config import NetworkConfig
from model_core.references.http import HttpClient
from model_core.references.web import NetworkAccess

sys.path.insert(0, str(Path(__file__).parent))  # `servers` for the tests of this folder


@pytest.fixture
def serve() -> Iterator[Callable[[Any], Any]]:
    """Start servers that run until the test ends: ``serve(XyzServer(folder))``."""
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def make_client() -> Callable[..., HttpClient]:
    """Make HTTP clients that lose no time waiting: ``make_client(cache=folder, retries=0)``."""

    def make(
        cache: Path | None = None,
        *,
        offline: bool = False,
        cancel: Callable[[], bool] = lambda: False,
        max_requests: int = 0,
        **config: Any,
    ) -> HttpClient:
        settings: dict[str, Any] = {
            "backoff_s": 0.001,
            "backoff_max_s": 0.01,
            "connect_timeout_s": 2.0,
            "read_timeout_s": 2.0,
            **config,
        }
        access = NetworkAccess(offline=offline, cache_folder=cache, max_requests=max_requests)
        return HttpClient(NetworkConfig(**settings), access, cancel)

    return make
