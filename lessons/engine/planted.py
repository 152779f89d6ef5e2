"""SegNet's operations with a bug that trains: one gradient of one backward is a known mistake.

    ops = network("A")      one of the six of lesson 12, A to F
    ops = network(7)        another; the same number, the same mistake

The mistakes are those of tinysegnet/checker/mistakes. The lesson's figures/record.py has trained a little with each of
them and noted the losses in figures/falls.json: what does not train is not planted.
"""

import functools
import hashlib
import itertools
import json
import operator

import numpy as np

from lessons.engine import course
from lessons.engine.my_segnet import DEFAULTS
from tinysegnet import metrics, ops
from tinysegnet.checker import mistakes
from tinysegnet.checker.finite_differences import upstream
from tinysegnet.data import streets
from tinysegnet.data.batches import evaluation_pairs
from tinysegnet.ops.fast import ops_with
from tinysegnet.training import loop
from tinysegnet.training.settings import from_recipe, steps_of

FIGURES = course.LESSONS / "12_bugs_that_train" / "figures"
SIX = {"A": 70, "B": 11, "C": 16, "D": 18, "E": 59, "F": 75}       # the numbers behind the letters
TABLES = {name: table for name, table in mistakes.TABLES.items() if name in ops.__all__}      # those of SegNet-Basic
GRADIENTS = {name: table.results for name, table in TABLES.items()}
# The first two go from pixel to pixel in Python, too slow to train; a 1 x 1 kernel has no border for the third to miss.
NOT_PLANTED = ("dx_overwritten_backwards", "dx_padding_folded", "dw_of_the_inside")
FALLEN = 0.75       # a mistake trains if the last losses that were noted are at most so much of the first
STEPS = 300


def network(which):
    """All of tinysegnet.ops, with one gradient of one backward wrong."""
    return with_mistake(*chosen(which))


def culprit(which):
    """What is wrong in that network: the backward and the gradient, ("conv2d_backward", "dx"), say."""
    name, wrong = chosen(which)
    return name, gradient_of(name, wrong)


def chosen(which):
    """Every mistake draws a lot of its own, so that a new one in the tables changes few networks."""
    try:
        seed = SIX[which] if isinstance(which, str) else operator.index(which)
    except (KeyError, TypeError) as error:
        raise ValueError(f"there is no network {which!r}: A to F, or a whole number") from error
    return min(candidates(), key=lambda one: hashlib.sha256(f"{seed} {one[0]} {one[1].__name__}".encode()).digest())


@functools.cache
def candidates():
    """(the name of a backward, a known mistake of it) for each mistake that trains."""
    losses = json.loads((FIGURES / "falls.json").read_text(encoding="utf-8"))["losses"]
    pairs = [(name, wrong) for name, table in TABLES.items() for wrong in table.mistakes]
    return [(name, wrong) for name, wrong in pairs if trains(losses.get(f"{name} {wrong.__name__}"))]


def trains(noted):
    """Whether the losses noted of a mistake, first and last, say so; nothing is noted of one that cannot be planted."""
    return noted is not None and noted[1] is not None and noted[1] <= FALLEN * noted[0]


def gradient_of(name, wrong):
    """Which gradient a mistake is about."""
    table = TABLES[name]
    args = next(iter(table.cases()))
    y, *_ = table.forward(*args)
    return next(iter(wrong(np.zeros_like(y), *args)))


def with_mistake(name, wrong):
    """The library's operations, and the answer of `wrong` in the place of one gradient of the backward of that name."""
    right = getattr(ops_with(), name)

    @functools.wraps(right)
    def backward(dy, cache, *more):
        gradients = as_tuple(right(dy, cache, *more))
        gradient, answer = only_entry(wrong(dy, *arguments(name, dy, cache, *more)))
        i = GRADIENTS[name].index(gradient)
        if gradients[i] is not None:            # the first convolution's dx is not wanted
            answer = np.ascontiguousarray(answer, gradients[i].dtype)
            gradients = (*gradients[:i], answer, *gradients[i + 1 :])
        return gradients if len(gradients) > 1 else gradients[0]

    return ops_with(**{name: backward})


def only_entry(entries):
    """The key and the value of a dict that has one."""
    return next(iter(entries.items()))


def arguments(name, dy, cache, *more):
    """Arguments of the forward that would have left this cache. What cannot be told from it is 0."""
    if name == "conv2d_backward":
        x, w = cache
        return x, w, np.zeros(w.shape[3], w.dtype)
    if name == "batch_norm_backward":
        x_hat, gamma, inv_std = cache
        return x_hat / inv_std, gamma, np.zeros_like(gamma)
    if name == "relu_backward":
        return (np.where(cache, dy.dtype.type(1), dy.dtype.type(-1)),)
    if name == "max_pool_backward":
        return (ops.max_unpool(np.ones_like(dy), cache, *more),)
    if name == "max_unpool_backward":
        return np.zeros(cache.shape, dy.dtype), cache, dy.shape
    log_p, one_hot, pixel_weights = cache
    labelled, classes = one_hot.any(axis=3), one_hot.shape[3]
    labels = np.where(labelled, one_hot.argmax(axis=3), classes)
    class_weights = (one_hot * pixel_weights[..., None]).max(axis=(0, 1, 2)) * max(np.count_nonzero(labelled), 1)
    return log_p, labels, class_weights, classes


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


def plantable():
    """(name, mistake) for each that is quick and gives, planted, what the table says: finite, in shape, and wrong."""
    for name, table in TABLES.items():
        for wrong in table.mistakes:
            if wrong.__name__ in NOT_PLANTED:
                continue
            if all(is_planted(name, table, wrong, args) for args in table.cases()):
                yield name, wrong


def is_planted(name, table, wrong, args):
    y, *_, cache = table.forward(*args)
    dy = upstream(np.asarray(y), seed=0)
    given = (dy, cache, args[0].shape) if name == "max_pool_backward" else (dy, cache)
    gradient, answer = only_entry(wrong(dy, *args))
    i = GRADIENTS[name].index(gradient)
    right = as_tuple(getattr(ops, name)(*given))[i]
    planted = as_tuple(getattr(with_mistake(name, wrong), name)(*given))[i]
    in_shape = np.shape(answer) == right.shape and np.isfinite(answer).all()
    return in_shape and np.allclose(planted, answer) and not np.allclose(planted, right)


def trained(operations, seed=0, size=DEFAULTS["size"]):
    """Train a small SegNet on streets with these operations: see loop.train."""
    steps = steps_of(len(streets.TRAIN), DEFAULTS["batch"])
    settings = from_recipe(**DEFAULTS | {"size": size, "seed": seed, "steps": steps})
    return loop.train(settings, streets.dataset(), loop.Functions(ops=operations))


def val_counts(model):
    """The confusion matrix of a network on the streets of val."""
    data = streets.dataset()
    return loop.evaluate(model, evaluation_pairs(data, "val"), data.ignore)


def compare(operations, steps=STEPS):
    """Train with these operations, up to 300 steps, and print losses and mIoU beside what the healthy network has."""
    notes = json.loads((FIGURES / "trainings.json").read_text(encoding="utf-8"))
    healthy, every = notes["runs"]["healthy"][0], notes["every"]
    print("   step    loss    of the healthy network", flush=True)
    model, epochs = trained(operations)
    losses = []
    for of_epoch in epochs:
        for loss in itertools.islice(of_epoch, steps - len(losses)):
            losses.append(loss)
            if len(losses) % every == 0:
                beside = healthy["loss"][len(losses) // every - 1]
                print(f"{len(losses):>7}{np.mean(losses[-every:]):>8.2f}{beside:>8.2f}", flush=True)
        if len(losses) == steps:
            break
    print(f"mIoU on val {100 * metrics.mean_iou(val_counts(model)):.1f}, of the healthy network {healthy['mIoU']}")
