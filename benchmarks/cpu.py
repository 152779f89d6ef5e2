"""python benchmarks/cpu.py"""

import argparse
import datetime
import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

import arithmetic  # noqa: E402
from workers import HEAD, Worker, interleaved, need_pytorch, row  # noqa: E402

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


class Comparison:
    """tinysegnet, and PyTorch in both layouts, on so many threads."""

    def __init__(self, threads, keep_memory, rounds):
        self.rounds = rounds
        self.library = Worker("numpy_side", threads, keep_memory=True)
        self.peers = [Worker("torch_side", threads, keep_memory, layout=layout) for layout in LAYOUTS]

    def measure(self, kind, shape):
        """Yields, for everything of that kind, its name, and for each part a pair: our seconds, PyTorch's."""
        for peer in self.peers:
            peer.prepare(kind, shape)
        for name in self.library.prepare(kind, shape):
            yield name, interleaved(self.library, self.peers, name, self.rounds)

    def whole(self, kind, shape):
        """The one pair of something that is timed as a whole."""
        _, parts = next(self.measure(kind, shape))
        return parts[0]

    def close(self):
        for worker in (self.library, *self.peers):
            worker.close()


def report(counts, sizes, rounds):
    """The lines of the report, each as soon as it is measured."""
    large, small = sizes[-2], sizes[1]
    yield f"# tinysegnet and PyTorch on a processor\n\n{circumstances()}"
    for threads in counts:
        keep_memory = gains_from_kept_memory(threads, (4, *large))
        comparison = Comparison(threads, keep_memory, rounds)
        yield f"\n## {threads} thread{'' if threads == 1 else 's'}\n"
        too = "so does PyTorch here, as it gains by it" if keep_memory else "PyTorch does not here, as it loses by it"
        yield f"tinysegnet keeps freed memory (see backend.py), and {too}.\n\n{HEAD}"
        notes = []
        for kind, shape in (
            ("training_step", (4, *large)), ("training_step", (1, *large)), ("training_step", (4, *small)),
            ("inference", (1, *large)),
        ):
            pair = comparison.whole(kind, shape)
            title = "{0}, {2}x{3}, batch {1}".format(kind.replace("_", " "), *shape)
            yield row(title, pair)
            if kind == "training_step":
                notes.append(f"- {title}: {compared_with_products(shape, statistics.median(pair[0]), threads)}")
        yield "\nThe arithmetic of a step's 7x7 convolutions, and the rate it comes to in the time of the whole step:\n"
        yield "\n".join(notes)
        yield f"\nOne image of {large[0]}x{large[1]}, operation by operation:\n\n{HEAD}"
        for name, parts in comparison.measure("operations", (1, *large)):
            for part, pair in zip(("", ", backward"), parts):
                yield row(name + part, pair)
        if threads == max(counts):
            yield f"\nGrowth: the training step, per million pixels.\n\n{HEAD}"
            for shape in [(1, *size) for size in sizes] + [(batch, *small) for batch in (2, 4, 8)]:
                pair = comparison.whole("training_step", shape)
                yield row("{1}x{2}, batch {0}".format(*shape), pair, unit=shape[0] * shape[1] * shape[2] / 1e6)
        comparison.close()
    yield f"\n## Memory\n\nThe most that a process had in three training steps at {large[0]}x{large[1]}.\n"
    yield HEAD
    for batch in (1, 4):
        library = memory_of_steps((batch, *large), "numpy_side", max(counts), keep_memory=True)
        torch = min(
            memory_of_steps((batch, *large), "torch_side", max(counts), layout=layout, keep_memory=keep)
            for layout in LAYOUTS for keep in (False, True)
        )
        yield f"| batch {batch} | {library:.0f} MB | {torch:.0f} MB | {library / torch:.2f} |"


def gains_from_kept_memory(threads, shape):
    """Whether PyTorch is faster with keep_freed_memory, which tinysegnet always has."""
    seconds = []
    for keep in (False, True):
        peer = Worker("torch_side", threads, keep, layout="channels_last")
        peer.prepare("training_step", shape)
        seconds.append(peer.time())
        peer.close()
    return seconds[1] < seconds[0]


def compared_with_products(shape, seconds, threads):
    direct, tiled = arithmetic.convolutions_of_a_step(*shape)
    rate = arithmetic.matrix_product_rate(threads)
    return (
        f"{tiled / 1e9:.0f} GFLOP by tiles instead of {direct / 1e9:.0f}; {tiled / seconds / rate:.0%} of the "
        f"{rate / 1e9:.0f} GFLOP/s of a large matrix product"
    )


def memory_of_steps(shape, *worker, **options):
    worker = Worker(*worker, **options)
    worker.prepare("training_step", shape)
    for _ in range(3):
        worker.time()
    megabytes = worker.peak_memory()
    worker.close()
    return megabytes


def circumstances():
    packages = f"tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}, torch {version('torch')}"
    return (
        f"{datetime.date.today()}, `python benchmarks/cpu.py`. {arithmetic.processor()}, {os.cpu_count()} processors; "
        f"Python {platform.python_version()}, {packages}; {arithmetic.blas_kernels()}.\n"
        "Medians (lowest to highest)."
    )


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=at_least_1, default=5, help="of each measurement (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="tiny images, to see that it works; writes nothing")
    args = parser.parse_args()
    sizes = [(90, 120), (180, 240), (360, 480), (720, 960)]
    if args.quick:
        sizes = [(16, 16), (16, 32), (32, 32), (48, 32)]
    need_pytorch()
    lines = []
    for line in report(sorted({1, workers()}), sizes, args.rounds):
        print(line, flush=True)
        lines.append(line)
    if not args.quick:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_in_words(main)
