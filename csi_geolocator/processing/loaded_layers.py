"""The results' layers as QGIS loads them: styled, with the attribution they owe."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
)

from ..i18n import tr

STYLES = Path(__file__).resolve().parents[1] / "resources" / "styles"


class ResultStyle(QgsProcessingLayerPostProcessorInterface):
    """Gives a layer its style and its attribution once it is in the project."""

    def __init__(self, style: str, attributions: tuple[str, ...]) -> None:
        super().__init__()
        self._style = STYLES / f"{style}.qml"
        self._attributions = attributions

    def postProcessLayer(
        self,
        layer: QgsMapLayer,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        """Style the layer; where that fails it keeps the style of QGIS, and that is said."""
        message, styled = layer.loadNamedStyle(str(self._style))
        if not styled:
            feedback.pushWarning(
                tr("{0}: the style could not be used ({1}).").format(layer.name(), message)
            )
        metadata = layer.metadata()
        metadata.setRights(list(self._attributions))
        layer.setMetadata(metadata)
        layer.triggerRepaint()


@lru_cache(maxsize=64)
def result_style(style: str, attributions: tuple[str, ...]) -> ResultStyle:
    """Return a post-processor; kept, since QGIS does not own it and calls it after the run."""
    return ResultStyle(style, attributions)


def style_when_loaded(
    context: QgsProcessingContext, destination: str, style: str, attributions: tuple[str, ...]
) -> None:
    """Have a layer styled, if QGIS is going to load it."""
    if context.willLoadLayerOnCompletion(destination):
        details = context.layerToLoadOnCompletionDetails(destination)
        details.setPostProcessor(result_style(style, attributions))
