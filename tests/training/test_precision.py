"""In which precision a run computes where it is not told."""

from __future__ import annotations

import pytest
import torch

from model_core.errors import ConfigError
from training import precision
from training.precision import choose_precision
from training.train_config import TrainConfig, override

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("fastest", "chosen"),
    [
        (torch.bfloat16, "bf16-mixed"),
        (torch.float32, "32-true"),
        (torch.float16, "32-true"),
    ],
)
def test_what_a_trial_finds_faster_is_taken(
    monkeypatch: pytest.MonkeyPatch, fastest: torch.dtype, chosen: str
) -> None:
    monkeypatch.setattr(precision, "choose_dtype", lambda device: fastest)
    assert choose_precision(TrainConfig().precision, CPU) == chosen


@pytest.mark.parametrize(
    ("capability", "chosen"), [((9, 0), "bf16-mixed"), ((8, 0), "bf16-mixed"), ((7, 5), "32-true")]
)
def test_a_gpu_computes_in_bfloat16_where_it_has_it_whatever_float16_gains(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], chosen: str
) -> None:
    monkeypatch.setattr(precision, "choose_dtype", lambda device: torch.float16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert choose_precision("auto", torch.device("cuda")) == chosen


def test_what_is_asked_for_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "choose_dtype", lambda device: pytest.fail("tried"))
    for asked in ("32-true", "bf16-mixed"):
        assert choose_precision(asked, CPU) == asked


def test_an_unknown_precision_is_named() -> None:
    with pytest.raises(ConfigError, match="'16-mixed'"):
        choose_precision("16-mixed", CPU)
    with pytest.raises(ConfigError, match="precision"):
        override(TrainConfig(), ["precision=16-mixed"])
