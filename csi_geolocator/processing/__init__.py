"""The engine's work in QGIS's toolbox: the modeler, batch, Python and ``qgis_process``."""

from __future__ import annotations

from qgis.core import QgsApplication

from .provider import PROVIDER_ID, GeolocatorProvider

# QGIS owns a provider, but its Python half lives only as long as something in Python holds it.
_registered: dict[str, GeolocatorProvider] = {}


def register() -> None:
    """Add the provider to QGIS where it is not there yet."""
    if PROVIDER_ID not in _registered:
        _registered[PROVIDER_ID] = GeolocatorProvider()
        QgsApplication.processingRegistry().addProvider(_registered[PROVIDER_ID])


def unregister() -> None:
    """Take the provider away again."""
    provider = _registered.pop(PROVIDER_ID, None)
    if provider is not None:
        QgsApplication.processingRegistry().removeProvider(provider)
