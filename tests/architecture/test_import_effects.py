"""Importing the engine changes nothing: no seed, flag, handler, file, process or connection."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

# Third-party libraries load first, so that only this project's own effects are seen.
PROBE = """
import importlib, json, logging, os, random, sys, warnings
modules, libraries = json.loads(sys.stdin.read())
for name in libraries:
    importlib.import_module(name)
import cv2, numpy, torch

def state():
    return {
        "python random": hash(random.getstate()),
        "numpy random": str(numpy.random.get_state()),
        "torch random": torch.get_rng_state().sum().item(),
        "torch threads": torch.get_num_threads(),
        "torch dtype": str(torch.get_default_dtype()),
        "torch precision": torch.get_float32_matmul_precision(),
        "torch grad": torch.is_grad_enabled(),
        "torch deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": [torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic],
        "cv2 threads": cv2.getNumThreads(),
        "numpy errors": str(numpy.geterr()),
        "log handlers": str(logging.getLogger().handlers),
        "log level": logging.getLogger().level,
        "warnings": str(warnings.filters),
        "environment": sorted(os.environ.items()),
        "folder": os.getcwd(),
        "search path": list(sys.path),
    }

effects = []

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+")
    doing = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.mkdir", "os.remove")
    if (writes or event in doing) and "__pycache__" not in str(arguments[0]):
        effects.append(f"{event} {arguments[:2]}")

before = state()
sys.addaudithook(watch)
for name in modules:
    importlib.import_module(name)
happened = list(effects)
after = state()
changed = [key for key in before if before[key] != after[key]]
print(json.dumps({"changed": changed, "effects": happened}))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_import_has_no_effect(sources: Sequence[Any], repository: Path) -> None:
    own = ("model_core", "training")
    engine = [source for source in sources if source.package in own]
    modules = [source.module for source in engine if not source.module.endswith("__main__")]
    libraries = {
        name.split(".")[0]
        for source in engine
        for node in source.tree.body
        for name, _ in _imports_of(node)
    } - {*sys.stdlib_module_names, *own, ""}
    run = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps([modules, sorted(libraries)]),
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == {"changed": [], "effects": []}
    assert len(run.stdout.splitlines()) == 1, "an import prints"


def _imports_of(node: Any) -> list[tuple[str, Any]]:
    names = getattr(node, "names", None)
    if names is None or getattr(node, "level", 0):
        return []
    module = getattr(node, "module", None)
    return [(module, node)] if module else [(alias.name, node) for alias in names]


def test_command_line_starts_without_torch(repository: Path) -> None:
    code = (
        "import sys, model_core.cli, model_core.serve; "
        "print([n for n in ('torch', 'cv2', 'rasterio', 'geopandas') if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.stdout.strip() == "[]", run.stderr
