"""Folders that take each other's place, whatever happens meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from model_core.errors import InputError
from model_core.files import claim_folder, replacing_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "imagery"
    path.mkdir()
    (path / "old.png").touch()
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_folder_takes_the_place_of_the_earlier_one(folder: Path) -> None:
    with replacing_folder(folder) as unfinished:
        (unfinished / "new.png").touch()
        assert names(folder) == ["old.png"]
    assert names(folder.parent) == ["imagery", "new.png"]


def test_a_failure_leaves_the_earlier_folder(folder: Path) -> None:
    def fail_halfway() -> None:
        with replacing_folder(folder) as unfinished:
            (unfinished / "new.png").touch()
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    assert names(folder.parent) == ["imagery", "old.png"]


def test_a_folder_that_cannot_be_put_in_place_leaves_the_earlier_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_replace = os.replace

    def busy(source: Path, target: Path) -> None:
        if Path(source).name.endswith(".partial"):
            raise PermissionError(13, "in use")
        real_replace(source, target)

    monkeypatch.setattr("os.replace", busy)
    with pytest.raises(InputError, match=r"imagery.*in use"), replacing_folder(folder):
        pass
    assert names(folder.parent) == ["imagery", "old.png"]


def test_what_a_kill_left_between_two_renames_comes_back(folder: Path) -> None:
    folder.rename(folder.with_name(".imagery.old"))
    with pytest.raises(KeyError), replacing_folder(folder):
        raise KeyError
    assert names(folder.parent) == ["imagery", "old.png"]


def test_a_folder_of_something_else_is_not_claimed(folder: Path) -> None:
    with pytest.raises(InputError, match=r"something else; choose a new or empty folder"):
        claim_folder(folder, "unfinished", "pack.json")
    claim_folder(folder, "unfinished", "old.png")
    claim_folder(folder, "unfinished")
    assert names(folder) == ["old.png", "unfinished"]
