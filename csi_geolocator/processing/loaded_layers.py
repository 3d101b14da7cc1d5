"""The results' layers as QGIS loads them: styled, with the attribution they owe."""

from __future__ import annotations

from functools import lru_cache

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsVectorLayer,
)

from ..layers import heat, style

FIRST_BAND = 1


class ResultStyle(QgsProcessingLayerPostProcessorInterface):
    """Gives a layer its style and its attribution once it is in the project."""

    def __init__(self, name: str, attributions: tuple[str, ...]) -> None:
        super().__init__()
        self._name = name
        self._attributions = attributions

    def postProcessLayer(
        self,
        layer: QgsMapLayer,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        """Style the layer; where that fails it keeps the style of QGIS, and that is said."""
        try:
            style.apply_style(layer, self._name)
        except FileNotFoundError as error:
            feedback.pushWarning(str(error))
        else:
            if isinstance(layer, QgsRasterLayer):
                heat.show_heat(layer, FIRST_BAND)
            elif isinstance(layer, QgsVectorLayer):
                style.follow_time(layer, "captured_at")
        style.set_attribution(layer, self._attributions)
        layer.triggerRepaint()


@lru_cache(maxsize=64)
def result_style(name: str, attributions: tuple[str, ...]) -> ResultStyle:
    """Return a post-processor; kept, since QGIS does not own it and calls it after the run."""
    return ResultStyle(name, attributions)


def style_when_loaded(
    context: QgsProcessingContext, destination: str, name: str, attributions: tuple[str, ...]
) -> None:
    """Have a layer styled, if QGIS is going to load it."""
    if context.willLoadLayerOnCompletion(destination):
        details = context.layerToLoadOnCompletionDetails(destination)
        details.setPostProcessor(result_style(name, attributions))


def forget_layer(context: QgsProcessingContext, destination: str | None) -> None:
    """Keep QGIS from loading what the run had nothing for."""
    waiting = context.layersToLoadOnCompletion()
    kept = {name: details for name, details in waiting.items() if name != destination}
    context.setLayersToLoadOnCompletion(kept)
