"""A training run on disk: weights and optimiser in safetensors, the rest in their metadata.

Written under a temporary name and renamed, so a killed run leaves a whole checkpoint. Chance needs
no state: it is a function of the seed and the step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model_core.errors import InputError

_MODULE = "module."
_OPTIMIZER = "optimizer."
_STREAM = "stream."
AVERAGED = _MODULE + "averaged."


def write_checkpoint(
    path: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    stream: Mapping[str, Tensor] | None = None,
) -> None:
    """Write weights, optimiser state, the stream of batches and the number of steps done.

    Args:
        path: A ``.safetensors`` file.
        module: Everything that is trained or averaged.
        optimizer: Its optimiser.
        step: Optimiser steps done since the run began; the schedules follow from it.
        stream: What the batches go on from.
    """
    tensors = {_MODULE + name: tensor for name, tensor in module.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"{_OPTIMIZER}{number}.{name}"] = torch.as_tensor(value)
    for name, tensor in (stream or {}).items():
        tensors[_STREAM + name] = tensor
    _write(path, tensors, step)


def write_averaged(path: Path, encoder: nn.Module, step: int) -> None:
    """Write a trained encoder alone, as the averaged weights of a run's checkpoint."""
    state = encoder.state_dict().items()
    _write(path, {AVERAGED + name: tensor for name, tensor in state}, step)


def _write(path: Path, tensors: Mapping[str, Tensor], step: int) -> None:
    packed = {name: t.detach().contiguous().clone() for name, t in tensors.items()}
    partial = path.with_suffix(".partial")
    save_file(packed, partial, metadata={"run": json.dumps({"step": step})})
    partial.replace(path)


def restore_module(path: Path, module: nn.Module) -> int:
    """Restore the weights of a run and return the number of steps it has done.

    Raises:
        InputError: The file is missing, damaged or of another model.
    """
    return _restore(path, module, _MODULE)


def restore_averaged(path: Path, encoder: nn.Module) -> int:
    """Fill an encoder with a run's averaged weights and return the number of steps it has done.

    Raises:
        InputError: The file is missing, damaged or of another model.
    """
    return _restore(path, encoder, AVERAGED)


def _restore(path: Path, module: nn.Module, prefix: str) -> int:
    try:
        with safe_open(path, framework="pt") as file:
            step = int(json.loads(file.metadata()["run"])["step"])
        module.load_state_dict(_tensors(path, prefix))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as err:
        raise InputError(
            f"{path} is no checkpoint of this run ({err}); start again in a new folder"
        ) from err
    return step


def restore_optimizer(path: Path, optimizer: torch.optim.Optimizer) -> None:
    """Restore the optimiser's state from a checkpoint that ``restore_module`` could read."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _tensors(path, _OPTIMIZER).items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    # A fused step walks a parameter and its averages in one order, so they must lie alike.
    for parameter, held in optimizer.state.items():
        for name, value in held.items():
            if value.shape == parameter.shape:
                held[name] = torch.empty_like(parameter).copy_(value)


def restore_stream(path: Path) -> dict[str, Tensor]:
    """Return what the batches go on from, of a checkpoint that ``restore_module`` could read."""
    return _tensors(path, _STREAM)


def _tensors(path: Path, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in load_file(path).items()
        if name.startswith(prefix)
    }
