"""What a kept gallery is of: it is built again when what it was made from has changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from model_core.bundle import default_bundle_path, load_bundle
from model_core.config import LocateConfig
from model_core.references.survey import Sources, survey_area
from model_core.scene import describe_gallery

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
