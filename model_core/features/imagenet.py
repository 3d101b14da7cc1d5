"""ImageNet weights of torchvision's networks, taken up by backbones that keep more width."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from model_core.errors import BundleError


def load_imagenet(backbone: nn.Module, weights: Any) -> None:
    """Fill a backbone from one of torchvision's weights; downloads what torch's cache lacks.

    Args:
        backbone: Parameters named as in torchvision's network, or below ``features``.
        weights: A member of one of torchvision's ``WeightsEnum``.

    Raises:
        BundleError: The weights cannot be downloaded or read, or belong to another network.
    """
    try:
        loaded = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as err:
        raise BundleError(
            f"the ImageNet weights {weights.url} cannot be loaded ({err}); check the network, or "
            "put the file in torch's cache folder (hub/checkpoints), or turn pretrained off"
        ) from err
    adopt_imagenet(backbone, loaded)


def adopt_imagenet(backbone: nn.Module, loaded: dict[str, Tensor]) -> None:
    """Fill the backbone from the state of a whole torchvision network of the same kind.

    A kernel that covers fewer columns gets the sums of neighbouring columns: what the whole kernel
    answers to columns that repeat.

    Raises:
        BundleError: A parameter is missing or has another shape.
    """
    adopted: dict[str, Tensor] = {}
    for key, value in backbone.state_dict().items():
        tensor = loaded.get(key, loaded.get(key.removeprefix("features.")))
        if tensor is None:
            raise BundleError(f"the ImageNet weights lack {key!r}; install another torchvision")
        if tensor.ndim == 4 and value.ndim == 4 and tensor.shape[3] > value.shape[3]:
            tensor = tensor.reshape(*value.shape, -1).sum(dim=4)
        if tensor.shape != value.shape:
            raise BundleError(
                f"the ImageNet weights' {key!r} is {tuple(tensor.shape)} instead of "
                f"{tuple(value.shape)}; they belong to another size"
            )
        adopted[key] = tensor
    backbone.load_state_dict(adopted)
