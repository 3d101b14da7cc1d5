"""One request that is waited for, without an event loop."""

from __future__ import annotations

import importlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AREA = "15.0,55.7,15.01,55.71"


@pytest.fixture
def blocking(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.blocking")


@pytest.fixture
def contract(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.model_core.contract")


@pytest.fixture
def locate(blocking: Any, contract: Any, tmp_path: Path) -> Callable[..., Any]:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"not really a photo")
    params = contract.LocateParams(photos=(str(photo),), area=AREA)
    return lambda launch, **options: blocking.call_engine(
        launch, contract.LOCATE, params, **options
    )


def failure_of(locate: Callable[..., Any], launch: Any, **options: Any) -> Any:
    blocking = importlib.import_module("csi_geolocator.engine.blocking")
    with pytest.raises(blocking.EngineError) as caught:
        locate(launch, **options)
    assert str(caught.value) == caught.value.failure.message
    return caught.value.failure


def children() -> set[str]:
    """The processes that this one started and that are there."""
    return set(Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split())


def test_result_comes_with_progress_and_answers(locate: Any, fake_engine: Any) -> None:
    steps: list[Any] = []
    answers: list[Any] = []
    result = locate(fake_engine(), progress=steps.append, answer=answers.append)
    assert answers[0].answer.candidates["features"]
    assert result["summary"] == "1 photos"
    assert {"photos", "gallery", "locate"} <= {step.stage for step in steps}


def test_it_works_in_any_thread_and_calls_back_there(locate: Any, fake_engine: Any) -> None:
    threads: list[int] = []
    results: list[Any] = []

    def work() -> None:
        results.append(
            locate(fake_engine(), progress=lambda step: threads.append(threading.get_ident()))
        )

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(30)
    assert results
    assert set(threads) == {worker.ident}


@pytest.mark.parametrize("mode", ["pieces", "chatty", "noisy"])
def test_odd_but_honest_engine_is_understood(locate: Any, fake_engine: Any, mode: str) -> None:
    told: list[str] = []
    assert locate(fake_engine(mode), log=told.append)["summary"]
    assert (len(told) >= 40_000) == (mode == "noisy")


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("die", "EngineDied", "the processor took a coffee break"),
        ("crash", "EngineDied", "signal 11"),
        ("die-at-start", "EngineDied", "Repair the engine's environment"),
        ("garbled", "EngineGarbled", "cannot be understood"),
        ("garbled-hello", "EngineGarbled", "cannot be understood"),
        ("other-protocol", "ProtocolMismatch", "speaks protocol 1"),
        ("failing", "PhotoError", "choose others"),
        ("silent", "EngineSilent", "said nothing"),
    ],
)
def test_failure_is_told_in_words_and_leaves_no_process(
    locate: Any, fake_engine: Any, mode: str, kind: str, words: str
) -> None:
    before = children()
    failure = failure_of(locate, fake_engine(mode), silence_s=1.0)
    assert failure.kind == kind
    assert words in failure.message
    assert children() == before


def test_python_that_does_not_start_is_said(locate: Any, tmp_path: Path) -> None:
    launch = importlib.import_module("csi_geolocator.engine.launch")
    broken = launch.Launch(str(tmp_path / "absent"), (), str(tmp_path), dict(os.environ))
    assert failure_of(locate, broken).kind == "EngineUnavailable"


@pytest.mark.parametrize("mode", ["good", "stubborn", "deaf"])
def test_cancel_is_heard_within_a_moment_or_the_engine_is_ended(
    locate: Any, fake_engine: Any, mode: str
) -> None:
    before = children()
    started = time.monotonic()
    failure = failure_of(
        locate,
        fake_engine(mode, pace_s=60),
        is_cancelled=lambda: time.monotonic() > started + 0.5,
        cancel_grace_s=0.5,
    )
    assert failure.is_cancelled
    assert time.monotonic() - started < 10
    assert children() == before


def test_cancel_before_the_engine_is_ready(locate: Any, fake_engine: Any) -> None:
    failure = failure_of(locate, fake_engine("silent"), is_cancelled=lambda: True, cancel_grace_s=0)
    assert failure.is_cancelled


def test_error_of_a_listener_is_raised_and_leaves_no_process(locate: Any, fake_engine: Any) -> None:
    before = children()

    def clumsy(step: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        locate(fake_engine(pace_s=0.1), progress=clumsy)
    assert children() == before


def test_request_reaches_the_engine_as_it_was_written(locate: Any, fake_engine: Any) -> None:
    locate(fake_engine())
    methods = [request["method"] for request in fake_engine.requests()]
    assert methods == ["info", "locate", "shutdown"]
    assert json.dumps(fake_engine.requests()[1]["params"]["area"]) == f'"{AREA}"'
