"""python benchmarks/gpu.py"""

import argparse
import datetime
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from workers import HEAD, Worker, interleaved, need_pytorch, row, title

import tinysegnet
from tinysegnet.data import open_dataset
from tinysegnet.data.batches import training_batches
from tinysegnet.support.backend import missing_for_cupy, reason, select
from tinysegnet.support.errors import InputError, exit_in_words
from tinysegnet.support.options import at_least_1
from tinysegnet.training import loop, optim
from tinysegnet.training.settings import from_recipe, steps_of

DESCRIPTION = """tinysegnet on CuPy and PyTorch with cuDNN, on the same GPU:  python benchmarks/gpu.py

Each runs in a process of its own, is warmed up, and is timed in turn by the
GPU's own clock, on random pictures that change from step to step. PyTorch is
given the better of its two memory layouts, and cuDNN the choice of its
algorithms. In float32, first with TF32 off for both, then with TF32 on for
both. With --data FOLDER (CamVid) also the time of an epoch. Prints the tables
and writes them to benchmarks/results/gpu.md.

Needs a GPU, CuPy, and PyTorch for CUDA.
"""
RESULTS = Path(__file__).parent / "results" / "gpu.md"
WORKLOADS = [
    *(("training_step", "segnet-basic", batch, 360, 480) for batch in (12, 4, 1)),
    *(("inference", "segnet-basic", batch, 360, 480) for batch in (1, 12)),
    ("training_step", "segnet", 4, 360, 480), ("inference", "segnet", 1, 360, 480),
    ("operations", 12, 360, 480),
]


def report(cupy, rounds, data):
    device = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    packages = f"tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}, torch {version('torch')}"
    yield (
        f"# tinysegnet and PyTorch on a GPU\n\n{datetime.date.today()}, `python benchmarks/gpu.py`. {device}; Python "
        f"{platform.python_version()}, {packages}, cupy {cupy.__version__}.\nMedians (lowest to highest)."
    )
    for tf32 in (False, True):
        library = Worker("numpy_side", tf32=tf32, backend="cupy")
        layouts = "channels_last", "contiguous_format"
        peers = [Worker("torch_side", tf32=tf32, layout=layout, device="cuda") for layout in layouts]
        yield f"\n## TF32 {'on' if tf32 else 'off'}\n\n{HEAD}"
        for kind, *arguments in WORKLOADS:
            for peer in peers:
                peer.prepare(kind, *arguments)
            for name in library.prepare(kind, *arguments):
                for part, pair in zip(("", ", backward"), interleaved(library, peers, name, rounds)):
                    yield row(title(name or kind, *arguments) + part, pair)
        for worker in (library, *peers):
            worker.close()
    if data:
        yield f"\nOne epoch of {data.name} at its own size, batch 12, data loading and all: {epoch(cupy, data):.1f} s."


def epoch(cupy, data):
    """Seconds for the second of two epochs."""
    steps = steps_of(len(data.samples("train")), 12)
    settings = from_recipe("photographs", data=data.source, size=(360, 480), batch=12, epochs=2, steps=steps)
    model = loop.new_model(settings, data, cupy)
    opt_state = optim.start(settings.optimiser, model.params)
    even = SimpleNamespace(pixels=np.ones(len(data.classes)), image_pixels=np.ones(len(data.classes)))
    trainer = loop.prepare(model, opt_state, settings, data, even, loop.Functions())
    for number in (1, 2):
        start = time.perf_counter()
        for _ in loop.train_steps(trainer, training_batches(data, settings, number), 0):
            pass
        cupy.cuda.Device().synchronize()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=at_least_1, default=20, help="of each measurement (default: %(default)s)")
    parser.add_argument("--data", metavar="FOLDER", help="CamVid, for the time of an epoch")
    args = parser.parse_args()
    lines = []
    if missing := missing_for_cupy():
        sentence, error = missing
        raise InputError(f"this benchmark needs a GPU: {sentence} ({reason(error)})") from error
    cupy = select("cupy")
    need_pytorch()
    data = open_dataset(args.data)[0] if args.data else None
    for line in report(cupy, args.rounds, data):
        print(line, flush=True)
        lines.append(line)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_in_words(main, "use a smaller batch")
