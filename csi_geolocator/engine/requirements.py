"""The pinned requirements of the engine: which of them a machine needs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

FILE = Path("resources") / "requirements" / "engine.txt"
TORCH = ("torch", "torchvision")
_CUDA_LIBRARIES = re.compile(r"(nvidia-|cuda-|triton$)")


def read_requirements(folder: Path) -> str:
    """Return the text of the pinned requirements in the plugin's folder.

    Raises:
        OSError: They are not there: the plugin is not whole.
    """
    return (folder / FILE).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """Return the sha256 of requirements, whatever the line ends."""
    return hashlib.sha256("\n".join(text.splitlines()).encode("utf-8")).hexdigest()


def parse(text: str) -> Mapping[str, str]:
    """Return each requirement with its hashes, as lines of text, by its name."""
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        found = re.match(r"([A-Za-z0-9._-]+)(\[[^]]*\])?==", line)
        if found:
            name = found[1].lower()
            blocks[name] = [line]
        elif name and line.startswith(" ") and not line.strip().startswith("#"):
            blocks[name].append(line)
    return {name: "\n".join(lines) for name, lines in blocks.items()}


def version_of(text: str, name: str) -> str:
    """Return the pinned version of a package, "" where it is not pinned."""
    block = parse(text).get(name, "")
    found = re.search(r"==([^\s\\;]+)", block)
    return found[1] if found else ""


def needed_cuda(text: str) -> int:
    """Return the major version of CUDA that the pinned torch was made for; 0 for none."""
    toolkit = version_of(text, "cuda-toolkit")
    if toolkit:
        return int(toolkit.split(".")[0])
    found = re.search(r"^nvidia-[a-z-]+-cu(\d+)==", text, re.MULTILINE)
    return int(found[1]) if found else 0


def select(text: str, platform: str, torch_apart: bool) -> str:
    """Return the requirements that a machine needs, with their hashes.

    Args:
        text: All requirements, as pinned for Linux.
        platform: As ``sys.platform``; the libraries of CUDA are packages of their own on Linux.
        torch_apart: Whether torch comes from another index, with its own libraries.
    """
    kept = []
    for name, block in parse(text).items():
        is_cuda = bool(_CUDA_LIBRARIES.match(name))
        if (is_cuda and (torch_apart or platform != "linux")) or (torch_apart and name in TORCH):
            continue
        kept.append(block)
    return "\n".join(kept) + "\n"


def count(text: str) -> int:
    """Return how many packages requirements name."""
    return len(parse(text))
