"""What an evaluation measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from model_core.config import from_mapping
from model_core.errors import ConfigError
from training.evaluation.photos import MIXED_FOV_DEG
from training.policies import FILL_INS, Policy, check_policy

Protocol = Literal["cross", "same"]
GalleryChoice = Literal["places", "roads", "pooled", "photos"]
Imagery = Literal["before", "after"]
FOVS_DEG = (360.0, 180.0, 120.0, 90.0, 70.0, 55.0, 45.0)


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of ``python -m training evaluate``.

    Attributes:
        protocol: Of rendered cities: ``cross`` for all of each, ``same`` for the test fifth of
            each that training left out. Other data say themselves what to test on.
        gallery: The places of a photo's city, satellite images along its roads, the places of
            all cities at once, or the photos' own places, centred on them: easier than any search,
            and what published pairs are scored on.
        policy: Which street views serve, and what stands where none does.
        fovs_deg: Single fields of view.
        mixed_fov_deg: The range that the headline figure draws fields of view from.
        state: Only photos of this state of disaster.
        imagery: Satellite images from before the disaster or after it.
        street_photos: Street views are put together of so many photos; 0: whole circles.
        beside: Look at places known from above from the points around them too, as a search does.
        controls: Also score what must do badly, and what must do well.
        study: Also score every policy and fill-in, on the mixed fields of view.
        samples: Bootstrap draws.
        seed: Of headings, fields of view and frames.
    """

    protocol: Protocol = "cross"
    gallery: GalleryChoice = "places"
    policy: Policy = "hybrid"
    fovs_deg: tuple[float, ...] = FOVS_DEG
    mixed_fov_deg: tuple[float, float] = MIXED_FOV_DEG
    state: str | None = None
    imagery: Imagery = "before"
    street_photos: int = 0
    beside: bool = True
    controls: bool = False
    study: bool = True
    samples: int = 1000
    seed: int = 5

    def __post_init__(self) -> None:
        """Check what a command line may get wrong."""
        for name, known in (
            ("protocol", get_args(Protocol)),
            ("gallery", get_args(GalleryChoice)),
            ("imagery", get_args(Imagery)),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(
                    f"unknown {name} {getattr(self, name)!r}; known here: {', '.join(known)}"
                )
        check_policy(self.policy)
        if self.gallery == "roads" and self.policy in FILL_INS:
            raise ConfigError(
                f"places along roads are known from above alone: policy {self.policy!r} has no "
                "meaning there; leave out --policy, or choose another --gallery"
            )
        if any(not 0.0 < fov <= 360.0 for fov in (*self.fovs_deg, *self.mixed_fov_deg)):
            raise ConfigError("a field of view lies in (0, 360] degrees; change --fov")
        if self.street_photos < 0:
            raise ConfigError("a street view has no fewer than 0 photos; change --street-photos")

    @property
    def mixed_label(self) -> str:
        """The range of mixed fields of view as text: ``45-120``."""
        return fov_label(self.mixed_fov_deg)


def fov_label(fov_deg: tuple[float, float]) -> str:
    """Return a field of view or a range of it as text: ``90``, or ``45-120``."""
    low, high = fov_deg
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def read_options(**values: Any) -> EvaluateOptions:
    """Return options from a command line's values.

    Raises:
        ConfigError: A value has no meaning.
    """
    return from_mapping(EvaluateOptions, values)
