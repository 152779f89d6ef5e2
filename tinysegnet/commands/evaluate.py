"""accuracy and IoU of each class, G, C and mIoU

Print, in %, the accuracy and the IoU (intersection over union) of each class;
G, the share of all pixels that are right; C, the mean accuracy of the classes;
mIoU, the mean IoU. Each image is judged at the size of its annotation.
"""

from tinysegnet import metrics, runs, training
from tinysegnet.backend import select
from tinysegnet.data import choose
from tinysegnet.data.batches import evaluation_pairs
from tinysegnet.errors import InputError
from tinysegnet.options import label
from tinysegnet.progress import bar


def add_options(option):
    option("--weights", metavar="FILE", help=runs.WHICH_WEIGHTS)
    option("--data", metavar="FOLDER", help="a data set, or streets (default: data/CamVid if it is there, or streets)")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")
    option("--split", choices=("train", "val", "test"), default="val", help="default: %(default)s")
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")


def run(args):
    params, stats, about = runs.load_network(args.weights, select(args.backend))
    data, why = choose(args.data, args.ignore)
    if about["classes"] != list(data.classes):
        way_out = "name its data set by --data, or another network by --weights"
        raise InputError(f"{args.weights or runs.SHIPPED} was not trained on the classes of {data.name}: {way_out}")
    if args.weights is None and data.source == "streets":
        way_out = "get it (python -m tinysegnet download), name it by --data, or another network by --weights"
        raise InputError(f"CamVid is not here, to judge the network that comes with this on: {way_out}")
    samples = data.samples(args.split)
    pairs = bar(evaluation_pairs(data, args.split), args.split, len(samples), unit="img")
    counts = training.evaluate(params, stats, about, pairs, data.ignore)
    print(why)
    if args.weights is None:
        print(runs.ITS_OWN)
    print(f"{args.split}, {len(samples)} images, {training.how_seen(about)}; judged at their annotations' size")
    if about["statistics"] == "running":
        print("(an unfinished run: its batch-norm statistics are running averages, not\nthose of the training set)")
    print(metrics.table(counts, data.classes))
