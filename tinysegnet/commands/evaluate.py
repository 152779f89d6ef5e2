"""python -m tinysegnet evaluate"""

import textwrap

from tinysegnet import inference, metrics
from tinysegnet.commands.options import ITS_OWN, add_backend, add_weights
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
"""


def add_options(option):
    add_weights(option)
    option("--data", metavar="FOLDER", help="a data set, or streets (default: data/CamVid if it is there, or streets)")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")
    option("--split", choices=("train", "val", "test"), default="val", help="default: %(default)s")
    add_backend(option)


def run(args):
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
    counts = evaluate(model, pairs, data.ignore)
    print(why)
    if args.weights is None:
        print(ITS_OWN)
    text = f"{args.split}, {len(samples)} images, {inference.how_seen(model.meta)}; judged at their annotations' size"
    print(textwrap.fill(text, 79))
    if model.meta["statistics"] == "running":
        print("(an unfinished run: its batch-norm statistics are running averages, not\nthose of the training set)")
    print(metrics.table(counts, data.classes))
