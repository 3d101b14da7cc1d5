"""Candidates as files for others: GeoJSON, GeoPackage, KML, CSV."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qgis.core import (
    QgsCoordinateTransformContext,
    QgsExpression,
    QgsFeatureRequest,
    QgsField,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant

from .candidate import STATUSES
from .store import CANDIDATES, VIEWS, ResultStore
from .style import apply_style, store_style

PRIVATE_COLUMNS = ("photo_path", "candidate")
"""Not for others: where the photos lie on this computer, and row numbers of the source."""


@dataclass(frozen=True)
class Format:
    """A kind of file: how people and OGR call it, its suffix, and how it is written."""

    title: str
    driver: str
    suffix: str
    layer_options: tuple[str, ...] = ()
    source_options: tuple[str, ...] = ()


FORMATS = (
    Format("GeoJSON", "GeoJSON", ".geojson", ("RFC7946=YES", "COORDINATE_PRECISION=7")),
    Format("GeoPackage", "GPKG", ".gpkg"),
    Format("KML", "KML", ".kml", (), ("NameField=name", "DescriptionField=description")),
    Format("CSV", "CSV", ".csv", ("GEOMETRY=AS_XY",)),
)


@dataclass(frozen=True)
class Selection:
    """Which candidates: of these photos (by path; none: all), with these statuses or these fids."""

    photo_paths: tuple[str, ...] = ()
    statuses: tuple[str, ...] = STATUSES
    fids: tuple[int, ...] = field(default=())

    def expression(self, fid_column: str) -> str:
        """Return the selection as QGIS filters rows."""
        parts = [f'"status" IN ({_quoted(self.statuses or ("",))})']
        if self.photo_paths:
            parts.append(f'"photo_path" IN ({_quoted(self.photo_paths)})')
        if self.fids:
            parts.append(f'"{fid_column}" IN ({",".join(str(fid) for fid in self.fids)})')
        return " AND ".join(parts)


class ExportError(Exception):
    """A file cannot be written; the message names it and the next step."""


def export_candidates(store: ResultStore, target: Path, kind: Format, selection: Selection) -> int:
    """Write candidates to a file and return how many; may run in any thread.

    A GeoPackage holds the fields of view too, both with their styles. The file appears whole or
    not at all; one that is there is replaced.

    Raises:
        ExportError: Nothing is selected, or the file cannot be written.
    """
    rows = _read(store, CANDIDATES, selection.expression("fid"))
    count = rows.featureCount()
    if count == 0:
        raise ExportError("No candidate is selected: choose more photos or statuses.")
    if target.resolve() == store.path.resolve():
        raise ExportError(f"{target}: holds the results themselves; choose another file.")
    if kind.driver == "KML":
        _describe(rows)
    unfinished = target.with_name(f".{target.stem}.partial{kind.suffix}")
    try:
        unfinished.unlink(missing_ok=True)
        _write(rows, unfinished, kind, CANDIDATES, is_first=True)
        if kind.driver == "GPKG":
            _write(
                _read(store, VIEWS, selection.expression("candidate")),
                unfinished,
                kind,
                VIEWS,
                is_first=False,
            )
            _keep_styles(unfinished)
        os.replace(unfinished, target)
    except OSError as error:
        raise ExportError(
            f"{target}: cannot be written ({error}); close it in other programs, or choose another "
            "folder"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _read(store: ResultStore, table: str, expression: str) -> QgsVectorLayer:
    layer = QgsVectorLayer(store.uri(table), table, "ogr")
    if not layer.isValid():
        raise ExportError(f"{store.path}: cannot be read; is the disk still there?")
    rows = layer.materialize(QgsFeatureRequest().setFilterExpression(expression))
    unwanted = [rows.fields().indexOf(name) for name in (*PRIVATE_COLUMNS, "fid")]
    rows.dataProvider().deleteAttributes([number for number in unwanted if number >= 0])
    rows.updateFields()
    return rows


def _describe(rows: QgsVectorLayer) -> None:
    """Add what programs that read KML show: a name and a line below it."""
    provider = rows.dataProvider()
    provider.addAttributes(
        [QgsField("name", QVariant.String), QgsField("description", QVariant.String)]
    )
    rows.updateFields()
    name, description = (rows.fields().indexOf(n) for n in ("name", "description"))
    changes = {}
    for row in rows.getFeatures():
        said = f"{row['photo']}, rank {row['rank']} ({100 * row['probability']:.0f} %)"
        more = f"heading {row['heading_deg']:.0f}°, {row['status']}"
        changes[row.id()] = {name: said, description: more}
    provider.changeAttributeValues(changes)


def _write(rows: QgsVectorLayer, target: Path, kind: Format, table: str, is_first: bool) -> None:
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = kind.driver
    options.layerName = table
    options.fileEncoding = "UTF-8"
    options.layerOptions = list(kind.layer_options)
    options.datasourceOptions = list(kind.source_options)
    action = QgsVectorFileWriter.ActionOnExistingFile
    options.actionOnExistingFile = (
        action.CreateOrOverwriteFile if is_first else action.CreateOrOverwriteLayer
    )
    code, message, *_ = QgsVectorFileWriter.writeAsVectorFormatV3(
        rows, str(target), QgsCoordinateTransformContext(), options
    )
    if code != QgsVectorFileWriter.WriterError.NoError:
        raise OSError(message)


def _keep_styles(path: Path) -> None:
    for table in (CANDIDATES, VIEWS):
        layer = QgsVectorLayer(f"{path}|layername={table}", table, "ogr")
        apply_style(layer, table)
        problem = store_style(layer, table)
        if problem:
            raise OSError(problem)


def _quoted(values: Sequence[str]) -> str:
    return ",".join(QgsExpression.quotedString(value) for value in values)
