"""Sets the engine's environment up, checks it, repairs and removes it, without blocking QGIS.

What is done is decided in ``plan`` and ``requirements``; this does it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..i18n import tr
from . import requirements
from .background import Background
from .environment import READY, UNFINISHED, Installation, read_installation, write_installation
from .launch import HostPython, this_python
from .plan import REQUIREMENTS_NAME, CannotSetUp, Order, Step, set_up_steps, step_environment
from .redaction import Redactor
from .removal import FolderLock, NotOurs, check_ours, delete, discard, leftovers, set_aside
from .step_process import StepProcess
from .tool_output import InstallProgress, explain_failure
from .verification import FIRST_START_S, Outcome, Verification, cancelled

LOG_LINES = 5000
SHARE_INSTALLING = 0.88
SHARE_CHECKED = 0.95


def local_now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now().astimezone()


class Installer(QObject):
    """Does one thing at a time; ``finished`` always ends it, with an ``Outcome``.

    Args:
        plugin_folder: Holds ``model_core`` and the pinned requirements.
        parent: The owner.
        host: QGIS's own Python, which is never used.
        environment: The environment of this process.
        silence_s: How long the new engine may take to say hello.
        now: The clock.
    """

    stepStarted = pyqtSignal(int, int, str)
    progressed = pyqtSignal(float, str)
    logLine = pyqtSignal(str)
    finished = pyqtSignal(object)

    def __init__(
        self,
        plugin_folder: Path,
        parent: QObject | None = None,
        *,
        host: HostPython | None = None,
        environment: Mapping[str, str] = os.environ,
        silence_s: float = FIRST_START_S,
        now: Callable[[], datetime] = local_now,
    ) -> None:
        super().__init__(parent)
        self._plugin_folder = plugin_folder
        self._host = host or this_python()
        self._environment = environment
        self._silence_s = silence_s
        self._now = now
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._redact = Redactor()
        self._lock: FolderLock | None = None
        self._process: StepProcess | None = None
        self._verification: Verification | None = None
        self._is_removing = False
        self._is_running = False
        self._started_s = 0.0
        self._count = 0
        self._is_cancelled = False
        self._order: Order | None = None

    @property
    def is_running(self) -> bool:
        """Whether something is being done."""
        return self._is_running

    def log(self) -> str:
        """Return what the programs said, without passwords."""
        return "\n".join(self._log)

    def set_up(self, order: Order) -> None:
        """Make or complete an environment, and check it."""
        if not self._begin(order.folder, (order.proxy, order.package_index)):
            return
        self._order = order
        self._started_s = time.monotonic()
        try:
            steps = self._prepare(order)
        except (CannotSetUp, NotOurs, OSError) as error:
            self._fail(str(error))
            return
        self._clear([*leftovers(order.folder), *leftovers(order.uv_cache)])
        self._count = len(steps) + 2
        self._install(order, list(steps), 1)

    def repair(self, order: Order) -> None:
        """Make an environment anew; pip does it from the packages that it kept.

        The files of an environment by uv are the very files of its cache, and as damaged.
        """
        if not self._begin(order.folder, ()):
            return
        try:
            if order.folder.exists():
                discard(order.folder)
            if order.uv is not None and order.uv_cache.exists():
                set_aside(order.uv_cache)
        except NotOurs as error:
            self._fail(str(error))
            return
        self._release()
        self.set_up(order)

    def verify(self, python: Path, device: str) -> None:
        """Check a Python that is already there, and compute with it.

        Args:
            python: The Python of an environment that holds the engine's libraries.
            device: "auto", "cuda", "mps" or "cpu".
        """
        if self._begin(None, ()):
            self._order = None
            self._count = 2
            self._verify(python, device, 1)

    def remove(self, folder: Path, also: tuple[Path, ...] = ()) -> None:
        """Remove an environment that this plugin made.

        Args:
            folder: The environment.
            also: Folders of ours that go with it, as the downloads.
        """
        if not self._begin(folder, ()):
            return
        self.stepStarted.emit(1, 1, tr("Removing the environment"))
        try:
            if folder.exists():
                discard(folder)
        except NotOurs as error:
            self._fail(str(error))
            return
        self._is_removing = True
        everything = [*leftovers(folder), *also]
        Background(
            tr("Removing the engine's environment"),
            lambda: delete(everything),
            lambda _: self._finish(Outcome("removed", tr("The engine's environment was removed."))),
            lambda error: self._fail(tr("It could not be removed: {}").format(error)),
        ).start()

    def cancel(self) -> None:
        """Stop; what was fetched and installed so far is kept for the next time."""
        if not self._is_running or self._is_cancelled or self._is_removing:
            return
        self._is_cancelled = True
        if self._process is not None:
            self._process.cancel()
        if self._verification is not None:
            self._verification.cancel()

    # One step after the other

    def _begin(self, folder: Path | None, addresses: tuple[str | None, ...]) -> bool:
        if self._is_running:
            raise RuntimeError("the installer does one thing at a time")
        self._is_running, self._is_cancelled = True, False
        self._redact = Redactor(addresses)
        if folder is None:
            return True
        lock = FolderLock(folder)
        try:
            held = lock.take()
        except OSError as error:
            held = tr("{0} cannot be used: {1}").format(folder.parent, error.strerror)
        if held:
            self._fail(held)
            return False
        self._lock = lock
        return True

    def _prepare(self, order: Order) -> tuple[Step, ...]:
        folder = order.folder
        if folder.is_dir() and any(folder.iterdir()):
            check_ours(folder)
        text = requirements.read_requirements(self._plugin_folder)
        steps = set_up_steps(order, text)
        self._mark(order, UNFINISHED, requirements.digest(text))
        selected = requirements.select(text, order.platform, order.torch_apart)
        (folder / REQUIREMENTS_NAME).write_text(selected, encoding="utf-8")
        order.downloads.mkdir(parents=True, exist_ok=True)
        return steps

    def _mark(self, order: Order, state: str, digest: str, outcome: Outcome | None = None) -> None:
        before = read_installation(order.folder)
        now = self._now().isoformat(timespec="seconds")
        installation = Installation(
            state=state,
            requirements_sha256=digest,
            build=order.build.name,
            tool=order.tool,
            python=order.python.label if order.python else "",
            device=outcome.device if outcome else "",
            warning=outcome.warning if outcome else "",
            started_at=before.started_at if before and outcome else now,
            finished_at=now if outcome else "",
            seconds=round(time.monotonic() - self._started_s, 1),
        )
        write_installation(order.folder, installation)

    def _install(self, order: Order, steps: list[Step], number: int) -> None:
        if not steps:
            self._verify(order.engine_python, order.build.name, number)
            return
        step, following = steps[0], steps[1:]
        progress = InstallProgress(step.packages) if step.packages else None
        base = SHARE_INSTALLING * (number - 1) / (number + len(following))
        width = SHARE_INSTALLING / (number + len(following))

        def read(line: str) -> None:
            found = progress.read(line) if progress is not None else None
            if found is not None:
                self.progressed.emit(base + width * found.share, found.words)

        def done(exit_code: int, output: str, tail: str) -> None:
            if exit_code != 0:
                self._fail(explain_failure(step.title, exit_code, tail))
            else:
                self._install(order, following, number + 1)

        self.stepStarted.emit(number, self._count, step.title)
        self.progressed.emit(base, step.title)
        environment = step_environment(order, self._environment)
        self._run(step, str(order.folder.parent), environment, read, done)

    def _run(
        self,
        step: Step,
        folder: str,
        environment: Mapping[str, str],
        read: Callable[[str], None],
        done: Callable[[int, str, str], None],
    ) -> None:
        self._tell("> " + step.command_line())
        process = StepProcess(step, folder, environment, self)
        self._process = process

        def finished(exit_code: int, output: str, tail: str) -> None:
            self._process = None
            process.deleteLater()
            if self._is_cancelled:
                self._finish(cancelled())
            else:
                done(exit_code, output, tail)

        process.line.connect(self._tell)
        process.line.connect(read)
        process.finished.connect(finished)
        process.start()

    def _verify(self, python: Path, device: str, number: int) -> None:
        """Check an environment: the last two steps."""
        verification = Verification(
            self._plugin_folder, self._host, self._environment, self._silence_s, self
        )
        self._verification = verification
        titles = iter(((number, SHARE_INSTALLING), (number + 1, SHARE_CHECKED)))

        def begun(title: str) -> None:
            step, share = next(titles)
            self.stepStarted.emit(step, self._count, title)
            self.progressed.emit(share, title)

        verification.stepStarted.connect(begun)
        verification.logLine.connect(self._tell)
        verification.finished.connect(self._on_verified)
        verification.start(python, device)

    def _on_verified(self, outcome: Outcome) -> None:
        order = self._order
        if outcome.kind == "ready" and order is not None:
            digest = requirements.digest(requirements.read_requirements(self._plugin_folder))
            self._mark(order, READY, digest, outcome)
        if outcome.kind == "ready":
            self.progressed.emit(1.0, outcome.message)
        self._finish(outcome)

    def _fail(self, words: str) -> None:
        self._finish(Outcome("failed", self._redact(words)))

    def _finish(self, outcome: Outcome) -> None:
        self._release()
        self._tell(outcome.message)
        self.finished.emit(outcome)

    def _release(self) -> None:
        if self._verification is not None:
            self._verification.deleteLater()
            self._verification = None
        if self._lock is not None:
            self._lock.give_back()
            self._lock = None
        self._is_running = self._is_removing = False

    def _clear(self, old: list[Path]) -> None:
        if old:
            Background(
                tr("Removing an old engine environment"),
                lambda: delete(old),
                lambda _: None,
                lambda error: self._tell(str(error)),
            ).start()

    def _tell(self, line: str) -> None:
        shown = self._redact(line)
        self._log.append(shown)
        self.logLine.emit(shown)
