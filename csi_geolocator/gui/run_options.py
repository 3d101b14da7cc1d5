"""Options of a run, folded away; only what differs from the engine's defaults is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qgis.gui import QgsCollapsibleGroupBox, QgsDateTimeEdit, QgsFileWidget
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ..i18n import tr

EVERY_VIEW = -1
DEVICES = ("auto", "cuda", "mps", "cpu")
ISO = Qt.DateFormat.ISODate


@dataclass(frozen=True)
class OptionDefaults:
    """What the engine takes where nothing is said."""

    spacing_m: float = 15.0
    max_distance_m: float = 50.0
    max_age_days: float = 365.0
    policy: str = "hybrid"
    after: str = ""
    before: str = ""
    budget_views: int | None = None
    max_candidates: int = 20
    device: str = "auto"


DEFAULTS = OptionDefaults()


@dataclass(frozen=True)
class _Option:
    """One option: its group and name in a request's ``config``, how it is read and written."""

    group: str
    name: str
    default: Any
    read: Callable[[], Any]
    write: Callable[[Any], None]


class RunOptions(QgsCollapsibleGroupBox):
    """The options as a form.

    Signals: ``changed``.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Options"), parent)
        self.setObjectName("runOptions")
        self.setToolTip(tr("How places are laid, which street views serve, how much is verified"))
        self.setSaveCollapsedState(False)
        self._form = QFormLayout()
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._options: list[_Option] = []
        self._add_place_options()
        self._add_street_view_options()
        self._add_work_options()
        self._offline = QCheckBox(tr("Offline: cache and local files only"))
        self._offline.setObjectName("offline")
        self._offline.setToolTip(tr("Make no request at all"))
        self._offline.toggled.connect(self.changed)
        self._folder = QgsFileWidget()
        self._folder.setObjectName("runsFolder")
        self._folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._folder.lineEdit().setPlaceholderText(tr("in the QGIS profile"))
        self._folder.setToolTip(tr("Every run writes into a folder of its own in here"))
        self._form.addRow(tr("Results in"), self._folder)
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self._offline)
        self.setCollapsed(True)

    @property
    def is_offline(self) -> bool:
        """Whether the run makes no request."""
        return self._offline.isChecked()

    def set_offline(self, is_offline: bool) -> None:
        """Tick or untick the offline box."""
        self._offline.setChecked(is_offline)

    @property
    def chosen_folder(self) -> str:
        """The folder that runs write into; empty for the one in the profile."""
        return self._folder.filePath().strip()

    def set_folder(self, folder: str) -> None:
        """Choose the folder that runs write into."""
        self._folder.setFilePath(folder)

    def config(self) -> dict[str, Any]:
        """Return what differs from the defaults, as a request's ``config``."""
        config: dict[str, Any] = {}
        for option in self._options:
            value = option.read()
            if value != option.default:
                place = config.setdefault(option.group, {}) if option.group else config
                place[option.name] = value
        return config

    def restore(self, config: Mapping[str, Any]) -> None:
        """Show the options of a ``config``; what it does not name goes to its default."""
        for option in self._options:
            place = config.get(option.group, {}) if option.group else config
            option.write(place.get(option.name, option.default))

    def _add_place_options(self) -> None:
        self._number(
            "places",
            "spacing_m",
            tr("Spacing of places"),
            tr("Metres between two places along the roads"),
            (1.0, 500.0),
            suffix=tr(" m"),
        )

    def _add_street_view_options(self) -> None:
        self._number(
            "street_view",
            "max_distance_m",
            tr("Street view within"),
            tr("A place is served by street views no farther away than this"),
            (1.0, 500.0),
            suffix=tr(" m"),
        )
        self._number(
            "street_view",
            "max_age_days",
            tr("Street view's age"),
            tr("Most days between the photo and a street view"),
            (1.0, 36_500.0),
            suffix=tr(" days"),
        )
        self._choice(
            "street_view",
            "policy",
            tr("Without street view"),
            tr("What is done at places without a street view of the right time"),
            {
                "hybrid": tr("use the imagery alone"),
                "strict": tr("leave the place out"),
                "nearest": tr("take the nearest street view of any time"),
                "synthetic": tr("let the model make one"),
            },
        )
        self._date("after", tr("Taken after"), tr("Only street views taken on this day or later"))
        self._date(
            "before",
            tr("Taken before"),
            tr("Only street views taken before this day; the day itself is left out"),
        )

    def _add_work_options(self) -> None:
        self._budget()
        self._count(
            "ranking",
            "max_candidates",
            tr("Candidates kept"),
            tr("How many candidates are kept of each photo"),
            (1, 1000),
        )
        self._choice(
            "",
            "device",
            tr("Device"),
            tr("What the model runs on; 'auto' takes a graphics card where it works"),
            {name: name for name in DEVICES},
        )

    def _number(
        self,
        group: str,
        name: str,
        label: str,
        tip: str,
        limits: tuple[float, float],
        suffix: str = "",
    ) -> None:
        box = QDoubleSpinBox()
        box.setRange(*limits)
        box.setDecimals(0)
        box.setSuffix(suffix)
        self._add(group, name, label, tip, box, box.value, box.setValue, box.valueChanged)

    def _count(self, group: str, name: str, label: str, tip: str, limits: tuple[int, int]) -> None:
        box = QSpinBox()
        box.setRange(*limits)
        self._add(group, name, label, tip, box, box.value, box.setValue, box.valueChanged)

    def _budget(self) -> None:
        box = QSpinBox()
        box.setRange(EVERY_VIEW, 100_000)
        box.setSpecialValueText(tr("every street view"))
        box.setSuffix(tr(" street views"))

        def read() -> int | None:
            return None if box.value() == EVERY_VIEW else box.value()

        def write(value: int | None) -> None:
            box.setValue(EVERY_VIEW if value is None else value)

        self._add(
            "verification",
            "budget_views",
            tr("Verified a photo"),
            tr("How many street views are compared point by point with each photo; 0 for none"),
            box,
            read,
            write,
            box.valueChanged,
        )

    def _choice(
        self, group: str, name: str, label: str, tip: str, values: Mapping[str, str]
    ) -> None:
        box = QComboBox()
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for value, text in values.items():
            box.addItem(text, value)

        def write(value: str) -> None:
            box.setCurrentIndex(max(0, box.findData(value)))

        self._add(group, name, label, tip, box, box.currentData, write, box.currentIndexChanged)

    def _date(self, name: str, label: str, tip: str) -> None:
        box = QgsDateTimeEdit()
        box.setAllowNull(True)
        box.setDisplayFormat("yyyy-MM-dd")
        box.setCalendarPopup(True)
        box.setNullRepresentation(tr("any day"))

        def read() -> str:
            return "" if box.isNull() else box.dateTime().date().toString(ISO)

        def write(value: str) -> None:
            day = QDate.fromString(value, ISO)
            if day.isValid():
                box.setDateTime(QDateTime(day, QDateTime.currentDateTime().time()))
            else:
                box.clear()

        self._add("street_view", name, label, tip, box, read, write, box.valueChanged)

    def _add(
        self,
        group: str,
        name: str,
        label: str,
        tip: str,
        widget: QWidget,
        read: Callable[[], Any],
        write: Callable[[Any], None],
        signal: Any,
    ) -> None:
        widget.setObjectName(name)
        widget.setToolTip(tip)
        default = getattr(DEFAULTS, name)
        write(default)
        signal.connect(lambda *_: self.changed.emit())
        self._options.append(_Option(group, name, default, read, write))
        self._form.addRow(label, widget)
