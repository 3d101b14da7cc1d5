"""Checks an engine's environment for real: the engine examines itself, computes, and says hello."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..i18n import tr
from ..model_core import contract
from .client import EngineClient
from .failure import EngineFailure
from .launch import HostPython, Launch, clean_environment, engine_launch, why_not_python
from .plan import doctor_step
from .step_process import StepProcess
from .tool_output import Check, explain_failure, failed_checks_in_words, parse_checks

FIRST_START_S = 180.0
"""The first start reads gigabytes that no cache of the system holds yet."""
SOFT_CHECKS = ("Device", "Memory", "Disk", "Writing")
"""What the engine can do without, or will find better another day: told, but no failure."""


@dataclass(frozen=True)
class Outcome:
    """How it ended: ``kind`` is "ready", "failed", "cancelled" or "removed"; words for people.

    ``warning`` says what works less well than it could, as a GPU that does not compute.
    """

    kind: str
    message: str
    python: Path | None = None
    device: str = ""
    warning: str = ""
    checks: tuple[Check, ...] = ()


class Verification(QObject):
    """Checks one Python; ``finished`` ends it, with an ``Outcome``: ready, failed or cancelled.

    Args:
        plugin_folder: Holds ``model_core``.
        host: QGIS's own Python, which is refused.
        environment: The environment of this process.
        silence_s: How long the engine may take to say hello.
        parent: The owner.
    """

    stepStarted = pyqtSignal(str)
    logLine = pyqtSignal(str)
    finished = pyqtSignal(object)

    def __init__(
        self,
        plugin_folder: Path,
        host: HostPython,
        environment: Mapping[str, str] = os.environ,
        silence_s: float = FIRST_START_S,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._plugin_folder = plugin_folder
        self._host = host
        self._environment = environment
        self._process: StepProcess | None = None
        self._is_cancelled = False
        self._python = Path()
        self._client = EngineClient(self._launch, self, silence_s=silence_s)
        self._client.logLine.connect(self.logLine)

    def start(self, python: Path, device: str) -> None:
        """Have the engine check itself, with a real computation on the device.

        Args:
            python: The Python of the environment.
            device: "auto", "cuda", "mps" or "cpu".
        """
        self._python = python
        reason = why_not_python(python, self._host)
        if reason:
            self._fail(reason)
            return
        step = doctor_step(python, device)
        self.stepStarted.emit(step.title)
        self.logLine.emit("> " + step.command_line())
        environment = clean_environment(self._environment, qgis_folders=self._host.folders)
        self._process = StepProcess(step, str(self._plugin_folder), environment, self)
        self._process.line.connect(self.logLine)
        self._process.finished.connect(
            lambda code, output, tail: self._on_checked(step.title, code, output, tail, device)
        )
        self._process.start()

    def cancel(self) -> None:
        """Stop; ``finished`` follows."""
        self._is_cancelled = True
        if self._process is not None:
            self._process.cancel()
        self._client.stop()

    def _on_checked(self, title: str, code: int, output: str, tail: str, device: str) -> None:
        self._process = None
        checks = parse_checks(output)
        hard = [c for c in checks if not c.ok and c.name not in SOFT_CHECKS]
        soft = [c for c in checks if not c.ok and c.name in SOFT_CHECKS]
        if self._is_cancelled:
            self.finished.emit(cancelled())
        elif not checks:
            self._fail(explain_failure(title, code, tail))
        elif hard:
            self._fail(_broken(failed_checks_in_words(hard)), checks)
        else:
            computes = not any(check.name == "Device" for check in soft)
            used = device if computes else "cpu"
            self._start_engine(used, failed_checks_in_words(soft), checks)

    def _start_engine(self, device: str, warning: str, checks: tuple[Check, ...]) -> None:
        """Start the engine as the panel will, and ask what it computes on."""
        self.stepStarted.emit(tr("Starting the engine"))

        def done(result: Mapping[str, Any]) -> None:
            info = contract.InfoResult.from_json(result)
            if info.bundle_error:
                self._fail(_broken(info.bundle_error), checks)
                return
            found = f"{info.device} ({info.device_name})"
            words = tr("The engine is ready. It computes on {}.").format(found)
            self._finish(Outcome("ready", words, self._python, found, warning, checks))

        def failed(reason: EngineFailure) -> None:
            if self._is_cancelled:
                self._finish(cancelled())
            else:
                self._fail(reason.message, checks)

        params = contract.InfoParams(device=device)
        self._client.call(contract.INFO, params, done=done, failed=failed)

    def _launch(self) -> Launch:
        return engine_launch(self._python, self._plugin_folder, self._host, self._environment)

    def _fail(self, words: str, checks: tuple[Check, ...] = ()) -> None:
        self._finish(Outcome("failed", words, checks=checks))

    def _finish(self, outcome: Outcome) -> None:
        self._client.stop()
        self.finished.emit(outcome)


def cancelled() -> Outcome:
    """Return the outcome of what a person stopped."""
    return Outcome(
        "cancelled",
        tr("Stopped. What was fetched is kept; the next set-up goes on where this one stopped."),
    )


def _broken(words: str) -> str:
    return tr("The environment is there, but the engine does not work in it:") + "\n" + words
