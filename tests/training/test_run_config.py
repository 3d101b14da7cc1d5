"""The files of a run folder: whole or not there, and of one run alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_core.errors import ConfigError
from training.run_config import read_run_config, write_json
from training.train_panogan import PanoGANTrainConfig


@pytest.mark.parametrize("option", ["batch=many", "recipe.steps=abc", "precision=7"])
def test_options_of_a_wrong_kind_are_refused_by_name(option: str) -> None:
    with pytest.raises(ConfigError, match=option.split("=")[0]):
        read_run_config(PanoGANTrainConfig, None, [option])


def test_a_run_that_is_killed_while_it_writes_leaves_the_file_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.json"
    write_json(path, [{"step": 1}])
    whole = path.read_text()

    def write_half(half: Path, text: str, **_: object) -> None:
        half.write_bytes(text[:5].encode())
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, [{"step": 1}, {"step": 2}])
    assert path.read_text() == whole
    assert [one.name for one in tmp_path.iterdir()] == ["history.json"]
