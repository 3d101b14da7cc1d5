"""What the photos are compared with: imagery, street views and roads, or a pack of all three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsRasterLayer, QgsVectorLayer, QgsWkbTypes
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from ..i18n import tr
from ..layers.layer_sources import LayerUnusable, imagery_text, is_vector_file
from ..source_text import holds_secret
from ..tasks.layer_export import LayerExport
from .source_catalogue import SourceCatalogue
from .source_picker import FILE, NONE, SOURCE, Role, SourcePicker
from .street_view_picker import StreetViewPicker

RASTERS = "GeoTIFF, VRT, MBTiles, … (*.tif *.tiff *.vrt *.mbtiles *.jp2 *.img);;* (*)"
LINES = "GeoPackage, GeoJSON, Shapefile, OSM (*.gpkg *.geojson *.json *.shp *.osm *.pbf);;* (*)"


@dataclass(frozen=True)
class References:
    """Sources as a request names them; ``pack`` stands for those that are None."""

    imagery: str | None = None
    roads: str | None = None
    street_views: tuple[str, ...] = ()
    pack: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Every source that is named."""
        named = (self.imagery, self.roads, *self.street_views)
        return tuple(text for text in named if text)


class ReferencesPicker(QWidget):
    """The pickers of one run's references.

    Args:
        catalogue: The engine's sources.
        folder: Where layers go that only QGIS can read.
        parent: The owner.

    Signals: ``changed``, ``settingsWanted`` (the user wants to enter a key).
    """

    changed = pyqtSignal()
    settingsWanted = pyqtSignal()

    def __init__(
        self, catalogue: SourceCatalogue, folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("referencesPicker")
        self._export = LayerExport(folder, self)
        self.imagery = SourcePicker(_imagery_role(), catalogue)
        self.roads = SourcePicker(self._roads_role(), catalogue)
        self.street_views = StreetViewPicker(catalogue)
        self._has_pack = QCheckBox(tr("Use a reference pack for all"))
        self._has_pack.setObjectName("usePack")
        self._has_pack.setToolTip(
            tr("A folder with the imagery, street views and roads of an area, fetched before")
        )
        self._pack = QgsFileWidget()
        self._pack.setObjectName("packFolder")
        self._pack.setToolTip(tr("The folder that 'Fetch references' wrote"))
        self._pack.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._choices = self._lay_out_choices()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._choices)
        layout.addWidget(self._has_pack)
        layout.addWidget(self._pack)
        self._connect()
        self._show_pack()

    def references(self) -> References:
        """Return what is chosen.

        Raises:
            LayerUnusable: Something that is chosen cannot be read, or is not ready yet.
        """
        if self._has_pack.isChecked():
            folder = self._pack.filePath().strip()
            if not folder or not Path(folder).is_dir():
                raise LayerUnusable(
                    tr("Choose the folder of the reference pack, or untick the pack.")
                )
            return References(pack=folder)
        return References(
            self.imagery.value(), self.roads.value(), self.street_views.values(), None
        )

    def choose_pack(self, folder: str) -> None:
        """Use a pack; an empty text uses none."""
        self._pack.setFilePath(folder)
        self._has_pack.setChecked(bool(folder))

    def state(self) -> Mapping[str, Any]:
        """Return the choice as plain values, to be remembered.

        Layers belong to their project, and an address with a key in it is not written down.
        """
        texts = [text for text in self.street_views.ticked() if not holds_secret(text)]
        remembered: dict[str, Any] = {"street_views": texts}
        for picker, name in ((self.imagery, "imagery"), (self.roads, "roads")):
            kind, chosen = picker.choice()
            is_kept = kind in (FILE, SOURCE) and not holds_secret(chosen)
            remembered[name] = [kind, chosen] if is_kept else [NONE, ""]
        remembered["pack"] = self._pack.filePath() if self._has_pack.isChecked() else ""
        return remembered

    def restore(self, state: Mapping[str, Any]) -> None:
        """Choose what was remembered; files that are gone are left out."""
        for picker, name in ((self.imagery, "imagery"), (self.roads, "roads")):
            kind, chosen = state.get(name) or (NONE, "")
            if kind == SOURCE or (kind == FILE and Path(chosen).exists()):
                picker.choose(kind, chosen)
        self.street_views.tick(
            [text for text in state.get("street_views", ()) if _is_there(str(text))]
        )
        pack = str(state.get("pack", ""))
        if pack and Path(pack).is_dir():
            self.choose_pack(pack)

    def remove(self) -> None:
        """Stop what runs and listen to the project no longer."""
        self._export.stop()
        self.imagery.remove()
        self.roads.remove()

    def _connect(self) -> None:
        for picker in (self.imagery, self.roads, self.street_views):
            picker.changed.connect(self.changed)
            picker.settingsWanted.connect(self.settingsWanted)
        self._has_pack.toggled.connect(self._show_pack)
        self._has_pack.toggled.connect(self.changed)
        self._pack.fileChanged.connect(self.changed)
        self._export.written.connect(self.roads.refresh)
        self._export.failed.connect(lambda _layer, words: self.roads.say(words, is_error=True))

    def _show_pack(self) -> None:
        self._pack.setVisible(self._has_pack.isChecked())
        self._choices.setEnabled(not self._has_pack.isChecked())

    def _lay_out_choices(self) -> QWidget:
        choices = QWidget()
        form = QFormLayout(choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        for text, picker in (
            (tr("Imagery"), self.imagery),
            (tr("Street views"), self.street_views),
            (tr("Roads"), self.roads),
        ):
            label = QLabel(text)
            label.setBuddy(picker)
            form.addRow(label, picker)
        return choices

    def _roads_role(self) -> Role:
        return Role(
            name="roads",
            none_text=tr("No roads: places on a grid"),
            file_text=tr("File…"),
            file_filter=LINES,
            tip=tr("Places are laid along these lines; without any they are laid on a grid"),
            is_suitable=_is_line_layer,
            to_text=self._roads_text,
        )

    def _roads_text(self, layer: QgsVectorLayer) -> str | None:
        return layer.source() if is_vector_file(layer) else self._export.file_of(layer)


def _imagery_role() -> Role:
    return Role(
        name="imagery",
        none_text=tr("No imagery"),
        file_text=tr("File…"),
        file_filter=RASTERS,
        tip=tr("Satellite or aerial imagery: a raster layer of the project, a file, or a source"),
        is_suitable=lambda layer: isinstance(layer, QgsRasterLayer),
        to_text=imagery_text,
    )


def _is_line_layer(layer: QgsMapLayer) -> bool:
    is_line = QgsWkbTypes.GeometryType.LineGeometry
    return isinstance(layer, QgsVectorLayer) and layer.geometryType() == is_line


def _is_there(text: str) -> bool:
    path = text.split("|", 1)[0]
    return not ("/" in path or "\\" in path) or Path(path).exists()
