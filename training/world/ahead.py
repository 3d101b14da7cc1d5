"""What the renderer needs next, built ahead of it in worker processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import cv2
import torch

from model_core.errors import ConfigError

Job = TypeVar("Job")
Built = TypeVar("Built")

_AHEAD_OF_EACH = 2


def build_ahead(
    build: Callable[[Job], Built], jobs: Sequence[Job], workers: int
) -> Iterator[tuple[Job, Built]]:
    """Yield every job with what ``build`` makes of it, in order.

    Args:
        build: A function of a module, so that a fresh process can import it.
        jobs: Its arguments.
        workers: Processes that build the next ones meanwhile; 0 builds in this process.

    Raises:
        ConfigError: ``workers`` is negative, or a worker died.
        Exception: Whatever ``build`` raised, in a worker too.
    """
    if workers < 0:
        raise ConfigError(f"workers must be 0 or more, not {workers}")
    if workers == 0 or len(jobs) < 2:
        for job in jobs:
            yield job, build(job)
        return
    count = min(workers, len(jobs))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start_worker)
    with contextlib.ExitStack() as stack:
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        waiting: deque[tuple[Job, Future[Built]]] = deque()
        left = iter(jobs)
        for job in left:
            waiting.append((job, pool.submit(build, job)))
            if len(waiting) == count * _AHEAD_OF_EACH:
                break
        while waiting:
            job, future = waiting.popleft()
            yield job, _result(future)
            for following in left:
                waiting.append((following, pool.submit(build, following)))
                break


def _start_worker() -> None:
    """Leave Ctrl-C to the process that renders; use one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _result(future: Future[Built]) -> Built:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise ConfigError(
            "a worker process ended before its city was built, for want of memory perhaps; "
            "use fewer --workers"
        ) from error
