"""The street-view generator: learns, resumes, keeps away from test places, serves in a bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from model_core.bundle import init_bundle, load_bundle
from model_core.config import (
    LocateConfig,
    ModelConfig,
    StreetViewConfig,
    StripGeometry,
)
from model_core.errors import BundleError, ConfigError, InputError
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.gallery.around import LOOKS
from model_core.references.survey import Sources, survey_area
from model_core.scene import describe_gallery
from model_core.synthesis.fill_in import fill_in_street_views
from model_core.synthesis.panogan import PanoGANConfig, PanoGANGenerator
from model_core.types import AlignedReference, LonLat, Place, Strip
from training.checkpoint import restore_averaged
from training.cli import app
from training.datasets.places import PlaceSet
from training.datasets.rendered import load_rendered
from training.evaluation.galleries import Gallery, model_galleries
from training.generator_files import check_size, join_bundles, judge_generator, read_generator
from training.panogan import PanoGAN, PanoGANRecipe
from training.run_config import read_run_config
from training.street_classes import STREET_CLASSES, street_class_shares
from training.strip_pairs import (
    RandomRows,
    StripPairs,
    city_names,
    plain_batch,
    rows_apart,
    rows_of_city,
    strip_pairs,
    varied_batch,
)
from training.synthesis_report import make_strips
from training.synthetic_weight import (
    WeightFigures,
    best_weight,
    keep_weight,
    mixed_gallery,
    weigh_synthetic,
)
from training.train_panogan import PanoGANTrainConfig, train_panogan

CONFIGS = Path(__file__).resolve().parents[2] / "training" / "configs"
CPU = torch.device("cpu")
TINY = PanoGANConfig(channels=4, max_channels=16, levels=3, bottleneck_blocks=1, critic_channels=4)
FRAME = StripGeometry(height=16, width=32)


@pytest.fixture(scope="module")
def run(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "first"
    train_panogan(world / "train", world / "held_out", out, smoke(), CPU, say=lambda _: None)
    return out


@pytest.fixture(scope="module")
def places(world: Path) -> PlaceSet:
    return load_rendered(world / "train", smoke().model).take(np.arange(6))


def smoke(*options: str) -> PanoGANTrainConfig:
    return read_run_config(PanoGANTrainConfig, CONFIGS / "panogan_smoke.yaml", options)


def facing_halves(count: int = 2) -> StripPairs:
    """Strips whose street view is the satellite strip's colours, swapped and turned over."""
    chance = np.random.default_rng(5)
    satellite = np.repeat(np.repeat(chance.integers(0, 256, (count, 3, 2, 8)), 8, 2), 4, 3)
    street = satellite[:, ::-1, ::-1].copy()
    return StripPairs(
        torch.from_numpy(satellite.astype(np.uint8)),
        torch.from_numpy(street.astype(np.uint8)),
        torch.ones(count, FRAME.width, dtype=torch.bool),
        torch.zeros(count, 4, 16, dtype=torch.float16),
    )


def step_by_hand(
    module: PanoGAN, steps: int, told: Callable[[dict[str, float]], None] = lambda _: None
) -> None:
    """Do training steps without a trainer."""
    optimizer = module.configure_optimizers()
    module.optimizers = lambda *_: optimizer  # type: ignore[method-assign]
    module.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign]
    module.log_dict = told  # type: ignore[method-assign]
    for _ in range(steps):
        module.training_step(torch.arange(len(module.pairs)), 0)


def l1_of(module: PanoGAN) -> float:
    _, fine = make_strips(module.generator, module.pairs)
    return float((fine.float() - module.pairs.street.float()).abs().mean() / 255)


@pytest.mark.parametrize(
    ("changes", "generator"),
    [
        ({}, TINY),
        ({"half_precision": True}, TINY),
        ({"adversarial": "least_squares", "r1_weight": 1.0, "r1_every": 2}, TINY),
        ({"segmentation_weight": 1.0}, replace(TINY, segmentation_classes=6)),
    ],
    ids=["hinge", "hinge in half precision", "least squares with R1", "segmentation"],
)
def test_the_generator_learns_two_pairs_and_the_critic_learns_to_tell(changes, generator):
    torch.manual_seed(0)
    half = "half_precision" in changes
    options = {name: value for name, value in changes.items() if name != "half_precision"}
    quick = {"learning_rate": 3e-3, "decay_from": 1.0, "adversarial_warmup_steps": 1}
    recipe = PanoGANRecipe(steps=200, jitter=0.0, **quick, **options)
    module = PanoGAN(generator, recipe, facing_halves(), FRAME, half_precision=half)
    critic_before = {k: v.clone() for k, v in module.critic.state_dict().items()}
    before = l1_of(module)
    module.train()
    step_by_hand(module, 40)
    assert l1_of(module) < 0.7 * before
    moved = [
        k for k, v in module.critic.state_dict().items() if not torch.equal(v, critic_before[k])
    ]
    assert len(moved) == len(critic_before)


def test_what_a_matcher_sees_teaches_the_generator_and_the_matcher_stays(places: PlaceSet):
    torch.manual_seed(0)
    judge = PlaceEncoder(ModelConfig()).eval()
    before = {name: value.clone() for name, value in judge.state_dict().items()}
    pairs = strip_pairs(places.take(np.arange(2)), StripGeometry(), CPU)
    only_seen = {"l1_weight": 0.0, "adversarial_weight": 0.0, "feature_weight": 0.0}
    recipe = PanoGANRecipe(perceptual_weight=1.0, learning_rate=2e-3, jitter=0.0, **only_seen)
    module = PanoGAN(TINY, recipe, pairs, StripGeometry(), judge=judge)
    told: list[float] = []
    step_by_hand(module, 8, lambda losses: told.append(float(losses["perceptual"])))
    assert told[-1] < 0.9 * told[0]
    assert all(torch.equal(value, before[name]) for name, value in judge.state_dict().items())
    assert not any("judge" in name for name in module.state_dict())


def test_unseen_columns_of_a_street_view_teach_nothing():
    torch.manual_seed(0)
    hidden = facing_halves()
    hidden.seen[:, 8:24] = False
    other = replace(hidden, street=hidden.street.clone())
    hidden.street[..., 8:24] = 0
    other.street[..., 8:24] = 200
    left = []
    for pairs in (hidden, other):
        torch.manual_seed(1)
        module = PanoGAN(TINY, PanoGANRecipe(jitter=0.0), pairs, FRAME)
        torch.manual_seed(2)
        step_by_hand(module, 2)
        left.append(module.generator.state_dict())
    for name, value in left[0].items():
        torch.testing.assert_close(value, left[1][name], atol=1e-6, rtol=0)


def test_two_steps_from_a_config_file_leave_a_run_that_can_be_read(run: Path):
    figures = json.loads((run / "history.json").read_text())
    assert [entry["step"] for entry in figures] == [2]
    assert {"critic", "l1", "adversarial", "features"} <= set(figures[0]["losses"])
    table = json.loads((run / "synthesis.json").read_text())
    assert [row["name"] for row in table["rows"]][2:] == [
        "mean street view",
        "the satellite strip itself",
    ]
    assert (run / "pictures" / "step_000002.png").read_bytes().startswith(b"\x89PNG")
    assert list((run / "tensorboard").glob("events.*"))
    generator = read_generator(run, CPU)
    assert (run / "generator.safetensors").stat().st_size < 2.2 * sum(
        p.numel() for p in generator.parameters()
    )


def test_a_run_resumes_where_it_was_stopped_and_refuses_another_config(world: Path, tmp_path: Path):
    lines: list[str] = []
    data = (world / "train", world / "held_out", tmp_path / "run")
    config = smoke("recipe.steps=4")
    train_panogan(*data, config, CPU, minutes=1e-4, say=lines.append)
    whole = tmp_path / "whole"
    train_panogan(*data[:2], whole, config, CPU, say=lines.append)
    stopped = json.loads((tmp_path / "run" / "history.json").read_text())[-1]["step"]
    assert stopped < 4
    train_panogan(*data, config, CPU, resume=True, say=lines.append)
    steps = [e["step"] for e in json.loads((tmp_path / "run" / "history.json").read_text())]
    assert steps[-1] == 4
    assert steps == sorted(set(steps))
    ended, resumed = (load_file(run / "last.safetensors") for run in (whole, data[2]))
    assert set(ended) == set(resumed)
    for name, value in ended.items():
        assert torch.allclose(value, resumed[name], atol=1e-6, rtol=0.0), name
    with pytest.raises(ConfigError, match=r"as --data: \d+ of train there, \d+ of held_out here"):
        train_panogan(*data[1:2] * 2, data[2], config, CPU, resume=True, say=lines.append)
    with pytest.raises(ConfigError, match=r"recipe\.steps is 4 there, 5 here"):
        train_panogan(*data, smoke("recipe.steps=5"), CPU, resume=True, say=lines.append)
    with pytest.raises(ConfigError, match="--resume"):
        train_panogan(*data, config, CPU, say=lines.append)


def test_a_run_stops_when_strips_get_no_more_alike_and_keeps_the_best(world: Path, tmp_path: Path):
    options = ("recipe.steps=9", "recipe.learning_rate=0", "evaluate_every=1", "patience=2")
    data = (world / "train", world / "held_out", tmp_path / "run")
    still = smoke(*options, "recipe.critic_learning_rate=0")
    train_panogan(*data, still, CPU, say=list[str]().append)
    entries = json.loads((data[2] / "history.json").read_text())
    assert [entry["step"] for entry in entries] == [1, 2, 3]
    best = PanoGANGenerator(still.generator)
    assert restore_averaged(data[2] / "best.safetensors", best) == 1
    written = read_generator(data[2], CPU).state_dict()
    assert all(torch.equal(v.half(), written[k].half()) for k, v in best.state_dict().items())


def test_several_processes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="one process and torchrun started 2"):
        train_panogan(tmp_path, tmp_path, tmp_path / "run", smoke(), CPU)
    assert not (tmp_path / "run").exists()


def test_places_near_a_test_place_of_the_same_city_are_left_out(
    places: PlaceSet, world: Path, tmp_path: Path
):
    test = places.take(np.array([0]))
    moved = replace(places, place_xy=places.place_xy[:1] + np.float32([[0, 0]] * len(places)))
    moved.place_xy[:, 0] += np.float32([0, 10, 49, 51, 100, 300])[: len(places)]
    names = {0: "city_00003"}
    assert rows_apart(moved, names, test, names, 50.0).tolist() == [3, 4, 5][: len(places) - 3]
    elsewhere = rows_apart(moved, names, test, {0: "city_00007"}, 50.0)
    assert len(elsewhere) == len(places)
    folder, far = world / "train", smoke("exclude_near_m=5000")
    with pytest.raises(InputError, match="within 5000 m of a test place"):
        train_panogan(folder, folder, tmp_path / "run", far, CPU, say=print)


def test_one_folder_is_parted_so_that_what_is_judged_by_is_not_learned(world: Path, tmp_path: Path):
    lines: list[str] = []
    folder = world / "train"
    train_panogan(folder, folder, tmp_path / "run", smoke("recipe.steps=1"), CPU, say=lines.append)
    judged = json.loads((tmp_path / "run" / "synthesis.json").read_text())["places"]
    learned = int(lines[0].split()[0])
    whole = load_rendered(folder, smoke().model)
    assert 0 < judged < learned < int(whole.street_seen.any(axis=1).sum())


def test_one_city_is_chosen_by_name_or_number(places: PlaceSet, world: Path):
    names = city_names(world / "train", places)
    assert names == {0: "city_00003"}
    assert len(rows_of_city(names, places, "3")) == len(places)
    with pytest.raises(InputError, match="city_00003"):
        rows_of_city(names, places, "4")


def test_only_places_with_a_street_view_are_learned_from(places: PlaceSet):
    seen = np.ones_like(places.street_seen)
    seen[1] = False
    pairs = strip_pairs(replace(places, street_seen=seen), StripGeometry(), CPU)
    assert len(pairs) == len(places) - 1
    with pytest.raises(InputError, match="street view"):
        strip_pairs(replace(places, street_seen=seen & False), StripGeometry(), CPU)


def test_a_satellite_strip_is_centred_where_its_street_view_was_taken(places: PlaceSet):
    """An image of one bright spot: seen from a point beside it, the spot lies the other way."""
    geometry, count = StripGeometry(), len(places)
    spot = np.zeros_like(places.satellite)
    middle = spot.shape[1] // 2
    spot[:, middle - 8 : middle + 8, middle - 8 : middle + 8] = 255
    east = np.tile(np.array([8.0, 0.0], np.float32), (count, 1))
    moved = replace(
        places,
        satellite=spot,
        street_seen=np.ones_like(places.street_seen),
        street_offset_m=0.5 * east,
        imagery_shift_m=0.5 * east,
    )
    strips = strip_pairs(moved, geometry, CPU).satellite.float().mean((1, 2))
    west = slice(geometry.width * 5 // 8, geometry.width * 7 // 8)
    assert bool((strips[:, west].mean(1) > 4 * strips[:, : geometry.width // 2].mean(1)).all())
    far = replace(moved, street_offset_m=10 * east)
    assert strip_pairs(far, geometry, CPU).satellite.shape == (count, 3, 64, 128)


def test_both_strips_of_a_pair_and_their_labels_turn_and_mirror_together():
    columns = torch.arange(32, dtype=torch.uint8).expand(6, 3, 16, 32).clone()
    bins = torch.arange(8).repeat_interleave(1).view(1, 8, 1).expand(6, 8, 16).half()
    pairs = StripPairs(columns, columns.clone(), torch.ones(6, 32, dtype=torch.bool), bins)
    batch = varied_batch(pairs, 0.0, torch.Generator().manual_seed(3))
    torch.testing.assert_close(batch.satellite, batch.street)
    shown = ((batch.street[:, 0, 0] + 1) * 127.5).round()
    assert {tuple(row.tolist()) for row in shown} != {tuple(range(32))}
    torch.testing.assert_close(shown.view(6, 8, 4).mean(2), batch.layout[..., 0] * 4 + 1.5)
    torch.testing.assert_close(plain_batch(pairs).street[0, 0, 0, 0], torch.tensor(-1.0))


def test_every_pair_comes_once_before_any_comes_again():
    rows = iter(RandomRows(facing_halves(6), batch=2, seed=1))
    first = torch.cat([next(rows) for _ in range(3)])
    assert sorted(first.tolist()) == list(range(6))
    later = iter(RandomRows(facing_halves(6), batch=2, seed=1, first_step=2))
    assert next(later).tolist() == first[4:].tolist()
    assert [next(later).tolist() for _ in range(4)] == [next(rows).tolist() for _ in range(4)]


def test_a_wall_near_by_is_building_up_to_its_skyline_and_down_to_its_foot():
    layout = torch.zeros(1, 4, 16)
    layout[..., 0] = np.log(10.0)
    layout[..., 1] = np.radians(20.0)
    layout[..., 4::4] = 1.0
    layout[:, 0, 1] = 0.0
    geometry = StripGeometry()
    shares = street_class_shares(layout, geometry)
    torch.testing.assert_close(shares.sum(1), torch.ones_like(shares[:, 0]))
    kind = shares[0].argmax(0)
    elevation = 40 - (np.arange(64) + 0.5) * 70 / 64
    walled, open_ = kind[:, -1].numpy(), kind[:, 0].numpy()
    building = STREET_CLASSES.index("building")
    foot_deg = -np.degrees(np.arctan(2 / 10))
    np.testing.assert_array_equal(walled == building, (elevation < 20) & (elevation > foot_deg))
    assert not (open_ == building).any()
    assert (open_[elevation < 0] == STREET_CLASSES.index("road")).all()


def test_the_default_generator_fits_into_five_megabytes_and_larger_ones_are_refused():
    assert check_size(PanoGANConfig()) <= 5_000_000
    with pytest.raises(ConfigError, match="MB"):
        check_size(PanoGANConfig(channels=64, max_channels=512))


def test_an_unknown_option_or_loss_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"recipe\.stepz"):
        smoke("recipe.stepz=3")
    with pytest.raises(ConfigError, match="hinge"):
        PanoGAN(TINY, PanoGANRecipe(adversarial="wasserstein"), facing_halves(), FRAME)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="perceptual_bundle"):
        PanoGAN(TINY, PanoGANRecipe(perceptual_weight=1.0), facing_halves(), FRAME)
    with pytest.raises(BundleError, match="panogan"):
        read_generator(tmp_path, CPU)


@pytest.fixture(scope="module")
def bundle_with_generator(world: Path, run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    matcher = init_bundle(folder / "matcher")
    return join_bundles(matcher, run, folder / "both")


def test_a_bundle_with_the_generator_fills_in_a_missing_street_view(
    bundle_with_generator: Path, world: Path, tmp_path: Path
):
    model = load_bundle(bundle_with_generator)
    made = model.card.partition("Made street views")[2]
    assert "| train | rendered by" in made, "whose data the generator learned from"
    assert model.training["synthesis"]["sources"][0]["cities"] == 1
    held_out = load_rendered(world / "held_out", model.config)
    assert model.training["synthesis"]["places"] == held_out.street_seen.any(axis=1).sum()
    chance = np.random.default_rng(1)
    pixels = chance.integers(0, 256, (64, 128, 3), dtype=np.uint8)
    strip = Strip(pixels, np.ones((64, 128), bool), 0.0)
    reference = AlignedReference(Place(0, "p0", LonLat(0.0, 0.0)), strip, None)
    (filled,) = fill_in_street_views([reference], model.generator, "synthetic", CPU)
    assert filled.street_view_kind == "synthetic"
    assert filled.street_strip is not None
    assert filled.street_strip.pixels.std() > 0
    judged = judge_generator(
        world / "held_out", tmp_path, CPU, bundle=bundle_with_generator, classifier=False
    )
    assert judged.rows[0].pixels.ssim == pytest.approx(
        model.training["synthesis"]["rows"][0]["pixels"]["ssim"], abs=1e-3
    )
    assert (tmp_path / "synthesis.png").stat().st_size > 0


def test_a_generator_joins_a_bundle_whose_run_is_not_there(
    bundle_with_generator: Path, run: Path, tmp_path: Path
):
    matcher = bundle_with_generator.parent / "matcher"
    words = ["--bundle", matcher, "--generator", run, "--out", tmp_path / "both"]
    result = CliRunner().invoke(app, ["export", *map(str, words)])
    assert result.exit_code == 0, result.output
    joined, apart = load_bundle(tmp_path / "both"), load_bundle(bundle_with_generator)
    assert joined.generator_hash == apart.generator_hash
    assert joined.model_hash == load_bundle(matcher).model_hash
    assert "Made street views" in joined.card


def test_a_gallery_of_another_generator_is_another_gallery(
    bundle_with_generator: Path, repository: Path, tmp_path: Path
):
    demo = repository / "resources" / "demo"
    made = LocateConfig(street_view=StreetViewConfig(policy="synthetic"))
    sources = Sources(imagery=str(demo / "imagery.tif"), roads=str(demo / "roads.geojson"))
    survey = survey_area(str(demo / "area.geojson"), sources, made)
    model = load_bundle(bundle_with_generator)
    assert model.generator_hash
    other = replace(model, generator_hash="of another file")
    copy = Path(shutil.copytree(bundle_with_generator, tmp_path / "weighed"))
    keep_weight(load_bundle(copy), 0.5)
    weighed = load_bundle(copy)
    assert weighed.model_hash == model.model_hash
    for changed in (other, weighed):
        for config, same in ((made, False), (LocateConfig(), True)):
            galleries = {
                describe_gallery(survey, None, bundle, config).fingerprint
                for bundle in (model, changed)
            }
            assert (len(galleries) == 1) is same


def test_made_street_views_of_little_weight_leave_places_to_their_satellite_images(
    places: PlaceSet,
):
    torch.manual_seed(1)
    config = ModelConfig(fusion="linear")
    encoder = PlaceEncoder(config).eval()

    def galleries(weight: float) -> tuple[Gallery, Gallery]:
        torch.manual_seed(2)
        generator = PanoGANGenerator(replace(TINY, weight=weight))
        found = model_galleries(
            encoder, config, places, np.arange(4), ("hybrid", "synthetic"), generator, CPU, True
        )
        return found["both", "hybrid"], found["both", "synthetic"]

    def looks(gallery: Gallery) -> list[torch.Tensor]:
        assert gallery.otherwise is not None
        return [look.features for look in (gallery.otherwise, *gallery.beside)]

    with torch.inference_mode():
        hybrid, light = galleries(1e-3)
        _, heavy = galleries(1.0)
        _, half = galleries(0.5)
        mixed = mixed_gallery(hybrid, heavy, 0.5)
    for one, other in zip(looks(half), looks(mixed), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    assert len(looks(hybrid)) == len(looks(light)) == 1 + LOOKS
    for alone, little, much in zip(looks(hybrid), looks(light), looks(heavy), strict=True):
        torch.testing.assert_close(little, alone, atol=1e-4, rtol=1e-3)
        assert float((much - alone).abs().max()) > 1e-2
    assert not torch.equal(looks(heavy)[1], looks(heavy)[2])
    torch.testing.assert_close(light.described.features, heavy.described.features)
    with pytest.raises(ConfigError, match="weight"):
        PanoGANGenerator(replace(TINY, weight=0.0))


def test_the_weight_under_which_photos_rank_highest_goes_into_the_bundle(
    bundle_with_generator: Path, world: Path, tmp_path: Path
):
    bundle = Path(shutil.copytree(bundle_with_generator, tmp_path / "both"))
    before = load_bundle(bundle)
    words = ["--data", world / "held_out", "--bundle", bundle, "--device", "cpu", "--write"]
    weigh = ["weigh-synthetic", *map(str, words), "--weights"]
    result = CliRunner().invoke(app, [*weigh, "0.3,0.6"])
    assert result.exit_code == 0, result.output
    assert "none made" in result.output
    after = load_bundle(bundle)
    assert before.generator is not None
    assert after.generator is not None
    assert after.generator.config.weight in (0.3, 0.6)
    assert (after.model_hash, after.card) == (before.model_hash, before.card)
    for new, old in zip(after.generator.parameters(), before.generator.parameters(), strict=True):
        assert torch.equal(new, old)
    for weights, word in (("much", "numbers"), ("0.3,1.2", "weight")):
        refused = CliRunner().invoke(app, [*weigh, weights])
        assert refused.exit_code == 2
        assert word in refused.output
    with pytest.raises(BundleError, match="no street-view generator"):
        weigh_synthetic(replace(before, generator=None), world / "held_out", (1.0,), "cpu")


def test_a_made_street_view_that_helps_gets_more_weight_than_one_that_harms():
    even = WeightFigures(0.0, 0.5, 0.4, 0.6, 0.4, 0.4)
    rising = [replace(even, weight=w, reciprocal_rank=0.4 + w / 10) for w in (0.2, 0.5, 1.0)]
    falling = [replace(even, weight=w, reciprocal_rank=0.5 - w / 10) for w in (0.2, 0.5, 1.0)]
    assert best_weight([even, *rising]) == 1.0
    assert best_weight([even, *falling]) == 0.2


def test_the_commands_say_what_is_wrong_in_one_line(tmp_path: Path):
    paths = ["--data", str(tmp_path), "--held-out", str(tmp_path), "--out", str(tmp_path / "run")]
    alone = CliRunner().invoke(app, ["export", "--bundle", "matcher", "--out", "both"])
    assert alone.exit_code == 2
    assert "--generator" in alone.output
    half = CliRunner().invoke(app, ["panogan", *paths, "--bundle", "matcher"])
    assert half.exit_code == 2
    assert "belong together" in half.output
    empty = CliRunner().invoke(app, ["panogan", *paths, "--device", "cpu"])
    assert empty.exit_code == 2
    assert "holds no rendered city" in " ".join(empty.output.split())
    neither = CliRunner().invoke(app, ["synthesis", "--data", "x", "--out", "y"])
    assert neither.exit_code == 2
    assert "--bundle or --run" in neither.output
