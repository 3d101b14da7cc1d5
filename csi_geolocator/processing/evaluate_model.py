"""``evaluatemodel``: how often a model is right in cities that it has never seen."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSink,
    QgsField,
    QgsFields,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFileDestination,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ..i18n import tr
from . import parameters as names
from . import rendered_cities as cities
from .algorithm import GeolocatorAlgorithm
from .inputs import Inputs
from .training_process import run_training

FIGURES = "FIGURES"
RENDERED_PERCENT = (0.0, 60.0)
COLUMNS = (
    ("kind", QVariant.String),
    ("fov_deg", QVariant.Double),
    ("photos", QVariant.Int),
    ("recall_at_1", QVariant.Double),
    ("recall_at_5", QVariant.Double),
    ("chance", QVariant.Double),
    ("median_heading_error_deg", QVariant.Double),
)


class EvaluateModel(GeolocatorAlgorithm):
    """Scores a model on rendered cities."""

    NAME = "evaluatemodel"
    ICON = "evaluate"
    GROUP = "models"

    def displayName(self) -> str:
        """Return the title in the toolbox."""
        return tr("Evaluate model")

    def tags(self) -> list[str]:
        """Return words to find it by."""
        return tr("score,recall,accuracy,bundle,rendered").split(",")

    def shortDescription(self) -> str:
        """Return what it does in a sentence."""
        return tr("Says how often a model is right in rendered cities that it has never seen.")

    def shortHelpString(self) -> str:
        """Return how to use it and what the figures mean."""
        return tr(
            "Locates photos of rendered cities with a model and counts how often the first answer "
            "(R@1), or one of the first five (R@5), lies within 25 m of the truth: by field of "
            "view, from satellite images (si), street views (svi) or both, beside what chance "
            "would give.\n\n"
            "Rendered cities are not the world: the figures compare models with each other, and "
            "say little of how often a real photo is found."
        )

    def initAlgorithm(self, configuration: Mapping[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        given = tr(
            "A folder of cities that were rendered before, such as 'held_out' of a training. "
            "Empty: cities are rendered for this."
        )
        table = QgsProcessingParameterFeatureSink(
            FIGURES,
            tr("Figures"),
            QgsProcessing.SourceType.TypeVector,
            optional=True,
            createByDefault=True,
        )
        report = QgsProcessingParameterFileDestination(
            names.REPORT, tr("Report"), "JSON (*.json)", createByDefault=True
        )
        names.add_all(
            self,
            [
                names.bundle(),
                cities.parameters(given, cities=4, first=9001),
                names.device(),
                [
                    names.explained(table, tr("One row a kind of reference and field of view.")),
                    names.explained(report, tr("The same figures with the model's own sum.")),
                ],
            ],
        )

    def processAlgorithm(
        self,
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Render cities where none were given, then score the model."""
        inputs = Inputs(self, parameters, context, feedback)
        report = inputs.destination(names.REPORT)
        with tempfile.TemporaryDirectory(prefix="csi-geolocator-") as brief:
            data = inputs.path(cities.DATA)
            if data is None:
                feedback.pushInfo(tr("Rendering {} cities").format(inputs.number(cities.CITIES)))
                first, count = inputs.number(cities.FIRST_CITY), inputs.number(cities.CITIES)
                made = cities.rendering(inputs, Path(brief), first, count)
                made.run(self._launch, feedback, RENDERED_PERCENT)
                data = brief
            arguments = ["evaluate", "--data", data, "--out", report]
            arguments += ["--device", inputs.choice(names.DEVICE)]
            bundle = inputs.path(names.BUNDLE)
            if bundle is not None:
                arguments += ["--bundle", bundle]
            feedback.pushInfo(tr("Scoring the model"))
            run_training(self._launch, arguments, feedback.pushConsoleInfo, feedback.isCanceled)
        feedback.setProgress(100.0)
        figures = json.loads(Path(report).read_text(encoding="utf-8"))["figures"]
        outputs = {names.REPORT: report, FIGURES: self._write(figures, parameters, context)}
        return {name: value for name, value in outputs.items() if value is not None}

    def _write(
        self,
        figures: list[dict[str, Any]],
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
    ) -> str | None:
        fields = QgsFields()
        for name, kind in COLUMNS:
            fields.append(QgsField(name, kind))
        sink, destination = self.parameterAsSink(
            parameters,
            FIGURES,
            context,
            fields,
            QgsWkbTypes.Type.NoGeometry,
            QgsCoordinateReferenceSystem(),
        )
        if sink is None:
            return None
        for figure in figures:
            row = QgsFeature(fields)
            row.setAttributes([figure[name] for name, _ in COLUMNS])
            sink.addFeature(row, QgsFeatureSink.Flag.FastInsert)
        return destination
