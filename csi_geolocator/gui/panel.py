"""The dock panel: what is installed, and whether the engine is there."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qgis.core import Qgis
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QT_VERSION_STR, QCoreApplication, Qt
from qgis.PyQt.QtGui import QGuiApplication, QIcon
from qgis.PyQt.QtWidgets import (
    QFormLayout,
    QFrame,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

ICON_PX = 48
OBJECT_NAME = "CsiGeolocatorPanel"


@dataclass(frozen=True)
class Product:
    """What the panel says of the plugin itself."""

    name: str
    version: str
    protocol_version: int
    icon: Path


def tr(text: str) -> str:
    """Return the text in the language of QGIS."""
    return QCoreApplication.translate("CsiGeolocator", text)


class LocatorPanel(QgsDockWidget):
    """Shows the product, the state of the engine and what this version can do.

    Args:
        product: Name, version and icon of the plugin.
        find_engine: Returns the engine's Python, None where it is not set up; asked whenever the
            panel is shown, since the environment may have come or gone meanwhile.
        engine_folder: Where the environment is looked for.
        parent: The main window.
    """

    def __init__(
        self,
        product: Product,
        find_engine: Callable[[], Path | None],
        engine_folder: Path,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(product.name, parent)
        self.setObjectName(OBJECT_NAME)
        self._product = product
        self._find_engine = find_engine
        self._engine_folder = engine_folder
        self._state = self._value_label("engineState")
        self._location = self._value_label("engineLocation")
        self.setWidget(self._content())
        self.refresh()

    def showEvent(self, event) -> None:
        """Look for the engine again."""
        self.refresh()
        super().showEvent(event)

    def refresh(self) -> None:
        """Show the state of the engine as it is now."""
        python = self._find_engine()
        if python is None:
            self._state.setText(tr("Engine environment not set up"))
            self._location.setText(str(self._engine_folder))
        else:
            self._state.setText(tr("Engine environment found"))
            self._location.setText(str(python))

    def details(self) -> str:
        """Return versions and state as lines of text, for a report."""
        return "\n".join(
            (
                f"{self._product.name} {self._product.version}",
                f"Engine protocol: {self._product.protocol_version}",
                f"Engine: {self._state.text()} ({self._location.text()})",
                f"QGIS: {Qgis.version()}, Qt {QT_VERSION_STR}",
                f"Python: {platform.python_version()}, {platform.platform()}",
            )
        )

    def _content(self) -> QWidget:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.addLayout(self._header())
        layout.addWidget(self._paragraph(self._purpose(), "purpose"))
        layout.addWidget(self._engine_group())
        layout.addWidget(self._paragraph(self._limits(), "limits"))
        copy = QPushButton(tr("Copy details"))
        copy.setObjectName("copyDetails")
        copy.setToolTip(tr("Copy the versions and the state of the engine to the clipboard"))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.details()))
        layout.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(content)
        return scroll

    def _header(self) -> QHBoxLayout:
        icon = QLabel()
        icon.setPixmap(QIcon(str(self._product.icon)).pixmap(ICON_PX, ICON_PX))
        title = QLabel(f'<span style="font-size: x-large"><b>{self._product.name}</b></span>')
        version = self._value_label("productVersion")
        version.setText(tr("Version {}").format(self._product.version))
        words = QVBoxLayout()
        words.addWidget(title)
        words.addWidget(version)
        header = QHBoxLayout()
        header.addWidget(icon)
        header.addLayout(words, 1)
        return header

    def _engine_group(self) -> QGroupBox:
        protocol = self._value_label("protocolVersion")
        protocol.setText(str(self._product.protocol_version))
        group = QGroupBox(tr("Engine"))
        form = QFormLayout(group)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow(tr("State:"), self._state)
        form.addRow(tr("Location:"), self._location)
        form.addRow(tr("Protocol version:"), protocol)
        return group

    @staticmethod
    def _purpose() -> str:
        return tr(
            "Finds where a photo without coordinates was taken, inside an area that you choose, "
            "by comparing it with satellite imagery and street views."
        )

    @staticmethod
    def _limits() -> str:
        return tr(
            "In this version photos are located with the engine's command line (see the README); "
            "the panel does not start the engine yet. The engine has a Python environment of its "
            "own: nothing is installed into the Python of QGIS."
        )

    @staticmethod
    def _paragraph(text: str, name: str) -> QLabel:
        label = QLabel(text)
        label.setObjectName(name)
        label.setWordWrap(True)
        return label

    @staticmethod
    def _value_label(name: str) -> QLabel:
        label = QLabel()
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        return label
