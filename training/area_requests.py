"""Rendered areas with photos and their truth: how to search them, and what each evidence finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from model_core.config import LocateConfig
from model_core.pipeline import Evidence, LocateRequest, rank_evidence
from model_core.references.survey import Sources
from model_core.scoring import ScoreRow, Truth, score_results

TRUTH_FILE = "truth.csv"


def area_request(folder: Path, photos: Path, out: Path | None, gallery: Path) -> LocateRequest:
    """Return the request that locates photos in a rendered area with everything that it holds.

    Args:
        folder: Of the area: ``area.geojson``, ``imagery.tif``, ``roads.geojson``, ``street_views``.
        photos: Folder of photos, their truth beside it.
        out: Where results go; None writes none.
        gallery: Folder of galleries.
    """
    return LocateRequest(
        photos=(photos,),
        area=str(folder / "area.geojson"),
        sources=Sources(
            imagery=str(folder / "imagery.tif"),
            roads=str(folder / "roads.geojson"),
            street_views=(str(folder / "street_views"),),
        ),
        gallery=gallery,
        out=out,
        truth=photos.parent / TRUTH_FILE,
    )


def rank_in_every_mode(
    evidence: Sequence[Evidence],
    satellite_only: Sequence[Evidence],
    truth: Mapping[str, Truth],
    config: LocateConfig,
) -> dict[str, list[ScoreRow]]:
    """Return the scored rows of each way to rank.

    Args:
        evidence: Of every photo, with imagery and street views.
        satellite_only: Of every photo, with imagery alone; none where that was not sought.
        truth: Of every photo.
        config: Of the run.
    """
    modes: dict[str, tuple[Sequence[Evidence], bool, bool]] = {
        "satellite alone": (satellite_only, True, False),
        "retrieval alone": (evidence, True, False),
        "verification alone": (evidence, False, True),
        "both": (evidence, True, True),
    }
    rows = {}
    for mode, (found, use_retrieval, use_verification) in modes.items():
        if not found:
            continue
        results = [
            rank_evidence(
                one,
                config.ranking,
                use_retrieval=use_retrieval,
                use_verification=use_verification,
            )
            for one in found
        ]
        rows[mode] = score_results(results, truth, found[0].places.places())
    return rows
