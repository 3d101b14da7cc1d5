"""Matching: mutual nearest neighbours that pass the ratio test, on every device alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_core.errors import ShapeError
from model_core.types import FloatArray
from model_core.verification import descriptor_matching
from model_core.verification.descriptor_matching import match_descriptors


def unit_rows(count: int, seed: int) -> FloatArray:
    rows = np.random.default_rng(seed).normal(size=(count, 128)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_plain_search(query: FloatArray, reference: FloatArray, ratio: float) -> set[tuple[int, int]]:
    """The definition, a distance at a time."""
    apart = np.linalg.norm(query[:, None] - reference[None], axis=2)
    found = set()
    for row in range(len(query)):
        first, second = np.argsort(apart[row])[:2]
        mutual = apart[:, first].argmin() == row
        if mutual and apart[row, first] < ratio * apart[row, second]:
            found.add((row, int(first)))
    return found


def test_finds_a_permutation() -> None:
    reference = unit_rows(300, 0)
    order = np.random.default_rng(1).permutation(300)
    pairs = match_descriptors(reference[order], reference, 0.8)
    assert np.array_equal(pairs[:, 0], np.arange(300))
    assert np.array_equal(pairs[:, 1], order)


@pytest.mark.parametrize("ratio", [0.7, 0.95, 0.99])
def test_agrees_with_plain_search(ratio: float) -> None:
    query = unit_rows(90, 2)
    reference = np.concatenate((query[:40] + 0.05 * unit_rows(40, 3), unit_rows(60, 4)))
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    found = {(int(a), int(b)) for a, b in match_descriptors(query, reference, ratio)}
    assert found == by_plain_search(query, reference, ratio)
    assert len(found) >= 30


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    query, reference = unit_rows(130, 5), unit_rows(110, 6)
    whole = match_descriptors(query, reference, 0.99)
    monkeypatch.setattr(descriptor_matching, "BLOCK_ROWS", 32)
    assert np.array_equal(match_descriptors(query, reference, 0.99), whole)
    assert len(whole) > 5


def test_torch_agrees_with_numpy() -> None:
    query, reference = unit_rows(200, 7), unit_rows(180, 8)
    by_numpy = descriptor_matching._on_processor(query, reference)
    by_torch = descriptor_matching._on(torch.device("cpu"), query, reference)
    for one, other in zip(by_numpy, by_torch, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_ambiguous_descriptors_are_dropped() -> None:
    reference = np.repeat(unit_rows(5, 9), 2, axis=0)
    assert len(match_descriptors(unit_rows(5, 9), reference, 0.8)) == 0


@pytest.mark.parametrize(("rows", "others"), [(0, 10), (10, 0), (10, 1)])
def test_too_few_descriptors_give_no_match(rows: int, others: int) -> None:
    assert match_descriptors(unit_rows(rows, 1), unit_rows(others, 2), 0.8).shape == (0, 2)


def test_different_sizes_are_refused() -> None:
    with pytest.raises(ShapeError, match="do not fit"):
        match_descriptors(unit_rows(5, 1), unit_rows(5, 2)[:, :64], 0.8)
