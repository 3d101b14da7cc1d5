"""What a run is asked: photos, an area, references, a model, options; remembered for next time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qgis.core import QgsSettings
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QVBoxLayout, QWidget

from ..i18n import tr
from ..layers.layer_sources import LayerUnusable
from ..model_core import contract
from ..reference_cache import GALLERIES
from .area_picker import AreaPicker
from .model_picker import ModelPicker
from .photo_list import PhotoList
from .references_picker import References, ReferencesPicker
from .run_options import RunOptions
from .scroll_page import ScrollPage
from .source_catalogue import SourceCatalogue

STATE = "csi_geolocator/panel/last_run"
KEY_CHARACTERS = 16


class FormIncomplete(ValueError):
    """Something is missing; the message says what, for people."""


class LocateForm(ScrollPage):
    """The inputs of a run, one section each.

    Args:
        iface: QGIS's interface.
        engine: The client of the engine process.
        settings: The plugin's settings.
        catalogue: The engine's sources.
        models: The folder of packaged models.
        folder: A folder of this session, for files that are handed to the engine.
        parent: The owner.

    Signals: ``changed``, ``settingsWanted``.
    """

    changed = pyqtSignal()
    settingsWanted = pyqtSignal()

    def __init__(
        self,
        iface: Any,
        engine: Any,
        settings: Any,
        catalogue: SourceCatalogue,
        models: Path,
        folder: Path,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("locateForm", parent)
        self._settings = settings
        self._catalogue = catalogue
        self._folder, self._layers = folder, folder / "layers"
        self.photos = PhotoList(engine, folder / "thumbnails")
        self.area = AreaPicker(iface)
        self.references = ReferencesPicker(catalogue, self._layers)
        self.model = ModelPicker(models)
        self.options = RunOptions()
        self._lay_out()
        self.restore()
        for part in (self.photos, self.area, self.references, self.model, self.options):
            part.changed.connect(self.changed)
        self.references.settingsWanted.connect(self.settingsWanted)

    def missing(self) -> str:
        """Return what a run still needs, for people; empty where it can begin."""
        wanting = []
        if not self.photos.paths():
            wanting.append(tr("photos"))
        if self.area.area is None:
            wanting.append(tr("an area"))
        if wanting:
            return tr("Still needed: {}.").format(tr(" and ").join(wanting))
        try:
            references = self._references()
        except FormIncomplete as error:
            return str(error)
        for text in references.texts:
            info = self._catalogue.find(text)
            if info is not None and self._catalogue.lacks_key(info):
                return tr("'{}' needs a key; enter it in Settings.").format(info.title)
        return ""

    def estimate_params(self) -> contract.EstimateParams | None:
        """Return what to ask about the run; None while something is missing."""
        if self.area.area is None:
            return None
        try:
            references = self._references()
        except FormIncomplete:
            return None
        return contract.EstimateParams(
            area=self._area_text(self._folder),
            imagery=references.imagery,
            roads=references.roads,
            street_views=references.street_views,
            pack=references.pack,
            photos=max(1, len(self.photos.paths())),
            network=self._network(),
            config=self._config(),
        )

    def locate_params(self, out: Path) -> contract.LocateParams:
        """Return what to ask of the engine.

        Args:
            out: The run's folder; an area that is no rectangle is written there.

        Raises:
            FormIncomplete: Something is missing.
        """
        missing = self.missing()
        if missing:
            raise FormIncomplete(missing)
        references = self._references()
        for text in references.texts:
            if not self._catalogue.is_agreed(text):
                raise FormIncomplete(
                    tr("'{}' is not used without your consent; choose another source.").format(text)
                )
        return contract.LocateParams(
            photos=self.photos.paths(),
            area=self._area_text(out),
            imagery=references.imagery,
            roads=references.roads,
            street_views=references.street_views,
            pack=references.pack,
            gallery=str(self._gallery(references)),
            bundle=self.model.bundle,
            out=str(out),
            edits=self.photos.edits(),
            keys=self._keys(references),
            network=self._network(),
            config=self._config(),
        )

    def save(self) -> None:
        """Remember the choices, but for photos, area and layers of the project."""
        state = {
            "references": self.references.state(),
            "bundle": self.model.bundle or "",
            "config": self.options.config(),
            "offline": self.options.is_offline,
            "runs_folder": self.options.chosen_folder,
        }
        QgsSettings().setValue(STATE, json.dumps(state))

    def restore(self) -> None:
        """Choose what was remembered, else what the settings say."""
        try:
            state = json.loads(QgsSettings().value(STATE, "") or "{}")
        except ValueError:
            state = {}
        if not isinstance(state, Mapping) or not state:
            state = {"references": self._default_references()}
        self.references.restore(state.get("references", {}))
        self.model.choose(state.get("bundle") or None)
        self.options.restore(state.get("config", {}))
        self.options.set_offline(bool(state.get("offline", self._settings.offline)))
        self.options.set_folder(str(state.get("runs_folder", "")))

    def remove(self) -> None:
        """Stop what runs, take the area off the map."""
        self.photos.remove()
        self.area.remove()
        self.references.remove()

    def _references(self) -> References:
        try:
            references = self.references.references()
        except LayerUnusable as error:
            raise FormIncomplete(str(error)) from error
        if not (references.imagery or references.street_views or references.pack):
            raise FormIncomplete(
                tr("Choose imagery or street views: there is nothing to compare the photos with.")
            )
        return references

    def _keys(self, references: References) -> dict[str, str]:
        keys = self._catalogue.keys_for(references.texts)
        for text in references.texts:
            info = self._catalogue.find(text)
            if info is not None and info.key == "required" and info.name not in keys:
                raise FormIncomplete(
                    tr(
                        "The key of '{}' cannot be read; unlock QGIS's authentication store with "
                        "the master password and try again."
                    ).format(info.title)
                )
        return keys

    def _area_text(self, folder: Path) -> str:
        area = self.area.area
        if area is None:
            raise FormIncomplete(tr("Choose an area."))
        return area.as_request(folder)

    def _config(self) -> dict[str, Any]:
        config = self.options.config()
        if "device" not in config and self._settings.device != "auto":
            config["device"] = self._settings.device
        return config

    def _network(self) -> contract.NetworkParams:
        network = self._settings.network_params()
        return replace(network, offline=network.offline or self.options.is_offline)

    def _gallery(self, references: References) -> Path:
        """Return where the area's galleries are kept, so that the next photo takes seconds."""
        area = self.area.area
        roads = references.roads or ""
        if Path(roads).parent == self._layers:
            roads = ""  # another file in each session; the engine tells galleries apart by places
        asked = [
            area.shape.asWkt(7) if area is not None else "",
            references.imagery,
            roads,
            references.street_views,
            references.pack,
            self.model.bundle,
        ]
        digest = hashlib.sha256(json.dumps(asked).encode("utf-8")).hexdigest()
        return Path(self._settings.cache_folder) / GALLERIES / digest[:KEY_CHARACTERS]

    def _default_references(self) -> dict[str, Any]:
        def source(text: str) -> list[str]:
            return ["source", text] if text else ["none", ""]

        return {
            "imagery": source(self._settings.default_imagery),
            "roads": source(self._settings.default_roads),
            "street_views": list(self._settings.default_street_views),
        }

    def _lay_out(self) -> None:
        content = QWidget()
        content.setObjectName("locateContent")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(4, 4, 4, 4)
        for name, title, widgets in (
            ("photosGroup", tr("Photos"), [self.photos]),
            ("areaGroup", tr("Area"), [self.area]),
            ("referencesGroup", tr("Compared with"), [self.references]),
            ("modelGroup", tr("Model"), [self.model]),
        ):
            group = QgsCollapsibleGroupBox(title)
            group.setObjectName(name)
            group.setSaveCollapsedState(False)
            inside = QVBoxLayout(group)
            inside.setContentsMargins(6, 6, 6, 6)
            for widget in widgets:
                inside.addWidget(widget)
            layout.addWidget(group)
        layout.addWidget(self.options)
        layout.addStretch(1)
        self.setWidget(content)
