"""python benchmarks/drives.py"""

import argparse
import json
import os
import sys
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

import numpy as np  # noqa: E402

sys.path.append(str(Path(__file__).parents[1]))

import trainings  # noqa: E402

from tinysegnet import inference, metrics  # noqa: E402
from tinysegnet.data import open_dataset  # noqa: E402
from tinysegnet.data.batches import evaluation_pairs  # noqa: E402
from tinysegnet.data.folds import hold_out  # noqa: E402
from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_0, at_least_1, height_x_width  # noqa: E402
from tinysegnet.training.loop import evaluate  # noqa: E402

DESCRIPTION = """What a recipe reaches on a drive that it has never seen: benchmarks/drives.py

CamVid's train and val are frames of three drives. Each drive is held out once,
the network trains on the two others, and the last epoch is judged in one look,
on every frame of the third. The confusion matrices of the three are summed: so
each frame counts once. Nothing is chosen on any frame.

The screening changes --recipe best by each of eleven ingredients, or not, in a
design of 12 recipes (Plackett and Burman, 1946) of which each ingredient is in
six, and any two are together in three: its effect is the mean of the six with
it less that of the six without, and all trainings count for each.

Two trainings go at a time, on one thread each; each is a run in runs/. After
Ctrl-C the same command goes on. What was judged is kept in
benchmarks/results/drives.jsonl, and is not trained again.
"""
RESULTS = Path(__file__).parent / "results"
KEPT = RESULTS / "drives.jsonl"
DRIVES = {"0001TP": "dusk", "0006R0": "day", "0016E5": "day"}
RARE = "Pole", "SignSymbol", "Pedestrian", "Bicyclist"
INGREDIENTS = {
    "light": {"relight": 0.5, "jitter": None},
    "scale": {"scale": (0.5, 2.0)},
    "warm-up": {"warm_up": 2},
    "paste": {"paste": RARE},
    "oversample": {"oversample": tuple(DRIVES)},
    "auxiliary": {"network": "segnet-basic-auxiliary", "auxiliary": 0.4},
    "smoothing": {"label_smoothing": 0.1},
    "lovasz": {"lovasz": 0.5},
    "hard-pixels": {"hard_pixels": 0.5},
    "late-crop": {"late_crop": 1.0},
    "standardised": {"normalisation": "standardised"},
}
FIRST = "++-+++---+-"       # of the design; the next ten rows are this one moved on by one each; the last has none


def design():
    """The ingredients of each of the 12 recipes, by Plackett and Burman."""
    names = list(INGREDIENTS)
    rows = [[name for i, name in enumerate(names) if FIRST[(i - shift) % 11] == "+"] for shift in range(11)]
    return [*rows, []]


def run_of(job):
    """(name, recipe, changes) of a training, for trainings.trained."""
    drive, size, epochs, seed, ingredients = job
    changes = {
        "size": size, "epochs": epochs, "seed": seed, "hold_out": drive,
        "test_scales": None, "best_by": "last", "judge_every": epochs,
    }
    for name in ingredients:
        changes |= INGREDIENTS[name]
    height, width = size
    return f"drives-{height}x{width}-{epochs}-{'_'.join(ingredients) or 'all_off'}-{drive}-{seed}", "best", changes


def key(drive, size, epochs, seed, ingredients):
    return {"drive": drive, "size": list(size), "epochs": epochs, "seed": seed, "ingredients": list(ingredients)}


def kept():
    """{job as text: counts} of what has been judged."""
    if not KEPT.exists():
        return {}
    lines = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    return {json.dumps({k: v for k, v in line.items() if k != "counts"}): np.array(line["counts"]) for line in lines}


def judged(job, data):
    """The confusion matrix of a training on the drive that it has not seen: kept, or trained and judged now."""
    known = kept().get(json.dumps(key(*job)))
    if known is not None:
        return known
    name, recipe, changes = run_of(job)
    best = trainings.trained(name, recipe, changes | {"data": data.source}, quietly=True)
    counts = evaluate(inference.load(best), evaluation_pairs(hold_out(data, job[0]), "val"), data.ignore)
    with open(KEPT, "a", encoding="utf-8") as file:
        print(json.dumps(key(*job) | {"counts": counts.tolist()}), file=file)
    print(f"{name}: mIoU {100 * metrics.mean_iou(counts):.1f}", flush=True)
    return counts


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data/CamVid", metavar="FOLDER", help="CamVid (default: %(default)s)")
    parser.add_argument("--size", type=height_x_width, default=(120, 160), metavar="HxW", help="default: 120x160")
    parser.add_argument("--epochs", type=at_least_1, default=20, help="default: %(default)s")
    parser.add_argument("--seed", type=at_least_0, default=0, help="default: %(default)s")
    args = parser.parse_args()
    data, _ = open_dataset(args.data)
    if not data.name.startswith("CamVid"):
        raise InputError(f"the drives are CamVid's, and this is {data.name}: name CamVid's folder by --data")
    jobs = [(drive, args.size, args.epochs, args.seed, tuple(row)) for row in design() for drive in DRIVES]
    trainings.two_at_a_time(lambda job: judged(job, data), jobs)


if __name__ == "__main__":
    exit_in_words(main)
