"""What a person gets of a run, as the terms of its sources allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from model_core.bundle import default_bundle_path, load_bundle
from model_core.config import LocateConfig
from model_core.output import Provenance
from model_core.references.imagery import ImagerySource
from model_core.references.survey import Sources, Survey, survey_area
from model_core.report import write_outcome
from model_core.types import LonLat, SatelliteImage, SourceTerms


class Under:
    """Imagery of other terms, and of pictures that have their own."""

    def __init__(self, imagery: ImagerySource, terms: SourceTerms, picture: SourceTerms) -> None:
        self.imagery, self.terms, self.picture = imagery, terms, picture
        self.has_been_read = False

    def read(self, center: LonLat, footprint_m: float, size_px: int) -> SatelliteImage | None:
        self.has_been_read = True
        found = self.imagery.read(center, footprint_m, size_px)
        return None if found is None else replace(found, terms=self.picture)


@pytest.fixture
def survey(repository: Path) -> Survey:
    sources = Sources(imagery=str(repository / "resources" / "demo" / "imagery.tif"))
    return survey_area("13.4196,46.9797,13.4204,46.9803", sources, LocateConfig())


def notes_of(survey: Survey, out: Path) -> str:
    """Return the notes of a run without photos."""
    now = datetime(2024, 6, 1, tzinfo=UTC)
    return "\n".join(write_outcome(out, [], [], survey, None, Provenance("", "1", now))[1])


DRAWN = {"name": "all", "cities": 3}
OWN = {"name": "porto", "provider": "Mapillary"}


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"sources": [DRAWN]}, True),
        ({"sources": [DRAWN], "before": [{"sources": [DRAWN]}]}, True),
        ({"sources": [OWN], "before": [{"sources": [DRAWN]}]}, False),
        ({"sources": [DRAWN], "train": {"pretrained": True}}, False),
        ({}, False),
    ],
)
def test_a_model_is_said_to_know_rendered_cities_alone_where_that_is_so(
    survey: Survey, tmp_path: Path, training: dict[str, Any], said: bool
) -> None:
    model = replace(load_bundle(default_bundle_path()), training=training)
    now = datetime(2024, 6, 1, tzinfo=UTC)
    notes = write_outcome(tmp_path, [], [], survey, model, Provenance("", "1", now))[1]
    assert ("rendered cities only" in "\n".join(notes)) == said


FREE = SourceTerms("Somebody")


@pytest.mark.parametrize(
    ("forbidding", "said"),
    [
        (SourceTerms("Somebody", "strict", cacheable=False), "forbid storing"),
        (
            SourceTerms("Somebody", "strict", displayable_beside_map=False),
            "forbid showing it beside this map",
        ),
    ],
)
def test_imagery_that_may_not_be_stored_or_shown_is_left_out_and_the_note_says_why(
    survey: Survey, tmp_path: Path, forbidding: SourceTerms, said: str
) -> None:
    assert survey.imagery is not None
    source = Under(survey.imagery, forbidding, FREE)
    why = f"the map has no imagery: Somebody: its terms (strict) {said}"
    assert why in notes_of(replace(survey, imagery=source), tmp_path)
    assert not source.has_been_read
    picture = Under(survey.imagery, FREE, forbidding)
    assert why in notes_of(replace(survey, imagery=picture), tmp_path)
    free = Under(survey.imagery, FREE, FREE)
    assert "the map has no imagery" not in notes_of(replace(survey, imagery=free), tmp_path)
    assert free.has_been_read


def test_roads_beside_the_area_are_said(survey: Survey, tmp_path: Path) -> None:
    assert "no line of the roads" not in notes_of(survey, tmp_path)
    assert "no line of the roads" in notes_of(replace(survey, roads=()), tmp_path)
