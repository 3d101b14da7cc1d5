"""The references of every place, one place at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from model_core.config import StreetViewConfig, StripGeometry
from model_core.errors import Cancelled, ImageryError, ProviderError
from model_core.references.area import LocalFrame
from model_core.references.availability import StreetViewIndex, choose_street_views
from model_core.references.imagery.base import ImagerySource
from model_core.references.street_view.base import StreetViewSource
from model_core.types import (
    Area,
    CancelCheck,
    Place,
    Reference,
    SatelliteImage,
    StreetView,
    never_cancelled,
)


@dataclass
class ReferenceSummary:
    """Counts of what was found, filled as the references are read.

    ``known`` says of every place, by its index, whether an image and whether a street view of any
    photo's time is there; ``made_views`` are those that had one made. ``failures`` counts by source
    and reason what could not be read, ``examples`` holds the first message of each source.
    ``failed_places`` are those whose references lack what a source failed at.
    """

    known: dict[int, tuple[bool, bool]] = field(default_factory=dict)
    failures: dict[str, Counter[str]] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    failed_views: set[str] = field(default_factory=set)
    fetched_views: set[str] = field(default_factory=set)
    made_views: set[int] = field(default_factory=set)
    failed_places: set[int] = field(default_factory=set)

    def add_failure(self, source: str, message: str, reason: str = "error", count: int = 1) -> None:
        """Count something of a source that could not be read."""
        self.failures.setdefault(source, Counter())[reason] += count
        self.examples.setdefault(source, message)

    def add_view_failure(self, view: StreetView, message: str, reason: str = "error") -> None:
        """Count a street view that could not be read, once."""
        if view.view_id not in self.failed_views:
            self.failed_views.add(view.view_id)
            self.add_failure(view.terms.provider, message, reason)

    def add_reference(self, reference: Reference) -> None:
        """Count a place's reference."""
        self.add_place(
            reference.place.index, reference.satellite is not None, bool(reference.street_views)
        )

    def add_place(
        self, index: int, has_imagery: bool, has_street_view: bool, *, has_made_view: bool = False
    ) -> None:
        """Count a place once, by all that is known of it at any time."""
        if has_made_view:
            self.made_views.add(index)
        imagery, street_view = self.known.get(index, (False, False))
        self.known[index] = (imagery or has_imagery, street_view or has_street_view)

    @property
    def places(self) -> int:
        """The number of places."""
        return len(self.known)

    @property
    def with_imagery(self) -> int:
        """Places with an image."""
        return sum(imagery for imagery, _ in self.known.values())

    @property
    def with_street_view(self) -> int:
        """Places with a street view."""
        return sum(street_view for _, street_view in self.known.values())

    @property
    def with_neither(self) -> int:
        """Places of which nothing is known."""
        return sum(not (imagery or street_view) for imagery, street_view in self.known.values())

    def describe(self) -> str:
        """Return the counts in a line for people, empty where nothing was counted."""
        parts = []
        if self.places:
            counts = [
                f"{self.with_imagery} with imagery",
                f"{self.with_street_view} with a street view",
                *([f"{len(self.made_views)} with one made"] if self.made_views else []),
                f"{self.with_neither} with neither",
            ]
            parts.append(f"{self.places} places: {', '.join(counts)}")
        return "; ".join([*parts, *self.describe_failures()])

    def describe_failures(self) -> list[str]:
        """Return in words, for each source that failed, how often and why."""
        parts = []
        for source, reasons in sorted(self.failures.items()):
            counted = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
            listed = "" if list(reasons) == ["error"] else f" [{counted}]"
            parts.append(
                f"{source}: {reasons.total()} could not be used{listed} ({self.examples[source]})"
            )
        return parts


def find_street_views(
    area: Area,
    sources: Sequence[StreetViewSource],
    margin_m: float,
    summary: ReferenceSummary | None = None,
) -> StreetViewIndex:
    """Return an index of the street views of all sources in an area and a margin around it.

    An online source that fails, and images that cannot be used, are counted in ``summary``.

    Raises:
        StreetViewError: A local folder or table cannot be used at all.
    """
    found: list[StreetView] = []
    for source in sources:
        try:
            found.extend(source.find(area, margin_m))
        except ProviderError as err:
            if summary is not None:
                summary.add_failure(source.terms.provider, str(err), err.reason)
        if summary is not None and source.skipped:
            name, reason = next(iter(source.skipped.items()))
            summary.add_failure(
                source.terms.provider, f"{name}: {reason}", count=len(source.skipped)
            )
    return StreetViewIndex(_with_own_ids(found), LocalFrame(area.center_lonlat))


def _with_own_ids(views: Sequence[StreetView]) -> list[StreetView]:
    """Return views so that no two files share an id, as files in folders of one name do."""
    files: dict[str, list[Path]] = {}
    named = []
    for view in views:
        of_id = files.setdefault(view.view_id, []) if view.remote is None else [view.path]
        if view.path not in of_id:
            of_id.append(view.path)
        number = of_id.index(view.path) + 1
        named.append(view if number == 1 else replace(view, view_id=f"{view.view_id}~{number}"))
    return named


def collect_references(
    places: Sequence[Place],
    imagery: ImagerySource | None,
    views: StreetViewIndex,
    config: StreetViewConfig,
    photo_date: datetime | None,
    geometry: StripGeometry | None = None,
    *,
    summary: ReferenceSummary | None = None,
    cancel: CancelCheck = never_cancelled,
) -> Iterator[Reference]:
    """Yield the reference of every place, in order, each read when it is asked for.

    What fails for one place costs that place's image only, and is counted. Under the policy
    "strict" a place without an available street view has no reference at all, not even its
    satellite image; under "hybrid" it keeps the image, under "synthetic" the missing street view
    is for the generator to make.

    Args:
        places: The places.
        imagery: Where satellite images come from, or None.
        views: The street views of the area, as ``find_street_views`` gives them.
        config: Which street views serve a place.
        photo_date: When the photo was taken; None: every street view is available.
        geometry: The satellite image's footprint and pixels; the default one if None.
        summary: Filled as the places go by.
        cancel: Asked before each place.

    Raises:
        Cancelled: ``cancel`` said so.
    """
    strips = geometry or StripGeometry()
    counts = summary if summary is not None else ReferenceSummary()
    for place in places:
        if cancel():
            raise Cancelled("stopped while the references were being read")
        chosen = choose_street_views(place, views, photo_date, config)
        is_answerable = bool(chosen) or config.policy != "strict"
        satellite, failed = (
            _satellite_image(place, imagery, strips, counts) if is_answerable else (None, False)
        )
        reference = Reference(place, satellite, chosen, failed)
        counts.add_reference(reference)
        yield reference


def _satellite_image(
    place: Place, imagery: ImagerySource | None, geometry: StripGeometry, summary: ReferenceSummary
) -> tuple[SatelliteImage | None, bool]:
    """Return the image of a place, None without one, and whether its source failed at a part."""
    if imagery is None:
        return None, False
    try:
        image = imagery.read(place.lonlat, geometry.footprint_m, geometry.satellite_px)
        return image, image is not None and image.failed
    except ImageryError as err:
        summary.add_failure(imagery.terms.provider, str(err))
    except ProviderError as err:
        summary.add_failure(imagery.terms.provider, str(err), err.reason)
    return None, True
