"""The turns of the hosts that are asked."""

from __future__ import annotations

import threading

from model_core.config import NetworkConfig


class Host:
    """The turn of one host: so many at once, so many a second, and pauses that it asks for."""

    def __init__(self, config: NetworkConfig) -> None:
        self.slots = threading.Semaphore(max(1, config.connections))
        self.interval_s = 1 / config.requests_per_second if config.requests_per_second > 0 else 0.0
        self.lock = threading.Lock()
        self.next_at = 0.0

    def take_turn(self, now: float) -> float:
        """Return when a request may go."""
        with self.lock:
            at = max(now, self.next_at)
            self.next_at = at + self.interval_s
            return at

    def pause_until(self, moment: float) -> None:
        """Let no request go before a moment."""
        with self.lock:
            self.next_at = max(self.next_at, moment)
