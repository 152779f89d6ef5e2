"""Train a small SegNet-Basic on drawn cells, by your losses."""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "TINYSEGNET_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from lessons.engine import course, judging
from tinysegnet import inference, metrics
from tinysegnet.data.batches import training_batches
from tinysegnet.ops import fast
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import InputError, exit_in_words
from tinysegnet.training import loop
from tinysegnet.training.settings import from_recipe, steps_of

cells = course.beside(__file__, "cells")

DESCRIPTION = """A small SegNet-Basic on drawn cells, trained by your losses: cross-entropy, Dice, and their sum.

    python lessons/22_two_classes/train_cells.py

The functions are those of mine/22_two_classes.py. With --few, there is one cell in a photograph, or none.
"""
SOME, FEW = (2, 6), (0, 1)          # cells in a photograph, at least and at most
SMOOTH = 1.0
BATCH = 8
SETTINGS = from_recipe(
    "streets", data="cells", size=cells.SIZE, filters=8, epochs=12, batch=BATCH, lr=5e-3, class_weight_power=0,
    flip=True, steps=steps_of(len(cells.TRAIN), BATCH),
)


def with_loss(forward, backward, *more):
    """The library's operations with a loss of one logit, forward(z, labels, ignore, *more), in the place of theirs.

    The network has two logits, and z is their difference. So the gradient of the one is that of z, and that of the
    other the same with a minus.
    """
    def softmax_cross_entropy(logits, labels, class_weights, ignore):
        return forward(logits[..., cells.CELL] - logits[..., cells.BACKGROUND], labels, ignore, *more)

    def softmax_cross_entropy_backward(dloss, cache):
        dz = backward(dloss, cache)
        return np.stack([-dz, dz], axis=-1)

    return SimpleNamespace(**vars(fast) | dict(
        softmax_cross_entropy=softmax_cross_entropy, softmax_cross_entropy_backward=softmax_cross_entropy_backward,
    ))


def losses(functions):
    """{name: operations} of cross-entropy, of Dice, and of their sum, by {name: function} of this lesson."""
    entropy, entropy_backward = functions["binary_cross_entropy"], functions["binary_cross_entropy_backward"]
    dice, dice_backward = functions["foreground_dice"], functions["foreground_dice_backward"]

    def both(z, labels, ignore):
        (one, of_entropy), (other, of_dice) = entropy(z, labels, ignore), dice(z, labels, ignore, SMOOTH)
        return one + other, (of_entropy, of_dice)

    def both_backward(dloss, cache):
        return entropy_backward(dloss, cache[0]) + dice_backward(dloss, cache[1])

    return {
        "cross-entropy": with_loss(entropy, entropy_backward), "Dice": with_loss(dice, dice_backward, SMOOTH),
        "both": with_loss(both, both_backward),
    }


def between_cells(labels, reach=3):
    """Where background lies between two cells: it has one so near, or nearer, on two opposite sides. bool (N, H, W)"""
    N, H, W = labels.shape
    padded, found = np.pad(labels == cells.CELL, ((0, 0), (reach, reach), (reach, reach))), np.zeros((N, H, W), bool)

    def near(down, right):
        steps = range(1, reach + 1)
        at = [(reach + k * down, reach + k * right) for k in steps]
        return np.logical_or.reduce([padded[:, r : r + H, q : q + W] for r, q in at])

    for down, right in (0, 1), (1, 0), (1, 1), (1, -1):
        found |= near(down, right) & near(-down, -right)
    return found & (labels == cells.BACKGROUND)


def with_weight_on_seams(weight):
    """The library's operations with a cross-entropy in which background between cells counts `weight` times."""
    def softmax_cross_entropy(logits, labels, class_weights, ignore):
        _, (log_p, one_hot, pixel_weights) = fast.softmax_cross_entropy(logits, labels, class_weights, ignore)
        pixel_weights = pixel_weights * np.where(between_cells(labels), weight, 1).astype(logits.dtype)
        return -(pixel_weights * (log_p * one_hot).sum(axis=3)).sum(), (log_p, one_hot, pixel_weights)

    return SimpleNamespace(**vars(fast) | dict(softmax_cross_entropy=softmax_cross_entropy))


def in_memory(labelling, count):
    """Drawn cells as a DataSet, each drawn once."""
    data = cells.dataset(labelling, count)
    drawn = {seed: data.read(seed) for split in ("train", "val") for seed in data.samples(split)}
    return replace(data, read=drawn.__getitem__)


def trained(data, ops, seed):
    """A Model with the statistics of the whole training set, as train.py leaves it."""
    settings = replace(SETTINGS, seed=seed)
    model, epochs = loop.train(settings, data, loop.Functions(ops=ops))
    for losses_of_epoch in epochs:
        for _ in losses_of_epoch:
            pass
    return replace(model, stats=loop.exact_statistics(model, training_batches(data, settings, epoch=0)))


def softmax_of(model, photograph):
    """(H, W, classes)"""
    return fast.softmax(inference.look(model, photograph)[0])


def judged(model, data, count):
    """What a network makes of val: figures of its pixels in %, and how many cells are counted and found.

    A cell is found if one of the connected parts has an IoU with it above a half. "tenths" has for each tenth of p, the
    softmax of a cell, how many pixels have it, and how many of these are of a cell.
    """
    matrix, seen = np.zeros((len(data.classes),) * 2, int), {"there": 0, "counted": 0, "found": 0}
    surprise, sure, wrong, labelled, tenths = 0, 0, 0, 0, np.zeros((10, 2), int)
    for seed in data.samples("val"):
        photograph, labels = data.read(seed)
        numbers = cells.scene(seed, cells=count)[1]
        p, counts = softmax_of(model, photograph), labels != data.ignore
        named, is_cell = p.argmax(axis=2), labels[counts] == cells.CELL
        matrix += metrics.confusion_matrix(labels, named, len(data.classes), data.ignore)
        of_label = np.take_along_axis(p, np.where(counts, labels, 0)[..., None].astype(int), axis=2)[..., 0][counts]
        tenth = np.minimum(10 * p[counts][:, cells.CELL], 9).astype(int)
        tenths[:, 0] += np.bincount(tenth, minlength=10)
        tenths[:, 1] += np.bincount(tenth[is_cell], minlength=10)
        surprise += -np.log(np.maximum(of_label, 1e-30)).sum()
        labelled += counts.sum()
        wrong += ((named != labels) & counts).sum()
        sure += ((named != labels) & counts & (p.max(axis=2) > 0.99)).sum()
        said = (named == cells.CELL) & counts
        parts, truth = cells.components(said), np.where(labels == cells.CELL, numbers, 0)
        seen["there"] += len(np.unique(numbers[(numbers > 0) & (numbers != cells.VOID)]))
        seen["counted"] += cells.count_cells(said)
        seen["found"] += sum(found(parts, truth == number) for number in np.unique(truth[truth > 0]))
    iou = metrics.iou(matrix)[cells.CELL]
    return {
        "IoU": percent(iou), "Dice": percent(2 * iou / (1 + iou)), **seen,
        "surprise": round(float(surprise / labelled), 3), "wrong": percent(wrong / labelled),
        "sure of the wrong": percent(sure / max(wrong, 1)), "tenths": tenths.tolist(),
    }


def found(parts, cell):
    """Whether a connected part has an IoU with a cell above a half. parts (H, W), cell bool (H, W)"""
    inside = parts[cell & (parts > 0)]
    return any((inside == part).sum() / ((parts == part) | cell).sum() > 0.5 for part in np.unique(inside))


def percent(share):
    return round(100 * float(share), 1)


def learners_functions():
    """The learner's functions of this lesson, {name: function}. Raises InputError if one is not done."""
    lesson = course.LESSONS / "22_two_classes"
    path = course.my_file(lesson)
    for exercise in course.exercises(lesson):
        if not judging.is_done(judging.judge(lesson, exercise).verdicts):
            raise InputError(f"mine/{path.name}: {exercise.name} is not done, python -m lessons 22 says why")
    return vars(course.load(path))


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", action="store_true", help="one cell in a photograph, or none")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    keep_freed_memory()
    functions = learners_functions()
    count = FEW if args.few else SOME
    data = in_memory("whole", count)
    for name, ops in losses(functions).items():
        start = time.perf_counter()
        figures = judged(trained(data, ops, args.seed), data, count)
        print(f"{name:14}IoU {figures['IoU']:5.1f}   Dice {figures['Dice']:5.1f}   "
              f"cells counted {figures['counted']} of {figures['there']}   "
              f"surprise {figures['surprise']:.3f}   {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    exit_in_words(main)
