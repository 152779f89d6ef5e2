"""python benchmarks/inference.py"""

import argparse
import os
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

import sys  # noqa: E402

import numpy as np  # noqa: E402

sys.path.append(str(Path(__file__).parents[1]))

import pages  # noqa: E402
from cpu import LAYOUTS, Comparison, circumstances  # noqa: E402
from workers import Worker, memory_of, need_pytorch, spread  # noqa: E402

from tinysegnet import networks  # noqa: E402
from tinysegnet.support.errors import exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_1, height_x_width  # noqa: E402
from tinysegnet.support.threads import workers  # noqa: E402

DESCRIPTION = """What it takes to look at one image, as in the paper's table 6:

    python benchmarks/inference.py

Seconds, in turn with PyTorch's, which has the better of its memory layouts;
the most memory that a process had, which did nothing else; and the size of the
network. Writes benchmarks/results/inference.md.

Needs PyTorch (pip install torch) and a machine that does nothing else.
"""
RESULTS = Path(__file__).parent / "results"
NETWORKS = "segnet-basic", "segnet", "unet"         # those of torch_side.py


def report(names, size, rounds):
    """The lines of the page, each as soon as it is measured."""
    yield f"# One image of {size[0]}x{size[1]}\n\n{circumstances()}\n"
    yield "| | tinysegnet | PyTorch | ratio | MB, tinysegnet | MB, PyTorch | MB of parameters |"
    yield "|---|---|---|---|---|---|---|"
    for name in names:
        comparison, work = Comparison(workers(), keep_memory=True, rounds=rounds), (name, 1, *size)
        library, torch = comparison.whole("inference", *work)
        comparison.close()
        of_library = memory_of("inference", work, "numpy_side", workers(), keep_memory=True)
        of_torch = min(
            memory_of("inference", work, "torch_side", workers(), layout=layout, keep_memory=keep)
            for layout in LAYOUTS for keep in (False, True)
        )
        megabytes = sum(np.prod(shape) for shape in networks.build(name).shapes.values()) * 4 / 2**20
        columns = spread(library), spread(torch), f"{np.median(library) / np.median(torch):.2f}"
        sizes = (f"{a:.0f}" for a in (of_library, of_torch, megabytes))
        yield f"| {' | '.join([name, *columns, *sizes])} |"
    idle = [Worker(side) for side in ("numpy_side", "torch_side")]
    before = [f"{worker.peak_memory():.0f}" for worker in idle]
    for worker in idle:
        worker.close()
    yield f"\nBefore there is a network, the processes have {before[0]} and {before[1]} MB, of Python and its packages."
    yield "(A MB is 2**20 bytes here.) The paper has 1,052 MB of a GPU's memory for SegNet at 360x480."


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=at_least_1, default=5, help="of each measurement (default: %(default)s)")
    parser.add_argument("--size", type=height_x_width, default=(360, 480), metavar="HxW", help="default: 360x480")
    args = parser.parse_args()
    need_pytorch()
    lines = []
    for line in report(NETWORKS, args.size, args.rounds):
        print(line, flush=True)
        lines.append(line)
    folder = pages.place(RESULTS, parser, args, free=("rounds",))
    (folder / "inference.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_in_words(main)
