"""CSI Geolocator: locate photos without coordinates, in QGIS."""


def classFactory(iface):
    """Return the plugin for one QGIS window."""
    from .plugin import CsiGeolocatorPlugin

    return CsiGeolocatorPlugin(iface)
