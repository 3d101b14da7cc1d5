"""Build the plugin as QGIS installs it: ``build/csi_geolocator.zip``, or its folder for tests.

The zip has one top folder, ``csi_geolocator/``: the plugin, and in it the engine (``model_core``),
``training``, the resources and the texts. The same sources give the same bytes.

    python3 .ci/package.py                   build/csi_geolocator.zip
    python3 .ci/package.py --stage FOLDER    FOLDER/csi_geolocator/, for tests in QGIS
"""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "csi_geolocator"
MAX_BYTES = 25_000_000
EPOCH = (1980, 1, 1, 0, 0, 0)
DOCS = ("docs/user-guide.md", "docs/training.md")
TEXTS = ("metadata.txt", "LICENSE", "README.md", "CHANGELOG.md", *DOCS)
PACKAGES = ("model_core", "training")
RESOURCES = ("demo", "i18n", "icons", "models", "styles")
RESOURCE_SUFFIXES = {"i18n": (".qm",), "icons": (".svg",), "styles": (".qml", ".svg")}
REQUIREMENTS = "resources/requirements/engine.txt"
SOURCE_SUFFIXES = (".py", ".ui", ".yaml", ".json")


def members(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield every file of the plugin with its name inside the top folder."""
    for text in TEXTS:
        yield root / text, text
    for path in _files(root / NAME, SOURCE_SUFFIXES):
        yield path, path.relative_to(root / NAME).as_posix()
    for package in PACKAGES:
        for path in _files(root / package, SOURCE_SUFFIXES):
            yield path, path.relative_to(root).as_posix()
    for path in _files(root / "docs" / "images", (".png",)):
        yield path, path.relative_to(root).as_posix()
    for folder in RESOURCES:
        for path in _files(root / "resources" / folder, RESOURCE_SUFFIXES.get(folder, ())):
            yield path, path.relative_to(root).as_posix()
    yield root / REQUIREMENTS, REQUIREMENTS


def _files(folder: Path, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(
            part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts
        )
        wanted = not suffixes or path.suffix in suffixes
        if path.is_file() and wanted and not hidden:
            yield path


def stage(target: Path, root: Path = ROOT) -> Path:
    """Copy the plugin to ``target/csi_geolocator`` afresh and return that folder."""
    folder = target / NAME
    if folder.exists():
        shutil.rmtree(folder)
    for path, name in members(root):
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return folder


def build_zip(target: Path, root: Path = ROOT) -> Path:
    """Write the zip under a temporary name, check its size, and return its path.

    Raises:
        ValueError: It is larger than the plugin site takes; the message names the largest files.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".zip.part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, name in members(root):
            entry = zipfile.ZipInfo(f"{NAME}/{name}", EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
        largest = sorted(archive.infolist(), key=lambda entry: -entry.compress_size)[:5]
    size = unfinished.stat().st_size
    if size > MAX_BYTES:
        unfinished.unlink()
        names = ", ".join(f"{entry.filename} {entry.compress_size:,}" for entry in largest)
        raise ValueError(f"the zip has {size:,} bytes, {MAX_BYTES:,} at most; largest: {names}")
    unfinished.replace(target)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", type=Path, metavar="FOLDER", help="copy to a folder instead")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / f"{NAME}.zip")
    options = parser.parse_args(arguments)
    try:
        made = stage(options.stage) if options.stage else build_zip(options.out)
    except (OSError, ValueError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    size = "" if options.stage else f" ({made.stat().st_size / 1e6:.1f} MB)"
    print(f"{made}{size}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
