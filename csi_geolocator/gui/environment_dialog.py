"""The window that sets the engine up, checks, repairs and removes it."""

from __future__ import annotations

from pathlib import Path

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import QSize, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import (
    QDialog,
    QFormLayout,
    QFrame,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from .. import network
from ..engine.background import Background
from ..engine.client import EngineClient
from ..engine.installer import Installer
from ..engine.launch import HostPython, this_python
from ..engine.machine import Machine, look
from ..engine.plan import Order
from ..engine.proposal import Choices, propose
from ..engine.verification import Outcome
from ..i18n import tr
from ..settings import PLUGIN_FOLDER, Settings
from .diagnostics import diagnostics
from .environment_words import introduction, main_action, state_in_words
from .notice import ERROR, HINT, WARNING, WELL, Notice, WrappedLabel
from .set_up_form import SetUpForm
from .set_up_progress import SetUpProgress

SIZE = QSize(700, 640)


class EnvironmentDialog(QDialog):
    """Sets the engine's environment up; the programs run beside QGIS, which stays usable.

    Args:
        settings: Say where the environment is, and are told where it is afterwards.
        parent: The owner.
        engine: The running engine, which is ended before its environment is changed; a check
            leaves it alone.
        plugin_folder: Holds ``model_core`` and the pinned requirements.
        host: QGIS's own Python, which is never used.
    """

    engineChanged = pyqtSignal()

    def __init__(
        self,
        settings: Settings,
        parent: QWidget | None = None,
        *,
        engine: EngineClient | None = None,
        plugin_folder: Path = PLUGIN_FOLDER,
        host: HostPython | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("CsiGeolocatorEnvironmentDialog")
        self.setWindowTitle(tr("Engine of CSI Geolocator"))
        self._settings = settings
        self._engine = engine
        self._host = host or this_python()
        self._plugin_folder = plugin_folder
        self._machine: Machine | None = None
        self._is_looking = False
        self._last: Outcome | None = None
        self._existing_python: Path | None = None
        self._set_up_order: Order | None = None
        self._installer = Installer(plugin_folder, self, host=self._host)
        self._installer.finished.connect(self._on_finished)
        self._state = Notice("engineState")
        self._outcome = Notice("outcome")
        self._form = SetUpForm(
            self._first_choices(),
            network.describe_proxy(network.proxy_of_qgis()),
            self._propose,
        )
        self._progress = SetUpProgress(self._installer)
        self._existing = QgsFileWidget()
        self._buttons: dict[str, QPushButton] = {}
        self._lay_out()
        self._form.changed.connect(self._refresh)
        self._existing.fileChanged.connect(lambda _: self._refresh())
        self.resize(SIZE.boundedTo(QGuiApplication.primaryScreen().availableSize()))
        self._refresh()

    @property
    def installer(self) -> Installer:
        """What does the work."""
        return self._installer

    def showEvent(self, event) -> None:
        """Look at the machine, in the background, once the window is there."""
        super().showEvent(event)
        if self._machine is None and not self._is_looking:
            self._is_looking = True
            QTimer.singleShot(0, self._look)

    def reject(self) -> None:
        """Close, unless something is being done that a person wants to finish."""
        if not self._installer.is_running:
            super().reject()
            return
        answer = QMessageBox.question(
            self,
            self.windowTitle(),
            tr(
                "The set-up is not finished. What was fetched is kept, and the next set-up goes on "
                "where this one stopped. Stop it now?"
            ),
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._installer.cancel()
            super().reject()

    def diagnostics(self) -> str:
        """Return all that helps to understand a problem, as text."""
        last = self._last
        return diagnostics(
            self._settings,
            self._settings.engine_state(self._plugin_folder),
            self._machine,
            last.checks if last else (),
            last.message if last else "",
            self._installer.log(),
        )

    # What is shown

    def _look(self) -> None:
        host, path = self._host, self._settings.installer_certificates
        own = network.own_certificates()

        def work() -> tuple[Machine, Path | None]:
            trusted = network.with_system_certificates(own)
            return look(host), network.write_certificates(path, trusted)

        task = Background(
            tr("Looking for Python and GPU"),
            work,
            lambda found: self.show_machine(*found),
            lambda error: self._outcome.say(ERROR, str(error)),
        )
        self.destroyed.connect(task.forget)
        task.start()

    def show_machine(self, machine: Machine, certificates: Path | None = None) -> None:
        """Show what was found on this machine.

        Args:
            machine: Its Pythons, uv and GPUs.
            certificates: What the installers have to trust, None for what they do by themselves.
        """
        self._machine = machine
        self._form.show_machine(machine, str(certificates) if certificates else None)

    def _first_choices(self) -> Choices:
        settings = self._settings
        return Choices(
            folder=settings.engine_folder,
            downloads=settings.downloads,
            package_index=settings.package_index,
            wheelhouse=settings.wheelhouse,
            proxy=network.proxy_address(network.proxy_of_qgis()),
        )

    def _propose(self, machine: Machine, choices: Choices) -> Order:
        return propose(machine, choices, self._plugin_folder, self._host.folders)

    def _refresh(self) -> None:
        """Say how the environment stands, and offer what can be done about it."""
        state = self._settings.engine_state(self._plugin_folder)
        self._state.say(*state_in_words(state))
        is_running = self._installer.is_running
        is_ours = state.installation is not None
        for widget in (self._form, self._existing_group):
            widget.setEnabled(not is_running)
        self._buttons["setUp"].setText(main_action(state))
        enabled = {
            "setUp": self._form.order is not None and not is_running,
            "check": state.python is not None and not is_running,
            "repair": is_ours and self._form.order is not None and not is_running,
            "remove": is_ours and not is_running,
            "use": bool(self._existing.filePath().strip()) and not is_running,
            "copy": True,
            "cancel": is_running,
            "close": True,
        }
        for name, is_enabled in enabled.items():
            self._buttons[name].setEnabled(is_enabled)
        self._buttons["cancel"].setVisible(is_running)
        self._buttons["setUp"].setVisible(not is_running)

    # What is done

    def set_up(self) -> None:
        """Set up, complete or update the environment as the form says."""
        order = self._form.order
        if order is not None and self._stop_engine():
            self._begin(order.folder, order)
            self._installer.set_up(order)
            self._refresh()

    def repair(self) -> None:
        """Make the environment anew."""
        order = self._form.order
        if order is not None and self._stop_engine():
            self._begin(order.folder, order)
            self._installer.repair(order)
            self._refresh()

    def check(self) -> None:
        """Have an engine check itself, with the device of the settings; the running one goes on."""
        python = self._settings.find_engine()
        if python is not None:
            self._begin(python.parent)
            self._installer.verify(python, self._settings.device)
            self._refresh()

    def use_existing(self) -> None:
        """Check the named Python, and use it where it works."""
        if not self._stop_engine():
            return
        python = Path(self._existing.filePath().strip())
        self._begin(python.parent)
        self._existing_python = python
        self._installer.verify(python, self._settings.device)
        self._refresh()

    def remove(self) -> None:
        """Remove the environment and the packages that were kept, once a person agreed."""
        folder, downloads = self._settings.engine_folder, self._settings.downloads
        answer = QMessageBox.question(
            self,
            self.windowTitle(),
            tr(
                "The engine's environment in {0} is deleted, and the packages that were kept in "
                "{1}. Photos, results and galleries are not touched. Remove the engine?"
            ).format(folder, downloads),
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        if answer == QMessageBox.StandardButton.Yes and self._stop_engine():
            self._begin(folder)
            self._installer.remove(folder, (downloads,))
            self._refresh()

    def _stop_engine(self) -> bool:
        """End the running engine, where it works once a person agreed; return whether none runs."""
        if self._engine is None:
            return True
        if self._engine.is_busy:
            answer = QMessageBox.question(
                self,
                self.windowTitle(),
                tr(
                    "The engine is working. What was computed is kept, but a run that is stopped "
                    "has to be started again. Stop the engine?"
                ),
                QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
                QMessageBox.StandardButton.No,
            )
            if answer != QMessageBox.StandardButton.Yes:
                return False
        self._engine.stop()
        return True

    def _begin(self, folder: Path, order: Order | None = None) -> None:
        self._existing_python = None
        self._outcome.say(HINT, "")
        if order is not None:
            self._settings.engine_folder = order.folder
            self._settings.package_index = order.package_index
            self._settings.wheelhouse = order.wheelhouse
        self._set_up_order = order
        self._progress.begin(folder)

    def _on_finished(self, outcome: Outcome) -> None:
        self._last = outcome
        self._progress.end()
        if outcome.kind == "ready" and self._existing_python is not None:
            self._settings.engine_python = str(self._existing_python)
        elif outcome.kind == "ready" and self._set_up_order is not None:
            self._settings.engine_python = ""
        kinds = {"ready": WELL, "failed": ERROR, "cancelled": HINT, "removed": WELL}
        kind = WARNING if outcome.warning else kinds[outcome.kind]
        warning = f"\n{tr('But: {}').format(outcome.warning)}" if outcome.warning else ""
        self._outcome.say(kind, outcome.message + warning)
        self._form.refresh()
        self._refresh()
        self.engineChanged.emit()

    # How it looks

    def _lay_out(self) -> None:
        content = QWidget()
        inside = QVBoxLayout(content)
        inside.addWidget(self._state)
        inside.addWidget(WrappedLabel("introduction", introduction()))
        group = QGroupBox(tr("An environment of its own"))
        group.setObjectName("setUpGroup")
        in_group = QVBoxLayout(group)
        in_group.addWidget(self._form)
        in_group.addLayout(self._row("setUp", "repair", "check", "remove"))
        inside.addWidget(group)
        inside.addWidget(self._make_existing())
        inside.addStretch(1)
        scroll = QScrollArea()
        scroll.setObjectName("environmentScroll")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self._outcome)
        layout.addWidget(self._progress)
        layout.addLayout(self._row("copy", "", "cancel", "close"))
        self._buttons["close"].clicked.connect(self.reject)
        self._buttons["setUp"].setDefault(True)

    def _make_existing(self) -> QGroupBox:
        group = QGroupBox(tr("Or a Python that is already there"))
        group.setObjectName("existingGroup")
        self._existing_group = group
        self._existing.setObjectName("existingPython")
        self._existing.setToolTip(
            tr("The program 'python' of an environment that holds the engine's libraries")
        )
        self._existing.setDialogTitle(tr("Python of an environment"))
        self._existing.setFilePath(self._settings.engine_python)
        form = QFormLayout(group)
        note = tr("It has to hold the engine's packages; the Python of QGIS is refused.")
        form.addRow(WrappedLabel("existingNote", note))
        label = QLabel(tr("P&ython:"))
        label.setBuddy(self._existing)
        row = QHBoxLayout()
        row.addWidget(self._existing, 1)
        row.addWidget(self._button("use"))
        form.addRow(label, row)
        return group

    def _row(self, *names: str) -> QHBoxLayout:
        row = QHBoxLayout()
        for name in names:
            if name:
                row.addWidget(self._button(name))
            else:
                row.addStretch(1)
        if "" not in names:
            row.addStretch(1)
        return row

    def _button(self, name: str) -> QPushButton:
        text, tip, act = {
            "setUp": (tr("Set up"), tr("Fetch and install the engine's packages"), self.set_up),
            "repair": (tr("Repair"), tr("Make the environment anew"), self.repair),
            "check": (tr("Check"), tr("Let the engine check itself and compute"), self.check),
            "remove": (tr("Remove…"), tr("Delete what this window made"), self.remove),
            "use": (tr("Check and use"), tr("Use this Python if it works"), self.use_existing),
            "copy": (
                tr("Copy diagnostics"),
                tr("Copy versions, state and log to the clipboard"),
                lambda: QGuiApplication.clipboard().setText(self.diagnostics()),
            ),
            "cancel": (
                tr("Stop"),
                tr("Stop; the next set-up goes on where this one stopped"),
                self._installer.cancel,
            ),
            "close": (tr("Close"), tr("Close this window"), None),
        }[name]
        button = QPushButton(text)
        button.setObjectName(f"{name}Button")
        button.setToolTip(tip)
        button.setAutoDefault(False)
        if act is not None:
            button.clicked.connect(lambda _checked=False: act())
        self._buttons[name] = button
        return button
