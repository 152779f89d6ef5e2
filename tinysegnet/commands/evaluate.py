"""python -m tinysegnet evaluate"""

import textwrap

import numpy as np

from tinysegnet import inference, metrics
from tinysegnet.commands.options import ITS_OWN, add_backend, add_weights
from tinysegnet.data import open_dataset
from tinysegnet.data.batches import evaluation_pairs
from tinysegnet.metrics.boundary import of_scipy
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import label
from tinysegnet.support.progress import bar
from tinysegnet.training.loop import predictions

SUMMARY = "accuracy and IoU of each class, G, C and mIoU"
DESCRIPTION = """Print, in %, the accuracy and the IoU (intersection over union) of each class;
G, the share of all pixels that are right; C, the mean accuracy of the classes;
mIoU, the mean IoU. With --bf also BF, the F1 of each class's outline, which may
be off by 0.75 % of the diagonal; the mean over the classes of an image, then
over the images. Each image is judged at the size of its annotation.
"""


def add_options(option):
    add_weights(option)
    option("--data", metavar="FOLDER", help="a data set, or streets (default: data/CamVid if it is there, or streets)")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")
    option("--split", choices=("train", "val", "test"), default="val", help="default: %(default)s")
    option("--bf", action="store_true", help="judge the outlines too (needs SciPy: pip install -e '.[boundary]')")
    add_backend(option)


def run(args):
    if args.bf:
        of_scipy()              # what is missing is said now, and not after all images
    model = inference.load(args.weights, args.backend)
    data, why = open_dataset(args.data, args.ignore)
    if model.meta["classes"] != list(data.classes):
        way_out = "name its data set by --data, or another network by --weights"
        which = args.weights or inference.SHIPPED
        raise InputError(f"{which} was not trained on the classes of {data.name}: {way_out}")
    if args.weights is None and data.source == "streets":
        way_out = "get it (python -m tinysegnet download), name it by --data, or another network by --weights"
        raise InputError(f"CamVid is not here, to judge the network that comes with this on: {way_out}")
    samples = data.samples(args.split)
    pairs = bar(evaluation_pairs(data, args.split), args.split, len(samples), unit="img")
    classes = len(data.classes)
    counts, bf = np.zeros((classes, classes), np.int64), []
    for labels, predicted in predictions(model, pairs):
        counts += metrics.confusion_matrix(labels, predicted, classes, data.ignore)
        if args.bf:
            bf.append(metrics.boundary_f1(labels, predicted, classes, data.ignore))
    print(why)
    if args.weights is None:
        print(ITS_OWN)
    text = f"{args.split}, {len(samples)} images, {inference.how_seen(model.meta)}; judged at their annotations' size"
    print(textwrap.fill(text, 79))
    if model.meta["statistics"] == "running":
        print("(an unfinished run: its batch-norm statistics are running averages, not\nthose of the training set)")
    print(metrics.table(counts, data.classes, bf=metrics.mean_boundary_f1(bf) if bf else None))
