"""Train SegNet-Basic on CamVid:  python train.py --data FOLDER

FOLDER holds train/, trainannot/, val/ and valannot/, as the authors released
them. After each epoch the network is judged on val, at the size of the
annotations, in %: G of all pixels are right, C on average over the classes;
mIoU is the mean intersection over union. It leaves, in runs/NAME/:

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
from tinysegnet.data import balance, camvid
from tinysegnet.data.batches import evaluation_batches, training_batches
from tinysegnet.errors import InputError, exit_in_words
from tinysegnet.networks import segnet_basic
from tinysegnet.options import at_least_0, at_least_1, folder_name, height_x_width, positive


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--data", default="data/CamVid", help="folder of the data set (default: %(default)s)")
    option("--size", type=height_x_width, metavar="HxW", help="size to train at, as in 180x240 (default: as it is)")
    option("--epochs", type=at_least_1, default=100, help="passes over the training set (default: %(default)s)")
    option("--batch", type=at_least_1, default=4, help="images per step (default: %(default)s)")
    option("--lr", type=positive, default=0.1, help="learning rate, constant (default: %(default)s)")
    option("--seed", type=at_least_0, default=0, help="of the weights and the order of images (default: %(default)s)")
    option("--name", type=folder_name, default="camvid", help="the run goes to runs/NAME (default: %(default)s)")
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")
    return parser.parse_args()


def main():
    args = parse_args()
    xp = select(args.backend)
    train, val = camvid.samples(args.data, "train"), camvid.samples(args.data, "val")
    run = Path("runs") / args.name
    if run.exists():
        raise InputError(f"{run} is already there: give this run another --name, or delete that folder")
    size = args.size or camvid.common_size(train + val)
    classes = len(camvid.CLASSES)
    pixels, image_pixels = balance.count_pixels(train, classes)
    balance.count_pixels(val, classes)                      # for its checks
    class_weights = balance.median_frequency_weights(pixels, image_pixels)
    class_weights = to_device(class_weights.astype(np.float32), xp)
    params, stats = (to_device(arrays, xp) for arrays in segnet_basic.init(args.seed, classes))
    velocity = {name: xp.zeros_like(a) for name, a in params.items()}
    segnet_basic.check_size(params, *size)
    about = {"classes": camvid.CLASSES, "size": size, "input": training.INPUT, "statistics": "running"}

    def judge(params, stats):
        batches = tqdm(evaluation_batches(val, size), "  val", len(val), leave=False, unit="img")
        return training.evaluate(params, stats, batches, classes, camvid.VOID)

    def log(**line):
        with open(run / "log.jsonl", "a") as file:
            print(json.dumps(line), file=file)

    run.mkdir(parents=True)
    print(f"{len(train)} images to train on, seen at {size[0]}x{size[1]}; {len(val)} of val, judged at their own size")
    best = -1
    for epoch in range(1, args.epochs + 1):
        start, losses = time.perf_counter(), []
        batches = training_batches(train, size, args.batch, args.seed, epoch)
        steps = training.train_epoch(params, stats, velocity, batches, class_weights, camvid.VOID, args.lr)
        with tqdm(total=len(train), desc=f"epoch {epoch}/{args.epochs}", leave=False, unit="img") as bar:
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
    batches = training_batches(train, size, args.batch, args.seed, epoch=0)
    batches = tqdm(batches, "batch-norm statistics", -(-len(train) // args.batch), leave=False, unit="batch")
    stats = training.exact_statistics(params, batches)
    checkpoint.save(run / "best.npz", params, stats, about | {"statistics": "exact"})
    print(f"\nEpoch {about['epoch']} was the best. With batch-norm statistics of the whole training set,")
    print(f"{run / 'best.npz'} gives on val:")
    print(metrics.table(judge(params, stats), camvid.CLASSES))


if __name__ == "__main__":
    exit_in_words(main)
