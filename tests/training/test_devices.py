"""What would fail or stall on a GPU, found without one.

A tensor here says that it lies on a GPU and is computed on the processor. Tensors of two devices in
one operation and chance of another device than its numbers are errors as they are there, and every
time that the processor would have to wait for a GPU is noted. Gradients alone are not taken: the
engine that takes them asks the driver.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from model_core.config import ModelConfig, PlaceConfig, StripGeometry
from training.datasets.rendered import load_galleries, load_rendered, render_dataset
from training.datasets.resident import ResidentPlaces
from training.evaluate import evaluate_matcher
from training.matcher import Matcher, MatcherConfig, ReferenceShares
from training.mining import mine_hard_negatives
from training.world.samples import render_city_samples

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason="there is a GPU, which finds all of this by itself"
)

GPU = torch.device("cuda", 0)
CPU = torch.device("cpu")
RealGenerator = torch.Generator
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "_unique2"}
INDEXING = {"index", "index_put", "_index_put_impl"}


class OtherDevice(RuntimeError):
    """An operation on tensors of two devices."""


class Pretended(torch.Tensor):
    """A tensor that says it lies on a GPU."""

    held: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "Pretended":
        tensor = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=GPU,
        )
        tensor.held = held
        return tensor

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})


class Operations(TorchDispatchMode):
    """Sees every operation, those that make new tensors among them."""

    def __init__(self, waits: Counter[str]):
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            with self:
                return func.decompose(*args, **kwargs)
        name = why_it_waits(func, args, kwargs)
        if name:
            self.waits[name] += 1
        return run(func, args, kwargs)


def why_it_waits(func: Any, args: Any, kwargs: Any) -> str:
    """Return what the processor would wait for, nothing where it goes on."""
    name = func._schema.name.split("::")[1].rstrip("_")
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    pretended = [isinstance(tensor, Pretended) for tensor in tensors]
    if name in ("_to_copy", "copy"):
        there = is_gpu(kwargs.get("device")) or pretended[0]
        here = not all(pretended) or (kwargs.get("device") == CPU)
        late = kwargs.get("non_blocking") or (len(args) > 2 and args[2])
        return f"{name} between devices" if there and here and not late else ""
    if not any(pretended):
        return ""
    by_mask = name in INDEXING and any(
        isinstance(index, torch.Tensor) and index.dtype == torch.bool for index in args[1]
    )
    return name if name in WAITING or by_mask else ""


def is_gpu(device: Any) -> bool:
    return device is not None and torch.device(device).type == "cuda"


def run(func: Any, args: Any, kwargs: Any) -> Any:
    """Return what an operation gives, on the device where it would be."""
    name = func._schema.name.split("::")[1]
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    pretended = {id(t.held): t for t in tensors if isinstance(t, Pretended)}
    plain = [t for t in tensors if not isinstance(t, Pretended) and t.dim()]
    copies = name in ("copy_", "_to_copy")
    indexes = name.rstrip("_") in INDEXING and isinstance(args[0], Pretended)
    if pretended and plain and not copies and not indexes:
        shapes = [(tuple(t.shape), t.device.type) for t in tensors]
        raise OtherDevice(f"{func} on tensors of two devices: {shapes}")
    asked = kwargs.get("device")
    on_gpu = bool(pretended) if asked is None else is_gpu(asked)
    here = {**kwargs, **({"device": CPU} if asked is not None else {})}
    here.update({key: False for key in ("non_blocking", "pin_memory") if kwargs.get(key)})
    inference = torch.is_inference_mode_enabled()
    outside = torch.inference_mode(False) if inference else contextlib.nullcontext()
    with outside, torch._C._AutoDispatchBelowAutograd():
        plain_args, plain_kwargs = tree_map(held_of, (tuple(args), here))
        result = func(*plain_args, **plain_kwargs)
        if func._schema.is_mutable:
            return None if result is None else kwargs.get("out", args[0])
        if not on_gpu:
            return result
        return tree_map(
            lambda t: (
                pretended[id(t)]
                if id(t) in pretended
                else Pretended(t)
                if isinstance(t, torch.Tensor)
                else t
            ),
            result,
        )


def held_of(value: Any) -> Any:
    return value.held if isinstance(value, Pretended) else value


class PretendedGenerator(RealGenerator):
    """A source of chance that says it lies on a device."""

    def __new__(cls, device: Any = "cpu") -> "PretendedGenerator":
        made = RealGenerator.__new__(cls, "cpu")
        made.where = torch.device(device)
        return made

    def __init__(self, device: Any = "cpu") -> None:
        """Nothing is left to do."""

    @property
    def device(self) -> torch.device:
        return self.where


class Calls(TorchFunctionMode):
    """Keeps torch from asking the driver for new tensors; checks where chance comes from."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor) and is_gpu(kwargs.get("device")):
            device = kwargs.pop("device")
            return func(*args, **kwargs).to(device)
        if func is torch.Tensor.new_tensor and is_gpu(args[0].device):
            return torch.tensor(args[1], dtype=args[0].dtype).to(args[0].device)
        result = func(*args, **kwargs)
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        for value in (*args, *kwargs.values()):
            chance = isinstance(value, RealGenerator)
            if chance and any(t.device.type != value.device.type for t in made):
                raise OtherDevice(f"{func}: chance on {value.device} for another device")
        return result


@pytest.fixture(scope="module")
def waits() -> Iterator[Counter[str]]:
    """Pretend that there is a GPU; what the processor would wait for is counted."""
    torch._C._ensureCUDADeviceGuardSet()
    noted: Counter[str] = Counter()
    patches: dict[str, Any] = {
        "torch.cuda._lazy_init": lambda: None,
        "torch.cuda.is_available": lambda: True,
        "torch.cuda.device_count": lambda: 1,
        "torch.cuda.is_bf16_supported": lambda *_, **__: True,
        "torch.cuda.mem_get_info": lambda *_: (70 << 30, 80 << 30),
        "torch.Generator": PretendedGenerator,
    }
    kept = torch.__future__.get_overwrite_module_params_on_conversion()
    with contextlib.ExitStack() as stack:
        for name, stand_in in patches.items():
            stack.enter_context(mock.patch(name, stand_in))
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, kept)
        stack.enter_context(Calls())
        stack.enter_context(Operations(noted))
        yield noted


@pytest.fixture(scope="module")
def world(waits: Counter[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny city with a gallery, rendered on the pretended GPU."""
    folder = tmp_path_factory.mktemp("world")
    render_dataset(folder, [4100], 5, StripGeometry(), GPU, gallery=PlaceConfig(spacing_m=60.0))
    return folder


@pytest.fixture(scope="module")
def matcher(waits: Counter[str], world: Path) -> Matcher:
    places = load_rendered(world, ModelConfig())
    recipe = MatcherConfig(references=ReferenceShares(si=0.0, all=1.0))
    return Matcher(ModelConfig(), recipe, *places.layout_statistics()).to(GPU)


def test_tensors_of_two_devices_are_told_apart(waits: Counter[str]):
    there = torch.ones(3, device=GPU)
    with pytest.raises(OtherDevice):
        there + torch.ones(3)
    with pytest.raises(OtherDevice):
        torch.rand(3, generator=torch.Generator(), device=GPU)
    waits.clear()
    assert math.isclose(float((there * 2).sum()), 6.0)
    assert waits == {"_local_scalar_dense": 1}
    torch.tensor([1.0, 2.0], device=GPU)
    assert waits["_to_copy between devices"] == 1


@pytest.mark.parametrize("state", ["flood", "night"])
def test_views_and_imagery_are_rendered_on_the_gpu(waits: Counter[str], state: str):
    samples = render_city_samples(4100, 1, StripGeometry(), GPU, 1, state=state)
    assert samples.query[0, 0].std() > 5
    assert samples.satellite[0].std() > 5
    assert np.isfinite(samples.layout).all()


def test_a_training_step_never_waits_for_the_gpu(
    waits: Counter[str], world: Path, matcher: Matcher
):
    batches = iter(ResidentPlaces(load_rendered(world, ModelConfig()), 5, 1, 0, GPU))

    def loss() -> torch.Tensor:
        batch = next(batches)
        with torch.autocast("cuda", torch.bfloat16):
            return matcher.loss_of(matcher.encode(matcher.show(batch)))[0]

    loss()  # constants are sent once
    waits.clear()
    found = loss()
    assert not waits
    assert found.dtype == torch.float32
    assert math.isfinite(float(found.detach()))


def test_photos_are_located_and_negatives_mined_on_the_gpu(
    waits: Counter[str], world: Path, matcher: Matcher
):
    places = load_rendered(world, ModelConfig())
    recalls = evaluate_matcher(
        matcher.averaged,
        ModelConfig(),
        places,
        ((90.0, 90.0),),
        device=GPU,
        galleries=load_galleries(world),
    )
    assert {recall.kind for recall in recalls} == {"si", "svi", "both", "road"}
    mined = mine_hard_negatives(matcher, ResidentPlaces(places, 5, 1, 0, GPU), 2, 90.0, 0)
    assert mined.shape == (5, 2)
    assert mined.is_cuda
