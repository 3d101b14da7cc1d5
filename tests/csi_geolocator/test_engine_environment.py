"""Where the engine's environment is and in which state, on each system."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def environment(staged: Path) -> Any:
    return importlib.import_module("csi_geolocator.engine.environment")


@pytest.fixture
def removal(staged: Path, qgis_app: Any) -> Any:
    return importlib.import_module("csi_geolocator.engine.removal")


def make_environment(folder: Path) -> Path:
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    return python


def test_environment_is_in_the_profile_but_on_windows_outside_of_what_roams(
    environment: Any,
) -> None:
    profile = Path("/home/ann/.local/share/QGIS/QGIS3/profiles/default")
    inside = profile / "csi_geolocator" / "engine"
    assert environment.default_place(profile, {}, "linux") == inside
    assert environment.default_place(profile, {"LOCALAPPDATA": "C:\\x"}, "darwin") == inside
    there = environment.default_place(profile, {"LOCALAPPDATA": "C:\\Users\\Zoë\\Local"}, "win32")
    assert str(there) == "C:\\Users\\Zoë\\Local\\csi_geolocator\\default\\engine"
    assert environment.default_place(profile, {}, "win32") == inside


@pytest.mark.parametrize(
    ("platform", "inside"),
    [("linux", "bin/python"), ("darwin", "bin/python"), ("win32", "Scripts/python.exe")],
)
def test_python_of_an_environment_is_where_the_system_has_it(
    environment: Any, platform: str, inside: str
) -> None:
    assert environment.python_in(Path("/e"), platform) == Path("/e") / inside


def test_state_follows_the_life_of_an_environment(environment: Any, tmp_path: Path) -> None:
    folder = tmp_path / "engine"

    def kind(digest: str = "now") -> str:
        return environment.environment_state("", folder, digest).kind

    assert kind() == "missing"
    environment.write_installation(folder, environment.Installation("unfinished", "now"))
    python = make_environment(folder)
    assert kind() == "unfinished"
    assert environment.find_python(folder) is None, "a half-made environment is none"
    environment.write_installation(folder, environment.Installation("ready", "now", build="cpu"))
    assert kind() == "ready"
    assert environment.find_python(folder) == python
    assert kind("a newer plugin's") == "outdated"
    python.unlink()
    assert kind() == "unfinished"


def test_folder_of_others_is_seen_as_such(environment: Any, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    assert environment.environment_state("", tmp_path, "now").kind == "foreign"


def test_named_python_goes_first_and_is_missed_when_gone(environment: Any, tmp_path: Path) -> None:
    python = make_environment(tmp_path / "own")
    found = environment.environment_state(str(python), tmp_path / "engine", "now")
    assert (found.kind, found.python) == ("chosen", python)
    gone = environment.environment_state(str(tmp_path / "gone"), tmp_path / "engine", "now")
    assert (gone.kind, gone.python) == ("chosen", None)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seconds": 1}', '{"state": 5, "later": true}'])
def test_marker_that_cannot_be_read_means_unfinished(
    environment: Any, tmp_path: Path, text: str
) -> None:
    make_environment(tmp_path)
    (tmp_path / "installation.json").write_text(text)
    assert environment.environment_state("", tmp_path, "now").kind == "unfinished"


def test_marker_of_a_newer_version_is_read(environment: Any, tmp_path: Path) -> None:
    environment.write_installation(tmp_path, environment.Installation("ready", "now"))
    path = tmp_path / "installation.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "mood": "good"}))
    assert environment.read_installation(tmp_path).state == "ready"


HOLDER = """
import sys, time
from qgis.PyQt.QtCore import QLockFile
lock = QLockFile(sys.argv[1]); lock.setStaleLockTime(0)
print(lock.tryLock(0), flush=True)
time.sleep(60)
"""


def test_lock_of_another_qgis_holds_until_its_process_is_gone(removal: Any, tmp_path: Path) -> None:
    lock = removal.FolderLock(tmp_path / "engine")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock.path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline().strip() == "True"
        held = lock.take()
        assert f"process {other.pid}" in held
        assert "another QGIS window" in held
        other.kill()
        other.wait(10)
        assert lock.take() == "", "the lock of a process that is gone is taken over"
    finally:
        other.kill()
        other.wait(10)
        other.stdout.close()
    assert "another QGIS window" in removal.FolderLock(tmp_path / "engine").take()
    lock.give_back()
    again = removal.FolderLock(tmp_path / "engine")
    assert again.take() == ""
    again.give_back()


def test_only_what_this_plugin_made_is_taken_away(
    removal: Any, environment: Any, tmp_path: Path
) -> None:
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "dear.txt").write_text("x")
    with pytest.raises(removal.NotOurs, match="was not made by this plugin"):
        removal.discard(letters)
    environment.write_installation(letters, environment.Installation("ready"))
    link = tmp_path / "link"
    link.symlink_to(letters)
    with pytest.raises(removal.NotOurs, match="is a link"):
        removal.discard(link)
    assert (letters / "dear.txt").exists()


def test_removal_works_in_the_background_and_follows_no_link(
    removal: Any, environment: Any, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    folder = tmp_path / "engine"
    make_environment(folder)
    environment.write_installation(folder, environment.Installation("ready"))
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").touch()
    (folder / "linked").symlink_to(treasure)
    aside = removal.discard(folder)
    assert not folder.exists()
    assert removal.leftovers(folder) == [aside]
    background = importlib.import_module("csi_geolocator.engine.background")
    done: list[Any] = []
    background.Background("x", lambda: removal.delete([aside]), done.append, done.append).start()
    wait_until(lambda: bool(done))
    assert done == [None]
    assert not aside.exists()
    assert (treasure / "gold").exists()


def test_work_that_fails_in_the_background_is_told(
    removal: Any, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    background = importlib.import_module("csi_geolocator.engine.background")
    told: list[Any] = []

    def work() -> None:
        raise OSError(5, "the disk is gone", str(tmp_path))

    background.Background("x", work, lambda _: told.append("done"), told.append).start()
    wait_until(lambda: bool(told))
    assert "the disk is gone" in str(told[0])
