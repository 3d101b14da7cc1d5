"""The plugin's page among QGIS's options."""

from __future__ import annotations

from collections.abc import Callable

from qgis.gui import QgsFileWidget, QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from .. import network
from ..engine.background import Background
from ..engine.client import EngineClient
from ..i18n import tr
from ..reference_cache import clear, size_of
from ..settings import DEVICES, PLUGIN_FOLDER, Settings
from .environment_dialog import EnvironmentDialog
from .environment_words import state_in_words
from .notice import Notice, WrappedLabel
from .sources_form import SourcesForm

PAGE_NAME = "CSI Geolocator"
"""The page's title, and its object name: what ``showOptionsDialog`` opens it by."""
GB = 1_000_000_000
MB = 1_000_000


def _nobody() -> None:
    """Stands for a listener where there is none."""


class SettingsPageFactory(QgsOptionsWidgetFactory):
    """Makes the page when QGIS opens its options.

    Args:
        settings: What the page shows and changes.
        engine: The panel's engine: asked for its sources, ended before its environment changes.
        changed: Called once settings were written or the engine's environment may have changed.
    """

    def __init__(
        self,
        settings: Settings,
        engine: EngineClient | None = None,
        changed: Callable[[], None] = _nobody,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._engine = engine
        self._changed = changed
        self._page: SettingsPage | None = None  # QGIS owns the widget, Python its methods
        self.setTitle(PAGE_NAME)
        self.setIcon(QIcon(str(PLUGIN_FOLDER / "resources" / "icons" / "icon.svg")))

    def icon(self) -> QIcon:
        """Return the plugin's icon."""
        return QIcon(str(PLUGIN_FOLDER / "resources" / "icons" / "icon.svg"))

    def createWidget(self, parent: QWidget | None = None) -> SettingsPage:
        """Return the page."""
        self._page = SettingsPage(self._settings, self._engine, parent, changed=self._changed)
        return self._page


class SettingsPage(QgsOptionsPageWidget):
    """Everything that is kept; nothing is written before QGIS says ``apply``.

    Keys are the exception: QGIS's authentication store keeps them as soon as they are entered, and
    ``apply`` writes which of its entries belongs to which source.
    """

    def __init__(
        self,
        settings: Settings,
        engine: EngineClient | None = None,
        parent: QWidget | None = None,
        *,
        changed: Callable[[], None] = _nobody,
    ) -> None:
        super().__init__(parent)
        self._changed = changed
        self.setObjectName(PAGE_NAME)
        self._settings = settings
        self._engine = engine
        self._state = Notice("engineState")
        self._device = QComboBox()
        self._own_client: EngineClient | None = None
        self._sources = SourcesForm(settings, self._client)
        self._cache_folder = QgsFileWidget()
        self._cache_max = QDoubleSpinBox()
        self._cache_size = WrappedLabel("cacheSize", tr("counting…"))
        self._offline = QCheckBox(tr("Work &offline: local files and what the cache holds"))
        self._contact = QLineEdit(settings.contact)
        self._max_requests = QSpinBox()
        self._max_mb = QSpinBox()
        self._analyst = QLineEdit(settings.analyst)
        self._fill()
        self._lay_out()
        self.refresh_engine()
        self.count_cache()

    def helpKey(self) -> str:
        """Return no key: the help is the plugin's own."""
        return ""

    def apply(self) -> None:
        """Write what the page shows; called by QGIS."""
        settings = self._settings
        settings.device = self._device.currentData()
        settings.cache_folder = self._cache_folder.filePath()
        settings.cache_max_bytes = round(self._cache_max.value() * GB)
        settings.offline = self._offline.isChecked()
        settings.contact = self._contact.text()
        settings.max_requests = self._max_requests.value()
        settings.max_bytes = self._max_mb.value() * MB
        settings.analyst = self._analyst.text()
        self._sources.apply()
        self._changed()

    def hideEvent(self, event) -> None:
        """End the engine that this page started, if it did."""
        if self._own_client is not None:
            self._own_client.stop()
        super().hideEvent(event)

    def refresh_engine(self) -> None:
        """Say how the engine's environment stands."""
        self._state.say(*state_in_words(self._settings.engine_state()))

    def open_environment(self) -> None:
        """Open the window that sets the engine up."""
        client = self._engine or self._own_client
        dialog = EnvironmentDialog(self._settings, self, engine=client)
        dialog.exec()
        dialog.deleteLater()
        self.refresh_engine()
        self._changed()

    def count_cache(self) -> None:
        """Count the cache in the background, and show its size."""
        folder = self._settings.cache_folder
        self._in_background(tr("Counting the cache"), lambda: size_of(folder))

    def clear_cache(self) -> None:
        """Empty the cache in the background, once a person agreed."""
        folder = self._settings.cache_folder
        answer = QMessageBox.question(
            self,
            PAGE_NAME,
            tr(
                "Everything that was fetched into {} is deleted, and fetched again where it is "
                "needed. Results and galleries are not touched. Clear the cache?"
            ).format(folder),
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._cache_size.setText(tr("emptying…"))
            self._in_background(tr("Emptying the cache"), lambda: clear(folder))

    def _in_background(self, title, work) -> None:
        task = Background(
            title,
            work,
            lambda size: self._cache_size.setText(size_in_words(size)),
            lambda error: self._cache_size.setText(str(error)),
        )
        self.destroyed.connect(task.forget)
        task.start()

    def _client(self) -> EngineClient:
        if self._engine is not None:
            return self._engine
        if self._own_client is None:
            self._own_client = EngineClient(self._settings.engine_launch, self)
        return self._own_client

    def _fill(self) -> None:
        settings = self._settings
        words = {
            "auto": tr("Automatic"),
            "cuda": tr("NVIDIA GPU (CUDA)"),
            "mps": tr("Apple GPU (MPS)"),
            "cpu": tr("Processor (CPU)"),
        }
        for device in DEVICES:
            self._device.addItem(words[device], device)
        self._device.setCurrentIndex(DEVICES.index(settings.device))
        self._cache_folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._cache_folder.setFilePath(str(settings.cache_folder))
        self._cache_max.setRange(0.1, 1000.0)
        self._cache_max.setDecimals(1)
        self._cache_max.setSuffix(" GB")
        self._cache_max.setValue(settings.cache_max_bytes / GB)
        self._offline.setChecked(settings.offline)
        self._contact.setPlaceholderText(tr("your@address.example"))
        self._max_requests.setRange(0, 10_000_000)
        self._max_requests.setSpecialValueText(tr("no limit"))
        self._max_requests.setValue(settings.max_requests)
        self._max_mb.setRange(0, 1_000_000)
        self._max_mb.setSuffix(" MB")
        self._max_mb.setSpecialValueText(tr("no limit"))
        self._max_mb.setValue(round(settings.max_bytes / MB))
        self._name_widgets()

    def _name_widgets(self) -> None:
        tips = (
            (self._device, "device", tr("What the engine computes on")),
            (self._cache_folder, "cacheFolder", tr("Where fetched imagery and views are kept")),
            (self._cache_max, "cacheMax", tr("The oldest entries go when it grows larger")),
            (self._offline, "offline", tr("The engine makes no request at all")),
            (
                self._contact,
                "contact",
                tr("Sent to sources with each request, so that they can reach you (User-Agent)"),
            ),
            (self._max_requests, "maxRequests", tr("A run that would ask more often stops")),
            (self._max_mb, "maxMegabytes", tr("A run that would fetch more stops")),
            (self._analyst, "analyst", tr("Written beside your decisions on candidates")),
        )
        for widget, name, tip in tips:
            widget.setObjectName(name)
            widget.setToolTip(tip)

    def _lay_out(self) -> None:
        content = QWidget()
        inside = QVBoxLayout(content)
        for group in (
            self._engine_group(),
            self._sources_group(),
            self._cache_group(),
            self._network_group(),
            self._person_group(),
        ):
            inside.addWidget(group)
        inside.addStretch(1)
        scroll = QScrollArea()
        scroll.setObjectName("settingsScroll")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def _engine_group(self) -> QGroupBox:
        set_up = self._button(
            "setUpEngine",
            tr("&Set up engine…"),
            tr("Set the engine up, choose another Python, check, repair, remove, diagnostics"),
            self.open_environment,
        )
        group, form = _group("engineGroup", tr("Engine"))
        form.addRow(self._state)
        form.addRow(tr("Computes on:"), _beside(self._device, set_up))
        return group

    def _sources_group(self) -> QGroupBox:
        group, form = _group("sourcesGroup", tr("Sources and keys"))
        form.addRow(self._sources)
        return group

    def _cache_group(self) -> QGroupBox:
        clear_button = self._button(
            "clearCache", tr("Clear…"), tr("Delete what was fetched"), self.clear_cache
        )
        group, form = _group("cacheGroup", tr("Cache"))
        form.addRow(tr("&Folder:"), self._cache_folder)
        form.addRow(tr("&At most:"), self._cache_max)
        form.addRow(tr("Now:"), _beside(self._cache_size, clear_button))
        return group

    def _network_group(self) -> QGroupBox:
        group, form = _group("networkGroup", tr("Network"))
        proxy = network.describe_proxy(network.proxy_of_qgis())
        form.addRow(tr("Proxy of QGIS:"), WrappedLabel("proxy", proxy))
        form.addRow(self._offline)
        form.addRow(tr("Co&ntact:"), self._contact)
        form.addRow(tr("&Requests of a run:"), self._max_requests)
        form.addRow(tr("&Megabytes of a run:"), self._max_mb)
        words = tr(
            "Photos are compared on this machine and never sent anywhere. An online source hears "
            "your address, your contact and which places are looked at: for a sensitive case fetch "
            "a wider area beforehand, or work offline. Proxy and added certificates are those of "
            "QGIS (Network, Authentication)."
        )
        form.addRow(WrappedLabel("privacy", words))
        return group

    def _person_group(self) -> QGroupBox:
        group, form = _group("personGroup", tr("Analyst"))
        form.addRow(tr("Na&me:"), self._analyst)
        return group

    @staticmethod
    def _button(name: str, text: str, tip: str, act) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked=False: act())
        return button


def _group(name: str, title: str) -> tuple[QGroupBox, QFormLayout]:
    group = QGroupBox(title)
    group.setObjectName(name)
    form = QFormLayout(group)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return group, form


def _beside(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for number, widget in enumerate(widgets):
        row.addWidget(widget, 1 if number == 0 else 0)
    return row


def size_in_words(size: int) -> str:
    """Return a size as it is shown."""
    if size < MB:
        return tr("{:.0f} kB").format(size / 1000)
    return tr("{:.1f} GB").format(size / GB) if size >= GB else tr("{:.0f} MB").format(size / MB)
