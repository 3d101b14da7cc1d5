"""The engine: photos and a candidate area in, ranked places with headings out.

Importing this package needs the standard library only, so that the QGIS plugin can reach
``model_core.contract`` without the engine's environment.
"""

__version__ = "0.1.0"
