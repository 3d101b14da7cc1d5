"""What a folder of training data is made of: providers and their licences, for the model's card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model_core.errors import InputError
from training.datasets.load import MANIFEST_FILE

RENDERED = {
    "provider": "rendered by `python -m training render`",
    "licence": "made by this project, nobody's photos",
}
UNKNOWN = {"provider": "not named by the data", "licence": "as the data set's own terms say"}


def data_sources(folder: Path) -> list[dict[str, Any]]:
    """Return one entry for each provider and licence: ``name, provider, licence, images``.

    Args:
        folder: Rendered cities, a collected city with its manifest, or a data set.

    Raises:
        InputError: The manifest cannot be read.
    """
    cities = sum(1 for path in folder.glob("city_*") if path.is_dir())
    found = [{"name": folder.name, **RENDERED, "cities": cities}] if cities else []
    for manifest in sorted(folder.rglob(MANIFEST_FILE)):
        found += _of_manifest(manifest)
    return found or [{"name": folder.name, **UNKNOWN}]


def _of_manifest(path: Path) -> list[dict[str, Any]]:
    import pandas as pd

    try:
        table = pd.read_parquet(path, columns=["provider", "licence"]).fillna("not named")
    except (OSError, ValueError, KeyError) as err:
        raise InputError(f"{path} cannot be read ({err}); collect the city again") from err
    return [
        {"name": path.parent.name, "provider": provider, "licence": licence, "images": int(count)}
        for (provider, licence), count in table.value_counts(sort=False).items()
    ]
