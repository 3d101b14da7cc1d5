"""Search whole areas for their photos: retrieval, verification, and both together.

``evaluate`` scores the features alone. Here photos go all the way that a user's photo goes, and the
same evidence is ranked without each of its halves.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from model_core.bundle import ModelBundle, write_bundle
from model_core.config import LocateConfig, to_mapping
from model_core.errors import InputError
from model_core.files import make_folder, replacing
from model_core.pipeline import Evidence, locate
from model_core.scoring import ScoreRow, read_truth, summarise
from model_core.types import ProgressCallback, ignore_progress
from training.area_requests import TRUTH_FILE, area_request, rank_in_every_mode
from training.metrics import bootstrap_intervals, calibration_error
from training.model_card import rewrite_card
from training.search_figures import RANKS, SearchFigures, search_markdown

FIGURES_FILE, TABLE_FILE = "search.json", "search.md"
_LEAST_HERE = 1e-9


def search_areas(
    folders: Sequence[Path],
    model: ModelBundle,
    out: Path,
    config: LocateConfig,
    progress: ProgressCallback = ignore_progress,
) -> list[dict[str, list[ScoreRow]]]:
    """Return the scored rows of each area's photos in every mode; they are sought once and kept.

    Args:
        folders: As ``areas`` writes them.
        model: The model to search with.
        out: Gets a folder for galleries and rows of this model under this configuration.
        config: Of the run.
        progress: Told of every stage.

    Raises:
        InputError: There is no area, or what was kept cannot be read.
        GeolocatorError: An area cannot be searched.
    """
    if not folders:
        raise InputError("there is no area to search; render some with `python -m training areas`")
    made_with = [model.model_hash, model.generator_hash, to_mapping(model.evidence)]
    told = json.dumps([*made_with, to_mapping(config)], sort_keys=True)
    kept = out / hashlib.sha256(told.encode()).hexdigest()[:12]
    return [_search_area(folder, model, kept, config, progress) for folder in folders]


def _search_area(
    folder: Path, model: ModelBundle, kept: Path, config: LocateConfig, progress: ProgressCallback
) -> dict[str, list[ScoreRow]]:
    truth_file = folder / TRUTH_FILE
    truth = read_truth(truth_file)
    path = kept / f"{folder.name}-{hashlib.sha256(truth_file.read_bytes()).hexdigest()[:12]}.json"
    if path.exists():
        return _read(path)
    make_folder(kept)
    request = replace(
        area_request(folder, folder / "photos", None, kept / "galleries" / folder.name),
        config=config,
        truth=None,
        bundle=model.path,
    )
    evidence: list[Evidence] = []
    outcome = locate(request, progress, observe=evidence.append)
    for result in outcome.results:
        if result.error:  # figures of the other photos alone would flatter
            raise InputError(f"{result.path}: {result.error}; render {folder} anew")
    rows = rank_in_every_mode(evidence, (), truth, config)
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps({k: [vars(r) for r in v] for k, v in rows.items()}))
    return rows


def _read(path: Path) -> dict[str, list[ScoreRow]]:
    try:
        return {
            mode: [ScoreRow(**row) for row in rows]
            for mode, rows in json.loads(path.read_text(encoding="utf-8")).items()
        }
    except (OSError, ValueError, TypeError, AttributeError) as err:
        raise InputError(f"{path} cannot be read ({err}); delete it, and run again") from err


def search_figures(areas: Sequence[Mapping[str, Sequence[ScoreRow]]]) -> list[SearchFigures]:
    """Return the figures of every mode, then those of "both" with and without a street view near.

    Args:
        areas: The scored rows of each area, as ``search_areas`` gives them.
    """
    figures = [_figures(mode, [area[mode] for area in areas]) for mode in areas[0]]
    for name, near in (("both, street view near", True), ("both, none near", False)):
        parts = [[r for r in area["both"] if r.near_street_view is near] for area in areas]
        if any(parts):
            figures.append(_figures(name, parts))
    return figures


def _figures(mode: str, areas: Sequence[Sequence[ScoreRow]]) -> SearchFigures:
    rows = [row for area in areas for row in area]
    of_area = np.repeat(np.arange(len(areas)), [len(area) for area in areas])
    reached = np.array(
        [[row.right_rank is not None and row.right_rank <= k for k in RANKS] for row in rows],
        np.float64,
    )
    low, high = bootstrap_intervals(reached[:, :1], of_area, np.arange(len(rows)))[0]
    here = np.array([1.0 - row.probability_elsewhere for row in rows])
    said = np.array([row.probability for row in rows]) / np.maximum(here, _LEAST_HERE)
    score = summarise(rows)
    return SearchFigures(
        mode=mode,
        photos=len(rows),
        places=sum(area[0].places for area in areas if area),
        recall=tuple(float(share) for share in reached.mean(axis=0)),
        interval=(float(low), float(high)),
        chance=score.chance,
        heading_error_deg=score.heading_error_deg,
        probability=float(said.mean()),
        calibration_error=calibration_error(said, reached[:, 0].astype(bool)),
    )


def write_search(figures: Sequence[SearchFigures], out: Path) -> None:
    """Write the figures as JSON and as a table in Markdown.

    Raises:
        InputError: They cannot be written.
    """
    title = f"{figures[0].places} places, right within 25 m, headings unknown"
    make_folder(out)
    with replacing(out / FIGURES_FILE) as unfinished:
        unfinished.write_text(json.dumps([dataclasses.asdict(one) for one in figures], indent=1))
    with replacing(out / TABLE_FILE) as unfinished:
        unfinished.write_text(f"{title}\n\n{search_markdown(figures)}\n", encoding="utf-8")


def keep_searches(model: ModelBundle, areas: int, figures: Sequence[SearchFigures]) -> Path:
    """Write the figures into the model's card, over those before, and return its bundle.

    Raises:
        BundleError: It cannot be written.
    """
    searches = {"areas": areas, "figures": [dataclasses.asdict(one) for one in figures]}
    summary = {**model.training, "searches": searches}
    card = rewrite_card(model.config, summary, model.card)
    return write_bundle(replace(model, card=card, training=summary))
