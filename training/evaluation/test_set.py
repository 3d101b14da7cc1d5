"""The places to be tested on: read, and under the same-area protocol cut down to the test part."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from model_core.config import ModelConfig
from model_core.errors import ConfigError
from training.datasets.augmentation import hide_sectors
from training.datasets.load import load_test, load_watched
from training.datasets.places import PlaceSet
from training.datasets.rendered import is_rendered
from training.datasets.splits import same_area
from training.evaluation.options import EvaluateOptions
from training.world.states import STATES

CROSS_AREA = "whole cities, cross-area"
SAME_AREA = "the test part of every city, same-area"
OWN_LIST = "the test part of the data's own list"
WATCHED = "the part that trainings are watched by"


@dataclass(frozen=True)
class Loaded:
    """Places to search, and to locate the photos of.

    ``protocol`` says which places they are, as reports name it; ``states`` are the names that
    ``query_state`` counts; ``notes`` say what was left out.
    """

    places: PlaceSet
    folder: Path
    protocol: str
    states: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def queries(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return those of some rows that have a photo."""
        return rows[np.asarray(self.places.query_seen[rows]).any(axis=(1, 2))]


def load_test_set(
    data: Path, config: ModelConfig, options: EvaluateOptions, to_choose_by: bool = False
) -> Loaded:
    """Return the places of a folder that a model is tested on.

    Rendered cities are all to be tested on; under the same-area protocol the test part of each is,
    which training left out. Collected cities and published sets say themselves what to test on.

    Args:
        data: The folder.
        config: Of the model.
        options: Protocol, state, imagery, photos of a street view.
        to_choose_by: Of collected cities and published sets the places that trainings are watched
            by, for a choice that the tests then judge.

    Raises:
        InputError: There is no place, or places of another frame than the model's.
        ConfigError: The data has no imagery of after, or no such state.
    """
    if options.state is not None and options.state not in STATES:
        raise ConfigError(f"unknown state {options.state!r}; known here: {', '.join(STATES)}")
    notes: list[str] = []
    if to_choose_by and not is_rendered(data):
        return Loaded(load_watched(data, config, notes.append), data, WATCHED, STATES, tuple(notes))
    places = load_test(data, config, notes.append, options.imagery)
    protocol = CROSS_AREA if is_rendered(data) else OWN_LIST
    if protocol == CROSS_AREA and options.protocol == "same":
        parts, protocol = same_area(places), SAME_AREA
        places = parts.test
        notes.append(f"same-area: {len(places)} places to test on, {parts.left_out} left out")
    if options.street_photos:
        places = of_few_photos(places, options.street_photos, options.seed)
        shown = float(places.street_seen[places.street_seen.any(axis=1)].mean())
        notes.append(
            f"street views put together of {options.street_photos} photos each show {shown:.0%} of "
            "their circles"
        )
    return Loaded(places, data, protocol, STATES, tuple(notes))


def of_few_photos(places: PlaceSet, photos: int, seed: int) -> PlaceSet:
    """Return places whose street views show only what so many photos of them show.

    Args:
        places: Places with street views of full circles.
        photos: Of 50 to 80 degrees each, at any heading; they may overlap.
        seed: Of the headings.
    """
    chance = torch.Generator().manual_seed(seed)
    seen = torch.from_numpy(places.street_seen)
    shown = hide_sectors(seen, chance, 1.0, photos, photos).numpy()
    street = places.street * shown[:, None, :, None]
    return dataclasses.replace(places, street_seen=shown, street=street)
