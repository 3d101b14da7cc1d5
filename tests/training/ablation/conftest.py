"""One small rendered city."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model_core.config import StripGeometry
from training.datasets.rendered import render_dataset


@pytest.fixture(scope="package")
def rendered_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ablation") / "city"
    render_dataset(folder, [3], 12, StripGeometry(), torch.device("cpu"))
    return folder
