"""``fetchreferences``: imagery, street views and roads of an area, kept to work offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFolderDestination,
)

from ..i18n import tr
from ..model_core import contract
from . import parameters as names
from .algorithm import GeolocatorAlgorithm
from .inputs import MEGABYTE, Inputs

ESTIMATE_ONLY = "ESTIMATE_ONLY"
PLACES, REQUESTS, MEGABYTES, SECONDS = "PLACES", "REQUESTS", "MEGABYTES", "SECONDS"
SUMMARY = "SUMMARY"


class FetchReferences(GeolocatorAlgorithm):
    """Fetches the references of an area into a folder."""

    NAME = "fetchreferences"
    ICON = "fetch"
    GROUP = "locating"

    def displayName(self) -> str:
        """Return the title in the toolbox."""
        return tr("Fetch references")

    def tags(self) -> list[str]:
        """Return words to find it by."""
        return tr("download,offline,imagery,street view,roads,estimate").split(",")

    def shortDescription(self) -> str:
        """Return what it does in a sentence."""
        return tr("Fetches imagery, street views and roads of an area, to be used offline.")

    def shortHelpString(self) -> str:
        """Return how to use it."""
        return tr(
            "Fetches what an area's photos are compared with, as a folder that 'Locate photos' "
            "and 'Build gallery' take as fetched references, without a network if need be.\n\n"
            "What would be asked of each source is said first; with 'Estimate only' nothing more "
            "is done. A fetch that was stopped goes on when it is run again with the same folder. "
            "Sources that may not be kept are left out, and that is said."
        )

    def initAlgorithm(self, configuration: Mapping[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        estimate = QgsProcessingParameterBoolean(
            ESTIMATE_ONLY, tr("Estimate only"), defaultValue=False
        )
        destination = QgsProcessingParameterFolderDestination(
            names.OUTPUT, tr("Fetched references")
        )
        names.add_all(
            self,
            [
                names.area(),
                names.sources(),
                names.network(),
                names.options(),
                [
                    names.explained(estimate, tr("Say what would be fetched, and fetch nothing.")),
                    names.explained(destination, tr("The folder of the fetched references.")),
                ],
            ],
        )
        for name, title in (
            (PLACES, tr("Places")),
            (REQUESTS, tr("Requests")),
            (MEGABYTES, tr("Megabytes")),
            (SECONDS, tr("Seconds")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, title))
        self.addOutput(QgsProcessingOutputString(SUMMARY, tr("Summary")))

    def check(self, inputs: Inputs) -> None:
        """Say what does not fit, before anything starts."""
        inputs.check_area()
        inputs.check_imagery()
        inputs.check_roads()
        inputs.json_object(names.OPTIONS)

    def processAlgorithm(
        self,
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Say what it takes, then fetch."""
        inputs = Inputs(self, parameters, context, feedback)
        asked = {
            "area": inputs.area(),
            "imagery": inputs.imagery(),
            "roads": inputs.roads(),
            "street_views": inputs.street_views(),
            "network": inputs.network(self._network),
            "config": inputs.json_object(names.OPTIONS),
        }
        found = self.ask_engine(contract.ESTIMATE, contract.EstimateParams(**asked), feedback)
        estimate = contract.EstimateResult.from_json(found)
        _tell_estimate(estimate, feedback)
        outputs: dict[str, Any] = {
            PLACES: estimate.places,
            REQUESTS: estimate.requests,
            MEGABYTES: estimate.bytes / MEGABYTE,
            SECONDS: estimate.seconds,
        }
        if inputs.flag(ESTIMATE_ONLY):
            return outputs
        if estimate.over_limit:
            raise QgsProcessingException(estimate.over_limit)
        out = inputs.folder_destination(names.OUTPUT)
        params = contract.FetchParams(out=out, keys=self._keys, **asked)
        result = contract.FetchResult.from_json(self.ask_engine(contract.FETCH, params, feedback))
        for note in result.notes:
            feedback.pushWarning(note)
        feedback.pushInfo(result.summary)
        return {**outputs, names.OUTPUT: result.pack, SUMMARY: result.summary}


def _tell_estimate(estimate: contract.EstimateResult, feedback: QgsProcessingFeedback) -> None:
    feedback.pushInfo(
        tr("{0} places; {1} requests, {2:.1f} MB, about {3:.0f} s").format(
            estimate.places, estimate.requests, estimate.bytes / MEGABYTE, estimate.seconds
        )
    )
    for source in estimate.sources:
        feedback.pushInfo(
            tr("{0}: {1} requests, {2:.1f} MB").format(
                source.source, source.requests, source.bytes / MEGABYTE
            )
        )
    for note in estimate.notes:
        feedback.pushInfo(note)
    if estimate.over_limit:
        feedback.pushWarning(estimate.over_limit)
