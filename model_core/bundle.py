"""A trained model on disk: safetensors, config.json, card.md, SHA256SUMS. Never a pickle.

A bundle is a folder::

    encoder.safetensors    PlaceEncoder, fp16
    generator.safetensors  PanoGANGenerator, fp16 (optional)
    config.json            format version, both configurations, training summary
    card.md                what the model is, learned from, and must not be used for
    SHA256SUMS             of the four files above

It is written to a temporary folder and renamed, so a killed save leaves no half bundle.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from model_core.config import EvidenceModel, ModelConfig, from_mapping, to_mapping
from model_core.errors import BundleError, ConfigError, DeviceError
from model_core.fusion.place_encoder import PlaceEncoder
from model_core.option_kinds import check_kinds
from model_core.synthesis.panogan import PanoGANConfig, PanoGANGenerator

FORMAT_VERSION = 1
ENCODER_FILE = "encoder.safetensors"
GENERATOR_FILE = "generator.safetensors"
CONFIG_FILE = "config.json"
CARD_FILE = "card.md"
SUMS_FILE = "SHA256SUMS"
_REQUIRED = (ENCODER_FILE, CONFIG_FILE, CARD_FILE)
_PICKLED = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".npz", ".npy", ".h5")
_CONFIG_KEYS = frozenset(
    {"format_version", "model", "generator", "training", "street_view_trained"}
)
_OPTIONAL_KEYS = frozenset({"evidence"})
_AGAIN = "copy or install the bundle again"
ModuleT = TypeVar("ModuleT", bound=nn.Module)
ConfigT = TypeVar("ConfigT", ModelConfig, PanoGANConfig, EvidenceModel)


@dataclass(frozen=True)
class ModelBundle:
    """A model ready for use, in evaluation mode, float32, on its device.

    ``model_hash`` (hex sha256 of the encoder's file and its configuration) is the same exactly
    where two models' features are comparable; ``generator_hash`` is equal where two generators make
    the same and it counts as much, empty without one. ``training`` is the summary that was saved.
    ``evidence`` says what the model's scores are worth; the packaged model's constants where none
    were fitted.
    """

    config: ModelConfig
    encoder: PlaceEncoder
    generator: PanoGANGenerator | None
    model_hash: str
    card: str
    path: Path
    street_view_trained: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)
    generator_hash: str = ""
    evidence: EvidenceModel = EvidenceModel()


def save_bundle(
    path: Path,
    config: ModelConfig,
    encoder: PlaceEncoder,
    generator: PanoGANGenerator | None = None,
    *,
    card: str,
    extra: Mapping[str, Any] | None = None,
    street_view_trained: bool = False,
    evidence: EvidenceModel | None = None,
) -> Path:
    """Write a model to the folder ``path``, replacing an older bundle there, and return it.

    Args:
        path: The folder to make.
        config: The encoder's configuration.
        encoder: Its floats are stored in fp16.
        generator: Stored too, where there is one.
        card: The model card, Markdown.
        extra: Training summary, plain JSON values.
        street_view_trained: Whether the street-view branch has learned from street views.
        evidence: What its scores are worth, where that was fitted to it.

    Raises:
        BundleError: Weights that are not finite in fp16, a summary that JSON cannot hold, or a
            folder in the way that is no bundle.
    """
    path = Path(path)
    described = {
        "format_version": FORMAT_VERSION,
        "model": to_mapping(config),
        "generator": None if generator is None else to_mapping(generator.config),
        "street_view_trained": street_view_trained,
        "training": dict(extra or {}),
    }
    fitted = _fitted(evidence)
    if fitted:
        described["evidence"] = fitted
    files = {ENCODER_FILE: pack_weights(encoder, ENCODER_FILE), CARD_FILE: card.encode("utf-8")}
    if generator is not None:
        files[GENERATOR_FILE] = pack_weights(generator, GENERATOR_FILE)
    try:
        text = json.dumps(described, indent=1, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as err:
        raise BundleError(
            f"the training summary cannot be written as JSON ({err}); give plain finite values"
        ) from err
    files[CONFIG_FILE] = (text + "\n").encode("utf-8")
    sums = "".join(f"{_sha256(data)}  {name}\n" for name, data in sorted(files.items()))
    files[SUMS_FILE] = sums.encode("ascii")
    _write_folder(path, files)
    return path


def write_bundle(bundle: ModelBundle) -> Path:
    """Write a loaded model to its ``path`` and return it: to say something else of one.

    ``write_bundle(dataclasses.replace(bundle, card="..."))`` gives a bundle another card.

    Raises:
        BundleError: It cannot be written, as in ``save_bundle``.
    """
    return save_bundle(
        bundle.path,
        bundle.config,
        bundle.encoder,
        bundle.generator,
        card=bundle.card,
        extra=bundle.training,
        street_view_trained=bundle.street_view_trained,
        evidence=bundle.evidence,
    )


def load_bundle(path: Path, device: torch.device | str = "cpu") -> ModelBundle:
    """Return the model of a bundle folder, checked, float32, in evaluation mode.

    Args:
        path: The folder.
        device: Where the weights go.

    Raises:
        BundleError: A missing or damaged file, another format version, unknown options, weights
            that do not fit or are not finite, or a pickled file instead of a bundle.
        DeviceError: The device cannot take the weights.
    """
    path = Path(path)
    _check_is_bundle(path)
    files = _read_checked(path)
    described = _read_config(path / CONFIG_FILE, files[CONFIG_FILE])
    config = _config_of(ModelConfig, described["model"], path / CONFIG_FILE)
    encoder = _unpack(lambda: PlaceEncoder(config), files[ENCODER_FILE], path / ENCODER_FILE)
    generator: PanoGANGenerator | None = None
    if described["generator"] is not None:
        if GENERATOR_FILE not in files:
            raise BundleError(f"{path / GENERATOR_FILE} is missing; {_AGAIN}")
        size = _config_of(PanoGANConfig, described["generator"], path / CONFIG_FILE)
        generator = _unpack(
            lambda: PanoGANGenerator(size), files[GENERATOR_FILE], path / GENERATOR_FILE
        )
    return ModelBundle(
        config=config,
        encoder=_to_device(encoder, device),
        generator=None if generator is None else _to_device(generator, device),
        model_hash=_model_hash(files[ENCODER_FILE], config),
        card=files[CARD_FILE].decode("utf-8", errors="replace"),
        path=path,
        street_view_trained=described["street_view_trained"],
        training=described["training"],
        generator_hash=""
        if generator is None
        else hash_generator(files[GENERATOR_FILE], described["generator"]),
        evidence=_config_of(EvidenceModel, described.get("evidence", {}), path / CONFIG_FILE),
    )


def init_bundle(path: Path, config: ModelConfig | None = None, seed: int = 0) -> Path:
    """Write an untrained bundle and return its folder; the same seed gives the same weights.

    Its features are repeatable but know nothing: for trying out the chain before a training.
    """
    config = config or ModelConfig()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = PlaceEncoder(config)
    card = "# Untrained model\n\nRandom weights; its answers mean nothing.\n"
    return save_bundle(path, config, encoder, card=card, extra={"untrained_seed": seed})


def pack_weights(module: nn.Module, name: str) -> bytes:
    """Return a module's state as safetensors, floats in fp16.

    Args:
        module: Any module.
        name: Of its file, for messages.

    Raises:
        BundleError: Weights that are not finite in fp16.
    """
    packed: dict[str, Tensor] = {}
    for key, value in module.state_dict().items():
        tensor = value.detach().cpu()
        if tensor.is_floating_point():
            tensor = tensor.half()
            if not bool(torch.isfinite(tensor).all()):
                raise BundleError(
                    f"{name}: the weights {key!r} are not finite in fp16; the training has "
                    "diverged, go back to an earlier checkpoint"
                )
        packed[key] = tensor.contiguous().clone()
    return save_safetensors(packed)


def default_bundle_path() -> Path:
    """Return the packaged bundle's folder, in the repository and in the plugin's zip alike."""
    package = Path(__file__).resolve().parent
    places = [parent / "resources" / "models" / "default" for parent in package.parents[:2]]
    return next((place for place in places if place.is_dir()), places[0])


def _unpack(make: Callable[[], ModuleT], data: bytes, path: Path) -> ModuleT:
    """Return the module with the stored weights as float32."""
    try:
        stored = load_safetensors(data)
    except (SafetensorError, ValueError, KeyError) as err:
        raise BundleError(f"{path} is not a safetensors file ({err}); {_AGAIN}") from err
    weights = {k: v.float() if v.is_floating_point() else v for k, v in stored.items()}
    for key, value in weights.items():
        if not bool(torch.isfinite(value).all()):
            raise BundleError(f"{path}: the weights {key!r} are not finite; use another bundle")
    try:
        with torch.device("meta"):
            module = make()
        module.load_state_dict(weights, assign=True)
    except ConfigError as err:
        raise BundleError(f"{path.parent / CONFIG_FILE}: {err}; {_AGAIN}") from err
    except RuntimeError as err:
        raise BundleError(
            f"{path} holds weights of another model than {CONFIG_FILE} describes ({err}); {_AGAIN}"
        ) from err
    return module


def _to_device(module: ModuleT, device: torch.device | str) -> ModuleT:
    try:
        return module.to(device).eval()
    except (RuntimeError, AssertionError) as err:
        raise DeviceError(
            f"the model cannot be put on device {str(device)!r} ({err}); choose cpu"
        ) from err


def _check_is_bundle(path: Path) -> None:
    if path.is_file():
        kind = "a pickled file, which is never loaded" if path.suffix in _PICKLED else "a file"
        raise BundleError(
            f"{path} is {kind}; a model bundle is a folder with {ENCODER_FILE} and {CONFIG_FILE}"
        )
    if not path.is_dir():
        raise BundleError(f"there is no model bundle at {path}; check the path or install one")
    if not (path / ENCODER_FILE).exists():
        pickled = sorted(p.name for p in path.iterdir() if p.suffix in _PICKLED)
        found = f" ({pickled[0]} is a pickled file, which is never loaded)" if pickled else ""
        raise BundleError(f"{path / ENCODER_FILE} is missing{found}; {_AGAIN}")


def _read_checked(path: Path) -> dict[str, bytes]:
    """Return the bytes of the listed files, each as its sum says."""
    sums = _read_sums(path / SUMS_FILE)
    for name in _REQUIRED:
        if name not in sums:
            raise BundleError(f"{path / SUMS_FILE} does not list {name}; {_AGAIN}")
    files: dict[str, bytes] = {}
    for name, expected in sums.items():
        files[name] = _read_bytes(path / name)
        if _sha256(files[name]) != expected:
            raise BundleError(f"{path / name} is damaged (its sha256 differs); {_AGAIN}")
    return files


def _read_sums(path: Path) -> dict[str, str]:
    known = {*_REQUIRED, GENERATOR_FILE}
    sums: dict[str, str] = {}
    for line in _read_bytes(path).decode("utf-8", errors="replace").splitlines():
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](\S+)", line)
        if match is None or match[2] not in known:
            raise BundleError(f"{path} is damaged at line {line[:80]!r}; {_AGAIN}")
        sums[match[2]] = match[1]
    return sums


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as err:
        raise BundleError(f"{path} is missing; {_AGAIN}") from err
    except OSError as err:
        raise BundleError(f"{path} cannot be read ({err}); check its permissions") from err


def _read_config(path: Path, data: bytes) -> dict[str, Any]:
    try:
        described: Any = json.loads(data)
    except ValueError as err:
        raise BundleError(f"{path} is not JSON ({err}); {_AGAIN}") from err
    if not isinstance(described, dict):
        raise BundleError(f"{path} is not a mapping of options; {_AGAIN}")
    version = described.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{path} has format version {version!r}, this software reads {FORMAT_VERSION}; update "
            "the software, or use a bundle made for it"
        )
    if set(described) - _OPTIONAL_KEYS != _CONFIG_KEYS:
        odd = ", ".join(sorted((set(described) - _OPTIONAL_KEYS) ^ _CONFIG_KEYS))
        raise BundleError(
            f"{path}: missing or unknown options: {odd}; known here: "
            f"{', '.join(sorted(_CONFIG_KEYS | _OPTIONAL_KEYS))}; {_AGAIN}"
        )
    trained, training = described["street_view_trained"], described["training"]
    if not isinstance(trained, bool) or not isinstance(training, dict):
        raise BundleError(
            f"{path}: street_view_trained must be true or false, training a mapping; {_AGAIN}"
        )
    return described


def _config_of(kind: type[ConfigT], values: Any, path: Path) -> ConfigT:
    try:
        if not isinstance(values, dict):
            raise ConfigError(f"{kind.__name__} is not a mapping of options")
        config = from_mapping(kind, values)
        check_kinds(config)
    except (ConfigError, TypeError) as err:
        raise BundleError(f"{path}: {err}; {_AGAIN}") from err
    return config


def _fitted(evidence: EvidenceModel | None) -> dict[str, float]:
    """Return the constants that differ from those of the software."""
    usual, mine = EvidenceModel(), evidence or EvidenceModel()
    return {k: v for k, v in vars(mine).items() if v != getattr(usual, k)}


def only_rendered(training: Mapping[str, Any]) -> bool:
    """Return whether nothing but rendered cities is known to have been learned from.

    Args:
        training: The summary of a bundle, with the stages before it where there were any.
    """
    pretrained = training.get("train", {}).get("pretrained")
    stages = [{**training, "pretrained": pretrained}, *training.get("before", ())]
    return all(
        stage.get("sources")
        and not stage.get("pretrained")
        and all("cities" in source for source in stage["sources"])
        for stage in stages
    )


def hash_generator(weights: bytes, options: Mapping[str, Any]) -> str:
    """Return what tells generators apart, hex sha256 of a generator's file and its options."""
    return _sha256(weights + json.dumps(options, sort_keys=True).encode())


def hash_model(encoder: PlaceEncoder, config: ModelConfig) -> str:
    """Return the ``model_hash`` that a bundle of this encoder would have.

    Raises:
        BundleError: Weights are not finite in fp16.
    """
    return _model_hash(pack_weights(encoder, ENCODER_FILE), config)


def _model_hash(encoder: bytes, config: ModelConfig) -> str:
    described = json.dumps(to_mapping(config), sort_keys=True, separators=(",", ":"))
    return _sha256(encoder + described.encode("utf-8"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a folder beside ``path``, then put it in its place."""
    if path.exists() and not _may_replace(path):
        raise BundleError(f"{path} exists and is no model bundle; choose another folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as temporary:
            made = Path(temporary) / "new"
            made.mkdir()
            for name, data in files.items():
                (made / name).write_bytes(data)
            if path.exists():
                os.replace(path, Path(temporary) / "old")
            os.replace(made, path)
    except OSError as err:
        raise BundleError(
            f"the bundle {path} cannot be written ({err}); choose a folder that can be"
        ) from err


def _may_replace(path: Path) -> bool:
    return path.is_dir() and ((path / SUMS_FILE).exists() or not any(path.iterdir()))
