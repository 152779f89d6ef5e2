"""python -m tinysegnet evaluate"""

import textwrap

import numpy as np

from tinysegnet import inference, metrics
from tinysegnet.commands.options import ITS_OWN, add_backend, add_samples, add_weights
from tinysegnet.data import open_dataset
from tinysegnet.data.batches import evaluation_pairs
from tinysegnet.data.folds import dealt_out, k_of_parts
from tinysegnet.data.survey import check_files
from tinysegnet.metrics.boundary import of_scipy
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import label, or_none
from tinysegnet.support.progress import bar
from tinysegnet.training.loop import predictions
from tinysegnet.training.settings import as_text, option_of

SUMMARY = "accuracy and IoU of each class, G, C and mIoU"
DESCRIPTION = """Print, in %, the accuracy and the IoU (intersection over union) of each class;
G, the share of all pixels that are right; C, the mean accuracy of the classes;
mIoU, the mean IoU. With --bf also BF, the F1 of each class's outline, which may
be off by 0.75 % of the diagonal; the mean over the classes of an image, then
over the images. Each image is judged at the size of its annotation.

With --samples N a network with dropout looks N times, each time with other
values left out, and the mean decides. Then it also says how right the pixels
are by how unsure it is of them.
"""


def add_options(option):
    add_weights(option)
    option("--data", metavar="FOLDER", help="a data set, or streets (default: data/CamVid if it is there, or streets)")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")
    option("--split", choices=("train", "val", "test"), default="val", help="default: %(default)s")
    option("--fold", type=k_of_parts, metavar="k/K", help="let val be what it was in a training with that --fold")
    option("--hold-out", type=or_none(str), metavar="BEGINNING", help="the same, of a training with that --hold-out")
    option("--bf", action="store_true", help="judge the outlines too (needs SciPy: pip install -e '.[boundary]')")
    add_samples(option)
    add_backend(option)


def run(args):
    if args.bf:
        of_scipy()              # what is missing is said now, and not after all images
    model = inference.load(args.weights, args.backend)
    data, why = open_dataset(args.data, args.ignore)
    data, how = dealt_out(data, args.fold, args.hold_out)
    check_classes(model, data, inference.SHIPPED if args.weights is None else args.weights)
    if args.weights is None and data.source == "streets":
        if args.data == "streets":
            way_out = "leave out --data, or name another network by --weights"
            raise InputError(f"the network that comes with this is for CamVid: {way_out}")
        way_out = "get it (python -m tinysegnet download), name it by --data, or another network by --weights"
        raise InputError(f"CamVid is not here, to judge the network that comes with this on: {way_out}")
    sampling = Sampling(model, args.samples, data.ignore) if args.samples else None
    check_files(data, args.split, lambda samples: bar(samples, "reading", unit="img"))
    photographs = len(data.samples(args.split))
    pairs = bar(evaluation_pairs(data, args.split), args.split, photographs, unit="img")
    classes = len(data.classes)
    counts, bf, others = np.zeros((classes, classes), np.int64), [], 0
    for labels, predicted in sampling.predictions(pairs) if sampling else predictions(model, pairs):
        counts += metrics.confusion_matrix(labels, predicted, classes, data.ignore)
        others += inference.size_seen(model, labels.shape) != tuple(model.meta["size"])
        if args.bf:
            bf.append(metrics.boundary_f1(labels, predicted, classes, data.ignore))
    print(textwrap.fill(why, 79, break_long_words=False, break_on_hyphens=False))
    if args.weights is None:
        print(ITS_OWN)
    seen = inference.how_seen(model.meta)
    if args.samples:
        seen = "seen at {}x{}, {} times with dropout".format(*model.meta["size"], args.samples)
    split = f"{args.split}, {how}" if how else args.split
    text = f"{split}, {photographs} images, {seen}; judged at their annotations' size"
    if others:
        text += f"; {others} of other proportions keep them, at as many pixels"
    print(textwrap.fill(text, 79))
    if model.meta["statistics"] == "running":
        print("(its batch-norm statistics are running averages, as in any last.npz, not those\nof the training set)")
    for name, asked in (("fold", args.fold and list(args.fold)), ("hold_out", args.hold_out)):
        if (kept := model.meta.get(name)) not in (None, asked):
            option = f"{option_of(name)} {as_text(name, kept)}"
            print(f"(it was trained with {option}, and so on some of these, if the data are those)")
    print(metrics.table(counts, data.classes, bf=metrics.mean_boundary_f1(bf) if bf else None))
    if sampling:
        sampling.print()


def check_classes(model, data, weights):
    """Raise InputError unless the network in the file `weights` knows the classes of that data set."""
    if model.meta["classes"] != list(data.classes):
        way_out = "name its data set by --data, or another network by --weights"
        raise InputError(f"{weights} was not trained on the classes of {data.name}: {way_out}")


class Sampling:
    """A network with dropout is judged by so many samples, and beside them by one look without dropout.

    without      the confusion matrix of that look
    by_variance  the pixels by the variance of the samples: see metrics.count_by_uncertainty
    by_softmax   the same of that look, by 1 - its best softmax
    """

    def __init__(self, model, samples, ignore):
        """Raises InputError if the network has no dropout."""
        inference.check_dropout(model)
        self.model, self.samples, self.ignore = model, samples, ignore
        self.without = self.by_variance = self.by_softmax = 0

    def predictions(self, pairs):
        """(labels, predicted) of each photograph, by the mean of the samples; as training.loop.predictions has it."""
        classes = len(self.model.meta["classes"])
        for photograph, labels in pairs:
            predicted, variance = inference.monte_carlo(self.model, photograph, self.samples, labels.shape)
            without, doubt = inference.one_look(self.model, photograph, labels.shape)
            self.without += metrics.confusion_matrix(labels, without, classes, self.ignore)
            self.by_variance += metrics.count_by_uncertainty(labels, predicted, variance, self.ignore)
            self.by_softmax += metrics.count_by_uncertainty(labels, without, doubt, self.ignore)
            yield labels, predicted

    def print(self):
        print(f"\nOne look without dropout: {metrics.summary(metrics.figures(self.without))}")
        print("\n% of the pixels right in each tenth of them, from the surest to the least sure.")
        print("A measure that is worth something falls from left to right:")
        rows = (f"{self.samples} looks, by variance", self.by_variance), ("one look, by its softmax", self.by_softmax)
        for name, counts in rows:
            print(f"{name:27}" + "".join(map(tenth, metrics.accuracy_by_tenth(counts))))
        of_variance = metrics.accuracy_by_tenth(self.by_variance)
        if of_variance[-1] >= of_variance[0]:
            print("That of the looks does not: they agree on what is wrong. Train for longer.")


def tenth(share):
    """In %, five characters wide: "-" if there is no pixel, and no decimal of 100, which would touch its neighbour."""
    text = f"{100 * share:.1f}"
    return {"nan": "-", "100.0": "100"}.get(text, text).rjust(5)
