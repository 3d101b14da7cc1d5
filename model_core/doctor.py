"""Checks of the engine's environment, each with what to do where it fails."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model_core.errors import DeviceError, GeolocatorError

LIBRARIES = (
    "numpy",
    "torch",
    "torchvision",
    "safetensors",
    "cv2",
    "PIL",
    "pillow_heif",
    "defusedxml",
    "rasterio",
    "pyproj",
    "shapely",
    "geopandas",
    "pyogrio",
    "pyarrow",
    "matplotlib",
)
OLDEST_PYTHON = (3, 10)
MEMORY_NEEDED_GB = 2.0
DISK_NEEDED_GB = 1.0
REPAIR = "make the engine's environment again from resources/requirements/engine.txt"


@dataclass(frozen=True)
class Check:
    """What one check found; ``next_step`` says what to do and is empty where all is well."""

    name: str
    ok: bool
    detail: str
    next_step: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain values."""
        return asdict(self)


def examine(bundle: Path | None, device: str, folder: Path) -> list[Check]:
    """Return every check's finding; a check that fails does not stop the others.

    Args:
        bundle: The model's folder, None for the packaged one.
        device: "auto", "cpu", "cuda" or "mps".
        folder: Where results would be written.
    """
    checks: tuple[tuple[str, Callable[[], str], str], ...] = (
        ("Python", check_python, "install Python 3.11, then " + REPAIR),
        ("Libraries", check_libraries, REPAIR),
        ("Device", lambda: check_device(device), "use --device cpu, or update the driver"),
        ("Model", lambda: check_bundle(bundle), "install the bundle again, or name another"),
        ("Coordinates", check_coordinates, REPAIR + "; unset PROJ_LIB, PROJ_DATA and GDAL_DATA"),
        ("Photo formats", check_photo_formats, REPAIR),
        ("Writing", lambda: check_writing(folder), "choose another folder with --out"),
        ("Memory", check_memory, "close other programs, or lower --set batch_size"),
        ("Disk", check_disk, "free some space, or set TMPDIR to another disk"),
    )
    return [_run(name, check, next_step) for name, check, next_step in checks]


def _run(name: str, check: Callable[[], str], next_step: str) -> Check:
    try:
        return Check(name, True, check())
    except GeolocatorError as error:
        return Check(name, False, str(error), next_step)
    except Exception as error:  # a broken library may raise anything, and that is the finding
        return Check(name, False, f"{type(error).__name__}: {error}", next_step)


def check_python() -> str:
    """Return the Python's version and platform.

    Raises:
        RuntimeError: It is too old.
    """
    said = f"{platform.python_version()} on {platform.platform()}"
    if sys.version_info < OLDEST_PYTHON:
        raise RuntimeError(f"{said} is too old")
    return said


def check_libraries() -> str:
    """Return the versions of the libraries, each imported.

    Raises:
        ImportError: Some cannot be imported; the message names each with its reason.
    """
    found, broken = [], []
    for name in LIBRARIES:
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError) as error:
            broken.append(f"{name} ({error})")
        else:
            found.append(f"{name} {getattr(module, '__version__', '')}".strip())
    if broken:
        raise ImportError("; ".join(broken))
    return ", ".join(found)


def check_device(name: str) -> str:
    """Return the device's name once it has computed a convolution as the processor does.

    Raises:
        DeviceError: There is no such device, or its result is wrong.
    """
    import torch

    from model_core.device import choose_device

    device = choose_device(name)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(1, 3, 16, 32, generator=generator)
    weights = torch.randn(8, 3, 3, 3, generator=generator)
    expected = torch.nn.functional.conv2d(images, weights)
    found = torch.nn.functional.conv2d(images.to(device), weights.to(device)).cpu()
    if not torch.allclose(found, expected, atol=1e-1, rtol=1e-2):
        raise DeviceError(f"{device} computes a wrong result; update its driver")
    return f"{device} ({device_name(device)}), {torch.get_num_threads()} threads"


def device_name(device: Any) -> str:
    """Return the hardware's own name of a torch device."""
    import torch

    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return platform.processor() or platform.machine()


def check_bundle(path: Path | None) -> str:
    """Return what the model is; its sums are checked as it loads.

    Raises:
        BundleError: It is missing or damaged.
    """
    from model_core.bundle import default_bundle_path, load_bundle

    bundle = load_bundle(path or default_bundle_path())
    config = bundle.config
    size = sum(parameter.numel() for parameter in bundle.encoder.parameters())
    return (
        f"{bundle.path}: preset {config.preset}, {config.backbone}, {size / 1e6:.1f} million "
        f"weights, sha256 {bundle.model_hash[:12]}"
    )


def check_coordinates() -> str:
    """Return the versions of PROJ and GDAL once both have moved a known point.

    Raises:
        RuntimeError: A point lands elsewhere, which a foreign PROJ database does.
    """
    import pyproj
    import rasterio
    from rasterio.warp import transform

    east, north = pyproj.Transformer.from_crs(4326, 32633, always_xy=True).transform(15.0, 55.7)
    (x,), (y,) = transform("EPSG:4326", "EPSG:32633", [15.0], [55.7])
    if max(abs(east - 500_000.0), abs(x - 500_000.0), abs(north - y)) > 0.01:
        raise RuntimeError(f"15 E 55.7 N lands at {east:.1f} {north:.1f} and {x:.1f} {y:.1f}")
    return f"PROJ {pyproj.proj_version_str}, GDAL {rasterio.__gdal_version__}"


def check_photo_formats() -> str:
    """Return the formats that photos may have.

    Raises:
        RuntimeError: A codec is missing.
    """
    import pillow_heif
    from PIL import features

    codecs = {"JPEG": "jpg", "PNG": "zlib", "TIFF": "libtiff", "WebP": "webp"}
    missing = [name for name, codec in codecs.items() if not features.check(codec)]
    if not pillow_heif.libheif_info()["decoders"]:
        missing.append("HEIC")
    if missing:
        raise RuntimeError(f"no codec for {', '.join(missing)}")
    return ", ".join([*codecs, "HEIC"])


def check_writing(folder: Path) -> str:
    """Return the folder that can be written: the given one, or the nearest that is there.

    Raises:
        OSError: It cannot be written.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"{there} is a file")
    with tempfile.NamedTemporaryFile(dir=there) as file:
        file.write(b"a line")
        file.flush()
    return str(there.absolute())


def check_memory() -> str:
    """Return how much memory is available.

    Raises:
        MemoryError: It is too little.
    """
    available = available_memory_gb()
    if available is None:
        return "this system does not say how much is available"
    if available < MEMORY_NEEDED_GB:
        raise MemoryError(f"{available:.1f} GB available, {MEMORY_NEEDED_GB:.0f} GB needed")
    return f"{available:.1f} GB available"


def available_memory_gb() -> float | None:
    """Return the memory that a process may still take, None where the system does not say."""
    if sys.platform == "linux":
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024 / 1e9
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return None


def check_disk() -> str:
    """Return how much room the folder for temporary files has.

    Raises:
        OSError: It is too little.
    """
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free / 1e9
    if free < DISK_NEEDED_GB:
        raise OSError(f"{free:.1f} GB free in {folder}, {DISK_NEEDED_GB:.0f} GB needed")
    return f"{free:.1f} GB free in {folder}"
