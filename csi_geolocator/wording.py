"""Answers in words: the same in the panel, the report and the tool tips."""

from __future__ import annotations

from .i18n import tr
from .layers.candidate import Candidate, PhotoRecord

CERTAIN_INLIERS = 18
"""From so many shared points on they alone are strong evidence: the engine's least, too."""


def percent(probability: float) -> str:
    """Return a probability as a whole percentage that never says 0 or 100 where it is neither."""
    if 0.0 < probability < 0.005:
        return "<1 %"
    if 0.995 <= probability < 1.0:
        return ">99 %"
    return f"{round(probability * 100)} %"


def direction(heading_deg: float) -> str:
    """Return a heading as one of eight points of the compass."""
    points = (
        tr("north"),
        tr("north-east"),
        tr("east"),
        tr("south-east"),
        tr("south"),
        tr("south-west"),
        tr("west"),
        tr("north-west"),
    )
    return points[round(heading_deg / 45.0) % 8]


def heading(candidate: Candidate) -> str:
    """Return a heading with its spread: "154° ± 7°"."""
    said = f"{candidate.heading_deg % 360.0:.0f}°"
    if candidate.heading_sigma_deg is None:
        return said
    return f"{said} ± {max(1.0, candidate.heading_sigma_deg):.0f}°"


def position(lon: float, lat: float) -> str:
    """Return a position as latitude and longitude with their letters."""
    north = tr("N") if lat >= 0.0 else tr("S")
    east = tr("E") if lon >= 0.0 else tr("W")
    return f"{abs(lat):.6f}° {north}, {abs(lon):.6f}° {east}"


def status(name: str) -> str:
    """Return a status as people say it."""
    words = {
        "proposed": tr("Proposed"),
        "confirmed": tr("Confirmed"),
        "probable": tr("Probable"),
        "possible": tr("Possible"),
        "rejected": tr("Rejected"),
    }
    return words.get(name, name)


def street_view(candidate: Candidate) -> str:
    """Return what the candidate was compared with on the ground."""
    if candidate.street_view == "real":
        return candidate.street_view_date[:10] or tr("real")
    if candidate.street_view == "synthetic":
        return tr("made from satellite image")
    return tr("none")


def verdict(record: PhotoRecord) -> str:
    """Return in one line what was found for a photo."""
    if record.error:
        return tr("Could not be located")
    if record.not_in_area:
        return tr("Probably not in this area ({})").format(percent(record.probability_elsewhere))
    return tr("In this area ({})").format(percent(1.0 - record.probability_elsewhere))


def short_verdict(record: PhotoRecord) -> str:
    """Return in two words what was found for a photo."""
    if record.error:
        return tr("failed")
    if record.not_in_area:
        return tr("not here")
    return percent(1.0 - record.probability_elsewhere)


def best_guess(candidate: Candidate | None, in_area: bool) -> str:
    """Return the best candidate as a sentence."""
    if candidate is None:
        return tr("No place of the area looks like it.")
    said = (
        tr("Best: {} at {}, looking {} ({}).")
        if in_area
        else tr("Best of weak guesses: {} at {}, looking {} ({}).")
    )
    return said.format(
        percent(candidate.probability),
        position(candidate.lon, candidate.lat),
        direction(candidate.heading_deg),
        heading(candidate),
    )


def evidence(candidate: Candidate) -> str:
    """Return what speaks for a candidate."""
    if candidate.inliers >= CERTAIN_INLIERS:
        return tr("{} points shared with a street view: strong evidence").format(candidate.inliers)
    if candidate.inliers > 0:
        return tr("{} points shared with a street view: weak evidence").format(candidate.inliers)
    if candidate.street_view == "real":
        return tr("not confirmed by the street view: the model's score alone")
    if candidate.street_view == "synthetic":
        return tr("no street view near but one made from the imagery: the model's score alone")
    return tr("no street view near: the model's score alone")
