"""Every enum of Qt and QGIS is named with its own class, as Qt 6 wants it.

Each dotted name that starts at an import of Qt or QGIS is followed in the running QGIS; a value of
an enum that is reached past the enum's class is an error. So is one that is reached through
``self`` in a class that derives from one of Qt's or QGIS's.
"""

from __future__ import annotations

import ast
import enum
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOTS = ("qgis.core", "qgis.gui", "qgis.PyQt")
# QGIS puts these back under Qt 6, and QgsField of 3.22 takes nothing else.
ALLOWED_OWNERS = ("QVariant",)


def imported(tree: ast.Module) -> dict[str, Any]:
    """What a file imports from Qt and QGIS, by the name that it uses."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(ROOTS):
            module = importlib.import_module(node.module or "")
            for alias in node.names:
                if hasattr(module, alias.name):  # else it is imported again from elsewhere
                    found[alias.asname or alias.name] = getattr(module, alias.name)
    return found


def is_enum_value(value: object) -> bool:
    kind = type(value)
    return isinstance(value, enum.Enum) or type(kind).__name__ == "enumtype"


def is_enum_class(value: object) -> bool:
    return isinstance(value, type) and (
        issubclass(value, enum.Enum) or type(value).__name__ == "enumtype"
    )


def unscoped(text: str, name: str = "file.py") -> Iterator[str]:
    """Yield each use of an enum's value that leaves out the enum's class."""
    tree = ast.parse(text)
    names = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = resolve(node.value, names)
            if is_value_past_its_class(owner, node.attr):
                yield f"{name}:{node.lineno}: {ast.unparse(node)}"
    for definition in ast.walk(tree):
        if isinstance(definition, ast.ClassDef):
            yield from unscoped_in_class(definition, names, name)


def unscoped_in_class(definition: ast.ClassDef, names: dict[str, Any], name: str) -> Iterator[str]:
    bases = [resolve(base, names) for base in definition.bases]
    for node in ast.walk(definition):
        is_own = (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("self", "cls")
        )
        if is_own and any(is_value_past_its_class(base, node.attr) for base in bases):
            yield f"{name}:{node.lineno}: {ast.unparse(node)}"


def resolve(node: ast.expr, names: dict[str, Any]) -> Any:
    """The object that a dotted name stands for, None where it is none of Qt's or QGIS's."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = resolve(node.value, names)
        return None if owner is None else getattr(owner, node.attr, None)
    return None


def is_value_past_its_class(owner: Any, attribute: str) -> bool:
    if not isinstance(owner, type) or is_enum_class(owner) or owner.__name__ in ALLOWED_OWNERS:
        return False
    return is_enum_value(getattr(owner, attribute, None))


def test_all_enums_of_the_plugin_are_scoped(staged: Path, qgis_app: Any) -> None:
    found = []
    for path in sorted(staged.rglob("*.py")):
        if path.relative_to(staged).parts[0] not in ("model_core", "training"):
            found += unscoped(path.read_text(encoding="utf-8"), str(path.relative_to(staged)))
    assert found == []


def test_every_name_of_qt_and_qgis_is_there(staged: Path, qgis_app: Any) -> None:
    missing = []
    for path in sorted(staged.rglob("*.py")):
        if path.relative_to(staged).parts[0] in ("model_core", "training"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = imported(tree)
        for node in ast.walk(tree):
            owner = resolve(node.value, names) if isinstance(node, ast.Attribute) else None
            if isinstance(owner, type) and not hasattr(owner, node.attr):
                missing.append(f"{path.relative_to(staged)}:{node.lineno}: {ast.unparse(node)}")
    assert missing == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("x = Qt.AlignLeft", True),
        ("x = Qt.AlignmentFlag.AlignLeft", False),
        ("x = Qt.UserRole + 1", True),
        ("x = QMessageBox.Yes | QMessageBox.No", True),
        ("x = QMessageBox.StandardButton.Yes", False),
        ("x = QSizePolicy.Expanding", True),
        ("x = Alignment.AlignHCenter", False),
        ("x = QgsProcessingAlgorithm.FlagNoThreading", True),
        ("x = QgsProcessingAlgorithm.Flag.FlagNoThreading", False),
        ("x = Qgis.Warning", True),
        ("x = Qgis.MessageLevel.Warning", False),
        ("x = QgsWkbTypes.Point", True),
        ("x = QVariant.String", False),
        ("x = QMessageBox.question(None, '', '')", False),
        ("class A(QMessageBox):\n    def f(self):\n        return self.Yes", True),
        ("class A(QMessageBox):\n    def f(self):\n        return self.text()", False),
    ],
)
def test_the_check_tells_scoped_from_unscoped(qgis_app: Any, line: str, is_found: bool) -> None:
    head = (
        "from qgis.PyQt.QtCore import Qt, QVariant\n"
        "from qgis.PyQt.QtWidgets import QMessageBox, QSizePolicy\n"
        "from qgis.core import Qgis, QgsProcessingAlgorithm, QgsWkbTypes\n"
        "Alignment = Qt.AlignmentFlag\n"
    )
    assert bool(list(unscoped(head + line))) is is_found
