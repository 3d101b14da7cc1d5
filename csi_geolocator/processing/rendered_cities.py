"""Rendered cities to learn from or to be judged by: what is asked, and how far it has come."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from qgis.core import QgsProcessingFeedback

from ..engine.launch import Launch
from ..i18n import tr
from . import parameters as names
from .inputs import Inputs
from .training_process import run_training

DATA, FIRST_CITY, CITIES = "DATA", "FIRST_CITY", "CITIES"
PLACES, WIDTH = "PLACES", "WIDTH"
_RENDERED = re.compile(r"^city \d+: (\d+) of (\d+)$")


@dataclass(frozen=True)
class Rendering:
    """One set of cities: seeds ``first`` to ``first + count``, last not included."""

    folder: Path
    first: int
    count: int
    places: int
    width: int
    device: str

    def arguments(self) -> list[str]:
        """Return the arguments of ``python -m training``."""
        return [
            "render",
            *("--out", str(self.folder)),
            *("--cities", f"{self.first}:{self.first + self.count}"),
            *("--places", str(self.places)),
            *("--width", str(self.width)),
            *("--device", self.device),
        ]

    def run(self, launch: Launch, feedback: QgsProcessingFeedback, span: tuple[float, float]):
        """Render the cities that the folder does not hold yet.

        Args:
            launch: How the engine is started.
            feedback: Told of every city.
            span: The part of the bar that this fills, in percent.
        """
        start, end = span

        def line(text: str) -> None:
            feedback.pushConsoleInfo(text)
            match = _RENDERED.match(text)
            if match:
                done, total = int(match[1]), int(match[2])
                feedback.setProgress(start + (end - start) * done / total)

        run_training(launch, self.arguments(), line, feedback.isCanceled)
        feedback.setProgress(end)


def parameters(data: str, *, cities: int, first: int) -> names.Parameters:
    """Return what may be said of the cities.

    Args:
        data: What a folder that is given is used for.
        cities: How many, unless something else is said.
        first: The seed of the first.
    """
    return [
        names.folder(DATA, tr("Rendered cities"), data),
        names.whole_number(
            CITIES, tr("Cities"), tr("How many cities are rendered."), default=cities, minimum=1
        ),
        names.whole_number(
            FIRST_CITY,
            tr("First city"),
            tr("Cities are numbered; each number is always the same city."),
            default=first,
            advanced=True,
        ),
        names.whole_number(
            PLACES,
            tr("Places a city"),
            tr("How many places are seen in each city."),
            default=80,
            minimum=2,
        ),
        names.whole_number(
            WIDTH,
            tr("Columns of a full circle"),
            tr("As the model has them, or a multiple of that: 128 or 256 for the default model."),
            default=256,
            minimum=8,
            advanced=True,
        ),
    ]


def rendering(inputs: Inputs, folder: Path, first: int, count: int) -> Rendering:
    """Return what to render into a folder, as the parameters say."""
    return Rendering(
        folder,
        first,
        count,
        inputs.number(PLACES),
        inputs.number(WIDTH),
        inputs.choice(names.DEVICE),
    )
