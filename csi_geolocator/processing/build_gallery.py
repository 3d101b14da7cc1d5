"""``buildgallery``: the features of every place of an area, computed once for many photos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFolderDestination,
)

from ..i18n import tr
from ..model_core import contract
from . import parameters as names
from .algorithm import GeolocatorAlgorithm
from .inputs import Inputs


class BuildGallery(GeolocatorAlgorithm):
    """Builds the gallery of an area."""

    NAME = "buildgallery"
    ICON = "gallery"
    GROUP = "locating"

    def displayName(self) -> str:
        """Return the title in the toolbox."""
        return tr("Build gallery")

    def tags(self) -> list[str]:
        """Return words to find it by."""
        return tr("index,features,prepare,area,places").split(",")

    def shortDescription(self) -> str:
        """Return what it does in a sentence."""
        return tr("Computes the features of every place of an area once, for many photos.")

    def shortHelpString(self) -> str:
        """Return how to use it."""
        return tr(
            "Lays places out along the roads of an area, reads imagery and street views of each, "
            "and computes what photos are compared with. 'Locate photos' then takes the folder "
            "as its gallery, with the same area, sources and options, and answers in seconds.\n\n"
            "A build that was stopped goes on when it is run again with the same folder and the "
            "same sources. A gallery belongs to one model."
        )

    def initAlgorithm(self, configuration: Mapping[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        destination = QgsProcessingParameterFolderDestination(names.OUTPUT, tr("Gallery"))
        names.add_all(
            self,
            [
                names.area(),
                names.sources(),
                names.pack(),
                names.bundle(),
                names.device(),
                names.network(),
                names.options(),
                [names.explained(destination, tr("The folder of the gallery."))],
            ],
        )

    def check(self, inputs: Inputs) -> None:
        """Say what does not fit, before anything starts."""
        inputs.check_area()
        inputs.check_imagery()
        inputs.check_roads()
        inputs.check_references()
        inputs.config()

    def processAlgorithm(
        self,
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Ask the engine for the gallery."""
        inputs = Inputs(self, parameters, context, feedback)
        params = contract.BuildGalleryParams(
            area=inputs.area(),
            out=inputs.folder_destination(names.OUTPUT),
            imagery=inputs.imagery(),
            roads=inputs.roads(),
            street_views=inputs.street_views(),
            pack=inputs.path(names.PACK),
            bundle=inputs.path(names.BUNDLE),
            keys=self._keys,
            network=inputs.network(self._network),
            config=inputs.config(self._device),
        )
        found = self.ask_engine(contract.BUILD_GALLERY, params, feedback)
        return {names.OUTPUT: contract.BuildGalleryResult.from_json(found).gallery}
