"""The server over real pipes, with jobs that count, fail, print and do not listen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_core import contract
from model_core.serve import Server, read_lines
from model_core.types import Progress

FAKE = Path(__file__).with_name("fake_engine.py")
pytestmark = pytest.mark.timeout(60)


class Client:
    """Speaks to the fake engine over pipes, line by line."""

    def __init__(self, root: Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(FAKE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root), **environment},
        )
        self.progress: list[contract.ProgressParams] = []

    def send_line(self, line: bytes) -> None:
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def send(self, request_id: int | str, method: str, **params: Any) -> None:
        self.send_line(contract.encode(contract.Request(method, params, request_id)).rstrip())

    def next(self) -> contract.Message:
        line = self.process.stdout.readline()
        assert line, f"the engine ended: {self.process.stderr.read().decode()}"
        return contract.decode(line)

    def answer(self) -> contract.Response | contract.Failure:
        """The next message that is no progress."""
        while isinstance(message := self.next(), contract.Notification):
            self.progress.append(contract.ProgressParams.from_json(message.params))
        assert isinstance(message, contract.Response | contract.Failure)
        return message

    def end(self) -> tuple[int, bytes, str]:
        """Close the input; the exit status, what was left on stdout, and stderr."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err.decode()


@pytest.fixture
def client(repository: Path) -> Iterator[Client]:
    made = Client(repository)
    yield made
    made.process.kill()
    made.process.communicate()


def test_request_is_answered_by_its_id(client: Client) -> None:
    client.send("first", "locate", echo="Malmö 北京")
    answer = client.answer()
    assert answer == contract.Response("first", {"counted": 3, "echo": "Malmö 北京"})


def test_file_name_that_is_no_unicode_comes_back_unharmed(client: Client) -> None:
    name = os.fsdecode(b"photo-\xff.jpg")
    client.send(1, "locate", echo=name)
    answer = client.answer()
    assert isinstance(answer, contract.Response)
    assert os.fsencode(answer.result["echo"]) == b"photo-\xff.jpg"


def test_requests_are_answered_in_order(client: Client) -> None:
    for request_id in range(5):
        client.send(request_id, "locate", steps=2)
    assert [client.answer().request_id for _ in range(5)] == list(range(5))


def test_running_job_is_cancelled_in_its_middle(client: Client) -> None:
    client.send(1, "locate", steps=10_000, pause_s=0.01)
    assert isinstance(client.next(), contract.Notification)
    client.send(2, "cancel", id=1)
    answers = {answer.request_id: answer for answer in (client.answer(), client.answer())}
    assert answers[2] == contract.Response(2, {"cancelled": True})
    assert answers[1] == contract.Failure(1, -32800, "stopped by the user", "Cancelled")
    client.send(3, "locate")
    assert isinstance(client.answer(), contract.Response)


def test_waiting_job_is_cancelled_before_it_begins(client: Client) -> None:
    client.send(1, "locate", steps=10_000, pause_s=0.01)
    client.next()
    client.send(2, "locate")
    client.send_line(b'{"jsonrpc":"2.0","method":"cancel","params":{"id":2}}')
    assert client.answer() == contract.Failure(2, -32800, "cancelled before it began", "Cancelled")
    client.send(3, "cancel", id="nothing of this name")
    assert client.answer() == contract.Response(3, {"cancelled": False})


def test_second_request_of_a_pending_id_is_refused(client: Client) -> None:
    client.send(1, "locate", steps=10_000, pause_s=0.01)
    client.next()
    client.send(1, "locate")
    answer = client.answer()
    assert isinstance(answer, contract.Failure)
    assert answer.code == contract.ErrorCode.INVALID_REQUEST


def test_progress_is_rare_and_ends_with_the_last_step(client: Client) -> None:
    client.send(1, "locate", steps=500)
    assert isinstance(client.answer(), contract.Response)
    assert client.progress[0].done == 1
    assert client.progress[-1] == contract.ProgressParams(1, "counting", 500, 500)
    assert len(client.progress) < 50


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        (b"this is no JSON", -32700, None),
        (b"\xff\xfe\x00", -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"locate","params":{"steps":NaN}}', -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"[]", -32600, None),
        (b'{"id":7,"method":"locate"}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":8,"method":3}', -32600, 8),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"locate"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":9,"method":"fly","params":{}}', -32601, 9),
        (b'{"jsonrpc":"2.0","id":10,"method":"cancel","params":{"job":1}}', -32602, 10),
    ],
)
def test_garbled_line_is_answered_and_the_engine_goes_on(
    client: Client, line: bytes, code: int, request_id: int | None
) -> None:
    client.send_line(line)
    answer = client.answer()
    assert isinstance(answer, contract.Failure)
    assert (answer.code, answer.request_id) == (code, request_id)
    client.send("after", "locate")
    assert client.answer().request_id == "after"


@pytest.mark.parametrize(
    ("how", "code", "kind", "words"),
    [
        ("photo", -32011, "PhotoError", "open it in a viewer"),
        ("gallery", -32031, "GalleryError", "build it again"),
        ("bug", -32603, "InternalError", "ZeroDivisionError: a bug"),
        ("import", -32603, "InternalError", "environment is incomplete"),
        ("nan", -32603, "InternalError", "JSON"),
        ("told", -32603, "InternalError", "JSON"),
    ],
)
def test_failure_has_code_kind_and_next_step(
    client: Client, how: str, code: int, kind: str, words: str
) -> None:
    client.send(1, "build_gallery", how=how)
    answer = client.answer()
    assert isinstance(answer, contract.Failure)
    assert (answer.request_id, answer.code, answer.kind) == (1, code, kind)
    assert words in answer.message
    client.send(2, "locate")
    assert isinstance(client.answer(), contract.Response)


def test_traceback_of_a_bug_is_in_the_log(client: Client) -> None:
    client.send(1, "build_gallery", how="bug")
    client.answer()
    _, _, log = client.end()
    assert "ZeroDivisionError" in log
    assert "Traceback" in log


def test_prints_of_libraries_and_children_do_not_reach_the_protocol(client: Client) -> None:
    client.send(1, "info")
    assert client.answer() == contract.Response(1, {"read_from_stdin": ""})
    status, left, log = client.end()
    assert status == 0
    assert left == b""
    for said in ("loading", "python print", "raw write", "C library print", "child print"):
        assert said in log


def test_unanswered_notification_of_a_job_is_not_run(client: Client) -> None:
    client.send_line(b'{"jsonrpc":"2.0","method":"locate","params":{}}')
    client.send(1, "locate")
    assert client.answer().request_id == 1


def test_shutdown_stops_the_job_and_answers_last(client: Client) -> None:
    client.send(1, "locate", steps=10_000, pause_s=0.01)
    client.next()
    client.send(2, "locate")
    client.send(3, "shutdown")
    answers = [client.answer() for _ in range(3)]
    assert answers[-1] == contract.Response(3, {})
    codes = {answer.request_id: getattr(answer, "code", 0) for answer in answers}
    assert codes == {1: -32800, 2: -32800, 3: 0}
    assert client.end()[0] == 0


def test_end_of_file_stops_a_job_that_listens(client: Client) -> None:
    client.send(1, "locate", steps=10_000, pause_s=0.01)
    client.next()
    status, out, _ = client.end()
    assert status == 0
    assert contract.decode(out.splitlines()[-1]) == contract.Failure(
        1, -32800, "stopped by the user", "Cancelled"
    )


def test_end_of_file_ends_the_process_though_the_job_does_not_listen(repository: Path) -> None:
    deaf = Client(repository, FAKE_GRACE_S="0.2")
    deaf.send(1, "build_gallery", how="deaf")
    assert isinstance(deaf.next(), contract.Notification)
    status, _, _ = deaf.end()
    assert status == 1


def test_client_that_stops_reading_ends_the_engine(repository: Path) -> None:
    gone = Client(repository)
    gone.send(1, "locate", steps=10_000, pause_s=0.01)
    gone.next()
    gone.process.stdout.close()
    assert gone.process.wait(timeout=30) == 0
    gone.process.stdin.close()
    gone.process.stderr.close()


def test_new_stage_is_sent_at_once_and_the_flood_is_held_back() -> None:
    sent: list[dict[str, Any]] = []
    now = [0.0]

    def job(params: Any, progress: Any, cancelled: Any, tell: Any) -> dict[str, Any]:
        for step in range(1000):
            now[0] += 0.001
            progress(Progress(f"stage {step // 500}", step, 1000))
        return {}

    answered = threading.Event()

    def lines() -> Iterator[bytes]:
        yield contract.encode(contract.Request("locate", {}, 1))
        answered.wait(timeout=30)

    def write(line: bytes) -> None:
        sent.append(json.loads(line))
        if "result" in sent[-1]:
            answered.set()

    Server({"locate": job}, lines(), write, clock=lambda: now[0]).run()
    steps = [message["params"] for message in sent if message.get("method") == "progress"]
    assert [step["stage"] for step in steps].index("stage 1") <= 7
    assert 10 <= len(steps) <= 13
    assert steps[-1]["done"] == 999


def test_line_longer_than_the_limit_is_cut_for_the_decoder_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contract.messages, "MAX_LINE_BYTES", 1000)
    reader, writer = os.pipe()
    os.write(writer, b"x" * 5000 + b"\n" + b'{"ok":1}\nunfinished')
    os.close(writer)
    long, short = read_lines(reader)
    os.close(reader)
    assert len(long) == 1001
    assert short == b'{"ok":1}'
    with pytest.raises(contract.ContractError, match="longer than 1000 bytes"):
        contract.decode(long)
