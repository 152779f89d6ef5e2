"""python benchmarks/parallel.py"""

import argparse
import datetime
import math
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

import numpy as np  # noqa: E402

sys.path.append(str(Path(__file__).parents[1]))

import arithmetic  # noqa: E402
import numpy_side  # noqa: E402
import pages  # noqa: E402
from workers import spread  # noqa: E402

from tinysegnet import networks  # noqa: E402
from tinysegnet.ops import fast  # noqa: E402
from tinysegnet.support.backend import keep_freed_memory  # noqa: E402
from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_1, height_x_width  # noqa: E402
from tinysegnet.training import parallel  # noqa: E402

DESCRIPTION = """What it costs to spread a training over processes, and where it stops paying.

Times a step of SegNet-Basic on one process with two threads and on two ranks
with one thread each, interleaved, and how long the ranks talk. From that, from
the lengths of the messages and from what a network is said to do, a table of
8, 64 and 512 machines. Writes benchmarks/results/parallel.md. Needs mpi4py, an
mpiexec, and a machine of two processors that does nothing else.
"""
RESULTS = Path(__file__).parent / "results"
NETWORKS = {"10 Gbit/s": (1.25e9, 30e-6), "100 Gbit/s": (12.5e9, 5e-6)}      # bytes and seconds: assumed, not measured
RANKS = 8, 64, 512
MPIEXEC = "mpiexec", "-n", "2"


class Side:
    """A process, or two ranks, that make a step when they are asked to, and sleep meanwhile."""

    def __init__(self, threads, *command):
        environment = os.environ | {"TINYSEGNET_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [*command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
        )

    def step(self):
        """Two steps, of which the second is timed: (seconds of the step, of them in messages)."""
        for _ in range(2):
            print("step", file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        if not answer:
            raise InputError(f"{self.process.args[0]} has ended: try  {' '.join(map(str, self.process.args))}")
        return tuple(map(float, answer.split()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Timed(parallel.Ranks):
    """Ranks that count the seconds in messages."""

    seconds = 0.0

    def timed(self, run, *args):
        start = time.perf_counter()
        try:
            return run(*args)
        finally:
            self.seconds += time.perf_counter() - start

    def gather(self, value):
        return self.timed(super().gather, value)

    def sum(self, a):
        return self.timed(super().sum, a)


def work(size, batch):
    """What a Side does: a step for each line of its input."""
    from mpi4py import MPI

    keep_freed_memory()                 # as a training does
    ranks = Timed(MPI.COMM_WORLD)
    images, labels = (ranks.share(a) for a in numpy_side.pictures(batch, *size))
    model = numpy_side.new_model("segnet-basic", np)
    update = numpy_side.optim.sgd_step
    ops = fast
    if ranks.size > 1:
        ops, update = parallel.operations(fast.ops_with(), ranks), parallel.summed(update, ranks)
    optimiser = numpy_side.optim.Optimiser(update, numpy_side.optim.start("sgd", model.params))
    criterion = np.ones(numpy_side.CLASSES, "float32"), numpy_side.IGNORE
    while asked(ranks):
        ranks.seconds, start = 0.0, time.perf_counter()
        numpy_side.train_step(model, optimiser, (numpy_side.normalise(images, np), labels), criterion, 0.01, ops)
        seconds = time.perf_counter() - start
        if ranks.rank == 0:
            print(seconds, ranks.seconds, flush=True)


def asked(ranks):
    """Whether there is a line for rank 0; the others sleep until it has one, as a rank that waits in MPI computes."""
    line = sys.stdin.readline() if ranks.rank == 0 else ""
    request = ranks.comm.Ibarrier()
    while not request.Test():
        time.sleep(0.005)
    return ranks.from_first(line)


def messages(network, params):
    """Of a step: [bytes of a message of each rank] that all need before they can go on, and those of the gradients."""
    channels = [shape[0] for name, shape in network.stats.items() if name.endswith("mean")]
    forward, backward = [3 * 8 * C for C in channels], [3 * 8 * C for C in channels]
    return [*forward, 8, 4, *backward], 4 * sum(w.size for w in params.values())


def of_messages(small, large, ranks, bandwidth, latency):
    """Seconds: a small message goes round in log2(ranks) turns, each rank's in the end with all; a large one as a ring,
    2 (ranks - 1) turns with a part each, or as a tree if that takes less."""
    if ranks == 1:
        return 0.0
    turns = math.ceil(math.log2(ranks))
    of_small = sum(turns * latency + size * (ranks - 1) / bandwidth for size in small)
    ring = 2 * (ranks - 1) * (latency + large / ranks / bandwidth)
    tree = 2 * turns * (latency + large / bandwidth)
    return of_small + min(ring, tree)


def report(args, alone, two, talked, small, large):
    ratio = statistics.median(two) / statistics.median(alone)
    yield "# A training on several processes\n"
    command = shlex.join(["python", *sys.argv])
    yield f"{datetime.date.today()}, `{command}`. {arithmetic.processor()}; Python {platform.python_version()},"
    yield f"numpy {version('numpy')}, mpi4py {version('mpi4py')}, {args.mpi}.\n"
    yield "| a step of SegNet-Basic, {}x{}, batch {} | |\n|---|---|".format(*args.size, args.batch)
    yield f"| one process, two threads | {spread(alone)} |"
    yield f"| two ranks, one thread each | {spread(two)} |"
    yield f"| of that in messages, waiting for the other included | {spread(talked)} |"
    yield f"| ratio | {ratio:.2f} |"
    yield f"\n{args.rounds} rounds, interleaved: median (lowest to highest).\n"
    yield "## Where it stops paying: a model\n"
    step = statistics.median(alone)
    latencies = ", ".join(f"{latency * 1e6:.0f} us at {name}" for name, (_, latency) in NETWORKS.items())
    yield f"Each rank has a machine like this one: {step:.2f} s for {args.batch} images, as much for each. A step has"
    yield f"{len(small)} small messages that all wait for, of {sum(small) / 1024:.0f} KB of each rank in all, and the"
    yield f"gradients, {large / 1e6:.1f} MB. It is assumed that a message is on its way for {latencies},"
    yield "and that no rank waits for a slower one. Of the time of a step, in %, what is not messages:\n"
    columns = [f"{R} ranks" for R in RANKS]
    yield f"| | {' | '.join(columns)} |\n|---{'|---' * len(RANKS)}|"
    for name, (bandwidth, latency) in NETWORKS.items():
        for images in (args.batch, 1):
            seconds = step * images / args.batch
            shares = [seconds / (seconds + of_messages(small, large, R, bandwidth, latency)) for R in RANKS]
            cells = " | ".join(f"{100 * share:.1f}" for share in shares)
            yield f"| {name}, {images} image{'s' * (images > 1)} a rank | {cells} |"


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=height_x_width, default=(360, 480), metavar="HxW", help="default: 360x480")
    parser.add_argument("--batch", type=at_least_1, default=4, help="images in all (default: %(default)s)")
    parser.add_argument("--rounds", type=at_least_1, default=9, help="default: %(default)s")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.size, args.batch)
        return
    if shutil.which(MPIEXEC[0]) is None:
        raise InputError("there is no mpiexec on the path: pip install mpi4py mpich")
    said = subprocess.check_output([MPIEXEC[0], "--version"], text=True)
    args.mpi = f"{'MPICH' if 'HYDRA' in said else 'Open MPI'} {re.search(r'[0-9.]{5,}', said)[0]}"
    itself = sys.executable, __file__, "--work", "--size", "{}x{}".format(*args.size), "--batch", str(args.batch)
    alone, two = Side(2, *itself), Side(1, *MPIEXEC, *itself)
    rounds = [(*alone.step(), *two.step()) for _ in range(args.rounds + 1)][1:]
    alone.close()
    two.close()
    network = networks.build("segnet-basic", classes=numpy_side.CLASSES)
    small, large = messages(network, networks.init(network, 0)[0])
    of_one, _, of_two, talked = zip(*rounds)
    lines = list(report(args, of_one, of_two, talked, small, large))
    print(*lines, sep="\n")
    folder = pages.place(RESULTS, parser, args, free=("rounds", "mpi"))
    (folder / "parallel.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_in_words(main)
