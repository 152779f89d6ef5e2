"""python benchmarks/uncertainty.py"""

import argparse
import datetime
import os
import shlex
import sys
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

import numpy as np  # noqa: E402

sys.path.append(str(Path(__file__).parents[1]))

import pages  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from tinysegnet import inference, metrics  # noqa: E402
from tinysegnet.commands.evaluate import Sampling, check_classes  # noqa: E402
from tinysegnet.data import open_dataset  # noqa: E402
from tinysegnet.data.batches import evaluation_pairs  # noqa: E402
from tinysegnet.plots.figures import WRONG  # noqa: E402
from tinysegnet.plots.overlay import uncertainty_colours  # noqa: E402
from tinysegnet.support.errors import exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_2  # noqa: E402
from tinysegnet.support.progress import bar  # noqa: E402

DESCRIPTION = """Is a Bayesian SegNet right where it is sure?

    python benchmarks/uncertainty.py --weights runs/NAME/best.npz --data FOLDER

The pixels of val, put in order by their uncertainty and cut into ten parts: how
many of each are right. Once by the variance of the samples, and once, without
dropout, by the softmax of one look. Writes uncertainty.md and uncertainty.png,
with some images of val, in benchmarks/results/.
"""
RESULTS = Path(__file__).parent / "results"


def report(model, data, counts, sampling):
    """The lines of the page. counts: the confusion matrix of the mean of the samples"""
    network, epochs = model.meta["network"]["name"], model.meta.get("epoch", "some")
    yield "# Right where it is sure?\n"
    yield f"{datetime.date.today()}, `{shlex.join(['python', *sys.argv])}`."
    yield f"{network} after {epochs} epochs at {'{}x{}'.format(*model.meta['size'])}, judged on val of {data.name}.\n"
    yield "| | G | C | mIoU |\n|---|---|---|---|"
    for name, matrix in (
        (f"the mean of {sampling.samples} samples", counts), ("one look without dropout", sampling.without),
    ):
        yield f"| {name} | {' | '.join(f'{100 * value:.1f}' for value in metrics.figures(matrix).values())} |"
    yield "\nIn % the pixels that are right, of each tenth, from the surest to the least sure:\n"
    yield f"| |{''.join(f' {i} |' for i in range(1, 11))}\n|---{'|---' * 10}|"
    for name, bins in (
        ("variance of the samples", sampling.by_variance), ("softmax of one look", sampling.by_softmax),
    ):
        yield f"| {name} |{''.join(f' {100 * share:.1f} |' for share in metrics.accuracy_by_tenth(bins))}"


def draw(model, data, sampling, count=3):
    """Of some images of val what is seen, what of it is wrong, and what it is unsure of. (No photograph, as these may
    not be passed on.) Below, the accuracy by uncertainty."""
    of_val = data.samples("val")
    chosen = [data.read(of_val[i]) for i in np.linspace(0, len(of_val) - 1, count + 2).round().astype(int)[1:-1]]
    figure = Figure(figsize=(10, 2.5 * count + 3), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[2.5 * count, 3])
    for row, (photograph, labels) in zip(above.subplots(count, 3, squeeze=False), chosen):
        predicted, uncertainty = inference.monte_carlo(model, photograph, sampling.samples, labels.shape)
        wrong = (labels != data.ignore) & (labels != predicted)
        errors = np.where(wrong[..., None], WRONG, 235).astype(np.uint8)
        pictures = data.colours(predicted), errors, uncertainty_colours(uncertainty, len(data.classes))
        for axes, picture, title in zip(row, pictures, ("prediction", "errors", "uncertainty")):
            axes.imshow(picture)
            axes.axis("off")
            if row[0].get_subplotspec().is_first_row():
                axes.set_title(title, fontsize=10)
    axes, tenths = below.subplots(), range(1, 11)
    for bins, label, colour in (
        (sampling.by_variance, f"by the variance of {sampling.samples} samples", "#a03048"),
        (sampling.by_softmax, "without dropout, by the softmax of one look", "#1f3b63"),
    ):
        axes.plot(tenths, 100 * metrics.accuracy_by_tenth(bins), color=colour, marker="o", label=label)
    axes.set(xlabel="tenth of the pixels, from the surest to the least sure", ylabel="% right", xticks=tenths)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, metavar="FILE", help="a checkpoint of a network with dropout")
    parser.add_argument("--data", default="data/CamVid", metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--samples", type=at_least_2, default=20, metavar="N", help="default: %(default)s")
    args = parser.parse_args()
    model = inference.load(args.weights)
    data, _ = open_dataset(args.data)
    check_classes(model, data, args.weights)
    pairs = bar(evaluation_pairs(data, "val"), "val", len(data.samples("val")), unit="img")
    sampling = Sampling(model, args.samples, data.ignore)
    counts, classes = 0, len(data.classes)
    for labels, predicted in sampling.predictions(pairs):
        counts += metrics.confusion_matrix(labels, predicted, classes, data.ignore)
    lines = list(report(model, data, counts, sampling))
    print("\n".join(lines))
    folder = pages.place(RESULTS, parser, args, free=("weights", "data"))
    (folder / "uncertainty.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw(model, data, sampling).savefig(folder / "uncertainty.png", dpi=110)


if __name__ == "__main__":
    exit_in_words(main)
