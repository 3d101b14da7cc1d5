"""The turns of the hosts that are asked."""

from __future__ import annotations

import math
import threading

from model_core.config import NetworkConfig
from model_core.errors import ProviderError

SILENT_AFTER_TRIES = 10
"""Tries in a row without any answer after which a host is left alone."""

REFUSED_AFTER_TRIES = 50
"""Refusals after which a host from which nothing was had is not asked again: some refuse, in place
of saying that a tile is not there."""

LONGEST_WAIT_S = 120.0
"""The longest pause that is waited for."""

_NO_ACCESS = ("HTTP 401", "HTTP 403")

NO_ANSWER = "no answer"
"""The reason of what was not asked because its host is left alone."""

QUIET_S = 60.0
"""How long it is left alone before it is tried once more."""


class Host:
    """The turn of one host: so many at once, so many a second, and pauses that it asks for.

    One that does not answer at all is left alone for a while, once it has been silent for many
    tries and as long as one request would be tried again. One that refuses everything, as it does a
    key that has expired, or asks for a long pause, is not asked again for each thing wanted.
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
        self._has_served = False
        self._refused = 0
        self._refusal: ProviderError | None = None
        self._refuses_until = math.inf

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

    def served(self) -> None:
        """Note that something was had."""
        with self.lock:
            self._has_served = True

    def refused(self, error: ProviderError, now: float) -> None:
        """Note what will not be tried again."""
        with self.lock:
            if (error.retry_after_s or 0.0) > LONGEST_WAIT_S:
                self._refusal = error
                self._refuses_until = now + (error.retry_after_s or 0.0)
            elif error.reason in _NO_ACCESS and not self._has_served:
                self._refused += 1
                if self._refused >= REFUSED_AFTER_TRIES:
                    self._refusal, self._refuses_until = error, math.inf

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
            ProviderError: It is left alone, or refuses.
        """
        with self.lock:
            if self._refusal is not None and now < self._refuses_until:
                said = self._refusal
                raise ProviderError(str(said), reason=said.reason)
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
