"""Note how long a 3 x 3 convolution takes on this machine:  python lessons/16_winograd/figures/record.py

writes times.json, of which the page gives ratios. All ways take turns, on one thread, so that what else the machine
does in the meantime slows down all of them. Takes a minute or two.
"""

import datetime
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ["TINYSEGNET_THREADS"] = "1"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from importlib.metadata import version  # noqa: E402

import arithmetic  # noqa: E402
import numpy as np  # noqa: E402

from tinysegnet.ops import conv  # noqa: E402
from tinysegnet.ops.fast import conv_fft, winograd  # noqa: E402
from tinysegnet.support.backend import keep_freed_memory  # noqa: E402

SIZE, ROUNDS = (180, 240), 7
WAYS = {"im2col": (conv, 4), "Fourier": (conv_fft, 4), "F(2x2)": (winograd, 2), "F(4x4)": (winograd, 4)}


def seconds(module, m, x, w, b):
    """Of one convolution, forward and backward, by tiles of m if it has tiles of Winograd's."""
    before, winograd.M = winograd.M, m          # the library's own is always 4
    try:
        start = time.perf_counter()
        y, cache = module.conv2d(x, w, b)
        module.conv2d_backward(y, cache)
        return time.perf_counter() - start
    finally:
        winograd.M = before


def medians(channels):
    rng = np.random.default_rng(channels)
    shapes = (1, *SIZE, channels), (3, 3, channels, channels), (channels,)
    arrays = [rng.standard_normal(shape, np.float32) for shape in shapes]
    times = {name: [] for name in WAYS}
    for turn in range(ROUNDS + 1):
        for name, (module, m) in WAYS.items():
            taken = seconds(module, m, *arrays)
            if turn:                            # the first is warming up
                times[name].append(taken)
    return {name: float(f"{statistics.median(taken):.3g}") for name, taken in times.items()}


if __name__ == "__main__":
    keep_freed_memory()
    recorded = {
        "date": str(datetime.date.today()),
        "machine": f"{arithmetic.processor()}, 1 thread",
        "versions": f"numpy {version('numpy')}",
        "size": SIZE,
        "seconds": {str(channels): medians(channels) for channels in (8, 64, 256)},
    }
    text = json.dumps(recorded, indent=1) + "\n"
    (Path(__file__).parent / "times.json").write_text(text, encoding="utf-8")
    print(text)
