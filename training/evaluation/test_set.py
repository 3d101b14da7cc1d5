"""The places to be tested on: read, and under the same-area protocol cut down to the test part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model_core.config import ModelConfig
from model_core.errors import ConfigError
from training.datasets.places import PlaceSet
from training.datasets.rendered import load_rendered
from training.evaluation.options import EvaluateOptions

STATES = ("none", "rubble", "flood", "tents", "snow", "smoke", "night")


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
        ConfigError: The data has no parts, no imagery of after, or no such state.
    """
    if options.protocol == "same":
        raise ConfigError(f"{data} has no parts; use --protocol cross")
    if options.imagery == "after":
        raise ConfigError(f"{data} has no imagery of after a disaster; use --imagery before")
    places = load_rendered(data, config)
    return Loaded(places, data, check_state(STATES, options.state))


def check_state(states: tuple[str, ...], wanted: str | None) -> tuple[str, ...]:
    """Return the names of the states, the wanted one among them.

    Raises:
        ConfigError: It is not.
    """
    if wanted is not None and wanted not in states:
        raise ConfigError(f"unknown state {wanted!r}; known here: {', '.join(states)}")
    return states
