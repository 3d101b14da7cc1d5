"""The engine's only door to the network; nothing else of it opens a socket."""

from model_core.references.http.client import ABSENT, HttpClient
from model_core.references.http.hosts import LONGEST_WAIT_S

__all__ = ["ABSENT", "LONGEST_WAIT_S", "HttpClient"]
