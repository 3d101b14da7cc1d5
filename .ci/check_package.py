"""Check the zip as the plugin site does, and print every finding.

    .venv/bin/python .ci/check_package.py [build/csi_geolocator.zip]

Layout, metadata, sizes, Python 3.9 in what QGIS loads, Bandit and detect-secrets on every file.
Exit status 1 where anything was found.
"""

from __future__ import annotations

import ast
import configparser
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

NAME = "csi_geolocator"
MEGABYTE = 1_000_000
SIZES = {"": 25 * MEGABYTE, "resources/models/": 12 * MEGABYTE, "resources/demo/": 6 * MEGABYTE}
REQUIRED_FILES = ("__init__.py", "metadata.txt", "LICENSE")
REQUIRED_METADATA = [
    "name",
    "description",
    "version",
    "qgisMinimumVersion",
    "author",
    "email",
    "about",
    "tracker",
    "repository",
    "qgisMaximumVersion",
    "hasProcessingProvider",
    "icon",
    "tags",
    "changelog",
    "homepage",
]
BINARIES = (".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".whl", ".egg", ".jar", ".zip", ".bin")
MARKERS = ("# " + "nosec", "pragma: " + "allowlist")
SYNTAX_OF_QGIS = (3, 9)
ENGINE_ONLY = ("model_core/", "training/")
LOADED_BY_QGIS = ("model_core/__init__.py", "model_core/contract/")


def findings(package: Path) -> Iterator[str]:
    """Yield in words all that the plugin site, or its readers, would object to."""
    yield from layout_findings(package)
    with tempfile.TemporaryDirectory() as brief:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(brief)
        folder = Path(brief) / NAME
        if not folder.is_dir():
            return
        yield from metadata_findings(folder)
        yield from source_findings(folder)
        yield from bandit_findings(folder)
        yield from secret_findings(folder)


def layout_findings(package: Path) -> Iterator[str]:
    """Yield what is wrong with names and sizes inside the zip."""
    with zipfile.ZipFile(package) as archive:
        entries = {entry.filename: entry.compress_size for entry in archive.infolist()}
    tops = {name.split("/")[0] for name in entries}
    if tops != {NAME}:
        yield f"one top folder {NAME}/ is expected, not {', '.join(sorted(tops))}"
    for name in REQUIRED_FILES:
        if f"{NAME}/{name}" not in entries:
            yield f"{name} is missing"
    for name in entries:
        parts = name.split("/")
        if "__pycache__" in parts or name.lower().endswith(BINARIES):
            yield f"{name}: binaries and caches are refused"
        if any(part.startswith(".") for part in parts):
            yield f"{name}: hidden files are refused"
    for part, most in SIZES.items():
        size = sum(size for name, size in entries.items() if name.startswith(f"{NAME}/{part}"))
        if size > most:
            yield f"{part or 'the zip'} has {size:,} bytes, {most:,} at most"


def metadata_findings(folder: Path) -> Iterator[str]:
    """Yield what is wrong with metadata.txt."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(folder / "metadata.txt", encoding="utf-8")
    if "general" not in metadata:
        yield "metadata.txt has no section [general]"
        return
    general = metadata["general"]
    for key in REQUIRED_METADATA:
        if not general.get(key, "").strip():
            yield f"metadata.txt: {key} is missing"
    if "plugin" in general.get("name", "").lower():
        yield "metadata.txt: the name must not hold the word 'plugin'"
    if not (folder / general.get("icon", "missing")).is_file():
        yield f"metadata.txt: icon {general.get('icon')} is not in the package"
    if "dependencies" not in general.get("about", ""):
        yield "metadata.txt: about has to state the external dependencies"
    if f"{general.get('version')} " not in general.get("changelog", ""):
        yield "metadata.txt: the changelog says nothing of this version"


def source_findings(folder: Path) -> Iterator[str]:
    """Yield files that QGIS's Python cannot read, and markers that silence the scanners."""
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        text = path.read_text(encoding="utf-8")
        yield from (f"{name}: holds {marker!r}" for marker in MARKERS if marker in text)
        if name.startswith(ENGINE_ONLY) and not name.startswith(LOADED_BY_QGIS):
            continue
        try:
            ast.parse(text, feature_version=SYNTAX_OF_QGIS)
        except SyntaxError as error:
            yield f"{name}:{error.lineno}: {error.msg}"


def bandit_findings(folder: Path) -> Iterator[str]:
    """Yield what Bandit finds."""
    options = ["-q", "-r", str(folder), "-f", "json", "--exit-zero"]
    report = json.loads(_output("bandit", *options))
    yield from (f"bandit could not read {e['filename']}: {e['reason']}" for e in report["errors"])
    for found in report["results"]:
        where = Path(found["filename"]).relative_to(folder)
        yield f"bandit {found['test_id']}: {where}:{found['line_number']} {found['issue_text']}"


def secret_findings(folder: Path) -> Iterator[str]:
    """Yield what detect-secrets finds."""
    report = json.loads(_output("detect_secrets", "-C", str(folder), "scan", "--all-files", "."))
    for name, found in report["results"].items():
        yield from (f"detect-secrets: {name}:{f['line_number']} {f['type']}" for f in found)


def _output(module: str, *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return run.stdout


def main(arguments: list[str]) -> int:
    """Run the command line."""
    root = Path(__file__).resolve().parents[1]
    package = Path(arguments[0]) if arguments else root / "build" / f"{NAME}.zip"
    found = list(findings(package))
    for line in found:
        print(line, file=sys.stderr)
    print(f"{package.name}: {len(found)} findings ({package.stat().st_size / MEGABYTE:.1f} MB)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
