"""The places to be tested on: read, and under the same-area protocol cut down to the test part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model_core.config import ModelConfig
from model_core.errors import ConfigError
from training.datasets.layouts.index import Split
from training.datasets.load import load_places
from training.datasets.places import PlaceSet
from training.datasets.rendered import is_rendered
from training.datasets.splits import same_area
from training.evaluation.options import EvaluateOptions
from training.world.states import STATES


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

    Rendered cities are all to be tested on; collected cities and published sets by their own lists.
    Under the same-area protocol the test part of every city is, as ``same_area`` deals it out.

    Args:
        data: The folder.
        config: Of the model.
        options: Protocol, state, imagery.

    Raises:
        InputError: There is no place, or places of another frame than the model's.
        ConfigError: The data has no imagery of after, or no such state.
    """
    if options.state is not None and options.state not in STATES:
        raise ConfigError(f"unknown state {options.state!r}; known here: {', '.join(STATES)}")
    notes: list[str] = []
    same = options.protocol == "same"
    part: Split | None = None if same or is_rendered(data) else "test"
    places = load_places(data, config, part, notes.append, options.imagery)
    if same:
        parts = same_area(places)
        places = parts.test
        notes.append(f"same-area: {len(places)} places to test on, {parts.left_out} left out")
    return Loaded(places, data, STATES, tuple(notes))
