"""Teaching each side apart: stages, what they leave alone, and the bundle at the end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from model_core.bundle import default_bundle_path, load_bundle
from model_core.config import ModelConfig, PlaceConfig, StripGeometry
from model_core.errors import ConfigError
from training.datasets.rendered import load_galleries, render_dataset
from training.heads import HeadsConfig
from training.layout_teacher import GroundConfig, LayoutTeacher
from training.teach import teach
from training.train import TrainConfig

CONFIG = TrainConfig(
    model=ModelConfig(shared_weights="ground"),
    ground=GroundConfig(steps=2, batch=6),
    heads=HeadsConfig(steps=2, cities=1, windows=2),
)


def test_a_teacher_begins_with_the_labels_themselves_and_turns_with_the_circle():
    torch.manual_seed(0)
    teacher = LayoutTeacher(labels=4, rows=12, channels=8)
    layout = torch.randn(3, 16, 4)
    features = teacher(layout)
    assert features.shape == (3, 12, 1, 16)
    with torch.no_grad():
        teacher.out.weight.zero_()
        teacher.out.bias.zero_()
        teacher.plain.bias.zero_()
    assert torch.allclose(teacher(layout)[:, :4, 0], layout.permute(0, 2, 1))
    turned = teacher(layout.roll(5, dims=1))
    assert torch.allclose(turned, teacher(layout).roll(5, dims=-1), atol=1e-6)


def write_half(_: object, path: Path) -> None:
    path.write_bytes(b"half")
    raise KeyboardInterrupt


@pytest.fixture
def computed_in() -> Iterator[set[torch.dtype]]:
    """The precisions of all convolutions of networks that are being trained."""
    found: set[torch.dtype] = set()

    def note(module: nn.Module, _: object, result: torch.Tensor) -> None:
        if module.training and isinstance(module, nn.Conv2d):
            found.add(result.dtype)

    watched = nn.modules.module.register_module_forward_hook(note)
    yield found
    watched.remove()


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sides")
    cpu = torch.device("cpu")
    render_dataset(folder / "train", [3], 8, StripGeometry(), cpu)
    laid = PlaceConfig(spacing_m=40.0, grid_spacing_m=60.0)
    render_dataset(folder / "held_out", [2101], 6, StripGeometry(), cpu, gallery=laid)
    return folder


@pytest.mark.slow
def test_stages_make_a_bundle_and_are_not_done_twice(
    rendered: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    computed_in: set[torch.dtype],
):
    lines: list[str] = []
    data = (rendered / "train", rendered / "held_out")
    config = replace(CONFIG, precision="32-true")
    with monkeypatch.context() as killed:
        killed.setattr("training.teach.save_file", write_half)
        with pytest.raises(KeyboardInterrupt):
            teach(*data, tmp_path / "run", config, lines.append)
    assert not list((tmp_path / "run").glob("*.safetensors"))
    bundle = teach(*data, tmp_path / "run", config, lines.append)
    assert computed_in == {torch.float32}
    model = load_bundle(bundle)
    assert set(model.encoder.branches) == {"ground", "satellite"}
    kinds = {figures["kind"] for figures in model.training["held_out"]}
    assert kinds == {"si", "svi", "both", "road"}
    again = teach(*data, tmp_path / "run", config, lines.append)
    assert load_bundle(again).model_hash == model.model_hash


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["all", "fusion"])
def test_heads_alone_are_trained_from_packaged_weights(
    rendered: Path, tmp_path: Path, trained: str
):
    packaged = load_bundle(default_bundle_path())
    config = replace(
        CONFIG,
        start_from="packaged",
        model=packaged.config,
        ground=replace(CONFIG.ground, steps=0),
        heads=replace(CONFIG.heads, trained=trained, learning_rate=0.5),
    )
    before = packaged.encoder.state_dict()
    data = (rendered / "train", rendered / "held_out")
    made = load_bundle(teach(*data, tmp_path / "run", config, print))
    assert made.training["before"][0]["steps"] == packaged.training["steps"]
    assert "python -m training teach" in made.card
    stages = made.card.partition("The weights it began with had learned from")[2]
    for source in packaged.training["sources"]:
        assert f"| {source['provider']} | {source['licence']} |" in stages
    after = made.encoder.state_dict()
    assert set(before) == set(after)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("fusion.") for name in changed)
    assert any(".head." in name for name in changed) == (trained == "all")
    assert all(name.startswith("fusion.") or ".head." in name for name in changed)


@pytest.mark.slow
def test_another_fusion_than_the_packaged_one_begins_anew(rendered: Path, tmp_path: Path):
    config = replace(
        CONFIG,
        start_from="packaged",
        model=replace(CONFIG.model, fusion="awa"),
        ground=replace(CONFIG.ground, steps=0),
        heads=replace(CONFIG.heads, trained="fusion"),
    )
    data = (rendered / "train", rendered / "held_out")
    made = load_bundle(teach(*data, tmp_path / "run", config, print))
    packaged = load_bundle(default_bundle_path()).encoder.branches.state_dict()
    assert made.config.fusion == "awa"
    for name, value in made.encoder.branches.state_dict().items():
        assert torch.equal(value, packaged[name]), name


@pytest.mark.slow
def test_a_held_out_city_has_satellite_images_where_a_search_looks(rendered: Path):
    gallery = load_galleries(rendered / "held_out")[0]
    assert gallery.satellite.shape[1:] == (160, 160, 3)
    gaps = np.linalg.norm(gallery.place_xy[:, None] - gallery.place_xy[None], axis=-1)
    assert len(gallery.satellite) == len(gallery.place_xy) > 4
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 0.0
    assert load_galleries(rendered / "train") == {}


def test_sides_that_share_their_weights_cannot_be_taught_apart(tmp_path: Path):
    with pytest.raises(ConfigError, match="shared_weights"):
        teach(tmp_path, tmp_path, tmp_path / "run", replace(CONFIG, model=ModelConfig()), print)
