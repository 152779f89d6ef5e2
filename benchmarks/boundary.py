"""python benchmarks/boundary.py"""

import argparse
import datetime
import os
import platform
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

sys.path.append(str(Path(__file__).parents[1]))

import arithmetic  # noqa: E402
import numpy as np  # noqa: E402

import tinysegnet  # noqa: E402
from tinysegnet import inference  # noqa: E402
from tinysegnet.data import open_dataset  # noqa: E402
from tinysegnet.data.batches import evaluation_pairs  # noqa: E402
from tinysegnet.metrics import mean_boundary_f1  # noqa: E402
from tinysegnet.metrics.boundary import TOLERANCE, boundary, count_pairs, of_scipy  # noqa: E402
from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402
from tinysegnet.support.progress import bar  # noqa: E402
from tinysegnet.training.loop import predictions  # noqa: E402

DESCRIPTION = """What each choice in the definition of boundary F1 is worth:
python benchmarks/boundary.py

Judges the network that comes with the project on CamVid's val, once by the
definition of tinysegnet.metrics.boundary, and again with one choice or another
made otherwise. Says how long an image takes. Writes
benchmarks/results/boundary.md. Takes some 10 minutes; needs SciPy.
"""
RESULTS = Path(__file__).parent / "results"
NO_LABEL = -1


def by_pairs(true, called, tolerance):
    """F1 of two outlines, no pixel in two pairs; NaN if both are empty."""
    pixels = true.sum() + called.sum()
    return 2 * count_pairs(true, called, tolerance) / pixels if pixels else np.nan


def by_distance(true, called, tolerance):
    """F1 of two outlines, where a pixel is right if any pixel of the other is near; NaN if both are empty."""
    from scipy.ndimage import distance_transform_edt

    if not (true.any() and called.any()):
        return 0.0 if true.any() or called.any() else np.nan
    precision, recall = (np.mean(distance_transform_edt(~other)[one] <= tolerance)
                         for one, other in ((called, true), (true, called)))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def of_image(labels, predicted, classes, ignore, f1, truth_alone=False, masked=True):
    """F1 of each class, (classes,).

    f1           by_pairs or by_distance
    truth_alone  whether a class counts only where the truth has an outline of it
    masked       whether the prediction, and every outline, ends where the truth is void
    """
    labels, predicted = labels.astype(np.int64), predicted.astype(np.int64)
    if masked:
        predicted[labels == ignore] = ignore
    else:
        ignore = NO_LABEL
    found, tolerance = [], TOLERANCE * np.hypot(*labels.shape)
    for c in range(classes):
        true, called = boundary(labels, c, ignore), boundary(predicted, c, ignore)
        found.append(np.nan if truth_alone and not true.any() else f1(true, called, tolerance))
    return found


CHOICES = {
    "as it is defined here": {"f1": by_pairs},
    "distances, not pairs": {"f1": by_distance},
    "only the classes that the truth has": {"f1": by_pairs, "truth_alone": True},
    "void is not masked": {"f1": by_pairs, "masked": False},
    "all three": {"f1": by_distance, "truth_alone": True, "masked": False},
}


def judged(seen, data):
    """{choice: (BF, that of each class)}, and {choice: seconds of each image}, of pairs of labels and a prediction."""
    scores, seconds = {choice: [] for choice in CHOICES}, {choice: [] for choice in CHOICES}
    for labels, predicted in seen:
        for choice, options in CHOICES.items():
            start = time.process_time()
            scores[choice].append(of_image(labels, predicted, len(data.classes), data.ignore, **options))
            seconds[choice].append(time.process_time() - start)
    return {choice: mean_boundary_f1(rows) for choice, rows in scores.items()}, seconds


def report(scores, seconds, data):
    """The lines of the page."""
    usual = next(iter(CHOICES))
    yield "# What each choice in the definition of boundary F1 is worth\n"
    yield f"{datetime.date.today()}, `python benchmarks/boundary.py --data CAMVID`. {arithmetic.processor()}; Python"
    yield f"{platform.python_version()}, tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}, scipy"
    yield f"{version('scipy')}. The network of the project, on val ({len(seconds[usual])} images), BF in %."
    yield "The time of an image is the processor's, whatever else ran: the median, and the longest.\n"
    yield "| | BF | difference | ms an image |"
    yield "|---|---|---|---|"
    for choice, (bf, _) in scores.items():
        points = f"{100 * (bf - scores[usual][0]):+.1f}" if choice != usual else ""
        ms = [1000 * s for s in seconds[choice]]
        yield f"| {choice} | {100 * bf:.1f} | {points} | {statistics.median(ms):.0f}, {max(ms):.0f} |"
    yield "\nBy class: pairs as defined here, and distances.\n"
    yield "| | BF | by distances |"
    yield "|---|---|---|"
    for name, *shares in zip(data.classes, *(scores[choice][1] for choice in (usual, "distances, not pairs"))):
        yield f"| {name} | {' | '.join('-' if np.isnan(share) else f'{100 * share:.1f}' for share in shares)} |"


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data/CamVid", metavar="FOLDER", help="CamVid (default: %(default)s)")
    args = parser.parse_args()
    of_scipy()              # what is missing is said now, and not after all images
    data, _ = open_dataset(args.data)
    model = inference.load()
    if model.meta["classes"] != list(data.classes):
        raise InputError(f"{data.name} has other classes than the network: name CamVid's folder by --data")
    pairs = bar(evaluation_pairs(data, "val"), "val", len(data.samples("val")), unit="img")
    lines = []
    for line in report(*judged(predictions(model, pairs), data), data):
        print(line, flush=True)
        lines.append(line)
    (RESULTS / "boundary.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_in_words(main)
