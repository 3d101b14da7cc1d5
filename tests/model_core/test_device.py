"""The device and its precision are found by trying; a batch too large is halved."""

from __future__ import annotations

import pytest
import torch

from model_core import device as device_module
from model_core.device import (
    choose_device,
    choose_dtype,
    is_out_of_memory,
    measure_trial,
    run_in_batches,
)
from model_core.errors import Cancelled, DeviceError

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


def test_auto_takes_a_device_that_computes():
    device = choose_device()
    expected = "cuda" if torch.cuda.is_available() else None
    if expected is None:
        expected = "mps" if torch.backends.mps.is_available() else "cpu"
    assert device.type == expected
    assert torch.ones(3, device=device).sum().item() == 3.0
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize("name", ["tpu", "", "cuda:99", "meta", "cpu or gpu"])
def test_unknown_or_absent_device_is_refused(name):
    with pytest.raises(DeviceError, match="choose auto"):
        choose_device(name)


def measured(table: dict[torch.dtype, float | None]):
    return lambda device, dtype: table.get(dtype)


@pytest.mark.parametrize(
    ("device", "seconds", "expected"),
    [
        (CPU, {torch.float32: 1.0, torch.bfloat16: 0.3}, torch.bfloat16),
        (CPU, {torch.float32: 1.0, torch.bfloat16: 90.0}, torch.float32),
        (CPU, {torch.float32: 1.0, torch.bfloat16: 0.95}, torch.float32),
        (CPU, {torch.float32: 1.0, torch.bfloat16: None}, torch.float32),
        (CPU, {torch.float32: 1.0, torch.bfloat16: 2.0, torch.float16: 0.1}, torch.float32),
        (CUDA, {torch.float32: 1.0, torch.bfloat16: 0.5, torch.float16: 0.48}, torch.bfloat16),
        (CUDA, {torch.float32: 1.0, torch.bfloat16: 5.0, torch.float16: 0.4}, torch.float16),
        (CUDA, {torch.float32: 1.0, torch.bfloat16: None, torch.float16: None}, torch.float32),
        (CUDA, {torch.float32: None, torch.float16: 0.1}, torch.float32),
    ],
)
def test_reduced_precision_only_where_it_gains(device, seconds, expected):
    assert choose_dtype(device, measured(seconds)) == expected


@pytest.mark.parametrize(
    ("like", "seconds", "expected"),
    [
        ("float32", {torch.float32: 1.0, torch.bfloat16: 0.1}, torch.float32),
        ("bfloat16", {torch.float32: 1.0, torch.bfloat16: 2.0}, torch.bfloat16),
        ("bfloat16", {torch.float32: 1.0, torch.bfloat16: 9.0}, torch.float32),
        ("float16", {torch.float32: 1.0, torch.bfloat16: 0.1}, torch.bfloat16),
        ("", {torch.float32: 1.0, torch.bfloat16: 0.1}, torch.bfloat16),
    ],
)
def test_what_is_compared_is_computed_alike_where_that_can_be_borne(like, seconds, expected):
    assert choose_dtype(CPU, measured(seconds), like) == expected


def test_what_runs_beside_for_a_while_does_not_choose_the_precision():
    seconds = {torch.float32: 1.0, torch.bfloat16: 0.4}
    trials: list[torch.dtype] = []

    def disturbed_at_first(_, dtype):
        trials.append(dtype)
        return seconds[dtype] * (4.0 if len(trials) == 2 else 1.0)

    assert choose_dtype(CPU, disturbed_at_first) == torch.bfloat16
    assert trials[:4] == [torch.float32, torch.bfloat16] * 2


def test_a_precision_that_is_far_slower_is_tried_once():
    trials: list[torch.dtype] = []

    def trial(_, dtype):
        trials.append(dtype)
        return 0.01 if dtype == torch.float32 else 0.2

    assert choose_dtype(CPU, trial) == torch.float32
    assert trials.count(torch.bfloat16) == 1


def test_a_precision_is_tried_once_whatever_runs_beside_later(monkeypatch):
    seconds = {torch.float32: 1.0, torch.bfloat16: 0.3}
    somewhere = torch.device("meta")
    monkeypatch.setattr(device_module, "measure_trial", lambda _, dtype: seconds.get(dtype))
    assert choose_dtype(somewhere) == torch.bfloat16
    seconds[torch.bfloat16] = 9.0
    assert choose_dtype(somewhere) == torch.bfloat16
    device_module._timed_dtype.cache_clear()
    assert choose_dtype(somewhere) == torch.float32
    device_module._timed_dtype.cache_clear()


def test_trial_on_this_processor_gives_a_usable_precision():
    assert choose_dtype(CPU) in (torch.float32, torch.bfloat16)
    assert measure_trial(CPU, torch.float32) > 0.0
    assert measure_trial(CPU, torch.int8) is None


class Memory:
    """A function that runs out above a number of items, in one way or another."""

    def __init__(self, fits: int, error: Exception) -> None:
        self.fits = fits
        self.error = error
        self.sizes: list[int] = []

    def __call__(self, start: int, stop: int) -> list[int]:
        self.sizes.append(stop - start)
        if stop - start > self.fits:
            raise self.error
        return list(range(start, stop))


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
@pytest.mark.parametrize("fits", [1, 3, 5, 64])
def test_out_of_memory_is_answered_by_smaller_batches(error, fits):
    work = Memory(fits, error)
    results = run_in_batches(work, 40, 32, CPU)
    assert [item for batch in results for item in batch] == list(range(40))
    first_fit = next(i for i, size in enumerate(work.sizes) if size <= fits)
    assert max(work.sizes[first_fit:]) <= fits
    assert first_fit <= 5


def test_not_even_one_item_is_a_device_error():
    with pytest.raises(DeviceError, match="not even one"):
        run_in_batches(Memory(0, MemoryError()), 10, 8, CPU)


def test_other_errors_are_not_taken_for_memory():
    work = Memory(4, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        run_in_batches(work, 10, 8, CPU)
    assert work.sizes == [8]
    assert not is_out_of_memory(ValueError("out of memory"))


def test_cancel_is_asked_between_batches():
    work = Memory(10, MemoryError())
    with pytest.raises(Cancelled):
        run_in_batches(work, 10, 2, CPU, cancel=lambda: len(work.sizes) >= 3)
    assert work.sizes == [2, 2, 2]


def test_nothing_to_do_calls_nothing():
    work = Memory(1, MemoryError())
    assert run_in_batches(work, 0, 4, CPU) == []
    assert work.sizes == []
