"""What goes wrong with the engine's process, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..i18n import tr
from ..model_core import contract

ENGINE_DIED = "EngineDied"
ENGINE_GARBLED = "EngineGarbled"
ENGINE_SILENT = "EngineSilent"
ENGINE_STOPPED = "EngineStopped"
ENGINE_UNAVAILABLE = "EngineUnavailable"
PROTOCOL_MISMATCH = "ProtocolMismatch"
CANCELLED = contract.ErrorCode.CANCELLED.kind
INTERNAL = int(contract.ErrorCode.INTERNAL_ERROR)
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class EngineFailure:
    """Why a call was not answered; ``message`` is for people and names the next step.

    ``code`` is a ``contract.ErrorCode``; ``kind`` the engine's own name of the error, or one of
    this module where the process itself failed.
    """

    code: int
    kind: str
    message: str

    @property
    def is_cancelled(self) -> bool:
        """Whether a person stopped it, which is no error to show."""
        return self.kind == CANCELLED


class EngineError(RuntimeError):
    """A call that failed, for those who wait for its result."""

    def __init__(self, failure: EngineFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def unavailable(reason: str) -> EngineFailure:
    """Return the failure of an engine that could not be started."""
    return EngineFailure(INTERNAL, ENGINE_UNAVAILABLE, reason)


def not_started(program: str, reason: str) -> EngineFailure:
    """Return the failure of a Python that the system does not run."""
    return unavailable(
        tr(
            "The engine's Python could not be started ({0}: {1}). "
            "Repair the engine's environment in Settings > Options > CSI Geolocator."
        ).format(program, reason)
    )


def cancelled() -> EngineFailure:
    """Return the failure of a call that a person stopped."""
    return EngineFailure(int(contract.ErrorCode.CANCELLED), CANCELLED, tr("Cancelled."))


def stopped() -> EngineFailure:
    """Return the failure of a call whose engine was stopped on purpose."""
    return EngineFailure(
        INTERNAL,
        ENGINE_STOPPED,
        tr("The engine was stopped; run it again. What was computed is kept."),
    )


def silent(seconds: float) -> EngineFailure:
    """Return the failure of an engine that did not say hello in time."""
    return EngineFailure(
        INTERNAL,
        ENGINE_SILENT,
        tr(
            "The engine started but said nothing for {:.0f} seconds, and was ended. A virus "
            "scanner or a slow disk may hold it up: try again; if it stays silent, repair the "
            "engine's environment in Settings > Options > CSI Geolocator."
        ).format(seconds),
    )


def deaf(seconds: float) -> EngineFailure:
    """Return the failure of the other calls when the engine did not stop one and was ended."""
    return EngineFailure(
        INTERNAL,
        ENGINE_STOPPED,
        tr(
            "The engine did not stop what was cancelled within {:.0f} seconds and was ended; "
            "run this again."
        ).format(seconds),
    )


def garbled(reason: object) -> EngineFailure:
    """Return the failure of an engine that does not speak the protocol."""
    return EngineFailure(
        INTERNAL,
        ENGINE_GARBLED,
        tr(
            "The engine sent something that cannot be understood ({}), and was ended. Its Python "
            "may not be the one of this plugin: repair the environment in Settings > Options > "
            "CSI Geolocator, and copy the diagnostics there if it happens again."
        ).format(_short(str(reason))),
    )


def mismatch(found: object) -> EngineFailure:
    """Return the failure of an engine of another version."""
    return EngineFailure(
        INTERNAL,
        PROTOCOL_MISMATCH,
        tr(
            "The engine speaks protocol {0}, this plugin needs {1}: they are of different "
            "versions. Restart QGIS; if that does not help, install the plugin again."
        ).format(found, contract.PROTOCOL_VERSION),
    )


def died(exit_code: int, crashed: bool, log: str) -> EngineFailure:
    """Return the failure of calls whose process ended by itself.

    Args:
        exit_code: What it ended with; where it crashed, the signal on Linux and macOS, the
            exception's code on Windows.
        crashed: Whether the system ended it.
        log: What it wrote to its log.
    """
    told, advice = _ending(exit_code, crashed, log)
    last = last_line(log)
    words = [tr("The engine ended unexpectedly: {}.").format(told)]
    if last:
        words.append(tr("Its last words were: {}").format(last))
    words.append(advice)
    return EngineFailure(INTERNAL, ENGINE_DIED, "\n".join(words))


def last_line(log: str) -> str:
    """Return the last line of a log that says something, cut to a length that can be shown."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return _short(lines[-1]) if lines else ""


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _ending(exit_code: int, crashed: bool, log: str) -> tuple[str, str]:
    again = tr("It starts again with the next run. If this happens again, copy the engine's log.")
    if "ModuleNotFoundError" in log or "ImportError" in log or "DLL load failed" in log:
        told = tr("a library is missing or broken (exit code {})").format(exit_code)
        return told, _repair()
    known = _signals() if crashed else {}
    known = {**_windows_codes(), **known}
    code = exit_code & 0xFFFFFFFF
    if code in known:
        return known[code]
    if crashed:
        return tr("it crashed (code {})").format(exit_code), again
    return tr("exit code {}").format(exit_code), again


def _repair() -> str:
    return tr("Repair the engine's environment in Settings > Options > CSI Geolocator.")


def _signals() -> Mapping[int, tuple[str, str]]:
    memory = tr(
        "Most likely memory ran out: close other programs, choose a smaller area or a smaller "
        "batch size, and run again."
    )
    driver = tr(
        "A library or the graphics driver failed: choose the device 'CPU' in Settings > Options > "
        "CSI Geolocator, or repair the environment there."
    )
    return {
        4: (tr("it crashed on an instruction that this processor lacks (signal 4)"), _repair()),
        6: (tr("it aborted (signal 6)"), driver),
        7: (tr("it crashed in memory (signal 7)"), memory),
        9: (tr("the system or a person killed it (signal 9)"), memory),
        11: (tr("it crashed in memory (signal 11)"), driver),
        15: (
            tr("another program ended it (signal 15)"),
            tr("It starts again with the next run."),
        ),
    }


def _windows_codes() -> Mapping[int, tuple[str, str]]:
    crash: Callable[[str], str] = tr("it crashed ({})").format
    library = tr(
        "A library (DLL) is missing: install the Microsoft Visual C++ redistributable, then repair "
        "the engine's environment in Settings > Options > CSI Geolocator."
    )
    memory = tr("Close other programs, choose a smaller area, and run again.")
    driver = _signals()[11][1]
    return {
        0xC0000005: (crash("0xC0000005"), driver),
        0xC0000017: (tr("memory ran out (0xC0000017)"), memory),
        0xC000001D: (crash("0xC000001D"), _repair()),
        0xC0000135: (tr("a library was not found (0xC0000135)"), library),
        0xC0000142: (tr("a library did not start (0xC0000142)"), library),
        0xC0000409: (crash("0xC0000409"), driver),
    }
