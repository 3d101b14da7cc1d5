"""Which build of torch suits a machine, and why: from what ``nvidia-smi`` says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..i18n import tr

CUDA = "cuda"
CPU = "cpu"
MPS = "mps"
QUERY = ("--query-gpu=name,driver_version,memory.total,compute_cap", "--format=csv,noheader")
OLDER_QUERY = ("--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
_MIN_CAPABILITY = {12: (5, 0), 13: (7, 5)}
_GB = 1_000_000_000


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU; ``capability`` is (0, 0) where the driver is too old to say."""

    name: str
    driver: str
    memory: str = ""
    capability: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Build:
    """A build of torch: what it computes on, why it was chosen, what it takes on disk.

    ``download_bytes`` is what has to be fetched once.
    """

    name: str
    reason: str
    disk_bytes: int
    download_bytes: int


class UnsupportedMachine(RuntimeError):
    """There is no build for this machine; the message is for people."""


def parse_gpus(output: str) -> tuple[Gpu, ...]:
    """Return the GPUs of the output of ``nvidia-smi`` with ``QUERY`` or ``OLDER_QUERY``."""
    gpus = []
    for line in output.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) < 3 or not re.fullmatch(r"\d+(\.\d+)*", parts[1]):
            continue
        found = re.fullmatch(r"(\d+)\.(\d+)", parts[3]) if len(parts) > 3 else None
        capability = (int(found[1]), int(found[2])) if found else (0, 0)
        gpus.append(Gpu(parts[0], parts[1], parts[2], capability))
    return tuple(gpus)


def parse_cuda_version(output: str) -> tuple[int, int] | None:
    """Return the newest CUDA that the driver runs, from the plain output of ``nvidia-smi``."""
    found = re.search(r"CUDA Version:\s*(\d+)\.(\d+)", output)
    return (int(found[1]), int(found[2])) if found else None


def choose_build(
    gpus: Sequence[Gpu],
    driver_cuda: tuple[int, int] | None,
    needed_cuda: int,
    platform: str,
    machine: str,
    has_index: bool,
) -> Build:
    """Return the build of torch that suits a machine, with the reason in words.

    Args:
        gpus: The NVIDIA GPUs that were found.
        driver_cuda: The newest CUDA that the driver runs, None where it does not say.
        needed_cuda: The major version of CUDA that the pinned build was made for.
        platform: As ``sys.platform``.
        machine: As ``platform.machine()``.
        has_index: Whether a package index with other builds was named.

    Raises:
        UnsupportedMachine: There is no build for it.
    """
    if platform == "darwin":
        return _build_for_mac(machine)
    if not gpus:
        return cpu_build(tr("No NVIDIA GPU was found (nvidia-smi)."), platform, has_index)
    gpu = gpus[0]
    named = tr("{0}, driver {1}").format(gpu.name, gpu.driver)
    if driver_cuda is not None and driver_cuda[0] < needed_cuda:
        words = tr(
            "{0}: the driver runs CUDA {1}.{2}, and CUDA {3} is needed. Update the driver, then "
            "repair the environment, to use the GPU."
        ).format(named, *driver_cuda, needed_cuda)
        return cpu_build(words, platform, has_index)
    oldest = _MIN_CAPABILITY.get(needed_cuda, (0, 0))
    if (0, 0) < gpu.capability < oldest:
        words = tr("{0}: the GPU is too old for CUDA {1} (compute capability {2}.{3}).").format(
            named, needed_cuda, *gpu.capability
        )
        return cpu_build(words, platform, has_index)
    if platform == "win32" and not has_index:
        words = tr(
            "{}: the usual package index has no CUDA build for Windows. Name one that has under "
            "'Network and offline' to use the GPU."
        ).format(named)
        return cpu_build(words, platform, has_index)
    return cuda_build(tr("{0}: it runs CUDA {1}.").format(named, needed_cuda))


def cuda_build(reason: str) -> Build:
    """Return the CUDA build."""
    return Build(CUDA, reason, int(5.7 * _GB), int(2.9 * _GB))


def cpu_build(reason: str, platform: str, has_index: bool) -> Build:
    """Return the build that computes on the processor.

    On Linux the usual package index only has the CUDA build, which also runs without a GPU.
    """
    if platform == "linux" and not has_index:
        note = tr(
            "The usual build is installed all the same: it also computes on the processor. A "
            "package index with a CPU build saves about 4 GB."
        )
        return Build(CPU, f"{reason} {note}", int(5.7 * _GB), int(2.9 * _GB))
    return Build(CPU, reason, 2 * _GB, int(0.7 * _GB))


def _build_for_mac(machine: str) -> Build:
    if machine != "arm64":
        raise UnsupportedMachine(
            tr(
                "torch is no longer made for Macs with an Intel processor, so the engine cannot be "
                "set up on this one."
            )
        )
    return Build(MPS, tr("Apple silicon: its own GPU is used (MPS)."), 2 * _GB, int(0.7 * _GB))
