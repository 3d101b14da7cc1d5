"""Lists of panoramas in MATLAB files: ids, UTM metres and the numbers that each part holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_core.errors import InputError

_LEAST_NORTHING_M = 1.0e6


@dataclass(frozen=True)
class MatList:
    """``ids`` (N,) of panoramas, ``utm`` (N, 2) metres east and north, ``rows`` by part's name."""

    ids: tuple[str, ...]
    utm: npt.NDArray[np.float64]
    rows: dict[str, npt.NDArray[np.int64]]


def read_mat_list(path: Path, parts: dict[str, str]) -> MatList:
    """Return a list of panoramas.

    Args:
        path: The file; ``panoIds``, ``utm`` and a structure for each part.
        parts: Name of each structure and of its field that holds numbers from 1.

    Raises:
        InputError: The file is no such list, or a number is beyond it.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content: dict[str, Any] = loadmat(path, squeeze_me=True)
        ids = tuple(str(name).strip() for name in np.atleast_1d(content["panoIds"]))
        utm = np.asarray(content["utm"], np.float64).reshape(len(ids), 2)
        rows = {
            part: np.atleast_1d(np.asarray(content[part][name].item(), np.int64)).ravel() - 1
            for part, name in parts.items()
            if part in content
        }
    except (
        *(KeyError, IndexError, TypeError, ValueError),
        *(NotImplementedError, OSError, MatReadError),
    ) as err:
        raise InputError(
            f"{path}: not a list of panoIds, utm and {', '.join(parts)} ({err}); "
            "download it again, as version 5 of the format"
        ) from err
    for part, found in rows.items():
        if len(found) and not 0 <= found.min() <= found.max() < len(ids):
            raise InputError(f"{path}: {part} names places beyond the {len(ids)} of the list")
    # Both orders are met: northings alone exceed a million metres at these latitudes.
    if len(ids) and np.median(utm[:, 0]) > _LEAST_NORTHING_M > np.median(utm[:, 1]):
        utm = utm[:, ::-1]
    return MatList(ids, utm, rows)
