"""Train SegNet-Basic:  python train.py  or  python train.py --data FOLDER

FOLDER holds CamVid, or photographs of your own (see README). Without it, and
without a data/CamVid, the network learns from streets: scenes that are drawn
on the spot. After each epoch it is judged on val, at the size of the
annotations, in %: G of all pixels are right, C on average over the classes;
mIoU is the mean intersection over union. A run leaves, in runs/NAME/:

    best.npz         the network of the epoch with the best mIoU on val
    last.npz         where --resume goes on, after Ctrl-C or a crash
    log.jsonl        a line for each step and each epoch
    config.json      settings, versions, and a fingerprint of the data
    curves.png, predictions.png, confusion.png
"""

import argparse
import textwrap

import numpy as np

from tinysegnet import checkpoint, metrics, ops, plots, recipes, runs, training
from tinysegnet.backend import keep_freed_memory, select, to_device
from tinysegnet.data import balance, choose
from tinysegnet.data.augment import scaled
from tinysegnet.data.batches import evaluation_pairs, training_batches
from tinysegnet.data.survey import usable
from tinysegnet.errors import InputError, exit_in_words
from tinysegnet.options import at_least_0, at_least_1, folder_name, height_x_width, label, positive
from tinysegnet.progress import bar
from tinysegnet.signals import Stop

SAVE_EVERY = 300    # seconds


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--data", metavar="FOLDER", help="a data set, or streets (default: data/CamVid if it is there, or streets)")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")
    option("--size", type=height_x_width, metavar="HxW", help="size to train at, as in 180x240 (default: as it is)")
    option("--recipe", choices=recipes.RECIPES, help="see recipes.py (default: streets for those, or photographs)")
    option("--epochs", type=at_least_1, help="passes over the training set (default: the recipe's)")
    option("--batch", type=at_least_1, help="images per step (default: the recipe's)")
    option("--lr", type=positive, help="learning rate at the start (default: the recipe's)")
    option("--seed", type=at_least_0, default=0, help="of the weights, the order, the augmentation (default: 0)")
    option("--name", type=folder_name, default="first", help="the run goes to runs/NAME (default: %(default)s)")
    option("--width", type=at_least_1, default=64, help="filters of each layer (default: 64, SegNet-Basic's)")
    option("--ops", choices=("library", "lessons"), default="library", help="lessons: with your own functions, small")
    option("--conv", choices=("auto", "fft", "im2col"), default="auto", help="default: for each layer the faster one")
    option("--resume", action="store_true", help="go on with the run of that name, with its settings")
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")
    args = parser.parse_args()
    if args.resume:
        return recipes.settings_kept(parser)
    if args.ops == "lessons":
        parser.set_defaults(name=my_segnet().next_name(), **my_segnet().SMALL)
    return parser.parse_args()


def my_segnet():
    """What makes a network of a learner's own functions: only there, with pytest, when it is asked for."""
    from lessons.engine import my_segnet

    return my_segnet


def main():
    args = parse_args()
    keep_freed_memory()
    if (args.conv, args.backend) == ("fft", "cupy"):
        raise InputError("--conv fft is written for NumPy: train with --backend numpy, or without --conv")
    xp, operations = select(args.backend), ops.convolving_by(args.conv)
    if args.ops == "lessons":
        if (args.conv, args.backend) != ("auto", "numpy"):
            raise InputError("--ops lessons is for your own NumPy functions: leave out --conv and --backend")
    data, why = choose(args.data, args.ignore)
    print(why, flush=True)
    train, val = (usable(data, split, lambda samples: bar(samples, "reading")) for split in ("train", "val"))
    settings = recipes.settle(args, data, train, val)
    if args.ops == "lessons":
        operations, count = my_segnet().begin(settings, len(data.classes))
    run = runs.Run(f"runs/{args.name}", settings, data, xp)
    (run.resume if args.resume else run.begin)(train.fingerprint + val.fingerprint)
    class_weights = balance.median_frequency_weights(train.pixels, train.image_pixels, settings["balance"])
    class_weights = to_device(class_weights.astype(np.float32), xp)
    height, width = size = settings["size"]
    part = "in parts of {}x{}, ".format(*scaled(size, settings["crop"])) if settings["crop"] else ""
    print(f"{train.images} images, seen {part}at {height}x{width}; {val.images} of val, judged at their own size")
    if missing := train.missing(data.classes):
        print(textwrap.fill(f"In no training image, so not learnt: {', '.join(missing)}.", 79))

    def train_until_stopped():
        """Train to the end of the epoch, or until a signal comes or it is time to save."""
        batches = stop.until(training_batches(data, settings, run.epoch, first=run.step), seconds=SAVE_EVERY)
        done = run.step + (run.epoch - 1) * settings["steps"]
        with bar(desc=f"epoch {run.epoch}/{settings['epochs']}", total=settings["steps"], initial=run.step) as shown:
            for loss in training.train_steps(
                run.params, run.stats, run.memory, batches, class_weights, data.ignore, settings, done, operations
            ):
                run.log_step(loss)
                shown.set_postfix(loss=f"{loss:.3f}")
                shown.update()
        run.save()
        stop.leave_if_asked(run)

    def judge(params, stats, about):
        pairs = bar(stop.until(evaluation_pairs(data, "val")), "  val", val.images, unit="img")
        counts = training.evaluate(params, stats, about, pairs, data.ignore)
        stop.leave_if_asked(run)
        return counts

    def draw(params, stats, about, counts):
        plots.confusion(counts, data.classes, run.path / "confusion.png")
        plots.predictions(training.examples(params, stats, about, data), data, run.path / "predictions.png")

    in_one_look = run.about() | {"test_scales": None}       # each epoch; the best of them is judged as it will be used

    with run.lock, Stop() as stop, np.errstate(over="ignore", invalid="ignore"):    # a NaN is explained in words
        while run.epoch <= settings["epochs"]:
            while run.step < settings["steps"]:
                train_until_stopped()
            counts = judge(run.params, run.stats, in_one_look)
            line, is_best = run.end_epoch(counts)
            plots.curves(run.log_path, run.path / "curves.png")
            if is_best:
                draw(run.params, run.stats, in_one_look, counts)
            epoch, loss, seconds = line["epoch"], line["loss"], line["seconds"]
            print(f"epoch {epoch:3}  loss {loss:.3f}  val {metrics.summary(counts)}  {seconds:.0f} s", flush=True)

        plots.curves(run.log_path, run.path / "curves.png")     # again: a crash may have come before the last ones
        params, _, about = runs.load_network(run.path / "best.npz", xp)
        as_they_are = {"flip": False, "scale": None, "crop": None, "light": None}
        batches = training_batches(data, settings | as_they_are, epoch=0)
        batches = bar(stop.until(batches), "batch-norm statistics", settings["steps"])
        stats = training.exact_statistics(params, batches, settings["input"])
        stop.leave_if_asked(run)
        counts = judge(params, stats, about)
        checkpoint.save(run.path / "best.npz", about | {"statistics": "exact"}, params=params, stats=stats)
        draw(params, stats, about, counts)
    best = f"{settings['select']} {100 * run.best:.1f}"
    print(f"\nEpoch {about['epoch']} was the best: {best} with running batch-norm statistics. With those")
    print(f"of the whole training set {run.path / 'best.npz'} gives on val:")
    print(metrics.table(counts, data.classes))
    if args.ops == "lessons":
        my_segnet().add_panel(run, count)


if __name__ == "__main__":
    exit_in_words(main, "use a smaller --batch or --size")
