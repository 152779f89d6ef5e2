"""python benchmarks/ingredients.py"""

import argparse
import datetime
import os
import platform
import shlex
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

sys.path.append(str(Path(__file__).parents[1]))

import pages  # noqa: E402
from trainings import camvid_at, trained  # noqa: E402

import tinysegnet  # noqa: E402
from tinysegnet import inference, metrics  # noqa: E402
from tinysegnet.data.batches import evaluation_pairs  # noqa: E402
from tinysegnet.data.normalisation import LOCAL_RESPONSE  # noqa: E402
from tinysegnet.support.errors import exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_1, height_x_width  # noqa: E402
from tinysegnet.training.loop import evaluate  # noqa: E402

DESCRIPTION = """What each ingredient of --recipe best brings:  python benchmarks/ingredients.py

The recipe is trained as it is, and once without each ingredient, on CamVid, all
at a lower resolution and for fewer epochs than it was made for (hours all the
same). Each training is a run in runs/; after Ctrl-C the same command goes on.
Writes benchmarks/results/ingredients.md.
"""
RESULTS = Path(__file__).parent / "results"
WITHOUT = {
    "the recipe": {},
    "without its smaller scale at test time": {"test_scales": (1,)},
    "nor its mirror image: one look": {"test_scales": None},
    "SGD (rate 0.03, decay 5e-4) for Adam": {"optimiser": "sgd", "lr": 0.03, "weight_decay": 5e-4},
    "batches of 4": {"batch": 4},
    "a constant rate for the cosine": {"schedule": "constant"},
    "no flips": {"flip": False},
    "no scale": {"scale": None},
    "whole frames for crops": {"crop": None},
    "no change of light": {"jitter": None},
    "full class weights (power 1)": {"class_weight_power": 1.0},
    "no class weights": {"class_weight_power": 0.0},
    "local response normalisation of the input": {"normalisation": LOCAL_RESPONSE},
}


def evaluated(path, data, **at_test):
    """G, C and mIoU on val, in %."""
    model = inference.load(path)
    model = replace(model, meta=model.meta | at_test)
    counts = evaluate(model, evaluation_pairs(data, "val"), data.ignore)
    return [100 * float(value) for value in metrics.figures(counts).values()]


def report(data, size, epochs):
    height, width = size
    yield "# What each ingredient of --recipe best brings\n"
    yield f"{datetime.date.today()}, `{shlex.join(['python', *sys.argv])}`."
    versions = f"Python {platform.python_version()}, tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}"
    yield f"{versions}. One run each, seed 0: differences below a point mean little. The"
    yield f"network sees {height}x{width} and is judged on val after its last epoch, at the annotations' own"
    yield "size.\n"
    yield "| | G | C | mIoU | mIoU lost |\n|---|---|---|---|---|"
    whole, asked = None, {"data": data.source, "size": size, "epochs": epochs, "best_by": "last"}
    for number, (title, change) in enumerate(WITHOUT.items()):
        if change.keys() == {"test_scales"}:            # the recipe's own network, looking otherwise
            G, C, mIoU = evaluated(trained("ingredients-0", "best", asked), data, **change)
        else:
            G, C, mIoU = evaluated(trained(f"ingredients-{number}", "best", asked | change), data)
        whole = mIoU if whole is None else whole
        yield f"| {title} | {G:.1f} | {C:.1f} | {mIoU:.1f} | {whole - mIoU:.1f} |"


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data/CamVid", metavar="FOLDER", help="CamVid (default: %(default)s)")
    parser.add_argument("--size", type=height_x_width, default=(180, 240), metavar="HxW", help="default: 180x240")
    parser.add_argument("--epochs", type=at_least_1, default=20, help="default: %(default)s")
    args = parser.parse_args()
    data = camvid_at(args.data)
    lines = list(report(data, args.size, args.epochs))
    print("\n".join(lines))
    (pages.place(RESULTS, parser, args) / "ingredients.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_in_words(main)
