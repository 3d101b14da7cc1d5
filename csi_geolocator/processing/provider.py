"""The provider: what QGIS's toolbox lists under CSI Geolocator."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..i18n import tr
from .algorithm import icon_path
from .build_gallery import BuildGallery
from .evaluate_model import EvaluateModel
from .fetch_references import FetchReferences
from .locate_photos import LocatePhotos
from .train_model import TrainModel

PROVIDER_ID = "csi_geolocator"
ALGORITHMS = (LocatePhotos, FetchReferences, BuildGallery, TrainModel, EvaluateModel)


class GeolocatorProvider(QgsProcessingProvider):
    """Every algorithm of this plugin."""

    def id(self) -> str:
        """Return what stands before the colon in an algorithm's id."""
        return PROVIDER_ID

    def name(self) -> str:
        """Return the product's name, the same in every language."""
        return "CSI Geolocator"

    def longName(self) -> str:
        """Return the name with what it is for."""
        return tr("CSI Geolocator: locate photos without coordinates")

    def icon(self) -> QIcon:
        """Return the plugin's icon."""
        return QIcon(icon_path("icon"))

    def svgIconPath(self) -> str:
        """Return the file of the plugin's icon."""
        return icon_path("icon")

    def loadAlgorithms(self) -> None:
        """Add each algorithm afresh: QGIS takes them over."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
