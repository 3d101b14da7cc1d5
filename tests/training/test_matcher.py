"""One step of the matcher: what counts, what does not, and what chunks and ranks may not change."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional
from torchvision.ops import StochasticDepth

from model_core.config import PRESETS, StripGeometry, at_geometry
from model_core.errors import ConfigError
from training.correlation import Described, window_correlation
from training.datasets.places import RawBatch
from training.matcher import Matcher, MatcherConfig, ReferenceShares
from training.views import Encoded

SCRIPT = Path(__file__).with_name("two_ranks.py")
SVI_ALONE = ReferenceShares(si=0.0, svi=1.0, all=0.0)


@pytest.fixture(scope="module")
def step() -> ModuleType:
    """Makes batches and matchers, and takes steps; the script of the two ranks."""
    spec = importlib.util.spec_from_file_location("two_ranks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["two_ranks"] = module
    spec.loader.exec_module(module)
    return module


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert set(one) == set(other)
    assert any(bool(value.abs().max() > 1e-4) for value in one.values())
    for name, value in one.items():
        assert torch.allclose(value, other[name], atol=1e-5, rtol=1e-4), name


def loss_of(step: ModuleType, batch: RawBatch, config: MatcherConfig, **more: object) -> float:
    matcher = step.make_matcher(config, **more)
    with torch.no_grad():
        loss, _ = matcher.loss_of(matcher.encode(matcher.show(batch)))
    assert bool(torch.isfinite(loss))
    return float(loss)


def shown_by_street_views(step: ModuleType, loss: str) -> tuple[Matcher, Encoded]:
    """Return a matcher, and what it encoded of places known by street views alone."""
    config = dataclasses.replace(
        step.CONFIG, references=SVI_ALONE, layout_weight=0.0, loss=loss, label_smoothing=0.0
    )
    matcher = step.make_matcher(config)
    return matcher, matcher.encode(matcher.show(step.make_batch()))


@pytest.mark.parametrize("chunks", [2, 4])
def test_chunks_change_no_gradient(step: ModuleType, chunks: int) -> None:
    shown = step.make_matcher().show(step.make_batch())
    whole_loss, whole = step.learn(step.make_matcher(), shown)
    chunked = dataclasses.replace(step.CONFIG, accumulate=chunks)
    loss, gradients = step.learn(step.make_matcher(chunked), shown)
    assert torch.allclose(loss, whole_loss, atol=1e-6)
    assert_same(gradients, whole)


def test_chunks_forget_their_graphs_until_they_are_needed(step: ModuleType) -> None:
    shown = step.make_matcher().show(step.make_batch())
    kept: dict[int, int] = {}
    for chunks in (1, 3):
        matcher = step.make_matcher(dataclasses.replace(step.CONFIG, accumulate=chunks))
        total = 0

        def count(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal total
            total += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            matcher.encode(shown)
        kept[chunks] = total
    assert kept[3] < kept[1] / 5


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_two_ranks_learn_what_one_learns_from_both_halves(
    step: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    told = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    paths = [tmp_path / f"{number}.safetensors" for number in range(2)]
    environment = {**os.environ, **told, "RANK": "1", "PYTHONPATH": str(SCRIPT.parents[2])}
    with subprocess.Popen([sys.executable, str(SCRIPT), str(paths[1])], env=environment) as other:
        with monkeypatch.context() as first:
            for name, value in {**told, "RANK": "0"}.items():
                first.setenv(name, value)
            step.main(paths[0])
        assert other.wait(timeout=60) == 0
    loss, gradients = step.learn(step.make_matcher(), step.make_matcher().show(step.make_batch()))
    for path in paths:
        assert_same(load_file(path), {"loss": loss, **gradients})


def test_an_unknown_heading_is_not_supervised_and_a_known_one_is(step: ModuleType) -> None:
    matcher = step.make_matcher()
    encoded = matcher.encode(matcher.show(step.make_batch()))

    def turned(row: int) -> float:
        moved = []
        for start in encoded.start_bins:
            other = start.clone()
            other[row] = (other[row] + 3.0) % step.MODEL.azimuth_bins
            moved.append(other)
        changed = dataclasses.replace(encoded, start_bins=tuple(moved))
        with torch.no_grad():
            return float(matcher.loss_of(changed)[0] - matcher.loss_of(encoded)[0])

    assert turned(-1) == 0.0
    assert abs(turned(0)) > 1e-4


@pytest.mark.parametrize("references", [ReferenceShares(si=0.0, both=1.0, all=0.0), SVI_ALONE])
def test_what_no_street_view_shows_changes_nothing(
    step: ModuleType, references: ReferenceShares
) -> None:
    config = dataclasses.replace(step.CONFIG, references=references)
    batch = step.make_batch()
    street = batch.street.clone()
    street[-1] = 200
    noisy = dataclasses.replace(batch, street=street)
    assert loss_of(step, noisy, config) == loss_of(step, batch, config)


def leaves(photos: tuple[Described, ...]) -> tuple[tuple[Described, ...], list[torch.Tensor]]:
    """Return photos whose features have gradients of their own, and those features."""
    features = [photo.features.detach().requires_grad_() for photo in photos]
    made = zip(features, photos, strict=True)
    return tuple(Described(mine, photo.coverage) for mine, photo in made), features


@pytest.mark.parametrize("loss", ["infonce", "paper", "triplet", "soft_margin_triplet", "release"])
def test_places_without_a_street_view_stay_out_of_steps_of_street_views(
    step: ModuleType, loss: str
) -> None:
    matcher, encoded = shown_by_street_views(step, loss)
    photos, features = leaves(encoded.photos)
    total, _ = matcher.loss_of(dataclasses.replace(encoded, photos=photos))
    for gradient in torch.autograd.grad(total, features):
        assert float(gradient[-1].abs().max()) == 0.0
        assert float(gradient[:-1].abs().max()) > 0.0


def test_old_street_views_serve_the_nearest_policy_alone(step: ModuleType) -> None:
    batch = step.make_batch()
    days = torch.zeros_like(batch.street_days)
    old = dataclasses.replace(batch, street_days=days, query_days=days + 800)
    none_at_all = dataclasses.replace(batch, street_seen=torch.zeros_like(batch.street_seen))
    both = dataclasses.replace(
        step.CONFIG, references=ReferenceShares(si=0.0, both=1.0, all=0.0), layout_weight=0.0
    )
    nearest = dataclasses.replace(both, street_policy="nearest")
    assert loss_of(step, old, both) == pytest.approx(loss_of(step, none_at_all, both), abs=1e-6)
    assert loss_of(step, old, nearest) == pytest.approx(loss_of(step, batch, nearest), abs=1e-6)
    assert loss_of(step, old, nearest) != pytest.approx(loss_of(step, old, both), abs=1e-4)


@pytest.mark.parametrize("loss", ["infonce", "soft_margin_triplet"])
def test_photos_that_look_where_no_street_view_does_stay_out_of_steps_of_street_views(
    step: ModuleType, loss: str
) -> None:
    matcher, encoded = shown_by_street_views(step, loss)
    width, bins = encoded.photos[0].coverage.shape[1], step.MODEL.azimuth_bins
    cover = torch.zeros(len(encoded.labels.city), bins)
    cover[:, :width] = 1.0
    away = torch.full_like(encoded.start_bins[0], float(width))
    away[0] = bins - 1.0  # around north, half a window and more of it within the street view
    photos, features = leaves(encoded.photos)
    changed = dataclasses.replace(
        encoded, photos=photos, street_cover=cover, start_bins=(away,) * len(photos)
    )
    total, _ = matcher.loss_of(changed)
    for gradient in torch.autograd.grad(total, features):
        assert float(gradient[1:].abs().max()) < 1e-6
    facing = tuple(torch.zeros_like(away) for _ in photos)
    total, _ = matcher.loss_of(dataclasses.replace(changed, start_bins=facing))
    for gradient in torch.autograd.grad(total, features):
        assert float(gradient[1:-1].abs().max()) > 1e-4
    unknown = dataclasses.replace(
        encoded.labels, heading_known=torch.zeros_like(encoded.labels.heading_known)
    )
    total, _ = matcher.loss_of(dataclasses.replace(changed, start_bins=facing, labels=unknown))
    for gradient in torch.autograd.grad(total, features):
        assert float(gradient.abs().max()) < 1e-6, "north says nothing of where they look"


@pytest.mark.parametrize(
    ("center", "kinds", "at_places"),
    [
        ("search", "si", [False] * 6),
        ("search", "both", [False] + [True] * 4 + [False]),
        ("place", "si", [True] * 6),
        ("camera", "both", [False] * 6),
    ],
)
def test_satellite_images_are_centred_as_a_search_looks_at_places(
    step: ModuleType, center: str, kinds: str, at_places: list[bool]
) -> None:
    """A search looks from beside at the first place, whose street view is far, and at the last,
    which has none.
    """
    references = dataclasses.replace(ReferenceShares(si=0.0, all=0.0), **{kinds: 1.0})
    config = dataclasses.replace(step.CONFIG, references=references, satellite_center=center)
    batch = step.make_batch()
    batch.street_offset_m[0] = torch.tensor([8.0, 8.0])
    away = torch.tensor([6.0, -4.0]).expand(len(batch.city), 2)
    here = step.make_matcher(config).show(batch)
    moved = step.make_matcher(config).show(dataclasses.replace(batch, query_offset_m=away))
    same = [bool(torch.equal(a, b)) for a, b in zip(here.satellite, moved.satellite, strict=True)]
    assert same == at_places
    around = [
        bool(torch.equal(a, b))
        for a, b in zip(here.labels.satellite_layout, batch.layout, strict=True)
    ]
    assert around == at_places


def test_places_without_true_layout_are_learned_from(step: ModuleType) -> None:
    matcher = step.make_matcher(labels=0)
    loss, gradients = step.learn(matcher, matcher.show(step.make_batch(labels=0)))
    assert float(loss) > 0.0
    assert "log_layout_gain" not in gradients


def test_photos_are_cut_out_of_what_a_picture_shows(step: ModuleType) -> None:
    batch = step.make_batch()
    seen = torch.zeros_like(batch.query_seen)
    seen[:, 20:44] = True
    shown = step.make_matcher().show(dataclasses.replace(batch, query_seen=seen))
    for cut in shown.photos:
        columns = cut.start_bin[:, None] * step.MODEL.width_stride + torch.arange(
            cut.mask.shape[-1]
        )
        inside = (columns >= 20) & (columns < 44)
        assert bool((cut.mask.amax(dim=1)[~inside] == 0.0).all())
        assert bool((cut.mask.sum(dim=(1, 2)) > 0).all())


def test_gumbel_alignment_asks_for_one_heading_of_a_place(step: ModuleType) -> None:
    config = dataclasses.replace(step.CONFIG, alignment="gumbel")
    matcher = step.make_matcher(config)
    encoded = matcher.encode(matcher.show(step.make_batch()))
    known = encoded.labels.heading_known
    scale = torch.tensor(1e4)  # so high that no noise matters
    places = Described.whole(encoded.satellite)
    aligned = matcher._correlate(encoded.photos[0], places, scale, known)
    plain = window_correlation(encoded.photos[0], places)
    assert torch.equal(aligned[known], plain[known])
    pooled = torch.logsumexp(aligned[~known] * scale, dim=2) / scale
    assert torch.allclose(pooled, plain[~known].amax(dim=2), atol=1e-3)


def test_the_released_code_searches_no_heading(step: ModuleType) -> None:
    model = dataclasses.replace(step.MODEL, heading_search=False)
    matcher = step.make_matcher(dataclasses.replace(step.CONFIG, loss="release"), model)
    encoded = matcher.encode(matcher.show(step.make_batch(model=model)))
    photo, known = encoded.photos[0], encoded.labels.heading_known
    photo = Described.whole(photo.features)
    places = Described.whole(encoded.satellite)
    correlation = matcher._correlate(photo, places, torch.tensor(1.0), known)
    part = encoded.satellite[..., : photo.features.shape[-1]].flatten(1)
    expected = functional.normalize(photo.features.flatten(1)) @ functional.normalize(part).t()
    assert torch.allclose(correlation[..., 0], expected, atol=1e-5)


def test_stochastic_depth_is_a_choice_of_the_recipe(step: ModuleType) -> None:
    def dropped(share: float) -> list[float]:
        matcher = step.make_matcher(dataclasses.replace(step.CONFIG, stochastic_depth=share))
        modules = matcher.encoder.modules()
        return [one.p for one in modules if isinstance(one, StochasticDepth)]

    assert max(dropped(0.2)) == pytest.approx(0.2)
    assert max(dropped(0.0)) == 0.0


def test_shares_that_are_none_are_refused(step: ModuleType) -> None:
    nothing = ReferenceShares(si=0.0, all=0.0)
    with pytest.raises(ConfigError, match="shares"):
        step.make_matcher(dataclasses.replace(step.CONFIG, references=nothing))


@pytest.mark.parametrize("preset", ["paper", "release"])
def test_presets_are_trained_at_the_resolution_that_is_chosen(
    step: ModuleType, preset: str
) -> None:
    geometry = StripGeometry(height=64, width=64, satellite_px=32)
    model = dataclasses.replace(at_geometry(PRESETS[preset], geometry), backbone="atto")
    config = dataclasses.replace(step.CONFIG, layout_weight=0.0, windows_per_photo=1)
    matcher = step.make_matcher(config, model, labels=0)
    loss, _ = step.learn(matcher, matcher.show(step.make_batch(model=model, labels=0)))
    assert bool(torch.isfinite(loss))
