"""The engine's work in QGIS's toolbox: the modeler, batch, Python and ``qgis_process``."""

from __future__ import annotations

from qgis.core import QgsApplication

from .provider import PROVIDER_ID, GeolocatorProvider


def register() -> None:
    """Add the provider to QGIS where it is not there yet."""
    registry = QgsApplication.processingRegistry()
    if registry.providerById(PROVIDER_ID) is None:
        registry.addProvider(GeolocatorProvider())


def unregister() -> None:
    """Take the provider away again."""
    registry = QgsApplication.processingRegistry()
    if registry.providerById(PROVIDER_ID) is not None:
        registry.removeProvider(PROVIDER_ID)
