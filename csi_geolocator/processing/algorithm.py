"""What the algorithms share: words, icon, the engine's settings, and how the engine is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
)
from qgis.PyQt.QtGui import QIcon

from ..engine.blocking import call_engine
from ..engine.failure import EngineError
from ..engine.launch import EngineUnavailable
from ..i18n import tr
from ..model_core import contract
from ..settings import Settings
from .feedback import EngineFeedback
from .inputs import AUTO, Inputs

ICONS = Path(__file__).resolve().parents[1] / "resources" / "icons"


def icon_path(name: str) -> str:
    """Return the file of an icon."""
    return str(ICONS / f"{name}.svg")


class GeolocatorAlgorithm(QgsProcessingAlgorithm):
    """One algorithm; each says its name, its words and its parameters, and does its work.

    The settings are read while it is prepared, in QGIS's main thread: the authentication store may
    ask for its password there.
    """

    NAME: ClassVar[str]
    ICON: ClassVar[str]
    GROUP: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._launch = None
        self._keys: Mapping[str, str] = {}
        self._network = contract.NetworkParams()
        self._device = AUTO

    def createInstance(self) -> GeolocatorAlgorithm:
        """Return a new one for one run."""
        return type(self)()

    def name(self) -> str:
        """Return what stands after the colon in the algorithm's id."""
        return self.NAME

    def groupId(self) -> str:
        """Return the group's id."""
        return self.GROUP

    def group(self) -> str:
        """Return the group's title."""
        return {"locating": tr("Locating photos"), "models": tr("Models")}[self.GROUP]

    def icon(self) -> QIcon:
        """Return the algorithm's icon."""
        return QIcon(icon_path(self.ICON))

    def svgIconPath(self) -> str:
        """Return the file of the algorithm's icon."""
        return icon_path(self.ICON)

    def checkParameterValues(
        self, parameters: Mapping[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Return whether the values fit each other, and in words why not."""
        fits, reason = super().checkParameterValues(parameters, context)
        if not fits:
            return fits, reason
        try:
            self.check(Inputs(self, parameters, context))
        except QgsProcessingException as error:
            return False, str(error)
        return True, ""

    def check(self, inputs: Inputs) -> None:
        """Say what does not fit, before anything starts.

        Raises:
            QgsProcessingException: Two values contradict each other, or one is missing.
        """

    def prepareAlgorithm(
        self,
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Read the settings of the engine and of the network, and the keys of the named sources."""
        settings = Settings()
        try:
            self._launch = settings.engine_launch()
        except EngineUnavailable as error:
            raise QgsProcessingException(str(error)) from error
        self._keys = settings.api_keys(Inputs(self, parameters, context).source_names())
        self._network = settings.network_params()
        self._device = settings.device
        return True

    def ask_engine(
        self,
        method: str,
        params: contract.Params,
        feedback: QgsProcessingFeedback,
        answers: list[contract.PhotoAnswer] | None = None,
    ) -> Mapping[str, Any]:
        """Return the engine's result, its progress and log told to the feedback.

        Args:
            method: A method of the contract.
            params: What it is asked.
            feedback: Told; its cancel stops the engine.
            answers: Gets each photo's answer.

        Raises:
            QgsProcessingException: The engine failed or was cancelled; the message says why.
        """
        told = EngineFeedback(feedback)

        def hear(answered: contract.AnswerParams) -> None:
            told.answer(answered)
            if answers is not None:
                answers.append(answered.answer)

        try:
            return call_engine(
                self._launch,
                method,
                params,
                progress=told.progress,
                answer=hear,
                is_cancelled=feedback.isCanceled,
                log=told.log,
            )
        except EngineError as error:
            raise QgsProcessingException(error.failure.message) from error
