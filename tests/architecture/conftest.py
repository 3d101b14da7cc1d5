"""The project's sources as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SHIPPED = ("model_core", "training", "csi_geolocator")


@dataclass(frozen=True)
class Source:
    """One Python file of the project; ``module`` is its dotted name."""

    path: Path
    module: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The top package."""
        return self.module.split(".")[0]

    def where(self, node: ast.AST) -> str:
        """Return ``file:line`` for messages."""
        return f"{self.path}:{getattr(node, 'lineno', 0)}"

    def imports(self, *, for_types: bool = True) -> Iterator[tuple[str, ast.AST]]:
        """Yield the full dotted name of everything that is imported, anywhere in the file.

        ``for_types`` says whether what only type checkers import counts too.
        """
        skipped = set() if for_types else self._typing_only()
        for node in ast.walk(self.tree):
            if id(node) in skipped:
                continue
            if isinstance(node, ast.Import):
                yield from ((alias.name, node) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                yield from ((f"{base}.{alias.name}".strip("."), node) for alias in node.names)

    def _typing_only(self) -> set[int]:
        blocks = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ]
        return {id(node) for block in blocks for line in block.body for node in ast.walk(line)}

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        if self.path.name != "__init__.py":
            parts = parts[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Yield the dotted name of every call, as written."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func), node


def read_sources(root: Path) -> list[Source]:
    """Return every Python file of the shipped packages."""
    sources = []
    for package in SHIPPED:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).with_suffix("").as_posix().replace("/", ".")
            module = name.removesuffix(".__init__")
            sources.append(Source(path.relative_to(root), module, ast.parse(path.read_text())))
    return sources


@pytest.fixture(scope="session")
def sources(repository: Path) -> list[Source]:
    """Every Python file of the shipped packages."""
    return read_sources(repository)
