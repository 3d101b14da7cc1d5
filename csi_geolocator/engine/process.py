"""Programs run by Qt: without a shell, without a console window, and gone with their owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qgis.PyQt.QtCore import QProcess, QProcessEnvironment

NOT_STARTED = -1


def prepare(
    process: QProcess,
    program: str,
    arguments: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
) -> None:
    """Say what a process will run; on Windows Qt opens no console window for it.

    Args:
        process: The process, not started yet.
        program: The program.
        arguments: Each as it is; Qt quotes them.
        folder: The working folder, "" for this process's.
        environment: The whole environment.
    """
    variables = QProcessEnvironment()
    for name, value in environment.items():
        variables.insert(name, value)
    process.setProcessEnvironment(variables)
    process.setWorkingDirectory(folder)
    process.setProgram(program)
    process.setArguments(list(arguments))


def run(
    command: Sequence[str], environment: Mapping[str, str], timeout_s: float
) -> tuple[int, bytes]:
    """Return a program's exit code and output, or what it wrote to its log where that is empty.

    The code is -1, and the output the reason, where it does not start, crashes or takes too long.
    It blocks: in a worker thread.
    """
    process = QProcess()
    prepare(process, command[0], command[1:], "", environment)
    process.start()
    process.closeWriteChannel()
    if not process.waitForFinished(int(timeout_s * 1000)):
        reason = process.errorString().encode("utf-8")
        process.kill()
        process.waitForFinished()
        return NOT_STARTED, reason
    output = bytes(process.readAllStandardOutput()) or bytes(process.readAllStandardError())
    crashed = process.exitStatus() == QProcess.ExitStatus.CrashExit
    return (NOT_STARTED if crashed else process.exitCode()), output
