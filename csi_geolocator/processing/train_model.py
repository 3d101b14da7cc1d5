"""``trainmodel``: a model trained on rendered cities, or on one of your own; its bundle written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFolder,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
)

from ..i18n import tr
from . import parameters as names
from . import rendered_cities as cities
from .algorithm import GeolocatorAlgorithm
from .inputs import Inputs
from .training_process import run_training

HELD_OUT_CITIES = "HELD_OUT_CITIES"
PRESET, CONFIG_FILE = "PRESET", "CONFIG_FILE"
STEPS, MINUTES, RESUME = "STEPS", "MINUTES", "RESUME"
PRESETS = ("default", "gpu", "custom_city", "smoke")
MANIFEST_FILE = "manifest.parquet"
CONFIGS = Path(__file__).resolve().parents[1] / "training" / "configs"
RENDERED_PERCENT = (0.0, 30.0)
HELD_OUT_PERCENT = (30.0, 35.0)
TRAINED_PERCENT = (35.0, 100.0)
_STEP = re.compile(r"^step (\d+) ")


class TrainModel(GeolocatorAlgorithm):
    """Trains a model on rendered cities, or on one that was collected."""

    NAME = "trainmodel"
    ICON = "train"
    GROUP = "models"

    def displayName(self) -> str:
        """Return the title in the toolbox."""
        return tr("Train model")

    def tags(self) -> list[str]:
        """Return words to find it by."""
        return tr("learning,neural network,bundle,rendered,city").split(",")

    def shortDescription(self) -> str:
        """Return what it does in a sentence."""
        return tr("Trains a model on rendered cities, or on a city of your own.")

    def shortHelpString(self) -> str:
        """Return how to use it and what comes out."""
        return tr(
            "Renders cities, each with satellite images, panoramas and photos of its places, and "
            "trains a model to match them; other cities are held out to judge it by. The results "
            "folder then holds the model in 'bundle', which 'Locate photos', 'Build gallery' and "
            "'Evaluate model' take, and its figures in 'history.json'.\n\n"
            "From rendered cities the model learns from those alone, and its card says so. On a "
            "processor the default preset takes hours; 'smoke' takes two steps, to see that all "
            "runs. A training that was stopped goes on with 'Resume' and the same results "
            "folder.\n\n"
            "A folder written by 'python -m training collect' is a city of your own: nothing is "
            "rendered then, its blocks are parted into those to learn from and those to judge by. "
            "The preset 'custom_city' is made for it and begins with the packaged model."
        )

    def initAlgorithm(self, configuration: Mapping[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        kept = tr(
            "Cities that were rendered before are used again, missing ones are added; a collected "
            "city of your own is used as it is. Empty: inside the results folder."
        )
        destination = QgsProcessingParameterFolderDestination(names.OUTPUT, tr("Results folder"))
        held_out = names.whole_number(
            HELD_OUT_CITIES,
            tr("Cities held out"),
            tr("Rendered beside the others, to judge the model by; it never learns from them."),
            default=8,
            minimum=1,
        )
        names.add_all(
            self,
            [
                cities.parameters(kept, cities=100, first=1),
                [held_out],
                _training_parameters(),
                names.device(),
                [_assignments()],
                [names.explained(destination, tr("The folder of the run."))],
            ],
        )
        self.addOutput(QgsProcessingOutputFolder(names.BUNDLE, tr("Model")))

    def processAlgorithm(
        self,
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Render what is missing, unless the data are a city of the user's own; then train."""
        inputs = Inputs(self, parameters, context, feedback)
        run = Path(inputs.folder_destination(names.OUTPUT))
        data = Path(inputs.path(cities.DATA) or run / "cities")
        if (data / MANIFEST_FILE).is_file():
            training = held_out = data
        else:
            training, held_out = self._render(inputs, data, feedback)
        feedback.pushInfo(tr("Training"))
        run_training(
            self._launch,
            _arguments(inputs, training, held_out, run),
            _StepProgress(run, feedback),
            feedback.isCanceled,
        )
        feedback.setProgress(TRAINED_PERCENT[1])
        return {names.OUTPUT: str(run), names.BUNDLE: str(run / "bundle")}

    def _render(
        self, inputs: Inputs, data: Path, feedback: QgsProcessingFeedback
    ) -> tuple[Path, Path]:
        """Render what is missing; return the folders to learn from and to judge by."""
        first, count = inputs.number(cities.FIRST_CITY), inputs.number(cities.CITIES)
        held_out = inputs.number(HELD_OUT_CITIES)
        training = cities.rendering(inputs, data / "training", first, count)
        watched = cities.rendering(inputs, data / "held_out", first + count, held_out)
        feedback.pushInfo(tr("Rendering {} cities").format(count + held_out))
        training.run(self._launch, feedback, RENDERED_PERCENT)
        watched.run(self._launch, feedback, HELD_OUT_PERCENT)
        return training.folder, watched.folder


def _training_parameters() -> names.Parameters:
    preset = QgsProcessingParameterEnum(
        PRESET, tr("Preset"), list(PRESETS), defaultValue=PRESETS[0], usesStaticStrings=True
    )
    config = QgsProcessingParameterFile(
        CONFIG_FILE,
        tr("Configuration file"),
        optional=True,
        fileFilter="YAML, JSON (*.yaml *.yml *.json)",
    )
    minutes = QgsProcessingParameterNumber(
        MINUTES,
        tr("Minutes"),
        QgsProcessingParameterNumber.Type.Double,
        optional=True,
        minValue=0.0,
    )
    resume = QgsProcessingParameterBoolean(RESUME, tr("Resume"), defaultValue=False)
    return [
        names.explained(
            preset,
            tr(
                "default for a processor, gpu for a graphics card, custom_city for a city of your "
                "own, smoke to try it."
            ),
        ),
        names.explained(config, tr("Used instead of the preset."), advanced=True),
        names.whole_number(
            STEPS, tr("Steps"), tr("Empty: as the preset says."), default=None, minimum=1
        ),
        names.explained(minutes, tr("Stop after this long. Empty: when all steps are done.")),
        names.explained(resume, tr("Go on from the last checkpoint of the results folder.")),
    ]


def _assignments():
    return names.text_lines(
        names.OPTIONS,
        tr("Options (name=value)"),
        tr("Any other option of the training, one a line, such as matcher.learning_rate=0.001"),
        advanced=True,
    )


def _arguments(inputs: Inputs, data: Path, held_out: Path, run: Path) -> list[str]:
    """Return the arguments of ``python -m training``."""
    config = inputs.path(CONFIG_FILE) or str(CONFIGS / f"{inputs.choice(PRESET)}.yaml")
    options = [line.strip() for line in inputs.text(names.OPTIONS).splitlines() if line.strip()]
    if inputs.has(STEPS):
        options.append(f"matcher.steps={inputs.number(STEPS)}")
    arguments = ["train", "--data", str(data), "--held-out", str(held_out), "--out", str(run)]
    arguments += ["--config", config, "--device", inputs.choice(names.DEVICE)]
    for option in options:
        arguments += ["--set", option]
    if inputs.has(MINUTES) and inputs.decimal(MINUTES) > 0:
        arguments += ["--minutes", format(inputs.decimal(MINUTES), "g")]
    if inputs.flag(RESUME):
        arguments.append("--resume")
    return arguments


class _StepProgress:
    """Moves the bar with the lines that training writes; the run's folder says how many steps."""

    def __init__(self, run: Path, feedback: QgsProcessingFeedback) -> None:
        self._config = run / "config.json"
        self._feedback = feedback

    def __call__(self, text: str) -> None:
        self._feedback.pushConsoleInfo(text)
        match = _STEP.match(text)
        if match:
            config = json.loads(self._config.read_text(encoding="utf-8"))
            start, end = TRAINED_PERCENT
            share = min(1.0, int(match[1]) / config["matcher"]["steps"])
            self._feedback.setProgress(start + (end - start) * share)
