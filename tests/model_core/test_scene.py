"""What a kept gallery is of: it is built again when what it was made from has changed."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model_core.bundle import default_bundle_path, load_bundle
from model_core.config import LocateConfig, SearchConfig
from model_core.gallery.around import LOOKS
from model_core.gallery.places import PlaceRecord, PlaceTable
from model_core.references.collect import find_street_views
from model_core.references.survey import Sources, survey_area
from model_core.scene import describe_gallery, open_scene, seen_from_the_ground
from model_core.types import Reference, ignore_progress, never_cancelled

CPU = torch.device("cpu")
AREA = "13.4196,46.9797,13.4204,46.9803"


@pytest.mark.parametrize("options", ["", "|offset_east_m=2"])
def test_a_changed_raster_is_another_gallery(
    repository: Path, tmp_path: Path, options: str
) -> None:
    model, imagery = load_bundle(default_bundle_path()), tmp_path / "imagery.tif"
    shutil.copy(repository / "resources" / "demo" / "imagery.tif", imagery)

    def fingerprint(text: str) -> str:
        survey = survey_area(AREA, Sources(imagery=text), LocateConfig())
        return describe_gallery(survey, None, model, LocateConfig()).fingerprint

    first = fingerprint(f"{imagery}{options}")
    assert fingerprint(f"{imagery}{options}") == first
    assert fingerprint(f"{imagery}|offset_east_m=9") != first
    os.utime(imagery, (1e9, 1e9))
    assert fingerprint(f"{imagery}{options}") != first


def test_places_are_looked_at_from_beside_unless_that_is_turned_off(
    repository: Path, tmp_path: Path
) -> None:
    model = load_bundle(default_bundle_path())
    sources = Sources(imagery=str(repository / "resources" / "demo" / "imagery.tif"))
    survey = survey_area(AREA, sources, LocateConfig())
    scenes = {}
    for places in (0, 100):
        config = LocateConfig(search=SearchConfig(beside_places=places))
        scenes[places] = open_scene(
            survey, None, model, tmp_path, CPU, config, ignore_progress, never_cancelled
        )
    assert scenes[0].beside is None
    beside = scenes[100].beside
    assert beside is not None
    looks = beside.look(range(len(survey.places)))
    assert looks is not None
    assert looks.rows.tolist() == list(range(len(survey.places)))
    gallery = scenes[100].gallery
    assert gallery is not None
    centre = gallery.features.reshape(len(looks.rows), 1, -1).astype(np.float32)
    around = looks.features.reshape(len(looks.rows), LOOKS, -1).astype(np.float32)
    norms = np.linalg.norm(centre, axis=2) * np.linalg.norm(around, axis=2)
    cosine = (centre * around).sum(2) / norms
    assert 0.2 < np.median(cosine) < 0.97, "a few metres change a place, and not wholly"


def test_a_street_view_that_stands_afar_is_no_standpoint_of_a_place(repository: Path) -> None:
    demo = repository / "resources" / "demo"
    sources = Sources(imagery=str(demo / "imagery.tif"), street_views=(str(demo / "street_views"),))
    survey = survey_area(AREA, sources, LocateConfig())
    records, away_m = [], []
    for place in survey.places:
        near = survey.views.within(place.lonlat, 50.0)
        views = tuple(view for _, view in near[:1])
        records.append(PlaceRecord.of_reference(Reference(place, None, views)))
        away_m.append(near[0][0] if near else np.inf)
    seen = seen_from_the_ground(PlaceTable.from_records(records), survey, 10.0)
    assert seen.tolist() == [far <= 10.0 for far in away_m]
    assert 0 < seen.sum() < np.isfinite(away_m).sum()
    elsewhere = replace(survey, views=find_street_views(survey.area, [], 0.0))
    unknown = seen_from_the_ground(PlaceTable.from_records(records), elsewhere, 10.0)
    assert unknown.tolist() == np.isfinite(away_m).tolist()
