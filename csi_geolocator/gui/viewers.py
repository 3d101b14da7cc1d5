"""Outside viewers at a candidate's position and heading."""

from __future__ import annotations

from dataclasses import dataclass

from ..layers.candidate import Candidate


@dataclass(frozen=True)
class Viewer:
    """A web viewer; ``template`` takes ``lat``, ``lon``, ``heading_deg`` and ``fov_deg``."""

    name: str
    template: str

    @property
    def takes_heading(self) -> bool:
        """Whether it opens in the candidate's direction."""
        return "{heading_deg" in self.template

    def address(self, candidate: Candidate) -> str:
        """Return the address that shows a candidate."""
        return self.template.format(
            lat=candidate.lat,
            lon=candidate.lon,
            heading_deg=candidate.heading_deg % 360.0,
            fov_deg=min(max(candidate.fov_deg, 10.0), 100.0),
        )


VIEWERS = (
    Viewer(
        "Google Street View",
        "https://www.google.com/maps/@?api=1&map_action=pano&viewpoint={lat:.7f},{lon:.7f}"
        "&heading={heading_deg:.0f}&fov={fov_deg:.0f}",
    ),
    Viewer(
        "Google Maps",
        "https://www.google.com/maps/@?api=1&map_action=map&center={lat:.7f},{lon:.7f}"
        "&zoom=19&basemap=satellite",
    ),
    Viewer(
        "Bing Streetside",
        "https://www.bing.com/maps?cp={lat:.7f}~{lon:.7f}&lvl=19&style=x&dir={heading_deg:.0f}",
    ),
    Viewer(
        "Mapillary",
        "https://www.mapillary.com/app/?lat={lat:.7f}&lng={lon:.7f}&z=18",
    ),
    Viewer(
        "Panoramax",
        "https://api.panoramax.xyz/#focus=map&map=18/{lat:.7f}/{lon:.7f}",
    ),
    Viewer("KartaView", "https://kartaview.org/map/@{lat:.7f},{lon:.7f},18z"),
    Viewer(
        "OpenStreetMap",
        "https://www.openstreetmap.org/?mlat={lat:.7f}&mlon={lon:.7f}#map=19/{lat:.7f}/{lon:.7f}",
    ),
)
