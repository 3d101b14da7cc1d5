"""Replies on disk: what a kill, a second process or a full folder does to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model_core.references.cache import DiskCache, Reply

WRITER = """
import sys, time
from pathlib import Path
from model_core.references.cache import DiskCache, Reply
cache = DiskCache(Path(sys.argv[1]), 10**9, time.time)
seed = int(sys.argv[2])
for number in range(int(sys.argv[3])):
    key = f"{number % 40:064x}"
    cache.put(key, Reply(200, bytes([number % 40]) * 200_000, "image/png"))
    print(number, flush=True)
"""


def key(number: int) -> str:
    return f"{number:064x}"


def make(folder: Path, max_bytes: int = 10**9, now: float | None = None) -> DiskCache:
    return DiskCache(folder, max_bytes, time.time if now is None else lambda: now)


def test_a_reply_comes_back_as_it_went_in(tmp_path: Path) -> None:
    reply = Reply(206, b"line\nand \x00 bytes", "image/tiff", "bytes 0-9/100")
    make(tmp_path).put(key(1), reply)
    stored = make(tmp_path).get(key(1))
    assert stored is not None
    assert stored.reply == reply
    assert make(tmp_path).get(key(2)) is None
    assert [make(tmp_path).has(key(number)) for number in (1, 2)] == [True, False]


def test_age_is_told(tmp_path: Path) -> None:
    make(tmp_path, now=1000.0).put(key(1), Reply(200, b"x"))
    stored = make(tmp_path, now=1060.0).get(key(1))
    assert stored is not None
    assert stored.age_s == 60.0


def test_damage_of_any_kind_is_never_taken_for_a_reply(tmp_path: Path) -> None:
    cache = make(tmp_path)
    for number in range(3):
        cache.put(key(number), Reply(200, b"body" * 100))
    paths = sorted(tmp_path.rglob("*.reply"))
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[:-7])
    paths[1].write_bytes(whole.replace(b"bodybody", b"bodybOdy", 1))
    paths[2].write_bytes(b"")
    assert [cache.get(key(number)) for number in range(3)] == [None] * 3
    assert list(tmp_path.rglob("*.reply")) == []


def test_the_folder_stays_within_its_limit_and_keeps_what_is_used(tmp_path: Path) -> None:
    for number in range(10):
        make(tmp_path, now=1000.0 + number).put(key(number), Reply(200, bytes(10_000)))
        os.utime(next(tmp_path.rglob(f"{key(number)}.reply")), (1000.0 + number,) * 2)
    cache = make(tmp_path, 60_000, now=9000.0)
    assert cache.get(key(0)) is not None
    cache.put(key(10), Reply(200, bytes(10_000)))
    assert cache.size_bytes() <= 60_000
    assert cache.get(key(0)) is not None
    assert cache.get(key(10)) is not None
    assert cache.get(key(1)) is None


def test_clearing_frees_everything(tmp_path: Path) -> None:
    cache = make(tmp_path)
    cache.put(key(1), Reply(200, bytes(5000)))
    assert cache.clear() > 5000
    assert cache.size_bytes() == 0


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    cache = make(file / "inside")
    cache.put(key(1), Reply(200, b"x"))
    assert cache.get(key(1)) is None


def test_one_failed_write_costs_one_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, real_replace, failing = make(tmp_path), Path.replace, [True]

    def replace(self: Path, target: Path) -> Path:
        if failing.pop() if failing else False:
            raise PermissionError(13, "in use by a scanner")
        return real_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    assert [cache.put(key(number), Reply(200, b"x")) for number in (1, 2)] == [False, True]
    assert [cache.has(key(number)) for number in (1, 2)] == [False, True]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{key(2)}.reply"]


def test_a_folder_that_stays_unwritable_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def full(self: Path, data: bytes) -> int:
        tries.append(self)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    cache = make(tmp_path)
    assert not any(cache.put(key(number), Reply(200, b"x")) for number in range(100))
    assert len(tries) < 10


def test_two_processes_and_a_kill_leave_whole_replies_only(
    tmp_path: Path, repository: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(seed), "4000"],
            env=environment,
            stdout=subprocess.PIPE,
        )
        for seed in range(2)
    ]
    for writer in writers:
        assert writer.stdout is not None
        for _ in range(60):
            writer.stdout.readline()
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=30)
    cache = make(tmp_path)
    for number in range(40):
        stored = cache.get(key(number))
        assert stored is not None
        assert stored.reply.body == bytes([number]) * 200_000
    abandoned = list(tmp_path.rglob(".*.reply.*"))
    later = make(tmp_path, now=time.time() + 7200.0)
    later.size_bytes()
    assert not [path for path in abandoned if path.exists()]
