"""How the layers look, what they say of themselves, and when they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsExpressionContextUtils,
    QgsMapLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtXml import QDomDocument

from ..i18n import tr

PACKAGE = Path(__file__).resolve().parents[1]
PHOTO_VARIABLE = "csi_photo"
"""The layer variable that the styles read: the path of the only photo to be shown, "" for all."""


def style_file(name: str) -> Path:
    """Return the native style of a layer; in the package and in the repository alike."""
    places = [parent / "resources" / "styles" for parent in (PACKAGE, PACKAGE.parent)]
    folder = next((place for place in places if place.is_dir()), places[0])
    return folder / f"{name}.qml"


def apply_style(layer: QgsMapLayer, name: str) -> None:
    """Give a layer its style.

    Raises:
        FileNotFoundError: The style is missing or broken; the plugin has to be installed again.
    """
    path = style_file(name)
    message, loaded = layer.loadNamedStyle(str(path))
    if not loaded:
        raise FileNotFoundError(tr("{}: {}; install the plugin again").format(path, message))


def style_text(layer: QgsVectorLayer) -> str:
    """Return a layer's style as QGIS keeps it (QML)."""
    document = QDomDocument()
    layer.exportNamedStyle(document)
    return str(document.toString())


def show_only(layer: QgsVectorLayer, photo_path: str) -> None:
    """Show the rows of one photo, "" for all; filters, edits and selection are left alone."""
    QgsExpressionContextUtils.setLayerVariable(layer, PHOTO_VARIABLE, photo_path)
    layer.triggerRepaint()


def set_attribution(layer: QgsMapLayer, attributions: Sequence[str]) -> None:
    """Write whom the content is owed to; QGIS shows it by the decoration Copyright Label."""
    metadata = layer.metadata()
    metadata.setRights(list(attributions))
    layer.setMetadata(metadata)


def follow_time(layer: QgsVectorLayer, column: str) -> None:
    """Let the temporal controller show a row at the moment in ``column``; empty ones always."""
    temporal = layer.temporalProperties()
    temporal.setMode(Qgis.VectorTemporalMode.FeatureDateTimeInstantFromField)
    temporal.setStartField(column)
    temporal.setIsActive(True)
