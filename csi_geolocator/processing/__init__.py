"""The engine's work in QGIS's toolbox: the modeler, batch, Python and ``qgis_process``."""
