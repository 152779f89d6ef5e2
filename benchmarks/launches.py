"""python benchmarks/launches.py"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import counting_gpu as gpu
import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from tinysegnet import networks, ops
from tinysegnet.inference import Model
from tinysegnet.networks import NETWORKS
from tinysegnet.ops import fast
from tinysegnet.ops.more.dropout import with_rng
from tinysegnet.support.errors import exit_in_words
from tinysegnet.support.options import at_least_1, height_x_width
from tinysegnet.training import optim
from tinysegnet.training.step import Criterion, train_step

DESCRIPTION = """What a training step asks of a GPU, counted without one:  python benchmarks/launches.py

For each operation the kernels that the host has to launch, the bytes that these
read and write, and the arithmetic of its products; by the operations that the
library takes on a GPU, and by the plain ones (im2col) beside them. By which
rules it counts is in counting_gpu.py.
"""
CLASSES = 11


def counted(namespace, network, N, H, W):
    """Launches, bytes and floating point operations of one training step: {operation: [launches, bytes, flops]}."""
    table = defaultdict(lambda: np.zeros(3))

    def watched(name):
        def run(*args, **options):
            before = gpu.totals()
            result = getattr(namespace, name)(*args, **options)
            table[name] += gpu.totals() - before
            return result

        return run

    watching = with_rng(SimpleNamespace(**{name: watched(name) for name in ops.__all__}), 0)
    params, stats = ({name: gpu.empty(shape, "float32") for name, shape in shapes.items()}
                     for shapes in (network.shapes, network.stats))
    optimiser = optim.Optimiser(optim.sgd_step, optim.start("sgd", params), 0.9, 5e-4, network.decays)
    batch = gpu.empty((N, H, W, 3), "float32"), gpu.empty((N, H, W), "uint8")
    criterion = Criterion(gpu.ones(CLASSES, "float32"), CLASSES)
    gpu.reset()
    train_step(Model(network, params, stats, {}), optimiser, batch, criterion, 0.1, watching)
    table["the rest"] += gpu.totals() - sum(table.values())
    return dict(table)


def report(network, N, H, W):
    """The lines of the table."""
    on_gpu, plain = (counted(namespace, network, N, H, W) for namespace in (fast, ops))
    yield "| | launches | GB | GFLOP | plain: launches | GB | GFLOP |\n|---|---|---|---|---|---|---|"
    for name in [*on_gpu, "all"]:
        cells = []
        for table in (on_gpu, plain):
            launches, moved, flops = sum(table.values()) if name == "all" else table[name]
            cells += [f"{launches:.0f}", f"{moved / 1e9:.2f}", f"{flops / 1e9:.0f}"]
        yield f"| {name} | {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="segnet-basic", help="(default: %(default)s)")
    parser.add_argument("--batch", type=at_least_1, default=4, help="images of a step (default: %(default)s)")
    parser.add_argument("--size", type=height_x_width, default=(360, 480), metavar="HxW", help="(default: 360x480)")
    args = parser.parse_args()
    for line in report(networks.build(args.network, classes=CLASSES), args.batch, *args.size):
        print(line)


if __name__ == "__main__":
    exit_in_words(main)
