"""Candidates as files for others: GeoJSON, GeoPackage, KML, CSV."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osgeo import ogr
from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsField,
    QgsGeometry,
    QgsPointXY,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDateTime, Qt, QVariant

from .. import wording
from ..i18n import tr
from .candidate import COLUMNS as CANDIDATE_COLUMNS
from .candidate import STATUSES, Candidate
from .store import CANDIDATES, VIEW_COLUMNS, VIEWS, ResultStore, StoreError, column_kind
from .style import apply_style, style_text
from .wedge import wedge_of

PRIVATE_COLUMNS = ("photo_path", "candidate")
"""Not for others: where the photos lie on this computer, and row numbers of the source."""


_KINDS = {
    ogr.OFTDateTime: QVariant.DateTime,
    ogr.OFTReal: QVariant.Double,
    ogr.OFTInteger: QVariant.Int,
    ogr.OFTString: QVariant.String,
}


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
    fids: tuple[int, ...] = ()

    def of(self, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
        """Return the candidates that are selected, in their order."""
        return tuple(
            candidate
            for candidate in candidates
            if candidate.status in self.statuses
            and (not self.photo_paths or candidate.photo_path in self.photo_paths)
            and (not self.fids or candidate.fid in self.fids)
        )


class ExportError(Exception):
    """A file cannot be written; the message names it and the next step."""


def export_candidates(candidates: Sequence[Candidate], target: Path, kind: Format) -> None:
    """Write candidates to a file; may run in any thread.

    A GeoPackage holds the fields of view too, both with their styles. The file appears whole or
    not at all; one that is there is replaced, unless it holds results of a run.

    Raises:
        ExportError: There is no candidate, or the file cannot be written.
    """
    if not candidates:
        raise ExportError(tr("No candidate is selected: choose more photos or decisions."))
    if _holds_results(target):
        raise ExportError(tr("{}: holds the results of a run; choose another file.").format(target))
    rows = _rows(candidates, "Point", CANDIDATE_COLUMNS)
    if kind.driver == "KML":
        _describe(rows)
    unfinished = target.with_name(f".{target.stem}.partial{kind.suffix}")
    try:
        unfinished.unlink(missing_ok=True)
        _write(rows, unfinished, kind, CANDIDATES, is_first=True)
        if kind.driver == "GPKG":
            views = _rows(candidates, "Polygon", VIEW_COLUMNS)
            _write(views, unfinished, kind, VIEWS, is_first=False)
            _keep_styles(unfinished)
        os.replace(unfinished, target)
    except (OSError, StoreError) as error:
        raise ExportError(
            tr(
                "{}: cannot be written ({}); close it in other programs, or choose another folder"
            ).format(target, error)
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _holds_results(path: Path) -> bool:
    if path.suffix != ".gpkg" or not path.exists():
        return False
    try:
        return bool(ResultStore(path).run())
    except StoreError:
        return False


def _rows(candidates: Sequence[Candidate], geometry: str, columns: Sequence[str]) -> QgsVectorLayer:
    """Return candidates as a layer in memory, as points or as wedges."""
    layer = QgsVectorLayer(f"{geometry}?crs=EPSG:4326", CANDIDATES, "memory")
    provider = layer.dataProvider()
    shown = [name for name in columns if name not in PRIVATE_COLUMNS]
    provider.addAttributes([QgsField(name, _KINDS[column_kind(name)]) for name in shown])
    layer.updateFields()
    features = []
    for candidate in candidates:
        feature = QgsFeature(layer.fields())
        feature.setAttributes([_value(candidate, name) for name in shown])
        feature.setGeometry(
            QgsGeometry.fromPointXY(QgsPointXY(candidate.lon, candidate.lat))
            if geometry == "Point"
            else wedge_of(candidate)
        )
        features.append(feature)
    provider.addFeatures(features)
    return layer


def _value(candidate: Candidate, column: str) -> Any:
    value = getattr(candidate, column)
    if value == "":
        return None
    if column_kind(column) == ogr.OFTDateTime:
        return QDateTime.fromString(value, Qt.DateFormat.ISODate)
    return value


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
        said = tr("{}, rank {} ({:.0f} %)").format(
            row["photo"], row["rank"], 100 * row["probability"]
        )
        more = tr("heading {:.0f}°, {}").format(
            row["heading_deg"], wording.status(row["status"]).lower()
        )
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
        ResultStore(path).keep_style(table, style_text(layer))
