"""python -m tinysegnet evaluate: what a trained network is worth on a split."""

import argparse

from tqdm import tqdm

from tinysegnet import checkpoint, metrics, training
from tinysegnet.backend import select, to_device
from tinysegnet.data import choose
from tinysegnet.data.batches import evaluation_batches
from tinysegnet.errors import InputError, exit_in_words
from tinysegnet.networks import segnet_basic


def parse_args():
    parser = argparse.ArgumentParser(prog="python -m tinysegnet", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "evaluate", help="accuracy and IoU of each class, G, C and mIoU",
        description="Print, in %%, the accuracy and the IoU (intersection over union) of each class; G, the share of "
        "all pixels that are right; C, the mean accuracy of the classes; mIoU, the mean IoU. Each image is judged at "
        "the size of its annotation.",
    )
    option = command.add_argument
    option("--weights", required=True, metavar="FILE", help="a checkpoint, such as runs/first/best.npz")
    option("--data", metavar="FOLDER", help="folder of CamVid (default: data/CamVid if it is there, or else streets)")
    option("--split", choices=("train", "val", "test"), default="val", help="default: %(default)s")
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")
    return parser.parse_args()


def evaluate(args):
    xp = select(args.backend)
    params, stats, about = checkpoint.load(args.weights)
    data, why = choose(args.data)
    if about["classes"] != list(data.classes):
        raise InputError(f"{args.weights} was not trained on CamVid's {len(data.classes)} classes: give another file")
    if about["input"] != training.INPUT:
        raise InputError(f"{args.weights} wants the input {about['input']!r}: use the version that wrote it")
    segnet_basic.check_complete(params, stats, args.weights)
    size = tuple(about["size"])
    count = len(data.samples(args.split))
    batches = tqdm(evaluation_batches(data, args.split, size), args.split, count, leave=False, unit="img")
    params, stats = to_device(params, xp), to_device(stats, xp)
    counts = training.evaluate(params, stats, batches, len(data.classes), data.ignore)
    seen = f"seen at {size[0]}x{size[1]} and judged at the size of their annotations"
    print(why)
    print(f"{args.split}, {count} images, {seen}")
    if about["statistics"] == "running":
        print("(an unfinished run: its batch-norm statistics are running averages, not those of the training set)")
    print(metrics.table(counts, data.classes))


def main():
    evaluate(parse_args())


if __name__ == "__main__":
    exit_in_words(main)
