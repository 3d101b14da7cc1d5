"""The algorithms as QGIS runs them, and a feedback that remembers what it was told."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)


class Heard(QgsProcessingFeedback):
    """Remembers what it was told; cancels itself at a line, or when the bar first moves."""

    def __init__(self, cancel_on: str = "", cancel_at: float = 1000.0) -> None:
        super().__init__(False)
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.percents: list[float] = []
        self.cancel_on = cancel_on
        self.cancel_at = cancel_at
        self.progressChanged.connect(self.moved)

    def moved(self, percent: float) -> None:
        self.percents.append(percent)
        if percent >= self.cancel_at:
            self.cancel()

    def pushInfo(self, info: str) -> None:
        self.lines.append(info)
        if info == self.cancel_on:
            self.cancel()

    def pushWarning(self, warning: str) -> None:
        self.lines.append(warning)

    def pushConsoleInfo(self, info: str) -> None:
        self.lines.append(info)

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.errors.append(error)

    def text(self) -> str:
        return "\n".join([*self.lines, *self.errors])


class Ran:
    """What a run gave."""

    def __init__(self, outputs: dict[str, Any], ok: bool, feedback: Heard, context: Any) -> None:
        self.outputs = outputs
        self.ok = ok
        self.feedback = feedback
        self.context = context


@pytest.fixture
def provider(staged: Path, settings_folder: Path, qgis_app: Any) -> Iterator[Any]:
    """The provider, registered as the plugin does it."""
    module = importlib.import_module("csi_geolocator.processing.provider")
    registry = QgsApplication.processingRegistry()
    made = module.GeolocatorProvider()
    registry.addProvider(made)
    yield made
    registry.removeProvider(made)


@pytest.fixture
def use_launch(provider: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Let the algorithms start this engine."""
    settings = importlib.import_module("csi_geolocator.settings")

    def use(launch: Any) -> None:
        monkeypatch.setattr(settings.Settings, "engine_launch", lambda self: launch)

    return use


@pytest.fixture
def heard() -> type[Heard]:
    """A feedback that remembers."""
    return Heard


@pytest.fixture
def run(provider: Any) -> Callable[..., Ran]:
    """Run an algorithm as QGIS does, its parameters checked first."""

    def run(name: str, parameters: dict[str, Any], feedback: Heard | None = None) -> Ran:
        algorithm = provider.algorithm(name).create()
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        feedback = feedback or Heard()
        fits, reason = algorithm.checkParameterValues(parameters, context)
        if not fits:
            feedback.reportError(reason)
            return Ran({}, False, feedback, context)
        outputs, ok = algorithm.run(parameters, context, feedback)
        return Ran(outputs, ok, feedback, context)

    return run
