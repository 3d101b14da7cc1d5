"""Many small waits at once: a function over items in daemon threads, watched from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from model_core.errors import ProviderError

Done = Callable[[int, int], None]
"""Told how many of how many items are done."""


class Work:
    """Items shared by daemon threads; a ``ProviderError`` costs its item, another error ends all.

    Args:
        function: Called with each item.
        items: In order of starting.
        worker: Its ``is_one`` is set in the threads, so that calls from within are known.
    """

    def __init__(
        self, function: Callable[[Any], Any], items: Sequence[Any], worker: threading.local
    ) -> None:
        self._function = function
        self._items = items
        self._worker = worker
        self._changed = threading.Condition()
        self._next = 0
        self._stopped = False
        self.finished = 0
        self.results: dict[int, Any] = {}
        self.error: Exception | None = None

    def start(self, threads: int) -> None:
        """Begin, with at most so many threads."""
        for _ in range(min(len(self._items), threads)):
            threading.Thread(target=self._run, name="fetch", daemon=True).start()

    def _run(self) -> None:
        self._worker.is_one = True
        while (index := self._take()) is not None:
            error: Exception | None = None
            result: Any = None
            try:
                result = self._function(self._items[index])
            except ProviderError as err:
                result = err
            except Exception as err:
                error = err
            with self._changed:
                self.results[index] = result
                self.finished += 1
                if error is not None:
                    self.error = self.error or error
                    self._stopped = True
                self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Return whether all is done, or one failed for good."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._stopped or self.finished == len(self._items), seconds
            )

    def stop(self) -> None:
        """Begin no further item; those under way end unseen."""
        with self._changed:
            self._stopped = True

    def _take(self) -> int | None:
        with self._changed:
            if self._stopped or self._next >= len(self._items):
                return None
            self._next += 1
            return self._next - 1
