"""Size, time and memory of every backbone, fp32 and bf16, one image and sixteen.

Run as a script: ``python tests/bench/bench_backbone.py``. Ratios are against the first name in
fp32, eager, one image at a time, on the same device. Each case runs in a process of its own, so
that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

NAMES = ("base", "tiny", "pico", "atto", "vgg16", "resnet50", "efficientnet_b0", "vit")
PRECISIONS = ("fp32", "bf16")
BATCHES = (1, 16)
ENOUGH_SECONDS = 1.5
ENOUGH_RUNS = 3


def run_case(
    size: str, precision: str, batch: int, shape: tuple[int, int], stride: int, device: str
) -> dict[str, float]:
    """Return milliseconds an image (median) and the peak memory over the empty process in MB."""
    import torch

    from model_core.features.backbones import build_backbone

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    on_gpu = device.startswith("cuda")
    torch.manual_seed(0)
    before_mb = _resident_peak_mb()
    backbone = build_backbone(size, stride)  # type: ignore[arg-type]
    assert isinstance(backbone, torch.nn.Module)
    backbone = backbone.eval().to(device, dtype).to(memory_format=torch.channels_last)
    millions = sum(p.numel() for p in backbone.parameters()) / 1e6
    images = torch.randn(batch, 3, *shape, device=device, dtype=dtype)
    times: list[float] = []
    with torch.inference_mode():
        while True:
            start = time.perf_counter()
            backbone(images, circular=True)
            if on_gpu:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
            # The first run warms up, unless one run is all the time there is.
            if sum(times[1:]) > ENOUGH_SECONDS and len(times) > ENOUGH_RUNS:
                break
            if sum(times) > 10 * ENOUGH_SECONDS:
                break
    peak_mb = torch.cuda.max_memory_allocated() / 1e6 if on_gpu else _resident_peak_mb() - before_mb
    ms = 1e3 * statistics.median(times[1:] or times) / batch
    return {"ms": ms, "mb": peak_mb, "millions": millions}


def _resident_peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def measure(arguments: argparse.Namespace) -> list[tuple[str, str, int, dict[str, float]]]:
    """Return every case's figures, the first name's fp32 batch 1 first."""
    rows = []
    for size in arguments.names:
        for precision in PRECISIONS:
            for batch in BATCHES:
                case = json.dumps([size, precision, batch])
                command = [sys.executable, __file__, *sys.argv[1:], "--case", case]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                rows.append((size, precision, batch, json.loads(done.stdout)))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--width-stride", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--names", nargs="+", default=NAMES, help="the first is the ratios' base")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    shape = (arguments.height, arguments.width)
    if arguments.case:
        case = json.loads(arguments.case)
        print(json.dumps(run_case(*case, shape, arguments.width_stride, arguments.device)))
        return
    rows = measure(arguments)
    base_ms, base_mb = rows[0][3]["ms"], rows[0][3]["mb"]
    print(
        f"backbone, strips {shape[0]} x {shape[1]}, width stride {arguments.width_stride}, "
        f"{arguments.device}"
    )
    print(
        f"{'name':16}{'M params':>9}{'precision':>10}{'batch':>6}{'ms/image':>10}{'time':>8}"
        f"{'MB':>8}{'memory':>8}"
    )
    for size, precision, batch, figures in rows:
        ms, mb = figures["ms"], figures["mb"]
        print(
            f"{size:16}{figures['millions']:>9.1f}{precision:>10}{batch:>6}{ms:>10.1f}"
            f"{ms / base_ms:>8.3f}{mb:>8.0f}{mb / base_mb:>8.2f}"
        )
    print(f"time and memory as ratios to {rows[0][0]}, fp32, one image at a time")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
