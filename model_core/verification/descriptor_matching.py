"""Descriptor matching as matrix products: mutual nearest neighbours that pass the ratio test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from model_core.errors import ShapeError
from model_core.types import FloatArray

IndexPairs = npt.NDArray[np.int64]

BLOCK_ROWS = 512
"""Rows of the product held at once, few enough for a processor's cache."""

ROUNDING = 1e-6
"""Cosines are no more exact than this."""


def match_descriptors(
    query: FloatArray, reference: FloatArray, ratio: float, device: torch.device | None = None
) -> IndexPairs:
    """Return which descriptors belong together, int64 (M, 2): rows of query and of reference.

    A pair is each other's nearest, and the query's second nearest is farther by ``1 / ratio``.

    Args:
        query: float32 (K, D), rows of length 1.
        reference: float32 (L, D), rows of length 1.
        ratio: Largest allowed nearest / second nearest distance.
        device: Where to multiply; None is the processor.

    Raises:
        ShapeError: The descriptors are of different sizes.
    """
    if query.ndim != 2 or reference.ndim != 2 or query.shape[1] != reference.shape[1]:
        raise ShapeError(
            f"descriptors {query.shape} and {reference.shape} do not fit; extract both alike"
        )
    if len(query) == 0 or len(reference) < 2:
        return np.empty((0, 2), np.int64)
    on_processor = device is None or device.type == "cpu"
    blocks = _on_processor(query, reference) if on_processor else _on(device, query, reference)
    best, nearest, second, of_reference = blocks
    mutual = best >= of_reference[nearest]
    # Unit vectors: the squared distance is 2 - 2 cos.
    first_distance = np.maximum(1.0 - best, ROUNDING)
    second_distance = np.maximum(1.0 - second, ROUNDING)
    distinct = first_distance < ratio**2 * second_distance
    rows = np.flatnonzero(mutual & distinct)
    return np.stack((rows, nearest[rows]), axis=1)


_Best = tuple[FloatArray, IndexPairs, FloatArray, FloatArray]


def _on_processor(query: FloatArray, reference: FloatArray) -> _Best:
    """Return best cosine, its column and second-best cosine of each row, and of each column."""
    columns = np.ascontiguousarray(reference.T)
    product = np.empty((min(BLOCK_ROWS, len(query)), len(reference)), np.float32)
    of_reference = np.full(len(reference), -1.0, np.float32)
    best = np.empty(len(query), np.float32)
    nearest = np.empty(len(query), np.int64)
    second = np.empty(len(query), np.float32)
    for rows in _blocks(len(query)):
        cosines = np.matmul(query[rows], columns, out=product[: rows.stop - rows.start])
        np.maximum(of_reference, cosines.max(axis=0), out=of_reference)
        nearest[rows] = cosines.argmax(axis=1)
        each = np.arange(len(cosines))
        best[rows] = cosines[each, nearest[rows]]
        cosines[each, nearest[rows]] = -1.0
        second[rows] = cosines.max(axis=1)
    return best, nearest, second, of_reference


def _on(device: torch.device | None, query: FloatArray, reference: FloatArray) -> _Best:
    """Return the same, computed on a device of torch in one product."""
    cosines = torch.from_numpy(query).to(device) @ torch.from_numpy(reference).to(device).T
    of_reference = cosines.amax(dim=0)
    top, columns = cosines.topk(2, dim=1)
    on_host = (top[:, 0], columns[:, 0], top[:, 1], of_reference)
    return cast(_Best, tuple(tensor.cpu().numpy() for tensor in on_host))


def _blocks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, rows))
