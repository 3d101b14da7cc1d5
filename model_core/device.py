"""Where the arithmetic runs, in which precision, and what happens when memory runs out.

What a device can do is found out by trying it, not by its name: a driver may be broken, and bf16
or fp16 may be a hundred times slower than fp32 where the processor lacks them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TypeVar

import torch

from model_core.errors import Cancelled, DeviceError
from model_core.types import CancelCheck, never_cancelled

ResultT = TypeVar("ResultT")
Measure = Callable[[torch.device, torch.dtype], float | None]

MIN_GAIN = 1.2
_AUTO_ORDER = ("cuda", "mps", "cpu")
_TRIAL_ROUNDS = 4
_TRIAL_REPEATS = 3
_HOPELESS = 3.0
_TRIAL_LIMIT_S = 0.25
_MAX_RELATIVE_ERROR = 0.03


def choose_device(name: str = "auto") -> torch.device:
    """Return the device to compute on, tried with a small sum.

    Args:
        name: "auto" (CUDA before MPS before the processor), or a device of torch: "cpu", "cuda",
            "cuda:1", "mps".

    Raises:
        DeviceError: There is no such device, or it does not compute.
    """
    if name == "auto":
        for candidate in _AUTO_ORDER:
            if _why_unusable(torch.device(candidate)) is None:
                return torch.device(candidate)
        raise DeviceError("torch computes on no device here; repair the engine's environment")
    try:
        device = torch.device(name)
    except RuntimeError as err:
        raise DeviceError(
            f"device {name!r} is not known; choose auto, cuda, mps or cpu in the settings"
        ) from err
    reason = _why_unusable(device)
    if reason is not None:
        raise DeviceError(f"device {name!r} cannot be used ({reason}); choose auto or cpu")
    return device


def choose_dtype(
    device: torch.device, measure: Measure | None = None, like: str = ""
) -> torch.dtype:
    """Return the precision that networks run fastest in on a device: float32, bfloat16, float16.

    A small convolution and a matrix product are timed. A reduced precision is chosen only where
    it gains at least ``MIN_GAIN`` over float32 and its results are finite and close. The trial is
    made once a process: galleries and photos must not differ by what else ran meanwhile.

    Args:
        device: Where the network runs.
        measure: Seconds a device takes in a precision, None where it fails; a trial by default.
        like: The precision of what the results are compared with, by its name; it is taken unless
            it is many times slower here, so that searches of one gallery give the same.
    """
    if measure is None:
        return _timed_dtype(device, like)
    return _like_dtype(device, measure, like) or _fastest_dtype(device, measure)


@cache
def _timed_dtype(device: torch.device, like: str = "") -> torch.dtype:
    return _like_dtype(device, measure_trial, like) or _fastest_dtype(device, measure_trial)


def _like_dtype(device: torch.device, trial: Measure, like: str) -> torch.dtype | None:
    """Return a precision by its name where the device computes in it at a bearable speed."""
    if like == dtype_name(torch.float32):
        return torch.float32
    known = {dtype_name(dtype): dtype for dtype in (torch.bfloat16, torch.float16)}
    if like not in known:
        return None
    for _ in range(_TRIAL_ROUNDS):
        seconds, reference_s = trial(device, known[like]), trial(device, torch.float32)
        if seconds is None or reference_s is None:
            return None
        if seconds <= _HOPELESS * reference_s:
            return known[like]
    return None


def dtype_name(dtype: torch.dtype) -> str:
    """Return the name of a precision, such as ``bfloat16``."""
    return str(dtype).removeprefix("torch.")


def _fastest_dtype(device: torch.device, trial: Measure) -> torch.dtype:
    reduced = (torch.bfloat16,) if device.type == "cpu" else (torch.bfloat16, torch.float16)
    best_of = {torch.float32: math.inf, **dict.fromkeys(reduced, math.inf)}
    hopeful = list(reduced)
    for _ in range(_TRIAL_ROUNDS):  # in turn, so that what else runs does not slow one alone
        reference_s = trial(device, torch.float32)
        if reference_s is None:
            return torch.float32
        best_of[torch.float32] = min(best_of[torch.float32], reference_s)
        for dtype in tuple(hopeful):
            seconds = trial(device, dtype)
            if seconds is None or seconds > _HOPELESS * reference_s:
                hopeful.remove(dtype)
            else:
                best_of[dtype] = min(best_of[dtype], seconds)
    best = torch.float32
    for dtype in reduced:
        # each has to be clearly faster: bfloat16 cannot overflow, so it goes first
        if best_of[dtype] < best_of[best] / MIN_GAIN:
            best = dtype
    return best


def measure_trial(
    device: torch.device,
    dtype: torch.dtype,
    clock: Callable[[], float] = time.perf_counter,
) -> float | None:
    """Return the seconds of a small convolution and matrix product, or None where they fail.

    The best of a few repeats after a warming-up; a first run that is very slow is its own answer.

    Args:
        device: Where it runs.
        dtype: Its precision.
        clock: Returns seconds.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 64, 24, 64, generator=generator)
    kernel = torch.randn(64, 64, 3, 3, generator=generator) * 0.05
    weights = torch.randn(256, 64, generator=generator) * 0.1
    try:
        expected = _trial_step(images, kernel, weights)
        on_device = [tensor.to(device, dtype) for tensor in (images, kernel, weights)]
        times = []
        for _ in range(_TRIAL_REPEATS + 1):
            start = clock()
            result = _trial_step(*on_device).float().cpu()
            times.append(clock() - start)
            if times[-1] > _TRIAL_LIMIT_S:
                break
    except (RuntimeError, NotImplementedError, TypeError):
        return None
    error = float((result - expected).norm() / expected.norm())
    if not math.isfinite(error) or error > _MAX_RELATIVE_ERROR:
        return None
    return min(times[1:] or times)


def run_in_batches(
    function: Callable[[int, int], ResultT],
    total: int,
    batch_size: int,
    device: torch.device,
    cancel: CancelCheck = never_cancelled,
) -> list[ResultT]:
    """Return what a function gives for 0..total in batches that fit into memory, in order.

    A batch that does not fit is halved and tried again, and so are those after it.

    Args:
        function: Called with start and stop; must bear being called again after running out.
        total: How many there are.
        batch_size: The largest batch to try.
        device: Where the function computes; its cache is emptied after running out.
        cancel: Asked before every batch.

    Raises:
        Cancelled: ``cancel`` said so.
        DeviceError: Not even a batch of one fits.
    """
    results: list[ResultT] = []
    start, size = 0, max(1, batch_size)
    while start < total:
        if cancel():
            raise Cancelled("stopped between two batches")
        stop = min(total, start + size)
        try:
            results.append(function(start, stop))
            start = stop
            continue
        except (RuntimeError, MemoryError) as err:
            if not is_out_of_memory(err):
                raise
            if stop - start == 1:
                raise DeviceError(
                    f"not even one item fits into the memory of {device}; close other programs, "
                    "or choose the processor (cpu)"
                ) from err
        # outside the handler, whose traceback would keep the failed batch's tensors alive
        size = max(1, (stop - start) // 2)
        empty_cache(device)
    return results


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a device's or the machine's memory ran out."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text
    )


def empty_cache(device: torch.device) -> None:
    """Give memory that torch keeps for later back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


@lru_cache(maxsize=64)
def constant(
    values: tuple[float, ...], device: torch.device, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Return fixed numbers (n,) on a device, sent there once; do not write into them.

    Sending a few numbers makes the processor wait until a GPU has done all that it was asked for.
    """
    with torch.inference_mode(False):  # kept, and used outside of it too
        return torch.tensor(values, dtype=dtype).to(device)


def _why_unusable(device: torch.device) -> str | None:
    """Return why a device cannot compute, None when it can."""
    if device.type not in _AUTO_ORDER:
        return "only cuda, mps and cpu are supported"
    if device.type == "cuda" and not torch.cuda.is_available():
        return "torch sees no CUDA device: no NVIDIA GPU, an old driver, or a torch without CUDA"
    if device.type == "mps" and not torch.backends.mps.is_available():
        return "torch sees no Apple GPU"
    try:
        total = float((torch.ones(4, device=device) * 2.0).sum().item())
    except (RuntimeError, AssertionError) as err:
        return str(err).splitlines()[0]
    return None if total == 8.0 else "its sums are wrong"


def _trial_step(images: torch.Tensor, kernel: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    features = torch.nn.functional.conv2d(images, kernel, padding=1)
    tokens = torch.nn.functional.gelu(features).flatten(2).transpose(1, 2)
    return tokens @ weights.T
