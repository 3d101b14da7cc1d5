"""Every tunable, as frozen dataclasses, and the presets ``paper``, ``release``, ``default``.

``ModelConfig`` travels in a bundle and decides what the features are; ``LocateConfig`` belongs to
one run. An unknown key is an error that lists the known ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from model_core.errors import ConfigError

Backbone = Literal["atto", "pico", "tiny", "base", "vgg16", "resnet50", "efficientnet_b0", "vit"]
FusionName = Literal["iaff", "aff", "concat", "fc", "awa", "linear"]
SharedWeights = Literal["all", "ground", "svi_si", "none"]
HeadName = Literal["asymmetric", "pooled", "downsample"]
AttentionNorm = Literal["layer", "group", "batch", "batch_missing"]
PhotoFit = Literal["projected", "resized"]
ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True)
class StripGeometry:
    """The frame that every strip shares.

    A strip of a full circle is ``height`` x ``width`` pixels. Street-view and photo rows run from
    ``elevation_max_deg`` (top) to ``elevation_min_deg``, equal angles a row; satellite rows run
    from ``footprint_m / 2`` (top) to the centre (bottom), equal metres a row.
    """

    height: int = 64
    width: int = 128
    elevation_min_deg: float = -30.0
    elevation_max_deg: float = 40.0
    footprint_m: float = 80.0
    satellite_px: int = 256

    @property
    def deg_per_px(self) -> float:
        """Degrees of azimuth a column."""
        return 360.0 / self.width


@dataclass(frozen=True)
class ModelConfig:
    """What makes two models' features different; stored in the bundle.

    ``width_stride`` is the backbone's stride along azimuth, so a circle has
    ``geometry.width // width_stride`` bins. Without ``heading_search`` training and evaluation
    compare a photo with columns 0 to its width alone. ``photo_fit`` brings photos into the strips'
    frame by what they show, or resizes them to one width whatever they show, as the released code
    does. ``head`` and ``attention_norm`` are described in ``features.heads`` and ``fusion.iaff``,
    ``calibration`` in ``alignment.calibration``.
    """

    preset: str = "default"
    geometry: StripGeometry = StripGeometry()
    backbone: Backbone = "atto"
    width_stride: int = 8
    feature_channels: int = 16
    feature_height: int = 4
    fusion: FusionName = "iaff"
    shared_weights: SharedWeights = "all"
    heading_search: bool = True
    calibration: Literal["metadata", "orb", "sift", "features", "release", "none"] = "metadata"
    head: HeadName = "asymmetric"
    attention_norm: AttentionNorm = "layer"
    photo_fit: PhotoFit = "projected"

    @property
    def azimuth_bins(self) -> int:
        """Bins of a full circle."""
        return self.geometry.width // self.width_stride

    @property
    def bin_deg(self) -> float:
        """Degrees of azimuth a bin."""
        return 360.0 / self.azimuth_bins


@dataclass(frozen=True)
class PlaceConfig:
    """Where candidate places are laid.

    Attributes:
        spacing_m: Between places along a road.
        grid_spacing_m: Between places of a grid.
        grid: Whether one is laid; ``auto``: without roads, and in areas up to
            ``grid_auto_max_km2``.
        grid_auto_max_km2: See there.
    """

    spacing_m: float = 15.0
    grid_spacing_m: float = 25.0
    grid: Literal["auto", "always", "never"] = "auto"
    grid_auto_max_km2: float = 0.25


@dataclass(frozen=True)
class StreetViewConfig:
    """Which street views serve a place. ``max_age_days`` counts between photo and street view.

    ``after`` and ``before`` are ISO dates; a view of another time, or of none, does not serve. One
    of the day ``after`` does, one of the day ``before`` does not.
    """

    max_distance_m: float = 50.0
    max_age_days: float = 365.0
    after: str = ""
    before: str = ""
    policy: Literal["strict", "hybrid", "nearest", "synthetic"] = "hybrid"
    max_views_per_place: int = 4


@dataclass(frozen=True)
class SearchConfig:
    """Correlation over azimuth, the shortlist it keeps, and the places looked at from beside.

    The ``beside_places`` best are looked at again from ``beside_step_m`` metres around; 0 leaves
    that out. A place whose street view stands within ``near_view_m`` is not: it has that
    standpoint. Models learn street views that stand nearer than that.
    """

    top_k: int = 50
    beside_places: int = 100
    beside_step_m: float = 5.0
    near_view_m: float = 10.0
    block_rows: int = 4096
    fov_hypotheses_deg: tuple[float, ...] = (45.0, 60.0, 75.0, 95.0)
    min_coverage: float = 0.5


@dataclass(frozen=True)
class VerificationConfig:
    """Local features between the photo and real street views, best places first.

    ``budget_views`` is how many street views are tried a photo; 0 turns the stage off, None tries
    every street view of the area.
    """

    budget_views: int | None = None
    max_side_px: int = 1024
    max_features: int = 4000
    ratio: float = 0.8
    min_inliers: int = 8


@dataclass(frozen=True)
class RankingConfig:
    """From scores and inliers to candidates; what they are worth is in ``EvidenceModel``."""

    merge_radius_m: float = 25.0
    max_candidates: int = 20
    not_in_area_probability: float = 0.5
    confident_inliers: int = 18


@dataclass(frozen=True)
class EvidenceModel:
    """What scores and inliers are worth; ``evidence`` says how. Fitted to a model, of its bundle.

    Attributes:
        informed: Probability ``r`` that the model knows this kind of photo.
        separation: ``d``, null deviations by which right places stand out.
        max_score: Scores beyond it count ``score_beyond`` of their excess.
        score_beyond: See there; keeps the order without the certainty.
        inlier_slope: Natural log of the odds an inlier adds above the threshold.
        linear_inliers: Inliers above the threshold from which odds grow by a power law.
        inlier_power: That power.
        seen: Probability that a photo matches a full circle taken at its very place.
        seen_sigma_m: Distance from that circle's place over which it falls, one deviation.
        unproven: Most that a place's likelihood ratio is without a match, where there is no
            retrieval.
        weak_odds: Most that all views below the threshold add up to.
        spot_sigma_m: Distance between the photo and the spot where matched street views put it,
            one deviation.
        spot_reach_m: Such a spot farther than this from every place is no evidence for any.
        far_m: Street views farther than this from the best one show what chance reaches.
        far_views: Least number of them to judge by.
        far_deviations: Robust deviations above their median that chance may reach.
    """

    informed: float = 0.95
    separation: float = 1.5
    max_score: float = 5.0
    score_beyond: float = 0.2
    inlier_slope: float = 1.0
    linear_inliers: float = 6.0
    inlier_power: float = 3.0
    seen: float = 0.85
    seen_sigma_m: float = 17.0
    unproven: float = 0.6
    weak_odds: float = 0.3
    spot_sigma_m: float = 10.0
    spot_reach_m: float = 50.0
    far_m: float = 100.0
    far_views: int = 10
    far_deviations: float = 3.0

    def __post_init__(self) -> None:
        """Check what a bundle may get wrong."""
        if not (0.0 <= self.informed < 1.0 and 0.0 <= self.seen < 1.0 and self.seen_sigma_m > 0.0):
            raise ConfigError(
                f"informed {self.informed} and seen {self.seen} must lie in [0, 1), seen_sigma_m "
                f"{self.seen_sigma_m} above 0"
            )


@dataclass(frozen=True)
class NetworkConfig:
    """How online sources are reached; who they are and their keys come with the request.

    Limits are per host: ``connections`` requests at once and ``requests_per_second`` (0: as fast as
    they are answered). A request is tried ``retries`` times more, ``backoff_s`` doubling up to
    ``backoff_max_s`` with jitter, or as long as the server asks for. ``max_body_bytes`` is the
    largest reply that is taken.
    """

    connections: int = 6
    requests_per_second: float = 0.0
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 20.0
    retries: int = 4
    backoff_s: float = 0.5
    backoff_max_s: float = 30.0
    max_body_bytes: int = 64 << 20


@dataclass(frozen=True)
class LocateConfig:
    """One run: places, references, search, verification, ranking, network, device."""

    places: PlaceConfig = PlaceConfig()
    street_view: StreetViewConfig = StreetViewConfig()
    search: SearchConfig = SearchConfig()
    verification: VerificationConfig = VerificationConfig()
    ranking: RankingConfig = RankingConfig()
    network: NetworkConfig = NetworkConfig()
    use_retrieval: bool = True
    device: str = "auto"
    batch_size: int = 32


PRESETS: dict[str, ModelConfig] = {
    "default": ModelConfig(),
    "paper": ModelConfig(
        preset="paper",
        geometry=StripGeometry(
            height=128,
            width=512,
            elevation_min_deg=-45.0,
            elevation_max_deg=45.0,
            footprint_m=50.0,
            satellite_px=335,
        ),
        backbone="base",
        width_stride=32,
        calibration="orb",
        attention_norm="batch",
    ),
    "release": ModelConfig(
        preset="release",
        geometry=StripGeometry(
            height=128,
            width=512,
            elevation_min_deg=-45.0,
            elevation_max_deg=45.0,
            footprint_m=50.0,
            satellite_px=335,
        ),
        backbone="base",
        width_stride=32,
        shared_weights="none",
        heading_search=False,
        calibration="release",
        head="downsample",
        attention_norm="batch_missing",
        photo_fit="resized",
    ),
}


def at_geometry(config: ModelConfig, geometry: StripGeometry) -> ModelConfig:
    """Return a configuration on strips of another frame, with as many azimuth bins if it can.

    For comparing presets on the same data.
    """
    bins = config.azimuth_bins
    stride = max(4, min(32, geometry.width // bins))
    rows = geometry.height // 32 if config.head == "downsample" else config.feature_height
    return dataclasses.replace(config, geometry=geometry, width_stride=stride, feature_height=rows)


def from_mapping(kind: type[ConfigT], values: Mapping[str, Any], *, where: str = "") -> ConfigT:
    """Return a config dataclass filled from plain values, nested ones too.

    Args:
        kind: The dataclass to make.
        values: Its fields by name; nested dataclasses as mappings, tuples as lists.
        where: The path of keys above, for messages.

    Raises:
        ConfigError: A key is unknown; the message lists the known ones.
    """
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ConfigError(
            f"unknown option {where + unknown[0]!r}; known here: {', '.join(sorted(fields))}"
        )
    made: dict[str, Any] = {}
    for name, value in values.items():
        default = fields[name].default
        if dataclasses.is_dataclass(default) and isinstance(value, Mapping):
            made[name] = from_mapping(type(default), value, where=f"{where}{name}.")
        elif isinstance(default, tuple) and isinstance(value, list):
            made[name] = tuple(value)
        else:
            made[name] = value
    return kind(**made)


def to_mapping(config: Any) -> dict[str, Any]:
    """Return a config dataclass as plain nested values, ready for JSON."""
    return dataclasses.asdict(config)
