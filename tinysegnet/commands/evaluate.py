"""python -m tinysegnet evaluate"""

import textwrap

from tinysegnet import inference, metrics
from tinysegnet.commands.options import ITS_OWN, add_backend, add_samples, add_weights
from tinysegnet.data import open_dataset
from tinysegnet.data.batches import evaluation_pairs
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import label
from tinysegnet.support.progress import bar
from tinysegnet.training.loop import evaluate

SUMMARY = "accuracy and IoU of each class, G, C and mIoU"
DESCRIPTION = """Print, in %, the accuracy and the IoU (intersection over union) of each class;
G, the share of all pixels that are right; C, the mean accuracy of the classes;
mIoU, the mean IoU. Each image is judged at the size of its annotation.

With --samples N a network with dropout looks N times, each time with other
values left out, and the mean decides. Then it also says how right the pixels
are by how unsure it is of them.
"""


def add_options(option):
    add_weights(option)
    option("--data", metavar="FOLDER", help="a data set, or streets (default: data/CamVid if it is there, or streets)")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")
    option("--split", choices=("train", "val", "test"), default="val", help="default: %(default)s")
    add_samples(option)
    add_backend(option)


def run(args):
    model = inference.load(args.weights, args.backend)
    data, why = open_dataset(args.data, args.ignore)
    check_classes(model, data, args.weights or inference.SHIPPED)
    if args.weights is None and data.source == "streets":
        way_out = "get it (python -m tinysegnet download), name it by --data, or another network by --weights"
        raise InputError(f"CamVid is not here, to judge the network that comes with this on: {way_out}")
    if args.samples:
        inference.check_dropout(model)
    photographs = len(data.samples(args.split))
    pairs = bar(evaluation_pairs(data, args.split), args.split, photographs, unit="img")
    if args.samples:
        counts, *further = evaluate_samples(model, pairs, data.ignore, args.samples)
    else:
        counts = evaluate(model, pairs, data.ignore)
    print(why)
    if args.weights is None:
        print(ITS_OWN)
    seen = inference.how_seen(model.meta)
    if args.samples:
        seen = "seen at {}x{}, {} times with dropout".format(*model.meta["size"], args.samples)
    text = f"{args.split}, {photographs} images, {seen}; judged at their annotations' size"
    print(textwrap.fill(text, 79))
    if model.meta["statistics"] == "running":
        print("(an unfinished run: its batch-norm statistics are running averages, not\nthose of the training set)")
    print(metrics.table(counts, data.classes))
    if args.samples:
        print_certainty(args.samples, counts, *further)


def check_classes(model, data, weights):
    """Raise InputError unless the network in the file `weights` knows the classes of that data set."""
    if model.meta["classes"] != list(data.classes):
        way_out = "name its data set by --data, or another network by --weights"
        raise InputError(f"{weights} was not trained on the classes of {data.name}: {way_out}")


def evaluate_samples(model, pairs, ignore, samples):
    """The confusion matrix of the mean of so many samples, that of one look without dropout, and of both the counts by
    uncertainty: the variance of the samples, and 1 - the best softmax of that look."""
    classes, sums = len(model.meta["classes"]), [0, 0, 0, 0]
    for photograph, labels in pairs:
        size, seen_at = labels.shape, model.meta["size"]
        predicted, variance = inference.monte_carlo(model, photograph, samples, size, seen_at=seen_at)
        without, doubt = inference.one_look(model, photograph, size, seen_at=seen_at)
        found = (
            metrics.confusion_matrix(labels, predicted, classes, ignore),
            metrics.confusion_matrix(labels, without, classes, ignore),
            metrics.count_by_uncertainty(labels, predicted, variance, ignore),
            metrics.count_by_uncertainty(labels, without, doubt, ignore),
        )
        sums = [one + other for one, other in zip(sums, found)]
    return sums


def print_certainty(samples, counts, counts_without, by_variance, by_softmax):
    print(f"\nOne look without dropout: {metrics.summary(metrics.figures(counts_without))}")
    print("\n% of the pixels right in each tenth of them, from the surest to the least sure:")
    names = f"{samples} samples, by variance", "one look, by its softmax"
    for name, bins in zip(names, (by_variance, by_softmax)):
        print(f"{name:27}" + "".join(f"{100 * share:5.1f}" for share in metrics.accuracy_by_tenth(bins)))
