"""What a folder of training data is made of: providers and their licences, for the model's card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_core.errors import InputError
from training.datasets.layouts.index import Split
from training.datasets.load import MANIFEST_FILE, find_index
from training.datasets.rendered import city_name, read_facts

RENDERED = {
    "provider": "rendered by `python -m training render`",
    "licence": "made by this project, nobody's photos",
}
UNNAMED = "a real city"
UNKNOWN = {"provider": "not named by the data", "licence": "as the data set's own terms say"}


def data_sources(folder: Path, split: Split | None = None) -> list[dict[str, Any]]:
    """Return one entry for each provider and licence: ``name, provider, licence`` and an amount.

    Images that may not be learned from, or are not of the part that is, are left out, as they are
    when the folder is read.

    Args:
        folder: Rendered cities, a collected city with its manifest, or a data set.
        split: The part that is read, all of it if None.

    Raises:
        InputError: The manifest cannot be read.
    """
    found = _of_rendered(folder)
    for manifest in sorted(folder.rglob(MANIFEST_FILE)):
        found += _of_manifest(manifest, split)
    index = None if found else find_index(folder)
    if index is not None:
        entries = index.part(split).entries
        amount = {"images": sum(1 + len(entry.photos) for entry in entries)}
        return [{"name": index.name, "provider": "its makers", "licence": index.terms, **amount}]
    return found or [{"name": folder.name, **UNKNOWN}]


def describe_data(
    data: Path, places: int, held_out_data: Path, held_out_places: int
) -> dict[str, Any]:
    """Return what a run learns from and is watched by: how many places, of which sources.

    Raises:
        InputError: A manifest cannot be read.
    """
    return {
        "places": places,
        "held_out_places": held_out_places,
        "sources": data_sources(data, "train"),
        "held_out_sources": data_sources(held_out_data),
        "cities": rendered_cities(data),
    }


def rendered_cities(folder: Path) -> list[str]:
    """Return the names of a folder's rendered cities, as ``city_name`` gives them."""
    return sorted({city_name(facts) for facts in read_facts(folder)})


def check_not_learned(folder: Path, training: Mapping[str, Any]) -> None:
    """Raise InputError if a model learned from a rendered city of a folder, as far as is noted.

    Args:
        folder: What it is tested on.
        training: The summary in its bundle, with the stages before.
    """
    stages = (training, *training.get("before", ()))
    learned = {city for stage in stages for city in stage.get("cities", ())}
    both = sorted(learned & set(rendered_cities(folder)))
    if both:
        raise InputError(
            f"{folder}: the model learned from its cities {', '.join(both[:3])}"
            f"{' and others' if len(both) > 3 else ''}; its card holds figures of places that it "
            "did not learn from: name others, or leave out --card"
        )


def _of_rendered(folder: Path) -> list[dict[str, Any]]:
    """Return an entry for cities drawn by seeds, and one for each source of real geometry."""
    real: dict[tuple[str, str], int] = {}
    drawn = 0
    for facts in read_facts(folder):
        if facts["real"]:
            whose = (str(facts.get("source", UNNAMED)), str(facts.get("licence", "not stated")))
            real[whose] = real.get(whose, 0) + 1
        else:
            drawn += 1
    found: list[dict[str, Any]] = []
    if drawn:
        found.append({"name": folder.name, **RENDERED, "cities": drawn})
    for (source, licence), cities in real.items():
        provider = f"rendered from the geometry of {source}"
        found.append(
            {"name": folder.name, "provider": provider, "licence": licence, "cities": cities}
        )
    return found


def _of_manifest(path: Path, split: Split | None) -> list[dict[str, Any]]:
    import pandas as pd

    try:
        table = pd.read_parquet(path, columns=["provider", "licence", "may_train", "split"])
    except (OSError, ValueError, KeyError) as err:
        raise InputError(f"{path} cannot be read ({err}); collect the city again") from err
    parts = table.pop("split")
    kept = table.pop("may_train").eq(True) & (parts.eq(split) if split else True)
    table = table.loc[kept].fillna("not named")
    return [
        {"name": path.parent.name, "provider": provider, "licence": licence, "images": int(count)}
        for (provider, licence), count in table.value_counts(sort=False).items()
    ]
