"""python benchmarks/cpu.py"""

import argparse
import datetime
import os
import platform
import shlex
import statistics
import sys
from importlib.metadata import version
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

sys.path.append(str(Path(__file__).parents[1]))

import arithmetic  # noqa: E402
from workers import HEAD, Worker, interleaved, memory_of, need_pytorch, row, title  # noqa: E402

import tinysegnet  # noqa: E402
from tinysegnet.support.errors import exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_1  # noqa: E402
from tinysegnet.support.threads import workers  # noqa: E402

DESCRIPTION = """tinysegnet and PyTorch on the same processor, interleaved:  python benchmarks/cpu.py

Each runs in a process of its own, and waits while the other is timed. PyTorch
is given the better of its two memory layouts for every row, and the better of
two settings of malloc. Times are medians of several rounds, with the lowest
and the highest; a ratio below 1 means that tinysegnet is faster. Prints the
tables and writes them to benchmarks/results/cpu.md.

Needs PyTorch (pip install torch) and a machine that does nothing else.
"""
RESULTS = Path(__file__).parent / "results" / "cpu.md"
LAYOUTS = "channels_last", "contiguous_format"
SIZES = (96, 128), (90, 120), (180, 240), (360, 480), (720, 960)      # the first is that of `python train.py`


class Comparison:
    """tinysegnet, and PyTorch in both layouts, on so many threads."""

    def __init__(self, threads, keep_memory, rounds):
        self.rounds = rounds
        self.library = Worker("numpy_side", threads, keep_memory=True)
        self.peers = [Worker("torch_side", threads, keep_memory, layout=layout) for layout in LAYOUTS]

    def measure(self, kind, *arguments):
        """Yields, for everything of that kind, its name, and for each part a pair: our seconds, PyTorch's."""
        for peer in self.peers:
            peer.prepare(kind, *arguments)
        for name in self.library.prepare(kind, *arguments):
            yield name, interleaved(self.library, self.peers, name, self.rounds)

    def whole(self, kind, *arguments):
        """The one pair of something that is timed as a whole."""
        _, parts = next(self.measure(kind, *arguments))
        return parts[0]

    def close(self):
        for worker in (self.library, *self.peers):
            worker.close()


def workloads(small, large):
    """What people do: the first run of `python train.py`, a training on CamVid, and both networks of the paper."""
    return (
        ("training_step", "segnet-basic", 2, *small),
        ("training_step", "segnet-basic", 1, *large), ("training_step", "segnet-basic", 4, *large),
        ("inference", "segnet-basic", 1, *large),
        ("training_step", "segnet", 2, *large), ("inference", "segnet", 1, *large),
    )


def ratios(threads, small, large, rounds):
    """The lines of the short report, in which PyTorch keeps freed memory too."""
    comparison = Comparison(threads, keep_memory=True, rounds=rounds)
    yield f"{circumstances()}\n\n{HEAD}"
    for work in workloads(small, large):
        yield row(title(*work), comparison.whole(*work))
    comparison.close()


def report(counts, sizes, rounds):
    """The lines of the report, each as soon as it is measured."""
    small, large = sizes[0], sizes[-2]
    yield f"# tinysegnet and PyTorch on a processor\n\n{circumstances()}"
    for threads in counts:
        keep_memory = gains_from_kept_memory(threads, "segnet-basic", 4, *large)
        comparison = Comparison(threads, keep_memory, rounds)
        yield f"\n## {threads} thread{'' if threads == 1 else 's'}\n"
        too = "so does PyTorch here, as it gains by it" if keep_memory else "PyTorch does not here, as it loses by it"
        yield f"tinysegnet keeps freed memory (see backend.py), and {too}.\n\n{HEAD}"
        notes = []
        for kind, network, *shape in workloads(small, large):
            if network == "segnet" and threads < max(counts):
                continue                                        # it would take as long as all the rest
            pair = comparison.whole(kind, network, *shape)
            name = title(kind, network, *shape)
            yield row(name, pair)
            if (kind, network) == ("training_step", "segnet-basic"):
                notes.append(f"- {name}: {compared_with_products(shape, statistics.median(pair[0]), threads)}")
        yield "\nThe arithmetic of a step's 7x7 convolutions, and the rate it comes to in the time of the whole step:\n"
        yield "\n".join(notes)
        yield f"\nOne image of {large[0]}x{large[1]}, operation by operation:\n\n{HEAD}"
        for name, parts in comparison.measure("operations", 1, *large):
            for part, pair in zip(("", ", backward"), parts):
                yield row(name + part, pair)
        if threads == max(counts):
            yield f"\nGrowth: the training step of SegNet-Basic, per million pixels.\n\n{HEAD}"
            for N, H, W in [(1, *size) for size in sizes[1:]] + [(batch, *sizes[2]) for batch in (2, 4, 8)]:
                pair = comparison.whole("training_step", "segnet-basic", N, H, W)
                yield row(f"{H}x{W}, batch {N}", pair, unit=N * H * W / 1e6)
        comparison.close()
    yield f"\n## Memory\n\nThe most that a process had in three training steps at {large[0]}x{large[1]}.\n"
    yield HEAD
    for network, batch in (("segnet-basic", 1), ("segnet-basic", 4), ("segnet", 2)):
        work = network, batch, *large
        library = memory_of("training_step", work, "numpy_side", max(counts), keep_memory=True)
        torch = min(
            memory_of("training_step", work, "torch_side", max(counts), layout=layout, keep_memory=keep)
            for layout in LAYOUTS for keep in (False, True)
        )
        yield f"| {network}, batch {batch} | {library:.0f} MB | {torch:.0f} MB | {library / torch:.2f} |"


def gains_from_kept_memory(threads, *work):
    """Whether PyTorch is faster with keep_freed_memory, which tinysegnet always has: by medians of three, in turn."""
    peers = [Worker("torch_side", threads, keep, layout="channels_last") for keep in (False, True)]
    for peer in peers:
        peer.prepare("training_step", *work)
    without, kept = zip(*[[peer.time()[0] for peer in peers] for _ in range(3)])
    for peer in peers:
        peer.close()
    return statistics.median(kept) < statistics.median(without)


def compared_with_products(shape, seconds, threads):
    direct, tiled = arithmetic.convolutions_of_a_step(*shape)
    rate = arithmetic.matrix_product_rate(threads)
    return (
        f"{tiled / 1e9:.0f} GFLOP by tiles instead of {direct / 1e9:.0f}; {tiled / seconds / rate:.0%} of the "
        f"{rate / 1e9:.0f} GFLOP/s of a large matrix product"
    )


def circumstances():
    packages = f"tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}, torch {version('torch')}"
    command = shlex.join(["python", *sys.argv])
    return (
        f"{datetime.date.today()}, `{command}`. {arithmetic.processor()}, {os.cpu_count()} processors; "
        f"Python {platform.python_version()}, {packages}; {arithmetic.blas_kernels()}.\n"
        "Medians (lowest to highest)."
    )


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=at_least_1, default=5, help="of each measurement (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="only some ratios, in minutes; writes nothing")
    args = parser.parse_args()
    need_pytorch()
    if args.quick:
        for line in ratios(workers(), SIZES[0], SIZES[-2], rounds=2):
            print(line, flush=True)
        return
    lines = []
    for line in report(sorted({1, workers()}), SIZES, args.rounds):
        print(line, flush=True)
        lines.append(line)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_in_words(main)
