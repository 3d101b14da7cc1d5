"""What will be set up, and what may be chosen about it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from ..engine import gpu
from ..engine.environment import environment_state
from ..engine.machine import Machine
from ..engine.plan import CannotSetUp, Order, free_bytes, place_problem, seconds_needed
from ..engine.proposal import AUTOMATIC, Choices, tool_in_words
from ..i18n import tr
from .notice import ERROR, HINT, Notice, WrappedLabel

Propose = Callable[[Machine, Choices], Order]


class SetUpForm(QWidget):
    """Shows the plan for this machine; ``order`` is what would be done now.

    Args:
        choices: What the settings say at first.
        proxy_in_words: The proxy that is used, without its password.
        propose: Makes the plan of a machine and of choices; raises ``CannotSetUp``.
        parent: The owner.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        choices: Choices,
        proxy_in_words: str,
        propose: Propose,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("setUpForm")
        self._choices = choices
        self._propose = propose
        self._machine: Machine | None = None
        self.order: Order | None = None
        self._build = QComboBox()
        self._reason = WrappedLabel("buildReason")
        self._python = QComboBox()
        self._tool = WrappedLabel("tool", tr("looking…"))
        self._place = QgsFileWidget()
        self._size = WrappedLabel("size")
        self._time = WrappedLabel("time")
        self._index = QLineEdit(choices.package_index)
        self._wheelhouse = QgsFileWidget()
        self._problem = Notice("setUpProblem")
        self._prepare()
        self._lay_out(proxy_in_words)
        self._connect()

    def choices(self) -> Choices:
        """Return what is chosen now."""
        folder = Path(self._place.filePath().strip() or str(self._choices.folder))
        return Choices(
            folder=folder,
            downloads=folder.with_name(folder.name + "_downloads"),
            build=self._build.currentData(),
            python=self._python.currentData() or "",
            package_index=self._index.text().strip(),
            wheelhouse=self._wheelhouse.filePath().strip(),
            proxy=self._choices.proxy,
            certificates=self._choices.certificates,
        )

    def show_machine(self, machine: Machine, certificates: str | None) -> None:
        """Show what was found on this machine, and the plan that follows from it."""
        self._machine = machine
        self._choices = replace(self._choices, certificates=certificates)
        self._tool.setText(tool_in_words(machine.uv))
        self._python.blockSignals(True)
        self._python.clear()
        self._python.addItem(tr("Automatic"), "")
        for python in machine.pythons:
            self._python.addItem(python.label, python.path)
        self._python.blockSignals(False)
        self.refresh()

    def refresh(self) -> None:
        """Make the plan again."""
        if self._machine is None:
            return
        choices = self.choices()
        self.order = None
        try:
            order = self._propose(self._machine, choices)
        except (CannotSetUp, OSError) as error:
            self._problem.say(ERROR, str(error))
        else:
            self._show_order(order)
        self.changed.emit()

    def _show_order(self, order: Order) -> None:
        free = free_bytes(order.folder)
        needed = order.build.disk_bytes
        problem = place_problem(order.folder, sys.platform, needed, free)
        if environment_state("", order.folder, "").kind == "foreign":
            problem = tr(
                "{} holds files that this plugin did not make: choose an empty folder."
            ).format(order.folder)
        self._problem.say(ERROR if problem else HINT, problem)
        self.order = None if problem else order
        self._build.setItemText(0, tr("Automatic: {}").format(build_in_words(order.build.name)))
        self._reason.setText(order.build.reason)
        chosen = order.python.label if order.python else tr("Python by uv")
        self._python.setItemText(0, tr("Automatic: {}").format(chosen))
        self._size.setText(size_in_words(order, free))
        seconds = seconds_needed(order.build, bool(order.wheelhouse))
        self._time.setText(time_in_words(seconds, bool(order.wheelhouse)))

    def _prepare(self) -> None:
        for name in (AUTOMATIC, gpu.CUDA, gpu.CPU):
            label = tr("Automatic") if name == AUTOMATIC else build_in_words(name)
            self._build.addItem(label, name)
        self._python.addItem(tr("looking…"), "")
        for box in (self._build, self._python):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(24)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._place.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._place.setDialogTitle(tr("Place of the engine's environment"))
        self._place.setFilePath(str(self._choices.folder))
        self._wheelhouse.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._wheelhouse.setDialogTitle(tr("Folder of packages"))
        self._wheelhouse.setFilePath(self._choices.wheelhouse)
        self._index.setPlaceholderText(tr("empty: the usual index of the installer"))
        self._index.setClearButtonEnabled(True)
        tips = {
            "build": (self._build, tr("What the engine computes on; automatic suits most people")),
            "basePython": (
                self._python,
                tr("The Python that the environment is made with; it is not changed"),
            ),
            "place": (self._place, tr("A folder that is empty or does not exist yet")),
            "packageIndex": (
                self._index,
                tr("Address of a package index that has another build of torch"),
            ),
            "wheelhouse": (
                self._wheelhouse,
                tr("A folder that holds every package as a wheel file, for machines offline"),
            ),
        }
        for name, (widget, tip) in tips.items():
            widget.setObjectName(name)
            widget.setToolTip(tip)

    def _lay_out(self, proxy_in_words: str) -> None:
        form = _form()
        form.addRow(tr("&Computes on:"), self._build)
        form.addRow("", self._reason)
        form.addRow(tr("&Python:"), self._python)
        form.addRow(tr("Installed by:"), self._tool)
        form.addRow(tr("P&lace:"), self._place)
        form.addRow(tr("Size:"), self._size)
        form.addRow(tr("Time:"), self._time)
        network = QgsCollapsibleGroupBox(tr("Network and offline"))
        network.setObjectName("networkGroup")
        inside = _form()
        inside.addRow(tr("Proxy:"), WrappedLabel("proxy", proxy_in_words))
        inside.addRow(tr("Package &index for torch:"), self._index)
        inside.addRow(
            "",
            WrappedLabel(
                "packageIndexNote",
                tr(
                    "Only for another build of torch (CUDA on Windows, CPU on Linux). What comes "
                    "from it is not checked against the pinned sums; everything else is."
                ),
            ),
        )
        inside.addRow(tr("&Offline folder:"), self._wheelhouse)
        network.setLayout(inside)
        network.setCollapsed(not (self._choices.package_index or self._choices.wheelhouse))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self._problem)
        layout.addWidget(network)

    def _connect(self) -> None:
        self._build.currentIndexChanged.connect(lambda _: self.refresh())
        self._python.currentIndexChanged.connect(lambda _: self.refresh())
        self._place.fileChanged.connect(lambda _: self.refresh())
        self._wheelhouse.fileChanged.connect(lambda _: self.refresh())
        self._index.editingFinished.connect(self.refresh)


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return form


def build_in_words(name: str) -> str:
    """Return what a build computes on."""
    words = {
        gpu.CUDA: tr("NVIDIA GPU (CUDA)"),
        gpu.CPU: tr("Processor (CPU)"),
        gpu.MPS: tr("Apple GPU (MPS)"),
    }
    return words[name]


def size_in_words(order: Order, free: int | None) -> str:
    """Return what a set-up takes, and what is free."""
    build = order.build
    words = tr("about {0:.1f} GB").format(build.disk_bytes / 1e9)
    if not order.wheelhouse:
        words += " " + tr("({0:.1f} GB to fetch)").format(build.download_bytes / 1e9)
    if free is not None:
        words += ", " + tr("{0:.0f} GB are free").format(free / 1e9)
    return words


def time_in_words(seconds: float, is_offline: bool) -> str:
    """Return about how long it takes."""
    minutes = max(1, round(seconds / 60))
    if is_offline:
        return tr("about {} minutes").format(minutes)
    return tr("about {0} to {1} minutes at 50 Mbit/s").format(minutes, 2 * minutes)
