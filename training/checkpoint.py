"""A training run on disk: weights and optimiser in safetensors, the rest in their metadata.

Written under a temporary name and renamed, so a killed run leaves a whole checkpoint.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from model_core.errors import InputError

_MODULE = "module."
_OPTIMIZER = "optimizer."


def write_checkpoint(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, step: int
) -> None:
    """Write weights, optimiser state and the number of steps done.

    Args:
        path: A ``.safetensors`` file.
        module: Everything that is trained or averaged.
        optimizer: Its optimiser.
        step: Optimiser steps done since the run began.
    """
    tensors = {
        _MODULE + name: tensor.detach().contiguous().clone()
        for name, tensor in module.state_dict().items()
    }
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensor = torch.as_tensor(value)
            tensors[f"{_OPTIMIZER}{number}.{name}"] = tensor.detach().contiguous().clone()
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={"run": json.dumps({"step": step})})
    partial.replace(path)


def restore_module(path: Path, module: nn.Module) -> int:
    """Restore the weights of a run and return the number of steps it has done.

    Raises:
        InputError: The file is missing, damaged or of another model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            step = int(json.loads(file.metadata()["run"])["step"])
        module.load_state_dict(_tensors(path, _MODULE))
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


def _tensors(path: Path, prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in load_file(path).items()
        if name.startswith(prefix)
    }
