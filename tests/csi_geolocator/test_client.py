"""The engine as the panel sees it, with engines that are good and engines that are not."""

from __future__ import annotations

import importlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

AREA = "15.0,55.7,15.01,55.71"


class Heard:
    """Everything that a call was told."""

    def __init__(self) -> None:
        self.results: list[Any] = []
        self.failures: list[Any] = []
        self.progress: list[Any] = []
        self.answers: list[Any] = []

    @property
    def is_over(self) -> bool:
        return bool(self.results or self.failures)

    @property
    def failure(self) -> Any:
        assert not self.results
        assert len(self.failures) == 1, "a call fails once"
        return self.failures[0]


class Bench:
    """Makes clients, calls them, and ends them."""

    def __init__(self, wait_until: Callable[..., None]) -> None:
        self.module = importlib.import_module("csi_geolocator.engine.client")
        self.contract = importlib.import_module("csi_geolocator.model_core.contract")
        self.wait_until = wait_until
        self.clients: list[Any] = []
        self.states: list[str] = []

    def client(self, launch: Any, **options: Any) -> Any:
        factory = launch if callable(launch) else lambda: launch
        client = self.module.EngineClient(factory, **options)
        client.stateChanged.connect(self.states.append)
        self.clients.append(client)
        return client

    def call(self, client: Any, method: str, params: Any) -> tuple[Any, Heard]:
        heard = Heard()
        call = client.call(
            method,
            params,
            done=heard.results.append,
            failed=heard.failures.append,
            progress=heard.progress.append,
            answer=heard.answers.append,
        )
        return call, heard

    def locate(self, client: Any, photo: Path) -> tuple[Any, Heard]:
        params = self.contract.LocateParams(photos=(str(photo),), area=AREA)
        return self.call(client, self.contract.LOCATE, params)

    def sources(self, client: Any) -> tuple[Any, Heard]:
        return self.call(client, self.contract.SOURCES, self.contract.SourcesParams())

    def outcome(self, heard: Heard) -> Heard:
        self.wait_until(lambda: heard.is_over)
        return heard


@pytest.fixture
def bench(staged: Path, wait_until: Callable[..., None]) -> Iterator[Bench]:
    made = Bench(wait_until)
    yield made
    for client in made.clients:
        client.stop()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "Straße ☂.jpg"
    path.write_bytes(b"not really a photo")
    return path


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet collected does not."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_progress_answers_and_result_reach_the_call_in_order(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine())
    assert client.state == "stopped"
    call, heard = bench.locate(client, photo)
    assert not heard.is_over, "a call returns before it is answered"
    bench.outcome(heard)
    assert bench.states == ["starting", "ready"]
    assert heard.progress[0].stage == "photos"
    assert heard.progress[-1].stage == "locate"
    assert [answer.answer.path for answer in heard.answers] == [str(photo)]
    result = bench.contract.LocateResult.from_json(heard.results[0])
    assert result.photos == (), "what was told is not said again"
    assert call.is_finished
    assert client.info.device == "cpu"


def test_calls_are_told_apart(bench: Bench, fake_engine: Callable[..., Any], photo: Path) -> None:
    client = bench.client(fake_engine())
    _, located = bench.locate(client, photo)
    _, listed = bench.sources(client)
    bench.outcome(listed)
    assert "photos" in located.results[0]
    assert "sources" in listed.results[0]
    assert not listed.progress
    assert not listed.answers


@pytest.mark.parametrize("mode", ["pieces", "chatty"])
def test_odd_but_honest_engine_is_understood(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path, mode: str
) -> None:
    _, heard = bench.locate(bench.client(fake_engine(mode)), photo)
    bench.outcome(heard)
    assert heard.answers[0].answer.path == str(photo)


def test_large_answer_arrives_whole(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    _, heard = bench.locate(bench.client(fake_engine(candidates=5000)), photo)
    bench.outcome(heard)
    assert len(heard.answers[0].answer.candidates["features"]) == 5000


def test_log_of_a_noisy_engine_is_drained_and_its_end_kept(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine("noisy"))
    told: list[str] = []
    client.logLine.connect(told.append)
    _, heard = bench.locate(client, photo)
    bench.outcome(heard)
    bench.wait_until(lambda: bool(told) and told[-1].startswith("39999 "))
    assert heard.results
    assert len(client.log().splitlines()) == 500
    assert client.log().splitlines()[-1].startswith("39999 ")


def test_own_error_of_the_engine_is_passed_on(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine("failing"))
    _, heard = bench.locate(client, photo)
    failure = bench.outcome(heard).failure
    assert (failure.code, failure.kind) == (-32011, "PhotoError")
    assert failure.message == "no photo could be read; choose others"
    assert client.state == "ready", "an error is an answer; the engine goes on"


def test_cancelled_call_fails_as_cancelled_and_the_next_one_is_answered(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine(pace_s=0.2, steps=50))
    call, heard = bench.locate(client, photo)
    _, waiting = bench.sources(client)
    bench.wait_until(lambda: bool(heard.progress))
    pid = client.process_id
    call.cancel()
    call.cancel()
    assert bench.outcome(heard).failure.is_cancelled
    assert bench.outcome(waiting).results
    assert client.process_id == pid, "cancelling keeps the engine warm"


def test_call_cancelled_before_the_engine_is_ready_is_never_sent(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine())
    call, heard = bench.locate(client, photo)
    _, other = bench.sources(client)
    call.cancel()
    assert bench.outcome(heard).failure.is_cancelled
    bench.outcome(other)
    assert [request["method"] for request in fake_engine.requests()] == ["info", "sources"]


def test_engine_that_does_not_stop_is_ended_and_the_next_call_restarts_it(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine("stubborn", pace_s=60), cancel_grace_s=0.3)
    call, heard = bench.locate(client, photo)
    _, other = bench.sources(client)
    bench.wait_until(lambda: bool(heard.progress))
    pid = client.process_id
    call.cancel()
    assert bench.outcome(heard).failure.is_cancelled
    assert "run this again" in bench.outcome(other).failure.message
    bench.wait_until(lambda: not is_alive(pid))
    assert bench.outcome(bench.sources(client)[1]).results


def test_engine_that_dies_says_why_in_words_and_starts_again(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine("die"))
    _, heard = bench.locate(client, photo)
    _, other = bench.sources(client)
    failure = bench.outcome(heard).failure
    assert failure.kind == "EngineDied"
    assert "exit code 3" in failure.message
    assert "RuntimeError: the processor took a coffee break" in failure.message
    assert "starts again with the next run" in failure.message
    assert other.failure.kind == "EngineDied"
    assert client.state == "failed"
    assert bench.outcome(bench.sources(client)[1]).results
    assert bench.states == ["starting", "ready", "failed", "starting", "ready"]


def test_crash_is_told_with_its_signal(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    _, heard = bench.locate(bench.client(fake_engine("crash")), photo)
    message = bench.outcome(heard).failure.message
    assert "signal 11" in message
    assert "choose the device 'CPU'" in message


def test_killed_engine_is_told_as_out_of_memory(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine(pace_s=60))
    _, heard = bench.locate(client, photo)
    bench.wait_until(lambda: bool(heard.progress))
    os.kill(client.process_id, signal.SIGKILL)
    message = bench.outcome(heard).failure.message
    assert "signal 9" in message
    assert "memory ran out" in message


def test_engine_without_its_libraries_asks_for_a_repair(
    bench: Bench, fake_engine: Callable[..., Any]
) -> None:
    _, heard = bench.sources(bench.client(fake_engine("die-at-start")))
    message = bench.outcome(heard).failure.message
    assert "No module named 'torch'" in message
    assert "Repair the engine's environment" in message


def test_silent_engine_is_reported_and_ended(bench: Bench, fake_engine: Callable[..., Any]) -> None:
    client = bench.client(fake_engine("silent"), silence_s=0.5)
    _, heard = bench.sources(client)
    bench.wait_until(lambda: client.process_id > 0)
    pid = client.process_id
    failure = bench.outcome(heard).failure
    assert failure.kind == "EngineSilent"
    assert client.state == "failed"
    bench.wait_until(lambda: not is_alive(pid))


@pytest.mark.parametrize("mode", ["garbled", "garbled-hello"])
def test_garbled_engine_is_reported_and_ended(
    bench: Bench, fake_engine: Callable[..., Any], mode: str
) -> None:
    client = bench.client(fake_engine(mode))
    failure = bench.outcome(bench.sources(client)[1]).failure
    assert failure.kind == "EngineGarbled"
    assert "cannot be understood" in failure.message
    assert client.state == "failed"


def test_engine_of_another_protocol_is_refused(
    bench: Bench, fake_engine: Callable[..., Any]
) -> None:
    client = bench.client(fake_engine("other-protocol"))
    failure = bench.outcome(bench.sources(client)[1]).failure
    assert failure.kind == "ProtocolMismatch"
    assert "speaks protocol 1, this plugin needs 3" in failure.message
    assert [request["method"] for request in fake_engine.requests()] == ["info"]


def test_engine_that_is_not_set_up_is_said_with_the_next_step(bench: Bench) -> None:
    launch = importlib.import_module("csi_geolocator.engine.launch")

    def refuse() -> Any:
        raise launch.EngineUnavailable("The engine's environment is not set up. Set it up.")

    client = bench.client(refuse)
    _, heard = bench.sources(client)
    assert not heard.is_over
    failure = bench.outcome(heard).failure
    assert failure.kind == "EngineUnavailable"
    assert failure.message.endswith("Set it up.")


def test_python_that_does_not_start_is_said(bench: Bench, tmp_path: Path) -> None:
    launch = importlib.import_module("csi_geolocator.engine.launch")
    program = tmp_path / "python"
    program.write_text("no program")
    program.chmod(0o755)
    broken = launch.Launch(str(tmp_path / "absent"), (), str(tmp_path), {})
    failure = bench.outcome(bench.sources(bench.client(broken))[1]).failure
    assert failure.kind == "EngineUnavailable"
    assert str(tmp_path / "absent") in failure.message


@pytest.mark.parametrize("mode", ["good", "deaf"])
def test_stop_fails_open_calls_at_once_and_leaves_no_process(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path, mode: str
) -> None:
    client = bench.client(fake_engine(mode, pace_s=60))
    _, heard = bench.locate(client, photo)
    bench.wait_until(lambda: client.state == "ready")
    pid = client.process_id
    assert client.is_busy
    started = time.monotonic()
    client.stop()
    assert time.monotonic() - started < 0.1
    assert not client.is_busy
    assert heard.failure.kind == "EngineStopped"
    assert heard.failure.message.endswith("run it again. What was computed is kept.")
    assert client.state == "stopped"
    bench.wait_until(lambda: not is_alive(pid))


def test_listener_that_raises_costs_no_other_call_its_answer(
    bench: Bench, fake_engine: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Any] = []
    monkeypatch.setattr("sys.excepthook", lambda *error: raised.append(error))
    client = bench.client(fake_engine())

    def clumsy(result: Any) -> None:
        raise ZeroDivisionError

    params = bench.contract.SourcesParams()
    client.call(bench.contract.SOURCES, params, done=clumsy, failed=clumsy)
    _, heard = bench.sources(client)
    bench.outcome(heard)
    assert heard.results
    assert [error[0] for error in raised] == [ZeroDivisionError]


def test_number_that_is_no_json_fails_the_call_alone(
    bench: Bench, fake_engine: Callable[..., Any], photo: Path
) -> None:
    client = bench.client(fake_engine())
    params = bench.contract.CompareParams(str(photo), float("nan"), 0.0, 0.0, "/tmp/pictures")
    _, heard = bench.call(client, bench.contract.COMPARE, params)
    assert "JSON" in bench.outcome(heard).failure.message
    assert bench.outcome(bench.sources(client)[1]).results
