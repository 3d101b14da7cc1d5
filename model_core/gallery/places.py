"""The places of an area with what is known of each: one row a place, GeoParquet on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import shapely

from model_core.errors import GalleryError
from model_core.types import (
    AlignedReference,
    Calibration,
    LonLat,
    Place,
    Reference,
    StreetViewKind,
)


@dataclass(frozen=True)
class PlaceRecord:
    """A place and where its references come from.

    ``street_view_captured_at`` is the newest street view's date, None where unknown;
    the sources are providers' names, empty where there is no such reference. ``failed``, which the
    table of places leaves out, says that a source failed at a part of the references.
    """

    place: Place
    street_view: StreetViewKind = "none"
    street_view_ids: tuple[str, ...] = ()
    street_view_captured_at: datetime | None = None
    street_view_source: str = ""
    imagery_source: str = ""
    calibration: Calibration = field(default_factory=lambda: Calibration("none"))
    failed: bool = False

    @classmethod
    def of_reference(cls, reference: Reference) -> PlaceRecord:
        """Return the record of a place whose strips were not made."""
        views, satellite = reference.street_views, reference.satellite
        return cls(
            place=reference.place,
            street_view="real" if views else "none",
            street_view_ids=tuple(view.view_id for view in views),
            street_view_captured_at=_newest(view.captured_at for view in views),
            street_view_source=_names(view.terms.provider for view in views),
            imagery_source="" if satellite is None else satellite.terms.provider,
        )

    @classmethod
    def of_aligned(
        cls, aligned: AlignedReference, imagery_source: str, provider_of_view: Mapping[str, str]
    ) -> PlaceRecord:
        """Return the record of aligned strips.

        Args:
            aligned: The strips of one place.
            imagery_source: The imagery's provider, used where there is a satellite strip.
            provider_of_view: Street-view provider by view id; unknown ids have none.
        """
        ids = aligned.street_view_ids
        providers = [provider_of_view[view] for view in ids if view in provider_of_view]
        made = aligned.street_view_kind == "synthetic"
        return cls(
            place=aligned.place,
            street_view=aligned.street_view_kind,
            street_view_ids=ids,
            street_view_captured_at=aligned.street_view_captured_at,
            street_view_source="made from the satellite image" if made else _names(providers),
            imagery_source=imagery_source if aligned.satellite_strip is not None else "",
            calibration=aligned.calibration,
            failed=aligned.failed,
        )

    def to_columns(self) -> dict[str, Any]:
        """Return all but the place itself as JSON values by column name."""
        captured_at = self.street_view_captured_at
        return {
            "street_view": self.street_view,
            "street_view_ids": list(self.street_view_ids),
            "street_view_captured_at": None if captured_at is None else captured_at.isoformat(),
            "street_view_source": self.street_view_source,
            "imagery_source": self.imagery_source,
            "calibration_method": self.calibration.method,
            "calibration_shift_deg": self.calibration.shift_deg,
            "calibration_confidence": self.calibration.confidence,
            "calibration_accepted": self.calibration.accepted,
        }

    @classmethod
    def from_columns(cls, place: Place, columns: Mapping[str, Any]) -> PlaceRecord:
        """Return the record that ``to_columns`` wrote."""
        captured_at = columns["street_view_captured_at"]
        return cls(
            place=place,
            street_view=columns["street_view"],
            street_view_ids=tuple(str(view) for view in columns["street_view_ids"]),
            street_view_captured_at=datetime.fromisoformat(captured_at)
            if isinstance(captured_at, str)
            else None,
            street_view_source=columns["street_view_source"],
            imagery_source=columns["imagery_source"],
            calibration=Calibration(
                columns["calibration_method"],
                float(columns["calibration_shift_deg"]),
                float(columns["calibration_confidence"]),
                bool(columns["calibration_accepted"]),
            ),
        )


class PlaceTable:
    """The records of every place, row ``i`` that of the place with index ``i``.

    ``frame`` has the columns ``place_id``, ``kind``, those of ``PlaceRecord.to_columns`` and a
    point geometry in EPSG:4326.
    """

    def __init__(self, frame: geopandas.GeoDataFrame) -> None:
        self.frame = frame

    @classmethod
    def from_records(cls, records: Iterable[PlaceRecord]) -> PlaceTable:
        """Return a table of records in the order of their places' indices.

        Raises:
            GalleryError: The indices are not 0, 1, 2, ...
        """
        kept = list(records)
        if [record.place.index for record in kept] != list(range(len(kept))):
            raise GalleryError("places must come in the order of their index, none left out")
        return cls.from_columns(
            [record.place for record in kept], [record.to_columns() for record in kept]
        )

    @classmethod
    def from_columns(cls, places: list[Place], columns: list[dict[str, Any]]) -> PlaceTable:
        """Return a table of places and, row by row, what ``PlaceRecord.to_columns`` gave."""
        names = list(PlaceRecord(Place(0, "", LonLat(0.0, 0.0))).to_columns())
        data: dict[str, list[Any]] = {
            "place_id": [place.place_id for place in places],
            "kind": [place.kind for place in places],
        }
        for name in names:
            data[name] = [row[name] for row in columns]
        points = shapely.points([(place.lonlat.lon, place.lonlat.lat) for place in places])
        return cls(geopandas.GeoDataFrame(data, geometry=points, crs="EPSG:4326"))

    @classmethod
    def read(cls, path: Path) -> PlaceTable:
        """Return the table in a GeoParquet file.

        Raises:
            GalleryError: It is missing, damaged or lacks columns.
        """
        again = "build the gallery again"
        try:
            frame = geopandas.read_parquet(path)
        except FileNotFoundError as err:
            raise GalleryError(f"{path} is missing; {again}") from err
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise GalleryError(f"{path} cannot be read ({err}); {again}") from err
        known = PlaceRecord(Place(0, "", LonLat(0.0, 0.0))).to_columns()
        missing = sorted({"place_id", "kind", *known} - set(frame.columns))
        if missing:
            raise GalleryError(f"{path} lacks the columns {', '.join(missing)}; {again}")
        if not bool((frame.geometry.geom_type == "Point").all()):
            raise GalleryError(f"{path} holds other geometries than points; {again}")
        return cls(frame)

    def write(self, path: Path) -> None:
        """Write the table as GeoParquet."""
        self.frame.to_parquet(path, index=False, compression="zstd")

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def lonlat(self) -> npt.NDArray[np.float64]:
        """Longitude and latitude of every place, degrees, (N, 2)."""
        points = self.frame.geometry
        return np.column_stack([points.x.to_numpy(), points.y.to_numpy()]).astype(np.float64)

    def record(self, index: int) -> PlaceRecord:
        """Return the record of one place."""
        return PlaceRecord.from_columns(self.place(index), self.frame.iloc[index])

    def place(self, index: int) -> Place:
        """Return one place."""
        lon, lat = self.lonlat[index]
        row = self.frame.iloc[index]
        return Place(index, str(row["place_id"]), LonLat(float(lon), float(lat)), row["kind"])

    def places(self) -> list[Place]:
        """Return every place, in row order."""
        return [
            Place(index, str(place_id), LonLat(float(lon), float(lat)), kind)
            for index, (place_id, kind, (lon, lat)) in enumerate(
                zip(self.frame["place_id"], self.frame["kind"], self.lonlat, strict=True)
            )
        ]


def _newest(dates: Iterable[datetime | None]) -> datetime | None:
    """Return the latest date, comparing wall clocks where some lack a time zone."""
    known = [date for date in dates if date is not None]
    return max(known, key=lambda date: date.replace(tzinfo=None), default=None)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(filter(None, names))))
