"""Check that each name of Qt that the plugin uses is there under Qt 6.

    python3 -m venv build/qt6 && build/qt6/bin/pip install PyQt6
    build/qt6/bin/python .ci/check_qt6.py [FOLDER]

Follows every dotted name that starts at an import from ``qgis.PyQt`` in PyQt6, which knows enums
by their own class alone, and says which are not there. QGIS itself is not needed. Exit status 1
where anything was found.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "qgis.PyQt."
# Where qgis.PyQt of QGIS 4 offers a name that PyQt6 has in another module, or no more.
MOVED = dict.fromkeys(
    (("QtWidgets", name) for name in ("QAction", "QActionGroup", "QShortcut")), "QtGui"
)
KEPT_BY_QGIS = ("QVariant",)
MISSING = object()


def findings(path: Path) -> Iterator[str]:
    """Yield the names in a file that PyQt6 lacks."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    missing: dict[str, str] = {}  # a name may be imported again from where Qt 6 has it
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
            for alias in node.names:
                name = alias.asname or alias.name
                found = find(node.module[len(PREFIX) :], alias.name)
                if found is MISSING:
                    missing[name] = f"{path}:{node.lineno}: {node.module}.{alias.name}"
                else:
                    names[name] = found
    yield from (line for name, line in missing.items() if name not in names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = resolve(node.value, names)
            if isinstance(owner, type) and not hasattr(owner, node.attr):
                yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def find(module: str, name: str) -> Any:
    """Return what PyQt6 has under a name, MISSING where it has nothing."""
    if name in KEPT_BY_QGIS:
        return None
    module = MOVED.get((module, name), module)
    try:
        return getattr(importlib.import_module(f"PyQt6.{module}"), name, MISSING)
    except ImportError:
        return MISSING


def resolve(node: ast.expr, names: dict[str, Any]) -> Any:
    """Return what a dotted name stands for, None where it is none of Qt's."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = resolve(node.value, names)
        return getattr(owner, node.attr, None) if isinstance(owner, type) else None
    return None


def main(arguments: list[str]) -> int:
    """Run the command line."""
    folder = Path(arguments[0]) if arguments else ROOT / "csi_geolocator"
    files = sorted(folder.rglob("*.py"))
    found = [line for path in files for line in findings(path)]
    for line in found:
        print(line, file=sys.stderr)
    print(f"{len(files)} files, {len(found)} names that Qt 6 lacks")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
