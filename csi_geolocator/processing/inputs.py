"""The values of an algorithm's parameters as the contract takes them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
)

from ..i18n import tr
from ..layers.layer_sources import LayerUnusable, imagery_text
from ..model_core import contract
from ..source_text import source_name
from . import parameters as names

VECTOR_FORMATS = ["gpkg", "geojson", "json", "shp", "fgb", "gml", "kml"]
AUTO = "auto"
EXPORT_FORMAT = "geojson"
"""It takes features whose ids repeat, as those of merged layers do; a GeoPackage drops them."""
MEGABYTE = 1_000_000


class Inputs:
    """Reads the parameters of one run; every path that it returns is absolute.

    Args:
        algorithm: Whose parameters they are.
        parameters: Their values, as QGIS passes them.
        context: Of the run.
        feedback: Told when a layer has to be written to a file for the engine.
    """

    def __init__(
        self,
        algorithm,
        parameters: Mapping[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback | None = None,
    ) -> None:
        self._algorithm = algorithm
        self._parameters = parameters
        self._context = context
        self._feedback = feedback

    def has(self, name: str) -> bool:
        """Return whether a value was given."""
        return self._parameters.get(name) not in (None, "", [])

    def text(self, name: str) -> str:
        """Return a text, empty where none was given."""
        return self._algorithm.parameterAsString(self._parameters, name, self._context).strip()

    def number(self, name: str) -> int:
        """Return a whole number."""
        return self._algorithm.parameterAsInt(self._parameters, name, self._context)

    def decimal(self, name: str) -> float:
        """Return a number."""
        return self._algorithm.parameterAsDouble(self._parameters, name, self._context)

    def flag(self, name: str) -> bool:
        """Return whether something is switched on."""
        return self._algorithm.parameterAsBoolean(self._parameters, name, self._context)

    def choice(self, name: str) -> str:
        """Return the chosen one of several words."""
        return self._algorithm.parameterAsEnumString(self._parameters, name, self._context)

    def path(self, name: str) -> str | None:
        """Return a file or folder that is read, None where none was given."""
        text = self._algorithm.parameterAsFile(self._parameters, name, self._context)
        return str(Path(text).absolute()) if text else None

    def destination(self, name: str) -> str | None:
        """Return a file or folder that is written, None where it is left out."""
        text = self._algorithm.parameterAsFileOutput(self._parameters, name, self._context)
        return str(Path(text).absolute()) if text else None

    def layer_destination(self, name: str) -> str | None:
        """Return the file of a layer that is written, None where it is left out.

        Ask once: each call names another temporary file, and only this one has QGIS load it.
        """
        return self._algorithm.parameterAsOutputLayer(self._parameters, name, self._context) or None

    def folder_destination(self, name: str) -> str:
        """Return the folder that is written; it is made."""
        folder = Path(self.text(name)).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise QgsProcessingException(
                tr("{0}: this folder cannot be made ({1}); choose another.").format(folder, error)
            ) from error
        return str(folder)

    def photos(self) -> tuple[str, ...]:
        """Return the photos and the folder of photos.

        Raises:
            QgsProcessingException: Neither was given.
        """
        files = self._algorithm.parameterAsFileList(self._parameters, names.PHOTOS, self._context)
        folder = self.path(names.PHOTO_FOLDER)
        found = tuple(str(Path(file).absolute()) for file in files if file)
        found += (folder,) if folder else ()
        if not found:
            raise QgsProcessingException(tr("Choose photos, or a folder that holds some."))
        return found

    def check_area(self) -> None:
        """Say whether exactly one area was given.

        Raises:
            QgsProcessingException: None was given, or two.
        """
        given = self.has(names.AREA_EXTENT), self.has(names.AREA_LAYER)
        if given == (False, False):
            raise QgsProcessingException(
                tr("Choose the area that may hold the place: an extent or polygons.")
            )
        if given == (True, True):
            raise QgsProcessingException(
                tr("The area is given twice; keep the extent or the polygons.")
            )

    def area(self) -> str:
        """Return the area: four numbers in degrees, or a file of polygons."""
        self.check_area()
        if self.has(names.AREA_LAYER):
            return self._layer_file(names.AREA_LAYER)
        box = self._algorithm.parameterAsExtent(
            self._parameters,
            names.AREA_EXTENT,
            self._context,
            QgsCoordinateReferenceSystem("EPSG:4326"),
        )
        if box.isEmpty():
            raise QgsProcessingException(tr("The extent is empty; draw it again."))
        bounds = (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
        return ",".join(format(value, ".9f") for value in bounds)

    def check_imagery(self) -> None:
        """Say whether the imagery is given twice.

        Raises:
            QgsProcessingException: It is.
        """
        self._only_one(names.IMAGERY_LAYER, names.IMAGERY)

    def check_roads(self) -> None:
        """Say whether the roads are given twice.

        Raises:
            QgsProcessingException: They are.
        """
        self._only_one(names.ROADS_LAYER, names.ROADS)

    def check_references(self) -> None:
        """Say whether there is anything to compare photos with.

        Raises:
            QgsProcessingException: There is neither imagery nor a street view.
        """
        serving = (names.IMAGERY_LAYER, names.IMAGERY, names.STREET_VIEW_FOLDER, names.STREET_VIEWS)
        if not any(self.has(name) for name in (*serving, names.PACK)):
            raise QgsProcessingException(
                tr("Choose imagery or street views: there is nothing to compare the photos with.")
            )

    def imagery(self) -> str | None:
        """Return the imagery as the engine reads it: a file, or a source by name."""
        self.check_imagery()
        if not self.has(names.IMAGERY_LAYER):
            return source_text(self.text(names.IMAGERY))
        layer = self._algorithm.parameterAsRasterLayer(
            self._parameters, names.IMAGERY_LAYER, self._context
        )
        if layer is None:
            raise QgsProcessingException(
                tr("{}: this raster layer cannot be opened.").format(
                    self._parameters[names.IMAGERY_LAYER]
                )
            )
        try:
            return imagery_text(layer)
        except LayerUnusable as error:
            raise QgsProcessingException(str(error)) from error

    def roads(self) -> str | None:
        """Return the roads as the engine reads them: a file, or a source by name."""
        self.check_roads()
        if self.has(names.ROADS_LAYER):
            return self._layer_file(names.ROADS_LAYER)
        return source_text(self.text(names.ROADS))

    def street_views(self) -> tuple[str, ...]:
        """Return the folder of street views, then each source that has a line."""
        folder = self.path(names.STREET_VIEW_FOLDER)
        lines = (source_text(line) for line in self.text(names.STREET_VIEWS).splitlines())
        return ((folder,) if folder else ()) + tuple(line for line in lines if line)

    def source_names(self) -> set[str]:
        """Return the names of the online sources that are asked for; none where none can be."""
        lines = self.text(names.STREET_VIEWS).splitlines()
        texts = (self.text(names.IMAGERY), self.text(names.ROADS), *lines)
        return {source_name(text) for text in texts} - {""}

    def config(self, device: str = AUTO) -> dict[str, Any]:
        """Return the options of the run with the device among them.

        Args:
            device: What the settings say, for a run that leaves it open.
        """
        chosen = self.choice(names.DEVICE)
        chosen = device if chosen == AUTO else chosen
        return {"device": chosen, **self.json_object(names.OPTIONS)}

    def network(self, settings: contract.NetworkParams) -> contract.NetworkParams:
        """Return how online sources are reached: as in the settings, narrowed for this run."""
        most_bytes = self.number(names.MAX_MEGABYTES) * MEGABYTE
        return dataclasses.replace(
            settings,
            offline=self.flag(names.OFFLINE) or settings.offline,
            max_requests=self.number(names.MAX_REQUESTS) or settings.max_requests,
            max_bytes=most_bytes or settings.max_bytes,
        )

    def json_object(self, name: str) -> dict[str, Any]:
        """Return what a text in JSON holds, nothing where it is empty.

        Raises:
            QgsProcessingException: It is not an object in JSON.
        """
        text = self.text(name)
        title = self._algorithm.parameterDefinition(name).description()
        if not text:
            return {}
        try:
            value = json.loads(text)
        except ValueError as error:
            raise QgsProcessingException(
                tr("{0}: this is not JSON ({1}).").format(title, error)
            ) from error
        if not isinstance(value, dict):
            raise QgsProcessingException(
                tr('{}: write names and values in braces, as in {{"name": 1}}').format(title)
            )
        return value

    def edits(self) -> dict[str, Any]:
        """Return what was changed of photos, by their absolute paths.

        Raises:
            QgsProcessingException: A change is none that can be made of a photo.
        """
        edits = {}
        for photo, change in self.json_object(names.EDITS).items():
            try:
                edit = contract.PhotoEdit.from_json(change)
            except contract.ContractError as error:
                raise QgsProcessingException(f"{photo}: {error}") from error
            edits[str(Path(photo).absolute())] = edit.to_json()
        return edits

    def _layer_file(self, name: str) -> str:
        path = self._algorithm.parameterAsCompatibleSourceLayerPath(
            self._parameters, name, self._context, VECTOR_FORMATS, EXPORT_FORMAT, self._feedback
        )
        if not path:
            raise QgsProcessingException(
                tr("{}: this layer cannot be opened.").format(self._parameters[name])
            )
        return str(Path(path).absolute())

    def _only_one(self, layer: str, source: str) -> None:
        if self.has(layer) and self.has(source):
            titles = [
                self._algorithm.parameterDefinition(name).description() for name in (layer, source)
            ]
            raise QgsProcessingException(
                tr("Both '{0}' and '{1}' are given; keep one.").format(*titles)
            )


def source_text(text: str) -> str | None:
    """Return a source as the engine takes it: an existing path made absolute, a name as it is."""
    text = text.strip()
    if not text:
        return None
    return str(Path(text).absolute()) if Path(text).exists() else text
