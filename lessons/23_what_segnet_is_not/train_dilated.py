"""Train small networks on streets, of the same parameters: one that pools, one that dilates, one that does neither.
A fourth pools and is wider, and takes about as long as the one that dilates."""

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
from tinysegnet import metrics, networks
from tinysegnet.data import streets
from tinysegnet.data.batches import training_batches
from tinysegnet.data.survey import survey
from tinysegnet.inference import Model
from tinysegnet.networks.blocks import chain, conv, conv_norm, relu
from tinysegnet.ops import fast
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import exit_in_words
from tinysegnet.support.progress import bar
from tinysegnet.training import loop
from tinysegnet.training.settings import from_recipe, steps_of

DESCRIPTION = """Three small networks of as many parameters, trained on streets: SegNet-Basic
of three levels and 3 x 3 kernels; the same convolutions without pooling,
dilated; and the same without pooling and dilation. Then SegNet-Basic with 64
filters in the place of 16, which takes about as long as the dilated one.

    python lessons/23_what_segnet_is_not/train_dilated.py

takes 10 to 30 minutes, on one thread. If your dilated_conv2d and its backward
are done, the dilated network is trained by them, and otherwise by the library's
conv2d on interleaved images.
"""
FILTERS, WIDE, LEVELS, K = 16, 64, 3, 3
DILATIONS = {"dilated": (1, 2, 4, 4, 2, 1), "neither": (1, 1, 1, 1, 1, 1)}
KINDS = "pooling", *DILATIONS, "wide"
BATCH, EPOCHS = 2, 4
SETTINGS = from_recipe(
    "streets", data="streets", size=streets.SIZE, filters=FILTERS, epochs=EPOCHS, batch=BATCH, lr=5e-3,
    optimiser="adam", weight_decay=0, flip=True, steps=steps_of(len(streets.TRAIN), BATCH),
)


def interleaved(x, d):
    """Every d-th pixel of every d-th row is an image of its own: d * d of them for each image, and zeros behind x if d
    does not divide H or W. (N, H, W, C) -> (N * d * d, H', W', C)"""
    N, H, W, C = x.shape
    rows, columns = -(-H // d), -(-W // d)
    x = np.pad(x, ((0, 0), (0, rows * d - H), (0, columns * d - W), (0, 0)))
    return x.reshape(N, rows, d, columns, d, C).transpose(0, 2, 4, 1, 3, 5).reshape(N * d * d, rows, columns, C)


def put_back(parts, d, shape):
    """The inverse of interleaved, to an image of that (N, H, W)."""
    N, H, W = shape
    rows, columns, C = parts.shape[1:]
    x = parts.reshape(N, d, d, rows, columns, C).transpose(0, 3, 1, 4, 2, 5)
    return x.reshape(N, rows * d, columns * d, C)[:, :H, :W]


def dilated_conv2d(x, w, b, dilation):
    """As in the exercise, by the library's conv2d: two pixels of one window are in the same interleaved image."""
    parts, _ = fast.conv2d(interleaved(x, dilation), w, b)
    return put_back(parts, dilation, x.shape[:3]), (x, w, dilation)


def dilated_conv2d_backward(dy, cache):
    x, w, d = cache
    dparts, dw, db = fast.conv2d_backward(interleaved(dy, d), (interleaved(x, d), w))
    return put_back(dparts, d, x.shape[:3]), dw, db


BY_THE_LIBRARY = dilated_conv2d, dilated_conv2d_backward


def dilate(block, dilation, forward, backward):
    """A block whose convolution has holes: it is given other operations, and is the same otherwise."""

    def with_holes(ops):
        return SimpleNamespace(**vars(ops) | {
            "conv2d": lambda x, w, b: forward(x, w, b, dilation),
            "conv2d_backward": lambda dy, cache, need_dx: backward(dy, cache),
        })

    return block._replace(
        forward=lambda params, x, ops, kept: block.forward(params, x, with_holes(ops), kept),
        backward=lambda dy, cache, ops, need_dx: block.backward(dy, cache, with_holes(ops), need_dx),
        predict=lambda params, stats, x, ops, kept: block.predict(params, stats, x, with_holes(ops), kept),
    )


def network(kind, classes, functions=BY_THE_LIBRARY):
    """A Block. In the place of each pooling, all convolutions behind it read pixels that lie twice as far apart.

    SegNet-Basic has no ReLU in its decoder, where its unpooling bends the line. Here every convolution has one:
    without, two of them in a row would be no more than one.
    """
    if kind not in DILATIONS:
        filters = WIDE if kind == "wide" else FILTERS
        return networks.build("segnet-basic", classes=classes, filters=filters, levels=LEVELS, kernel=K)
    blocks = []
    for number, dilation in enumerate(DILATIONS[kind], start=1):
        convolution, norm = conv_norm(f"conv{number}", FILTERS if number > 1 else 3, FILTERS, K)
        if dilation > 1:
            convolution = dilate(convolution, dilation, *functions)
        blocks += [convolution, norm, relu()]
    return chain(*blocks, conv("classifier", FILTERS, classes, K=1))


def new_trainer(block, data, settings=SETTINGS):
    """A loop.Trainer of a new network."""
    meta = {"classes": data.classes, "size": streets.SIZE, "normalisation": settings.normalisation, "test_scales": None}
    model = Model(block, *networks.init(block, settings.seed), meta)
    state = loop.start(settings, model.params)
    return loop.prepare(model, state, settings, data, survey(data, "train"), loop.Functions())


def trained(kind, data, seed, functions=BY_THE_LIBRARY):
    """A Model after its training, with the statistics of the whole training set."""
    settings = replace(SETTINGS, seed=seed)
    trainer = new_trainer(network(kind, len(data.classes), functions), data, settings)
    for epoch in range(1, settings.epochs + 1):
        steps = loop.train_steps(trainer, training_batches(data, settings, epoch), (epoch - 1) * settings.steps)
        for _ in bar(steps, f"{kind}, epoch {epoch} of {settings.epochs}", settings.steps):
            pass
    model = trainer.model
    return replace(model, stats=loop.exact_statistics(model, training_batches(data, settings, epoch=0)))


def judged(model, data):
    """G, C and mIoU on val in %, and the IoU of each class."""
    matrix = loop.evaluate(model, [data.read(sample) for sample in data.samples("val")], data.ignore)
    figures = {name: percent(value) for name, value in metrics.figures(matrix).items()}
    return figures | {"iou": [percent(value) for value in metrics.iou(matrix)]}


def percent(share):
    return round(100 * float(share), 1)


def seconds_of_a_step(trainers, data, rounds=9):
    """{kind: the median time of a training step}. The kinds take turns: what else the machine does meets them all."""
    batch = next(training_batches(data, SETTINGS, epoch=1))
    taken = {kind: [] for kind in trainers}
    for number in range(rounds + 1):
        for kind, trainer in trainers.items():
            start = time.perf_counter()
            for _ in loop.train_steps(trainer, [batch], number):
                pass
            if number:                                  # the first makes ready
                taken[kind].append(time.perf_counter() - start)
    return {kind: float(np.median(times)) for kind, times in taken.items()}


def kept_megabytes(block):
    """What a forward of one street keeps for its backward, in MB of float32, without parameters; each array once."""
    params, _ = networks.init(block, seed=0)
    _, _, cache = block.forward(params, np.zeros((1, *streets.SIZE, 3), np.float32), fast)
    ours, found = {id(a) for a in params.values()}, {}

    def look(value):
        if isinstance(value, np.ndarray):
            whole = value if value.base is None else value.base
            if id(whole) not in ours:
                found[id(whole)] = whole.nbytes
        elif isinstance(value, tuple | list):
            for part in value:
                look(part)

    look(cache)
    return sum(found.values()) / 1e6


def learners_functions():
    """dilated_conv2d and its backward of mine/, if both are done, and otherwise the library's."""
    lesson = course.LESSONS / "23_what_segnet_is_not"
    wanted = [exercise for exercise in course.exercises(lesson) if exercise.name.startswith("dilated_conv2d")]
    if not all(judging.is_done(judging.judge(lesson, exercise).verdicts) for exercise in wanted):
        return BY_THE_LIBRARY
    module = course.load(course.my_file(lesson))
    return tuple(getattr(module, exercise.name) for exercise in wanted)


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    keep_freed_memory()
    data, functions = streets.dataset(), learners_functions()
    whose = "the library's conv2d" if functions is BY_THE_LIBRARY else "your dilated_conv2d and dilated_conv2d_backward"
    print(f"dilated by {whose}", flush=True)
    for kind in KINDS:
        start = time.perf_counter()
        figures = judged(trained(kind, data, args.seed, functions), data)
        print(f"{kind:9}G {figures['G']:5.1f}   C {figures['C']:5.1f}   mIoU {figures['mIoU']:5.1f}   "
              f"{kept_megabytes(network(kind, len(data.classes))):5.1f} MB kept   "
              f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    exit_in_words(main)
