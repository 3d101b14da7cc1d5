"""Runs one step of a set-up, line by line, without blocking."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from qgis.PyQt.QtCore import QObject, QProcess, QTimer, pyqtSignal

from .lines import Lines
from .plan import Step
from .process import prepare

LINE_BYTES = 20_000
KEPT_LINES = 400
GRACE_MS = 2000
NOT_STARTED = -1


class StepProcess(QObject):
    """One program; its two outputs are read together, and apart where that matters.

    ``finished`` gives the exit code (-1 where it did not start or crashed), the whole standard
    output, and the last lines of both.
    """

    line = pyqtSignal(str)
    finished = pyqtSignal(int, str, str)

    def __init__(
        self, step: Step, folder: str, environment: Mapping[str, str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._output = bytearray()
        self._tail: deque[str] = deque(maxlen=KEPT_LINES)
        self._lines = {
            channel: Lines(LINE_BYTES, is_refused=False)
            for channel in (
                QProcess.ProcessChannel.StandardOutput,
                QProcess.ProcessChannel.StandardError,
            )
        }
        self._process = QProcess(self)
        prepare(self._process, step.program, step.arguments, folder, environment)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.readyReadStandardError.connect(self._read)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)

    def start(self) -> None:
        """Start the program and close its input: nothing may ask questions."""
        self._process.start()
        self._process.closeWriteChannel()

    def cancel(self) -> None:
        """End the program: it is asked, then killed; ``finished`` follows."""
        self._process.terminate()
        QTimer.singleShot(GRACE_MS, self._process.kill)

    def _read(self) -> None:
        output = bytes(self._process.readAllStandardOutput())
        self._output += output
        self._feed(QProcess.ProcessChannel.StandardOutput, output)
        errors = bytes(self._process.readAllStandardError())
        self._feed(QProcess.ProcessChannel.StandardError, errors)

    def _feed(self, channel: QProcess.ProcessChannel, data: bytes) -> None:
        for line in self._lines[channel].feed(data.replace(b"\r", b"\n")):
            self._tell(line)

    def _tell(self, line: bytes) -> None:
        text = line.decode("utf-8", errors="replace").rstrip()
        if text:
            self._tail.append(text)
            self.line.emit(text)

    def _on_finished(self, exit_code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        for lines in self._lines.values():
            self._tell(lines.rest())
        crashed = status == QProcess.ExitStatus.CrashExit
        self._end(NOT_STARTED if crashed else exit_code)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._tell(f"{self._process.program()}: {self._process.errorString()}".encode())
            QTimer.singleShot(0, lambda: self._end(NOT_STARTED))

    def _end(self, exit_code: int) -> None:
        output = bytes(self._output).decode("utf-8", errors="replace")
        self.finished.emit(exit_code, output, "\n".join(self._tail))
