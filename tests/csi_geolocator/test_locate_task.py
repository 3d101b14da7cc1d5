"""A run as a task of QGIS: one outcome each, whatever the engine does."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import QgsApplication


@pytest.fixture
def tasks(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.tasks.locate_task")


class Heard:
    """What a task told."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self.ends: list[tuple[str, Any]] = []
        self.progress: list[Any] = []
        self.answers: list[Any] = []
        task.progressed.connect(self.progress.append)
        task.answered.connect(self.answers.append)
        task.succeeded.connect(lambda result: self.ends.append(("succeeded", result)))
        task.failed.connect(lambda failure: self.ends.append(("failed", failure)))
        task.cancelled.connect(lambda: self.ends.append(("cancelled", None)))


@pytest.fixture
def start(
    tasks: Any, staged: Path, fake_engine: Any, tmp_path: Path
) -> Iterator[Callable[..., Heard]]:
    client = importlib.import_module("csi_geolocator.engine.client")
    contract = importlib.import_module("csi_geolocator.model_core.contract")
    engines: list[Any] = []
    photos = [tmp_path / f"photo_{number}.jpg" for number in range(3)]
    for path in photos:
        path.write_bytes(b"\xff\xd8")

    def start(mode: str, **options: Any) -> Heard:
        engine = client.EngineClient(
            lambda: fake_engine(mode, **options), silence_s=2.0, cancel_grace_s=1.0
        )
        engines.append(engine)
        area = "15.0,55.7,15.01,55.71"
        params = contract.LocateParams(tuple(map(str, photos)), area, imagery="/an/image.tif")
        heard = Heard(tasks.LocateTask(engine, params))
        QgsApplication.taskManager().addTask(heard.task)
        return heard

    yield start
    for engine in engines:
        engine.stop()


def test_result_comes_after_every_answer(start: Any, tasks: Any, wait_until: Any) -> None:
    heard = start("good")
    wait_until(lambda: bool(heard.ends))
    ((how, result),) = heard.ends
    assert how == "succeeded"
    assert [Path(answer.answer.path).name for answer in heard.answers] == [
        f"photo_{number}.jpg" for number in range(3)
    ]
    assert isinstance(heard.task.outcome, tasks.Succeeded)
    assert heard.task.outcome.result is result
    assert result.photos == tuple(answer.answer for answer in heard.answers)
    assert {step.stage for step in heard.progress} >= {"gallery", "locate"}


@pytest.mark.parametrize("stage", ["photos", "gallery", "locate"])
def test_run_is_cancelled_in_every_stage(
    start: Any, tasks: Any, wait_until: Any, stage: str
) -> None:
    heard = start("good", pace_s=0.03, steps=4)
    wait_until(lambda: any(step.stage == stage for step in heard.progress))
    heard.task.cancel()
    wait_until(lambda: bool(heard.ends))
    assert heard.ends == [("cancelled", None)]
    assert isinstance(heard.task.outcome, tasks.Cancelled)


def test_engine_that_does_not_hear_is_no_reason_to_wait(start: Any, wait_until: Any) -> None:
    heard = start("stubborn", pace_s=0.2, steps=30)
    wait_until(lambda: bool(heard.progress))
    heard.task.cancel()
    wait_until(lambda: bool(heard.ends), 3)
    assert heard.ends == [("cancelled", None)]


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("die", "EngineDied"),
        ("crash", "EngineDied"),
        ("garbled", "EngineGarbled"),
        ("other-protocol", "ProtocolMismatch"),
        ("silent", "EngineSilent"),
    ],
)
def test_failing_engine_is_one_failure_with_words(
    start: Any, tasks: Any, wait_until: Any, mode: str, kind: str
) -> None:
    heard = start(mode)
    wait_until(lambda: bool(heard.ends))
    ((how, failure),) = heard.ends
    assert (how, failure.kind) == ("failed", kind)
    assert failure.message
    assert isinstance(heard.task.outcome, tasks.Failed)


def test_error_of_the_engine_keeps_its_own_words(start: Any, wait_until: Any) -> None:
    heard = start("failing")
    wait_until(lambda: bool(heard.ends))
    ((how, failure),) = heard.ends
    assert how == "failed"
    assert failure.kind.endswith("Error")
    assert len(failure.message) > 10
