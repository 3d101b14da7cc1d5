"""Places out of a folder, whatever kind of training data it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from model_core.config import ModelConfig
from model_core.errors import ConfigError, InputError
from training.datasets.layouts import cvact, cvusa, msgd, vigor
from training.datasets.layouts.index import LayoutIndex, Split, load_index
from training.datasets.places import PlaceSet, join_places
from training.datasets.rendered import Imagery, is_rendered, load_rendered
from training.datasets.splits import carve_validation, same_area

MANIFEST_FILE = "manifest.parquet"
"""Marks the folder of a collected city."""

_LAYOUTS: tuple[tuple[Callable[[Path], bool], Callable[[Path], LayoutIndex]], ...] = (
    (vigor.is_here, vigor.read_index),
    (cvusa.is_here, cvusa.read_index),
    (cvact.is_here, cvact.read_index),
    (msgd.is_here, msgd.read_index),
)


def load_places(
    folder: Path,
    config: ModelConfig,
    split: Split | None = None,
    say: Callable[[str], None] = print,
    imagery: Imagery = "before",
) -> PlaceSet:
    """Return the places of a folder: rendered or collected cities, or a published set.

    Args:
        folder: Written by ``render`` or ``collect``, a folder of several collected cities, or a
            set as it is published: MSGD, VIGOR, CVUSA, CVACT.
        config: Of the model that will learn from them.
        split: Only the places that the collected cities' manifests or the published lists put
            into this part. Rendered cities have no parts: see ``splits``.
        say: Where lines for people go: what is missing, whose terms hold.
        imagery: ``after`` for satellite images that show a rendered district's state.

    Raises:
        ConfigError: There is no imagery of after a disaster.
        InputError: The folder holds none of these, or nothing that can be learnt from.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of training data; check the path")
    if is_rendered(folder):
        if split is not None:
            raise InputError(
                f"{folder}: rendered cities have no part {split!r}; render cities for it"
            )
        return load_rendered(folder, config, imagery)
    if imagery == "after":
        raise ConfigError(f"{folder} has no imagery of after a disaster; use --imagery before")
    cities = _collected_cities(folder)
    if cities:
        # Tables and projections are not installed wherever rendered cities are learnt from.
        from training.datasets.city import load_city

        return join_places([load_city(city, config, split, say) for city in cities])
    index = find_index(folder)
    if index is None:
        raise InputError(
            f"{folder} holds no rendered city, no collected one and no published set; run "
            "'python -m training render' or 'collect', or name the folder that holds the set's "
            "own lists (VIGOR: splits, CVUSA: splits/train-19zl.csv, CVACT: ACT_data.mat, "
            "MSGD: satview_all)"
        )
    say(f"{index.name}: {len(index.entries)} places; heading: {index.heading}; {index.terms}")
    return load_index(index.part(split), config, say)


def load_test(
    folder: Path,
    config: ModelConfig,
    say: Callable[[str], None] = print,
    imagery: Imagery = "before",
) -> PlaceSet:
    """Return the places of a folder that are there to be tested on.

    Rendered cities are tested on whole, collected cities and published sets by their own lists.

    Args:
        folder: As for ``load_places``.
        config: Of the model to be tested.
        say: Where lines for people go.
        imagery: ``after`` for satellite images that show a rendered district's state.

    Raises:
        ConfigError: There is no imagery of after a disaster.
        InputError: The folder holds no places, or none to test on.
    """
    return load_places(folder, config, None if is_rendered(folder) else "test", say, imagery)


def load_apart(
    data: Path,
    held_out: Path,
    config: ModelConfig,
    say: Callable[[str], None] = print,
) -> tuple[PlaceSet, PlaceSet]:
    """Return places to learn from and places to watch by.

    Of collected cities and published sets only the training part is learnt from. One folder for
    both is parted so that the parts share nothing: by its own lists, rendered cities block by
    block, as ``same_area`` parts them for tests. A published set that has no list to validate by
    gives up a fifth of what it trains on.

    Args:
        data: Folder of places to learn from.
        held_out: Folder of others, or the same one.
        config: Of the model.
        say: Where lines for people go.

    Raises:
        InputError: A folder holds no places, or too few to be parted.
    """
    apart = data.resolve() != held_out.resolve()
    if is_rendered(data):
        places = load_places(data, config, say=say)
        if apart:
            return places, load_places(held_out, config, say=say)
        parts = same_area(places)
        return parts.train, parts.validation
    train = load_places(data, config, "train", say)
    if apart:
        return train, load_places(held_out, config, say=say)
    index = find_index(data)
    if index is not None and not index.part("validation").entries:
        return carve_validation(train)
    return train, load_places(data, config, "validation", say)


def find_index(folder: Path) -> LayoutIndex | None:
    """Return what a folder holds of a published set, None where it is none."""
    for is_here, read_index in _LAYOUTS:
        if is_here(folder):
            return read_index(folder)
    return None


def _collected_cities(folder: Path) -> list[Path]:
    """Return the folder, or the folders in it, that hold a collected city."""
    if (folder / MANIFEST_FILE).is_file():
        return [folder]
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST_FILE}"))
