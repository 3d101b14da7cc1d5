"""Learning by depthwise convolutions on a processor: our gradient against torch's.

Run as a script: ``python tests/bench/bench_depthwise.py [--batch 48]``. Each line is a forward and
a backward pass, of one convolution as the backbone has them or of the whole backbone, one thread,
float32. Ratios are to torch's own gradient in the same run; memory is the peak beyond what was
there before, each case in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

ENOUGH_SECONDS = 2.0
ENOUGH_RUNS = 5
CASES = {
    "first stage": (40, 16, 32),
    "second stage": (80, 8, 16),
    "third stage": (160, 4, 16),
    "third stage, a photo": (160, 4, 4),
    "backbone atto": (3, 64, 256),
}


def run_case(name: str, batch: int, ours: bool) -> dict[str, float]:
    """Return milliseconds a picture (median) and peak memory in MB."""
    import torch
    from torch.nn import functional

    from model_core.features import convnext
    from model_core.features.backbones import build_backbone
    from model_core.features.depthwise import conv_depthwise

    def torchs(x, weight, bias, padding):
        return functional.conv2d(x, weight, bias, padding=padding, groups=len(weight))

    torch.set_num_threads(1)
    torch.manual_seed(0)
    convolve = conv_depthwise if ours else torchs
    channels, height, width = CASES[name]
    x = torch.randn(batch, channels, height, width)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_(channels > 3)
    if name.startswith("backbone"):
        learned = build_backbone("atto", 16).to(memory_format=torch.channels_last)
    else:
        learned = torch.nn.Conv2d(channels, channels, 7, groups=channels)

    def work() -> None:
        with mock.patch.object(convnext, "conv_depthwise", convolve):
            if name.startswith("backbone"):
                result = learned(x, circular=True)
            else:
                result = convolve(x, learned.weight, learned.bias, (3, 3))
            result.square().mean().backward()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times: list[float] = []
    while sum(times[1:]) < ENOUGH_SECONDS or len(times) <= ENOUGH_RUNS:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    per_mb = 1e6 if sys.platform == "darwin" else 1e3
    return {"ms": 1e3 * statistics.median(times[1:]) / batch, "mb": peak / per_mb}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        name, ours = json.loads(arguments.case)
        print(json.dumps(run_case(name, arguments.batch, ours)))
        return
    print(f"depthwise convolutions of 7 x 7, forward and back, batches of {arguments.batch}")
    print(
        f"{'':22}{'size':>14}{'torch ms':>10}{'ours ms':>9}{'time':>7}"
        f"{'torch MB':>10}{'ours MB':>9}"
    )
    for name, size in CASES.items():
        theirs, ours = (
            json.loads(
                subprocess.run(
                    [sys.executable, *sys.argv, "--case", json.dumps([name, mine])],
                    check=True,
                    capture_output=True,
                    text=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                ).stdout
            )
            for mine in (False, True)
        )
        shape = " x ".join(map(str, size))
        print(
            f"{name:22}{shape:>14}{theirs['ms']:>10.3f}{ours['ms']:>9.3f}"
            f"{ours['ms'] / theirs['ms']:>7.2f}{theirs['mb']:>10.0f}{ours['mb']:>9.0f}"
        )
    print("milliseconds a picture; time as a ratio to torch's own gradient")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
