"""Collect the plugin's words for translation, and compile what is translated.

    python3 .ci/translate.py            bring resources/i18n/*.ts up to date, compile them to .qm
    python3 .ci/translate.py --check    change nothing; say what is missing or not compiled

Words are the texts that the plugin passes to ``tr``; each has to stand there in full. A text that
is gone leaves the files, a new one enters them untranslated. Compiling needs ``lrelease`` of Qt.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import string
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "csi_geolocator"
CONTEXT = "CsiGeolocator"
FOLDER = ROOT / "resources" / "i18n"
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n'


class NotText(ValueError):
    """What is passed to ``tr`` cannot be collected."""


def texts(root: Path = ROOT) -> dict[str, str]:
    """Return every text of the plugin with the first file that says it, in order.

    Raises:
        NotText: Something else than a text that stands there in full is passed to ``tr``.
    """
    found: dict[str, str] = {}
    for path in sorted((root / NAME).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for text in _texts_of(path.read_text(encoding="utf-8"), name):
            found.setdefault(text, name)
    return found


def _texts_of(source: str, name: str) -> Iterator[str]:
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tr"
    ]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        (text,) = call.args
        if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
            raise NotText(f"{name}:{call.lineno}: tr() takes a text that stands there in full")
        yield text.value


def read(path: Path) -> dict[str, str]:
    """Return the finished translations of a file by their text."""
    if not path.exists():
        return {}
    found = {}
    for message in ET.parse(path).getroot().iter("message"):
        translation = message.find("translation")
        if translation is not None and translation.get("type") is None and translation.text:
            found[message.findtext("source", "")] = translation.text
    return found


def write(path: Path, language: str, words: dict[str, str], known: dict[str, str]) -> None:
    """Write the texts with what is known of their translation."""
    root = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    for text, name in words.items():
        message = ET.SubElement(context, "message")
        ET.SubElement(message, "location", filename=f"../../{name}")
        ET.SubElement(message, "source").text = text
        translation = ET.SubElement(message, "translation")
        if text in known:
            translation.text = known[text]
        else:
            translation.set("type", "unfinished")
    ET.indent(root, " ")
    path.write_text(HEAD + ET.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


def languages() -> list[tuple[str, Path]]:
    """Return the languages that there are files for."""
    paths = sorted(FOLDER.glob(f"{NAME}_*.ts"))
    return [(path.stem.removeprefix(f"{NAME}_"), path) for path in paths]


def update() -> None:
    """Bring every language up to date and compile it."""
    words = texts()
    for language, path in languages():
        known = {text: said for text, said in read(path).items() if text in words}
        write(path, language, words, known)
        print(f"{path.name}: {len(words)} texts, {len(words) - len(known)} to translate")
    lrelease = shutil.which("lrelease") or shutil.which("lrelease-qt6")
    if lrelease is None:
        raise NotText("lrelease is not installed; it comes with qttools5-dev-tools")
    files = [str(path) for _, path in languages()]
    subprocess.run([lrelease, "-silent", *files], check=True, timeout=120)


def findings() -> Iterator[str]:
    """Yield what is wrong with the files of translations."""
    words = texts()
    for _, path in languages():
        known = read(path)
        for text, name in words.items():
            if text not in known:
                yield f"{path.name}: not translated: {text!r} ({name})"
            elif _fields(text) != _fields(known[text]):
                yield f"{path.name}: other places to fill in: {known[text]!r} for {text!r}"
        yield from (f"{path.name}: no longer said: {text!r}" for text in known if text not in words)
        if not path.with_suffix(".qm").exists():
            yield f"{path.name}: not compiled; run .ci/translate.py"


def _fields(text: str) -> list[str]:
    """Return what ``format`` fills in, in any order."""
    parts = string.Formatter().parse(text)
    return sorted(f"{name}:{spec}" for _, name, spec, _ in parts if name is not None)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, say what is wrong")
    try:
        if not parser.parse_args(arguments).check:
            update()
        found = list(findings())
    except NotText as error:
        print(f"translate: {error}", file=sys.stderr)
        return 1
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
