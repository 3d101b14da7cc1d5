"""The training package in the engine's environment: a child process, followed line by line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from qgis.core import QgsProcessingException
from qgis.PyQt.QtCore import QProcess

from ..engine.failure import not_started
from ..engine.launch import Launch
from ..engine.process import prepare
from ..i18n import tr

POLL_MS = 200
START_MS = 30_000
KILL_MS = 10_000
TOLD_LINES = 15
TABLE_COLUMNS = "160"


def run_training(
    launch: Launch,
    arguments: Sequence[str],
    line: Callable[[str], None],
    is_cancelled: Callable[[], bool],
) -> None:
    """Run ``python -m training`` with some arguments until it ends.

    Args:
        launch: How the engine is started: its Python, the plugin's folder, its environment.
        arguments: Of the command line of training.
        line: Told every line that it writes.
        is_cancelled: Asked a few times a second; the process is killed when it says so.

    Raises:
        QgsProcessingException: It could not start, failed (the message holds its last lines), or
            was cancelled.
    """
    process = _start(launch, arguments)
    last: deque[str] = deque(maxlen=TOLD_LINES)
    try:
        while process.state() != QProcess.ProcessState.NotRunning:
            process.waitForReadyRead(POLL_MS)
            _read_lines(process, line, last)
            if is_cancelled():
                raise QgsProcessingException(tr("Cancelled."))
        _read_lines(process, line, last, to_the_end=True)
    finally:
        if process.state() != QProcess.ProcessState.NotRunning:
            process.kill()
            process.waitForFinished(KILL_MS)
    crashed = process.exitStatus() != QProcess.ExitStatus.NormalExit
    if crashed or process.exitCode() != 0:
        raise QgsProcessingException(
            tr("{0} ended with exit code {1}. Its last words were:").format(
                "python -m training " + arguments[0], process.exitCode()
            )
            + "\n"
            + "\n".join(last)
        )


def _start(launch: Launch, arguments: Sequence[str]) -> QProcess:
    process = QProcess()
    arguments = ["-m", "training", *arguments]
    environment = {**launch.environment, "COLUMNS": TABLE_COLUMNS}
    prepare(process, launch.program, arguments, launch.folder, environment)
    process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
    process.start()
    if not process.waitForStarted(START_MS):
        reason = not_started(launch.program, process.errorString())
        raise QgsProcessingException(reason.message)
    process.closeWriteChannel()
    return process


def _read_lines(
    process: QProcess, line: Callable[[str], None], last: deque[str], to_the_end: bool = False
) -> None:
    while process.canReadLine() or (to_the_end and process.bytesAvailable()):
        text = bytes(process.readLine()).decode("utf-8", errors="replace").rstrip()
        if text:
            last.append(text)
            line(text)
