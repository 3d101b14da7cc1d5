"""Places out of a folder, whatever kind of training data it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from model_core.config import ModelConfig
from model_core.errors import ConfigError, InputError
from training.datasets.layouts import cvact, cvusa, msgd, vigor
from training.datasets.layouts.index import LayoutIndex, Split, load_index
from training.datasets.places import PlaceSet, join_places
from training.datasets.rendered import (
    Imagery,
    city_name,
    is_rendered,
    load_rendered,
    read_facts,
)
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
        InputError: The folder holds none of these, nothing that can be learnt from, or collected
            cities that overlap.
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
        from training.datasets.manifest import check_apart

        check_apart(cities)
        loaded = []
        for city in cities:
            try:
                loaded.append(load_city(city, config, split, say))
            except InputError as error:
                if len(cities) == 1:
                    raise
                say(f"left out: {error}")
        if not loaded:
            raise InputError(
                f"{folder}: none of its {len(cities)} cities has places to use; collect larger "
                "areas"
            )
        return join_places(loaded)
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
    gives up a fifth of what it trains on. Of another folder nothing is watched that its lists keep
    for tests: its places to validate by serve, or those to train on where it has none.

    Args:
        data: Folder of places to learn from.
        held_out: Folder of others, or the same one.
        config: Of the model.
        say: Where lines for people go.

    Raises:
        InputError: A folder holds no places, or too few to be parted; rendered cities are to be
            learnt from that are kept for tests, or held out too; collected cities overlap.
    """
    apart = data.resolve() != held_out.resolve()
    if is_rendered(data):
        _check_rendered(data, held_out if apart else None)
        places = load_places(data, config, say=say)
        if apart:
            return places, load_watched(held_out, config, say)
        parts = same_area(places)
        return parts.train, parts.validation
    if apart:
        _check_collected(data, held_out)
    train = load_places(data, config, "train", say)
    if apart:
        return train, load_watched(held_out, config, say)
    index = find_index(data)
    if index is not None and not index.part("validation").entries:
        return carve_validation(train)
    return train, load_places(data, config, "validation", say)


def _check_rendered(data: Path, held_out: Path | None) -> None:
    """Raise InputError where rendered cities to learn from are for tests, or held out too."""
    learned = read_facts(data)
    kept = [str(facts["seed"]) for facts in learned if facts["split"] == "test"]
    if kept:
        raise InputError(
            f"{data}: its cities {', '.join(kept)} are kept for tests; give --data cities to learn "
            "from, as 'render --cities train:0:20' makes them"
        )
    names = set() if held_out is None else {city_name(facts) for facts in read_facts(held_out)}
    shared = sorted(names & {city_name(facts) for facts in learned})
    if shared:
        raise InputError(
            f"{held_out}: {data} holds its cities {', '.join(shared)} too; give --held-out other "
            "cities, or the same folder as --data to have its blocks parted"
        )


def _check_collected(data: Path, held_out: Path) -> None:
    """Raise InputError where places that are learnt from lie beside those of a held-out city."""
    learned, others = _collected_cities(data), _collected_cities(held_out)
    if learned and others:
        from training.datasets.manifest import check_apart

        check_apart(learned, others)


def load_watched(folder: Path, config: ModelConfig, say: Callable[[str], None]) -> PlaceSet:
    """Return places that none of a folder's lists keeps for tests; of rendered cities all."""
    cities = _collected_cities(folder)
    index = None if cities else find_index(folder)
    if is_rendered(folder) or not (cities or index):
        return load_places(folder, config, say=say)
    watched = []
    for part_of in cities or [folder]:
        split = _watched_part(part_of, index)
        say(f"{part_of.name}: watched by its part {split!r}, without what it keeps for tests")
        watched.append(load_places(part_of, config, split, say))
    return join_places(watched)


def _watched_part(folder: Path, index: LayoutIndex | None) -> Split:
    """Return which part of a collected city, or of a published set, a training is watched by."""
    if index is not None:
        there = {entry.split for entry in index.entries}
    else:
        from training.datasets.manifest import splits_of

        there = splits_of(folder)
    if not there - {"test"}:
        raise InputError(
            f"{folder}: keeps all its places for tests; give --held-out places to validate by, or "
            "the same folder as --data"
        )
    return "validation" if "validation" in there else "train"


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
