"""The repository's shape, its texts and what they must not name."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

import model_core

TOP_LEVEL = {
    "csi_geolocator",
    "model_core",
    "training",
    "resources",
    "metadata.txt",
    "tests",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "LICENSE",
    "CHANGELOG.md",
    "docs",
}
TARGETS = ["help", "demo", "test", "check", "bench", "package"]
TARGETS += ["qgis-demo", "screenshots", "translations"]
# Written in two halves, so that this file does not name what it forbids.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "download.py" + "torch.org",
    "anaconda" + ".org",
    "npm" + "js.org",
    "deb." + "debian.org",
]
REGISTRY_OPTIONS = ["--index" + "-url", "--extra" + "-index-url", "--find" + "-links"]
IP_ADDRESS = re.compile(r"(?<![\d.=<>])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
LOCAL_ADDRESSES = {"127.0.0.1", "0.0.0.0"}


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[Path]:
    """Every file that belongs to the project, relative to its root."""
    run = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        pytest.skip("this is no git clone, so its files cannot be told from others")
    paths = [Path(line) for line in run.stdout.splitlines()]
    return [path for path in paths if (repository / path).is_file()]


def texts(repository: Path, tracked: Sequence[Path]) -> list[tuple[Path, str]]:
    found = []
    for path in tracked:
        data = (repository / path).read_bytes()
        if b"\0" not in data:
            found.append((path, data.decode("utf-8", errors="replace")))
    return found


def test_top_level_holds_what_it_should(tracked: Sequence[Path]) -> None:
    found = {path.parts[0] for path in tracked}
    assert {name for name in found if not name.startswith(".")} == TOP_LEVEL


def test_no_registry_is_named(repository: Path, tracked: Sequence[Path]) -> None:
    wrong = [
        f"{path}: {host}"
        for path, text in texts(repository, tracked)
        for host in REGISTRY_HOSTS
        if host in text
    ]
    wrong += [
        f"{path}: {option}"
        for path, text in texts(repository, tracked)
        for option in REGISTRY_OPTIONS
        if option in text and not is_set_up_by_the_plugin(path)
    ]
    assert not wrong, "\n".join(wrong)


def is_set_up_by_the_plugin(path: Path) -> bool:
    """Whether a file hands the user's own package index to pip."""
    return path.name in ("plan.py", "test_plan.py") and "csi_geolocator" in path.parts


def test_no_address_is_named(repository: Path, tracked: Sequence[Path]) -> None:
    wrong = [
        f"{path}: {address}"
        for path, text in texts(repository, tracked)
        if path.parts[:2] != ("resources", "requirements") and path.suffix != ".svg"
        for address in IP_ADDRESS.findall(text)
        if address not in LOCAL_ADDRESSES
    ]
    assert not wrong, "\n".join(wrong)


def test_make_has_its_targets_and_explains_them(repository: Path) -> None:
    run = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split(maxsplit=2) for line in run.stdout.splitlines()]
    assert [words[1] for words in lines] == TARGETS
    assert all(len(words) == 3 for words in lines)


def test_ci_runs_the_tests(repository: Path) -> None:
    script = repository / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert "set -euo pipefail" in text
    assert "make test" in text


def test_version_is_one(repository: Path) -> None:
    metadata = _metadata(repository)
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    changes = (repository / "CHANGELOG.md").read_text()
    assert metadata["version"] == model_core.__version__ == project["version"]
    assert f"## [{model_core.__version__}]" in changes


def test_metadata_is_complete_for_the_plugin_site(repository: Path) -> None:
    metadata = _metadata(repository)
    required = ("name", "description", "version", "qgisMinimumVersion", "author", "email")
    required += ("about", "tracker", "repository", "homepage", "tags", "icon", "changelog")
    assert [key for key in required if not metadata.get(key, "").strip()] == []
    assert metadata["qgisMinimumVersion"] == "3.22"
    assert metadata["qgisMaximumVersion"] == "4.99"
    assert "plugin" not in metadata["name"].lower()
    assert "dependencies" in metadata["about"]
    assert (repository / metadata["icon"]).is_file()


def _metadata(repository: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(repository / "metadata.txt", encoding="utf-8")
    return parser["general"]


def test_every_requirement_is_pinned_with_hashes(repository: Path) -> None:
    files = sorted((repository / "resources" / "requirements").glob("*.txt"))
    assert [path.name for path in files] == ["engine-tests.txt", "engine.txt", "qgis-tests.txt"]
    for path in files:
        entries = re.split(r"\n(?=[a-z])", path.read_text())
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries), path


def test_licence_is_the_gpl(repository: Path) -> None:
    text = (repository / "LICENSE").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 2, June 1991" in text
