"""Train SegNet-Basic:  python train.py  or  python train.py --data FOLDER

FOLDER holds CamVid: train/, trainannot/, val/ and valannot/ as the authors
released them. Without it, and without a data/CamVid, the network learns from
streets: scenes that are drawn on the spot. After each epoch it is judged on
val, at the size of the annotations, in %: G of all pixels are right, C on
average over the classes; mIoU is the mean intersection over union. A run
leaves, in runs/NAME/:

    best.npz     the weights of the epoch with the best mIoU on val
    log.jsonl    a line for each step and each epoch
    curves.png   the loss, and G, C and mIoU on val
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tinysegnet import checkpoint, metrics, plots, training
from tinysegnet.backend import select, to_device
from tinysegnet.data import balance, choose
from tinysegnet.data.batches import evaluation_batches, training_batches
from tinysegnet.errors import InputError, exit_in_words
from tinysegnet.networks import segnet_basic
from tinysegnet.options import at_least_0, at_least_1, folder_name, height_x_width, positive


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--data", metavar="FOLDER", help="folder of CamVid (default: data/CamVid if it is there, or else streets)")
    option("--size", type=height_x_width, metavar="HxW", help="size to train at, as in 180x240 (default: as it is)")
    option("--epochs", type=at_least_1, help="passes over the training set (default: 100 on CamVid, 6 on streets)")
    option("--batch", type=at_least_1, default=4, help="images per step (default: %(default)s)")
    option("--lr", type=positive, default=0.1, help="learning rate, constant (default: %(default)s)")
    option("--seed", type=at_least_0, default=0, help="of the weights and the order of images (default: %(default)s)")
    option("--name", type=folder_name, default="first", help="the run goes to runs/NAME (default: %(default)s)")
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")
    return parser.parse_args()


def main():
    args = parse_args()
    xp = select(args.backend)
    data, why = choose(args.data)
    run = Path("runs") / args.name
    if run.exists():
        raise InputError(f"{run} is already there: give this run another --name, or delete that folder")
    pixels, image_pixels, train_size = balance.survey(data, "train")
    _, _, val_size = balance.survey(data, "val")
    size = args.size or (train_size if train_size == val_size else None)
    if size is None:
        raise InputError(f"the images of {data.name} are not of one size: give one to all with --size HxW")
    classes, epochs = len(data.classes), args.epochs or data.epochs
    class_weights = to_device(balance.median_frequency_weights(pixels, image_pixels).astype(np.float32), xp)
    params, stats = (to_device(arrays, xp) for arrays in segnet_basic.init(args.seed, classes))
    velocity = {name: xp.zeros_like(a) for name, a in params.items()}
    segnet_basic.check_size(params, *size)
    about = {"classes": data.classes, "size": size, "input": training.INPUT, "statistics": "running"}
    train_count, val_count = len(data.samples("train")), len(data.samples("val"))

    def judge(params, stats):
        batches = tqdm(evaluation_batches(data, "val", size), "  val", val_count, leave=False, unit="img")
        return training.evaluate(params, stats, batches, classes, data.ignore)

    def log(**line):
        with open(run / "log.jsonl", "a") as file:
            print(json.dumps(line), file=file)

    run.mkdir(parents=True)
    print(why)
    print(f"{train_count} images, seen at {size[0]}x{size[1]}; {val_count} of val, judged at their own size")
    best = -1
    for epoch in range(1, epochs + 1):
        start, losses = time.perf_counter(), []
        batches = training_batches(data, size, args.batch, args.seed, epoch)
        steps = training.train_epoch(params, stats, velocity, batches, class_weights, data.ignore, args.lr)
        with tqdm(total=train_count, desc=f"epoch {epoch}/{epochs}", leave=False, unit="img") as bar:
            for loss, images in steps:
                losses.append(loss)
                log(epoch=epoch, step=len(losses), loss=loss)
                bar.set_postfix(loss=f"{loss:.3f}")
                bar.update(images)
        counts = judge(params, stats)
        loss, seconds = sum(losses) / len(losses), time.perf_counter() - start
        log(epoch=epoch, loss=loss, seconds=seconds, **metrics.figures(counts))
        plots.curves(run / "log.jsonl", run / "curves.png")
        print(f"epoch {epoch:3}  loss {loss:.3f}  val {metrics.summary(counts)}  {seconds:.0f} s", flush=True)
        if metrics.mean_iou(counts) > best:
            best = metrics.mean_iou(counts)
            checkpoint.save(run / "best.npz", params, stats, about | {"epoch": epoch})

    params, _, about = checkpoint.load(run / "best.npz")
    params = to_device(params, xp)
    batches = training_batches(data, size, args.batch, args.seed, epoch=0)
    batches = tqdm(batches, "batch-norm statistics", -(-train_count // args.batch), leave=False, unit="batch")
    stats = training.exact_statistics(params, batches)
    checkpoint.save(run / "best.npz", params, stats, about | {"statistics": "exact"})
    print(f"\nEpoch {about['epoch']} was the best. With batch-norm statistics of the whole training set,")
    print(f"{run / 'best.npz'} gives on val:")
    print(metrics.table(judge(params, stats), data.classes))


if __name__ == "__main__":
    exit_in_words(main)
