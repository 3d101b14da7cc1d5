"""The turns of the hosts that are asked."""

from __future__ import annotations

import threading

from model_core.config import NetworkConfig
from model_core.errors import ProviderError

SILENT_AFTER_TRIES = 10
"""Tries in a row without any answer after which a host is left alone."""

NO_ANSWER = "no answer"
"""The reason of what was not asked because its host is left alone."""

QUIET_S = 60.0
"""How long it is left alone before it is tried once more."""


class Host:
    """The turn of one host: so many at once, so many a second, and pauses that it asks for.

    One that does not answer at all is left alone for a while, once it has been silent for many
    tries and as long as one request would be tried again.
    """

    def __init__(self, name: str, config: NetworkConfig) -> None:
        self.name = name
        self.slots = threading.Semaphore(max(1, config.connections))
        self.interval_s = 1 / config.requests_per_second if config.requests_per_second > 0 else 0.0
        self.lock = threading.Lock()
        self.next_at = 0.0
        self._patience_s = sum(
            min(config.backoff_max_s, config.backoff_s * 2**tried)
            for tried in range(config.retries)
        )
        self._unanswered = 0
        self._silent_since = 0.0
        self._left_alone_until = 0.0

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

    def answered(self) -> None:
        """Note an answer, whatever it says."""
        with self.lock:
            self._unanswered = 0
            self._left_alone_until = 0.0

    def unanswered(self, now: float) -> None:
        """Note a try that no answer came to."""
        with self.lock:
            self._unanswered += 1
            if self._unanswered == 1:
                self._silent_since = now
            lasts_s = now - self._silent_since
            if self._unanswered >= SILENT_AFTER_TRIES and lasts_s >= self._patience_s:
                self._left_alone_until = max(self._left_alone_until, now + QUIET_S)

    def check(self, now: float) -> None:
        """Return where the host may be asked: it answers, or one try is due again.

        Raises:
            ProviderError: It is left alone.
        """
        with self.lock:
            if not self._left_alone_until:
                return
            if now >= self._left_alone_until:
                self._left_alone_until = now + QUIET_S
                return
            raise ProviderError(
                f"{self.name} has not answered {self._unanswered} times in a row; check the "
                "network, or run again when it answers",
                reason=NO_ANSWER,
            )
