"""How well a matcher finds held-out places: recall and heading error by kind of reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from rich.table import Table

from model_core.config import ModelConfig
from model_core.fusion.place_encoder import PlaceEncoder
from training.datasets.places import PlaceSet
from training.evaluation.galleries import Gallery, model_galleries, road_gallery
from training.evaluation.options import fov_label
from training.evaluation.photos import MIXED_FOV_DEG, list_photos
from training.evaluation.run import Setting, city_groups, in_order, locate_photos, model_photos
from training.evaluation.scoring import own_search
from training.metrics import RADIUS_M, Figures, Outcomes, summarize
from training.policies import Policy
from training.world.gallery import CityGallery

FovRange = tuple[float, float]
POLICY: Policy = "hybrid"
WATCHED_FOVS_DEG: tuple[FovRange, ...] = ((60.0, 60.0), (90.0, 90.0))
KIND_NAMES = {
    "si": "satellite",
    "svi": "street view",
    "both": "both",
    "road": "satellites along roads",
    "layout": "true layout",
}
SEARCH_NAMES: Mapping[str, str] = {
    "full": "unknown heading, all headings searched",
    "none": "unknown heading, not searched: the references' first columns",
    "known": "heading given",
}


@dataclass(frozen=True)
class Recall:
    """Figures of one kind of reference at one field of view, over whole held-out cities.

    Shares count photos whose answer lies within ``radius_m`` of the photo's own place;
    ``chance`` is the expected share of a random first answer. ``fov_max_deg`` is given where
    fields of view are mixed, from ``fov_deg`` on.
    """

    kind: str
    fov_deg: float
    photos: int
    recall_at_1: float
    recall_at_5: float
    chance: float
    median_heading_error_deg: float
    radius_m: float = RADIUS_M
    recall_at_10: float = 0.0
    recall_at_1_percent: float = 0.0
    chance_at_5: float = 0.0
    heading_within_10_deg: float | None = None
    policy: str = "hybrid"
    search: str = "full"
    fov_max_deg: float | None = None

    @property
    def fov(self) -> str:
        """The field of view as text: ``90``, or ``45-120``."""
        return fov_label((self.fov_deg, self.fov_max_deg or self.fov_deg))


def watched_fovs_deg(places: PlaceSet) -> tuple[FovRange, ...]:
    """Return the fields of view to watch a training by: 60 and 90 degrees, or the photos' own.

    Own widths, up to 120 degrees, where some photo shows less than 90: it would not be counted.
    """
    rows = np.arange(len(places))
    widest = list_photos(places, rows, WATCHED_FOVS_DEG[-1], seed=0)
    whole = len(widest) == int(places.photo_there.sum())
    return WATCHED_FOVS_DEG if whole else (MIXED_FOV_DEG,)


@torch.inference_mode()
def evaluate_matcher(
    encoder: PlaceEncoder,
    config: ModelConfig,
    places: PlaceSet,
    fovs_deg: tuple[FovRange, ...] = WATCHED_FOVS_DEG,
    seed: int = 5,
    device: torch.device | None = None,
    galleries: Mapping[int, CityGallery] | None = None,
) -> list[Recall]:
    """Return recall within each city of the set, averaged over photos, as the model scores itself.

    Right is what lies within ``RADIUS_M``, and street views serve under the policy ``hybrid``.

    Args:
        encoder: In any mode; set to eval here.
        config: Of the encoder.
        places: Held-out cities.
        fovs_deg: Least and greatest field of view of the photos; see ``list_photos``.
        seed: Of headings and frames.
        device: Where to compute; the CPU when None.
        galleries: Of some cities, satellite images where a search lays its places. They add the
            kind ``road``, right near the camera.
    """
    device = device or torch.device("cpu")
    encoder.eval().to(device)
    encode = model_photos(encoder)
    search = own_search(config)
    found: dict[tuple[str, FovRange], list[Outcomes]] = {}
    for rows in city_groups(places, pooled=False):
        references: dict[str, Gallery] = {
            kind: gallery
            for (kind, _), gallery in model_galleries(
                encoder, config, places, rows, (POLICY,), None, device
            ).items()
        }
        city = int(places.city[rows[0]])
        if galleries and city in galleries:
            references["road"] = road_gallery(encoder, config, galleries[city], city, device)
        for fov in fovs_deg:
            setting = Setting(fov, (search,))
            parts = locate_photos(
                places, rows, setting, references, encode, config, device, seed, (RADIUS_M,)
            )
            for (kind, _), outcomes in parts.items():
                found.setdefault((kind, fov), []).append(outcomes)
    return [
        recall_of(kind, fov, summarize(in_order(parts), samples=1), RADIUS_M, POLICY, search)
        for (kind, fov), parts in found.items()
    ]


def recall_of(
    kind: str,
    fov_deg: FovRange,
    figures: Figures,
    radius_m: float,
    policy: str = "hybrid",
    search: str = "full",
) -> Recall:
    """Return the short form of figures at one radius."""
    near = figures.shares.get("heading 10")
    at = {k: figures.shares[f"R@{k} {radius_m:g}m"] for k in ("1", "5", "10", "1%")}
    error = figures.numbers.get("median_heading_error_deg")
    return Recall(
        kind=kind,
        fov_deg=fov_deg[0],
        photos=figures.photos,
        recall_at_1=at["1"].value,
        recall_at_5=at["5"].value,
        chance=at["1"].chance,
        # 90 degrees is what headings nothing is known about err by.
        median_heading_error_deg=90.0 if error is None else error,
        radius_m=radius_m,
        recall_at_10=at["10"].value,
        recall_at_1_percent=at["1%"].value,
        chance_at_5=at["5"].chance,
        heading_within_10_deg=None if near is None else near.value,
        policy=policy,
        search=search,
        fov_max_deg=None if fov_deg[0] == fov_deg[1] else fov_deg[1],
    )


def recall_table(recalls: list[Recall]) -> Table:
    """Return the figures as a table for the terminal."""
    radius = f"{recalls[0].radius_m:g}" if recalls else "25"
    searched = ", ".join(dict.fromkeys(SEARCH_NAMES[r.search] for r in recalls))
    table = Table(title=f"Held-out places, {searched}; right within {radius} m")
    for column in ("references", "fov", "photos", "R@1", "R@5", "chance R@1", "heading error"):
        table.add_column(column, justify="right")
    for r in recalls:
        table.add_row(
            KIND_NAMES.get(r.kind, r.kind),
            r.fov,
            str(r.photos),
            f"{r.recall_at_1:.1%}",
            f"{r.recall_at_5:.1%}",
            f"{r.chance:.1%}",
            f"{r.median_heading_error_deg:.0f} deg",
        )
    return table
