"""A process that serves the real protocol with jobs a test can steer; no torch is loaded."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from model_core import serve
from model_core.errors import Cancelled, GalleryError, PhotoError
from model_core.types import CancelCheck, Progress, ProgressCallback


def locate(
    params: Mapping[str, Any], progress: ProgressCallback, cancelled: CancelCheck, tell: serve.Tell
) -> Mapping[str, Any]:
    """Count to ``steps``, or until cancelled, reporting each step."""
    steps = int(params.get("steps", 3))
    for step in range(steps):
        if cancelled():
            raise Cancelled("stopped by the user")
        progress(Progress("counting", step + 1, steps))
        time.sleep(float(params.get("pause_s", 0.0)))
    return {"counted": steps, "echo": params.get("echo", "")}


def build_gallery(
    params: Mapping[str, Any], progress: ProgressCallback, cancelled: CancelCheck, tell: serve.Tell
) -> Mapping[str, Any]:
    """Fail, in the way that is asked for."""
    how = params.get("how")
    if how == "deaf":
        progress(Progress("deaf", 0, 1))
        time.sleep(3600)
    if how == "bug":
        raise ZeroDivisionError("a bug")
    if how == "import":
        raise ModuleNotFoundError("No module named 'torch'")
    if how == "nan":
        return {"value": float("nan")}
    if how == "told":
        tell("answer", {"value": float("nan")})
        return {}
    if how == "photo":
        raise PhotoError("a.jpg: cannot be read; open it in a viewer")
    raise GalleryError("/g: built by another model; build it again")


def info(
    params: Mapping[str, Any], progress: ProgressCallback, cancelled: CancelCheck, tell: serve.Tell
) -> Mapping[str, Any]:
    """Print in every way a library may, and try to read what belongs to the protocol."""
    print("python print")
    os.write(1, b"raw write\n")
    libc = ctypes.CDLL(None)
    libc.puts(b"C library print")
    libc.fflush(None)
    subprocess.run(["sh", "-c", "echo child print; cat"], check=True)
    return {"read_from_stdin": os.read(0, 100).decode()}


def handlers() -> Mapping[str, serve.Handler]:
    """Return the fake jobs; loading them prints, as heavy libraries do."""
    print("loading")
    return {"locate": locate, "build_gallery": build_gallery, "info": info}


if __name__ == "__main__":
    serve.serve_stdio(handlers, grace_s=float(os.environ.get("FAKE_GRACE_S", serve.GRACE_S)))
    sys.exit(0)
