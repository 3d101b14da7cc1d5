"""The places to be tested on: read, and under the same-area protocol cut down to the test part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model_core.config import ModelConfig
from training.datasets.places import PlaceSet
from training.datasets.rendered import load_rendered
from training.evaluation.options import EvaluateOptions


@dataclass(frozen=True)
class Loaded:
    """Places to search, and to locate the photos of.

    ``states`` are the names that ``query_state`` counts; ``notes`` say what was left out.
    """

    places: PlaceSet
    folder: Path
    states: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def queries(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return those of some rows that have a photo."""
        return rows[np.asarray(self.places.query_seen[rows]).any(axis=(1, 2))]


def load_test_set(data: Path, config: ModelConfig, options: EvaluateOptions) -> Loaded:
    """Return the places of a folder that a model is tested on.

    Args:
        data: The folder.
        config: Of the model.
        options: Protocol, state, imagery.

    Raises:
        InputError: There is no place, or places of another frame than the model's.
        ConfigError: The state is unknown.
    """
    places = load_rendered(data, config)
    return Loaded(places, data, ())
