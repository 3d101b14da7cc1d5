"""What a user states of a source in its options: terms, expiry, zooms, dates, a known offset."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from model_core.errors import InputError
from model_core.references.imagery.base import OnlineImagery
from model_core.references.imagery.shifted import ShiftedOnlineImagery
from model_core.references.source import SourceContext, SourceText
from model_core.references.terms import licence_allows_training
from model_core.types import SourceTerms

OFFSET_OPTIONS: Mapping[str, str] = {
    "offset_east_m": "metres by which the imagery shows things too far east; corrected",
    "offset_north_m": "metres by which the imagery shows things too far north; corrected",
}
TERMS_OPTIONS: Mapping[str, str] = {
    "licence": "licence of the imagery; it is not trained on until this is stated",
    "attribution": "text to show with the imagery",
    "cacheable": "yes or no: whether it may be kept on disk",
    "trainable": "yes or no: whether it may be trained on; a licence has to be stated with yes",
}
EXPIRY_OPTION: Mapping[str, str] = {
    "expires_days": "age from which a kept reply is fetched again; never without it"
}
TILE_OPTIONS: Mapping[str, str] = {
    "min_zoom": "least zoom, 0 if not given",
    "max_zoom": "greatest zoom, 19 if not given",
    "tile_size": "pixels of a tile, 256 or 512",
}
DATE_OPTION: Mapping[str, str] = {
    "date": "newest, before:YYYY-MM-DD, after:YYYY-MM-DD or a single day; newest if not given"
}

UNSTATED_LICENCE = "not stated"
_GREATEST_ZOOM = 25
_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


def yes_or_no(text: SourceText, option: str, default: bool) -> bool:
    """Return an option that is yes or no.

    Raises:
        InputError: It is something else.
    """
    value = text.options.get(option, "").lower()
    if not value:
        return default
    if value not in _YES | _NO:
        raise InputError(f"{text.name}: option {option} is {value!r}; say yes or no")
    return value in _YES


def stated_terms(text: SourceText, provider: str, known: SourceTerms | None = None) -> SourceTerms:
    """Return the terms of a source whose licence only the user knows.

    Nothing stated: it may be kept and shown, but not trained on.

    Args:
        text: Its options.
        provider: Its name for people.
        known: What is known of it beforehand.

    Raises:
        InputError: Training is allowed without a licence, or an option is neither yes nor no.
    """
    terms = known or SourceTerms(provider, UNSTATED_LICENCE, trainable=False)
    licence = text.options.get("licence", "")
    if licence:
        terms = replace(terms, licence=licence, trainable=licence_allows_training(licence))
    trainable = yes_or_no(text, "trainable", terms.trainable)
    if trainable and terms.licence == UNSTATED_LICENCE:
        raise InputError(f"{text.name}: trainable=yes needs licence=... beside it")
    return replace(
        terms,
        provider=provider,
        attribution=text.options.get("attribution", terms.attribution),
        cacheable=yes_or_no(text, "cacheable", terms.cacheable),
        trainable=trainable,
    )


def expiry_s(text: SourceText) -> float | None:
    """Return the age in seconds from which a kept reply is asked for again; None never.

    Raises:
        InputError: It is no positive number.
    """
    if "expires_days" not in text.options:
        return None
    days = text.number("expires_days", 0.0)
    if days < 0:
        raise InputError(f"{text.name}: expires_days is {days:g}; give a number of days")
    return days * 86_400.0


@dataclass(frozen=True)
class TileLimits:
    """Least and greatest zoom and the pixels of a tile."""

    min_zoom: int
    max_zoom: int
    tile_px: int


def tile_limits(
    text: SourceText, min_zoom: int = 0, max_zoom: int = 19, tile_px: int = 256
) -> TileLimits:
    """Return the zooms and the tile size that the options say.

    Raises:
        InputError: They are out of range.
    """
    low = round(text.number("min_zoom", min_zoom))
    high = round(text.number("max_zoom", max_zoom))
    side = round(text.number("tile_size", tile_px))
    if not 0 <= low <= high <= _GREATEST_ZOOM:
        raise InputError(
            f"{text.name}: zooms {low} to {high}; 0 <= min_zoom <= max_zoom <= {_GREATEST_ZOOM}"
        )
    if side not in (256, 512):
        raise InputError(f"{text.name}: tile_size is {side}; 256 or 512 is expected")
    return TileLimits(low, high, side)


@dataclass(frozen=True)
class DateChoice:
    """Which of several pictures of a place is taken: the first of ``order`` that ``allows``.

    Newest first; with ``after`` the first ones from that day on, as they show what an event left.
    ``before`` excludes its day.
    """

    after: datetime | None = None
    before: datetime | None = None

    def allows(self, moment: datetime | None) -> bool:
        """Return whether a picture of that time serves; one without a time does without limits."""
        if moment is None:
            return self.after is None and self.before is None
        return (self.after is None or moment >= self.after) and (
            self.before is None or moment < self.before
        )

    def rank(self, moment: datetime | None) -> float:
        """Return a number to sort by, the best picture first."""
        if moment is None:
            return float("inf")
        is_oldest_first = self.after is not None and self.before is None
        return moment.timestamp() if is_oldest_first else -moment.timestamp()

    def interval(self) -> str | None:
        """Return the interval as STAC writes it, None for all time."""
        if self.after is None and self.before is None:
            return None
        ends = (self.after, None if self.before is None else self.before - timedelta(seconds=1))
        return "/".join(".." if one is None else one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in ends)


def date_choice(text: SourceText) -> DateChoice:
    """Return the choice by date that the options say.

    Raises:
        InputError: It is none of the known ones.
    """
    value = text.options.get("date", "newest")
    if value == "newest":
        return DateChoice()
    found = re.fullmatch(r"(before:|after:|)(\d{4}-\d{2}-\d{2})", value)
    try:
        day = datetime.strptime(found[2] if found else "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as err:
        raise InputError(
            f"{text.name}: date is {value!r}; say newest, before:2024-01-31, after:2024-01-31 or "
            "2024-01-31"
        ) from err
    if value.startswith("before:"):
        return DateChoice(before=day)
    if value.startswith("after:"):
        return DateChoice(after=day)
    return DateChoice(after=day, before=day + timedelta(days=1))


def shifted(
    make: Callable[[SourceText, SourceContext], OnlineImagery],
) -> Callable[[SourceText, SourceContext], OnlineImagery]:
    """Return the maker of a source that also hears the options of a known offset."""

    def make_shifted(text: SourceText, context: SourceContext) -> OnlineImagery:
        east_m, north_m = (text.number(option, 0.0) for option in OFFSET_OPTIONS)
        imagery = make(text, context)
        if east_m == 0.0 and north_m == 0.0:
            return imagery
        return ShiftedOnlineImagery(imagery, east_m, north_m)

    return make_shifted
