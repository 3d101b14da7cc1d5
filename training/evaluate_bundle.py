"""A model of any folder on held-out places: every figure, by kind, field of view and state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from model_core.bundle import ModelBundle, default_bundle_path, load_bundle
from model_core.device import choose_device
from model_core.errors import InputError
from model_core.types import Progress, ProgressCallback, ignore_progress
from training.controls import make_controls
from training.datasets.rendered import load_galleries
from training.evaluate import Recall, recall_of
from training.evaluation.cost import QueryCost, query_cost
from training.evaluation.galleries import Gallery, model_galleries, road_gallery
from training.evaluation.options import EvaluateOptions, fov_label
from training.evaluation.rows import Label, Row, make_rows
from training.evaluation.run import (
    Setting,
    city_groups,
    in_order,
    locate_photos,
    model_photos,
)
from training.evaluation.scoring import Search, own_search
from training.evaluation.test_set import Loaded, load_test_set
from training.metrics import RADIUS_M, Outcomes
from training.policies import POLICIES, Policy
from training.world.gallery import CityGallery


@dataclass(frozen=True)
class EvaluationReport:
    """The figures of one model; right is what lies within ``radius_m`` of the photo's place.

    ``recalls`` are the short form of the model's own figures, as it scores itself. ``rows`` hold
    all figures, ``outcomes`` what came of every photo, by the label that the rows of all photos
    bear. ``protocol`` says which places were tested on, ``notes`` what could not be measured, and
    why.
    """

    bundle: Path
    model_hash: str
    data: Path
    protocol: str
    places: int
    radius_m: float
    recalls: tuple[Recall, ...]
    rows: tuple[Row, ...] = ()
    outcomes: Mapping[Label, Outcomes] = field(default_factory=dict)
    options: EvaluateOptions = EvaluateOptions()
    device: str = "cpu"
    cost: QueryCost | None = None
    notes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()


def evaluate_bundle(
    data: Path,
    bundle: Path | None = None,
    device: str = "auto",
    options: EvaluateOptions | None = None,
    progress: ProgressCallback = ignore_progress,
) -> EvaluationReport:
    """Return how well a model finds places that it did not learn from.

    Args:
        data: Folder of places: rendered cities, a city of one's own, or a published set.
        bundle: Folder of the model; None takes the packaged one.
        device: "cpu", "cuda", "mps" or "auto".
        options: What to measure.
        progress: Told after every field of view of every city.

    Raises:
        InputError: There is no place, or places of another frame than the model's.
        BundleError: The model cannot be read, or makes no street views where they are asked for.
        ConfigError: An option has no meaning for this data.
        DeviceError: There is no such device.
    """
    path = bundle or default_bundle_path()
    options = options or EvaluateOptions()
    chosen = choose_device(device)
    model = load_bundle(path, chosen)
    test = load_test_set(data, model.config, options)
    run = _Run(model, test, options, chosen, progress)
    run.locate()
    outcomes = {label: in_order(parts) for label, parts in run.found.items()}
    if not outcomes:
        raise InputError(
            f"{data}: what it keeps for tests holds no photo to locate; collect more photos, or "
            "leave out --state"
        )
    rows = make_rows(outcomes, options, test.states, chosen)
    return EvaluationReport(
        bundle=path,
        model_hash=model.model_hash,
        data=data,
        protocol=test.protocol,
        places=len(test.places),
        radius_m=RADIUS_M,
        recalls=tuple(_recalls(rows, options, own_search(model.config))),
        rows=tuple(rows),
        outcomes=outcomes,
        options=options,
        device=_device_name(chosen),
        cost=run.cost,
        notes=tuple(dict.fromkeys((*test.notes, *run.notes))),
        states=test.states,
    )


class _Run:
    """Goes through the cities and keeps what came of their photos."""

    def __init__(
        self,
        model: ModelBundle,
        test: Loaded,
        options: EvaluateOptions,
        device: torch.device,
        progress: ProgressCallback,
    ) -> None:
        self.model = model
        self.test = test
        self.options = options
        self.device = device
        self.progress = progress
        self.found: dict[Label, list[Outcomes]] = {}
        self.cost: QueryCost | None = None
        self.notes: list[str] = []
        self.policies = self._policies()
        self.roads = load_galleries(test.folder) if options.gallery == "roads" else {}
        if options.gallery == "roads" and not self.roads:
            raise InputError(
                f"{test.folder} holds no gallery along roads; render it with --gallery"
            )

    def _policies(self) -> tuple[Policy, ...]:
        wanted = (self.options.policy, *(POLICIES if self.options.study else ()))
        policies = tuple(dict.fromkeys(wanted))
        if self.model.generator is None and self.options.policy != "synthetic":
            if "synthetic" in policies:
                self.notes.append("policy synthetic: the bundle holds no street-view generator")
            policies = tuple(p for p in policies if p != "synthetic")
        return policies

    @torch.inference_mode()
    def locate(self) -> None:
        groups = city_groups(self.test.places, pooled=self.options.gallery == "pooled")
        settings = self._settings()
        for done, rows in enumerate(groups):
            galleries = self._galleries(rows)
            for number, setting in enumerate(settings):
                self._locate(rows, setting, galleries)
                at = done * len(settings) + number + 1
                self.progress(Progress("evaluate", at, len(groups) * len(settings), setting.label))
            if self.options.controls:
                self._locate_controls(rows, settings[-1], galleries)
            if self.cost is None:
                self.cost = self._cost(rows, settings[-1], galleries)

    def _settings(self) -> list[Setting]:
        """Return the poses of photos: single fields of view, then the mixed ones."""
        unsearched: tuple[Search, ...] = ("full", "none", "known")
        heading_search = self.model.config.heading_search
        single: tuple[Search, ...] = ("full",) if heading_search else unsearched
        mixed: tuple[Search, ...] = ("full", "known") if heading_search else unsearched
        settings = [Setting((fov, fov), single) for fov in self.options.fovs_deg]
        return [*settings, Setting(self.options.mixed_fov_deg, mixed)]

    def _galleries(self, rows: npt.NDArray[np.int64]) -> dict[tuple[str, Policy], Gallery]:
        model, places = self.model, self.test.places
        if self.options.gallery == "roads":
            city = int(places.city[rows[0]])
            laid: CityGallery | None = self.roads.get(city)
            if laid is None:
                self.notes.append(f"city {city} has no gallery along roads and is left out")
                return {}
            gallery = road_gallery(
                model.encoder, model.config, laid, city, self.device, self.options.beside
            )
            return {("road", self.options.policy): gallery}
        return model_galleries(
            model.encoder,
            model.config,
            places,
            rows,
            self.policies,
            model.generator,
            self.device,
            self.options.beside and self.options.gallery != "photos",
            self.options.gallery == "photos",
        )

    def _locate(
        self,
        rows: npt.NDArray[np.int64],
        setting: Setting,
        galleries: Mapping[tuple[str, Policy], Gallery],
    ) -> None:
        mixed = setting.fov_deg == self.options.mixed_fov_deg
        # Policies differ in the street-view slot only, and are compared on the mixed photos.
        asked = {
            (kind, policy): gallery
            for (kind, policy), gallery in galleries.items()
            if policy == self.options.policy or (mixed and kind == "both")
        }
        found = locate_photos(
            self.test.places,
            self.test.queries(rows),
            setting,
            asked,
            model_photos(self.model.encoder),
            self.model.config,
            self.device,
            self.options.seed,
            evidence=self.model.evidence,
        )
        for ((kind, policy), search), outcomes in found.items():
            if policy == self.options.policy or search in ("full", own_search(self.model.config)):
                label = Label("model", kind, policy, setting.label, search)
                self._keep(label, outcomes)

    def _locate_controls(
        self,
        rows: npt.NDArray[np.int64],
        setting: Setting,
        galleries: Mapping[tuple[str, Policy], Gallery],
    ) -> None:
        policy = self.options.policy
        own = {kind: g for (kind, of), g in galleries.items() if of == policy}
        controls = make_controls(
            self.model.encoder, self.model.config, self.test.places, rows, policy, own, self.device
        )
        for control in controls:
            found = locate_photos(
                self.test.places,
                self.test.queries(rows),
                Setting(setting.fov_deg),
                control.galleries,
                control.encode,
                self.model.config,
                self.device,
                self.options.seed,
            )
            for (kind, search), outcomes in found.items():
                self._keep(Label(control.name, kind, policy, setting.label, search), outcomes)

    def _keep(self, label: Label, outcomes: Outcomes) -> None:
        if self.options.state is not None:
            wanted = self.test.states.index(self.options.state)
            outcomes = outcomes.take(outcomes.state == wanted)
        if len(outcomes):
            self.found.setdefault(label, []).append(outcomes)

    def _cost(
        self,
        rows: npt.NDArray[np.int64],
        setting: Setting,
        galleries: Mapping[tuple[str, Policy], Gallery],
    ) -> QueryCost | None:
        asked = [g for (kind, _), g in galleries.items() if kind in ("both", "road")]
        if not asked:
            return None
        return query_cost(
            self.model, self.test.places, self.test.queries(rows), setting, asked[0], self.device
        )


def _recalls(rows: list[Row], options: EvaluateOptions, search: Search) -> list[Recall]:
    """Return the short form of the model's rows: by kind of reference, then by policy.

    The kind of a policy's row is the policy. That of ``strict`` is over the photos whose place has
    a street view in time, since it leaves the other places out.
    """
    fovs = {fov_label((fov, fov)): (fov, fov) for fov in options.fovs_deg}
    fovs[options.mixed_label] = options.mixed_fov_deg
    own, of_policy = [], []
    for row in rows:
        label = row.label
        if (label.model, label.search, row.state) != ("model", search, "all"):
            continue
        if label.policy == options.policy and row.queries == "all":
            own.append(_recall(label.kind, row, fovs))
        if options.study and label.kind == "both" and label.fov == options.mixed_label:
            of_policy.append((row.queries, _recall(label.policy, row, fovs)))
    common = {recall.kind for queries, recall in of_policy if queries == "common"}
    wanted = {"strict": "common"} if "strict" in common else {}
    return own + [r for queries, r in of_policy if queries == wanted.get(r.kind, "all")]


def _recall(kind: str, row: Row, fovs: Mapping[str, tuple[float, float]]) -> Recall:
    label = row.label
    return recall_of(kind, fovs[label.fov], row.figures, RADIUS_M, label.policy, label.search)


def _device_name(device: torch.device) -> str:
    """Return the device as a person knows it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"
