"""Lesson 03: how conv1x1 and conv1x1_backward are judged, by ops.conv2d with a kernel of 1 x 1."""

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops
from tinysegnet.checker.mistakes.table import Table

READ = "lessons/03_conv_1x1/README.md"


def conv1x1(x, w, b):
    y, _ = ops.conv2d(x, w[None, None], b)
    return y, (x, w)


def conv1x1_backward(dy, cache):
    x, w = cache
    dx, dw, db = ops.conv2d_backward(dy, (x, w[None, None]))
    return dx, dw[0, 0], db


def generic_cases():
    rng = np.random.default_rng(0)
    for N, H, W, C, F in ((2, 4, 6, 5, 7), (3, 7, 6, 2, 4)):
        yield rng.standard_normal((N, H, W, C)), rng.standard_normal((C, F)), rng.standard_normal(F)


FORWARD = Table(READ, generic_cases, ["y"], conv1x1)


@FORWARD.formula
def right_y(x, w, b):
    y = x @ w + b
    return y


FORWARD.mistake("b is left out: add it to every pixel", bias_left_out=lambda x, w, b: x @ w)
FORWARD.mistake("b is subtracted, and must be added", bias_subtracted=lambda x, w, b: x @ w - b)
FORWARD.mistake("b is added once for each channel of x: add it once for each pixel",
                bias_in_each_channel=lambda x, w, b: x @ w + len(w) * b)
FORWARD.mistake("w has been reshaped, which mixes up its rows and columns: x @ w is (..., C) @ (C, F) with w as it is",
                w_reshaped=lambda x, w, b: x @ w.reshape(w.shape[::-1]).T + b)
FORWARD.mistake("the product has the scores first and is reshaped to have them last: transpose it",
                filters_before_pixels=lambda x, w, b: np.moveaxis(x @ w, 3, 0).reshape(*x.shape[:3], -1) + b)
FORWARD.mistake("the products of a pixel are divided by the number of channels: y is their sum",
                mean_of_channels=lambda x, w, b: x @ w / len(w) + b)
FORWARD.mistake("x is reshaped to have its channels first, which mixes up its pixels: its last axis is the channels "
                "already", x_reshaped=lambda x, w, b: (x.reshape(len(w), -1).T @ w).reshape(*x.shape[:3], -1) + b)

BACKWARD = Table(READ, generic_cases, ["dx", "dw", "db"], conv1x1, axes=("channel",))


@BACKWARD.formula
def right_gradients(dy, x, w, b):
    C, F = w.shape
    dx = dy @ w.T
    dw = x.reshape(-1, C).T @ dy.reshape(-1, F)
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


BACKWARD.mistake("w is reshaped where it should be transposed: reshape keeps the order of the numbers, .T exchanges "
                 "the axes", "dx", dx_w_reshaped=lambda dy, x, w, b: dy @ w.reshape(w.shape[::-1]))
BACKWARD.mistake("dx is divided by the number of pixels: a pixel of x reaches one pixel of y, so nothing is averaged",
                 "dx", dx_divided=lambda dy, x, w, b: dy @ w.T / x[..., 0].size)
BACKWARD.mistake("x is reshaped to (C, pixels), which mixes up its numbers: reshape it to (pixels, C) and transpose "
                 "that", "dw", dw_x_reshaped=lambda dy, x, w, b: x.reshape(len(w), -1) @ dy.reshape(-1, len(b)))
BACKWARD.mistake("db is one sum over everything: each score has a sum of its own, over the pixels", "db",
                 db_of_all_scores=lambda dy, x, w, b: np.full_like(b, dy.sum()))
BACKWARD.mistake("db is the mean of dy, but b was added to every pixel, so it is the sum", "db",
                 db_mean=lambda dy, x, w, b: dy.mean(axis=(0, 1, 2)))
BACKWARD.mistake("db is divided by the number of images: the loss has taken its mean already, so the backward only "
                 "adds up", "db", db_mean_over_images=lambda dy, x, w, b: dy.sum(axis=(0, 1, 2)) / len(dy))
BACKWARD.mistake("only the last image reached db: add up (+=) over the images", "db",
                 db_from_last_image=lambda dy, x, w, b: dy[-1].sum(axis=(0, 1)))
BACKWARD.mistake("dw is divided by the number of pixels, but w was used in every pixel, so it is the sum", "dw",
                 dw_mean=lambda dy, x, w, b: conv1x1_backward(dy, (x, w))[1] / x[..., 0].size)
BACKWARD.mistake("dw is divided by the number of images: the loss has taken its mean already, so the backward only "
                 "adds up", "dw", dw_mean_over_images=lambda dy, x, w, b: conv1x1_backward(dy, (x, w))[1] / len(x))
BACKWARD.mistake("only the last image reached dw: add up (+=) over the images", "dw",
                 dw_from_last_image=lambda dy, x, w, b: conv1x1_backward(dy[-1:], (x[-1:], w))[1])
BACKWARD.mistake("x and dy are summed over the pixels first and then multiplied: multiply in each pixel, and then sum",
                 "dw", dw_of_summed_pixels=lambda dy, x, w, b: np.outer(x.sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))))

rng = np.random.default_rng(3)
LADDER = (
    (1, 1, 1, 3, 2),        # N, H, W, C, F: one pixel
    (1, 1, 5, 4, 4),        # a square w, which could also stand on its side
    (2, 4, 5, 3, 6),        # all sizes differ
    (3, 4, 1, 1, 2),        # one channel
    (1, 2, 7, 5, 1),        # one score
)
# The two pixels of the page come first, and two more, as four images: a gradient that forgets to add them up fails here
# already, and one for each image has not the shape of one for each score.
CASES = (
    (np.array([[[[1.0, 2, 0]]], [[[3, 0, 1]]], [[[0, 1, 1]]], [[[2, 0, 0]]]]),
     np.array([[1.0, 0], [0, 2], [-1, 1]]), np.array([10.0, 20])),
    *((rng.standard_normal((N, H, W, C)), rng.standard_normal((C, F)), rng.standard_normal(F))
      for N, H, W, C, F in LADDER),
)
X, Y = (rng.standard_normal((1, 96, 128, channels), np.float32) for channels in (64, 11))
CLASSIFIER, BIAS = rng.standard_normal((64, 11), np.float32), rng.standard_normal(11, np.float32)

EXERCISES = (
    Exercise(
        "conv1x1", values(conv1x1, *CASES, cache=True, mistakes=FORWARD),
        answer=conv1x1, read="tinysegnet/ops/conv_1x1.py", race=lambda: (X, CLASSIFIER, BIAS),
        differs="ops.conv2d takes a kernel of (1, 1, C, F), works in bands of rows, which it spreads over the threads, "
                "and checks the shapes",
        hints=("Do one pixel on paper: a row of C numbers times a matrix. Then ask what @ does with more axes in "
               "front.",
               "(N, H, W, C) @ (C, F) is (N, H, W, F), and b, (F,), is added along the last axis by itself.",
               "y = x @ ..., and the cache is a pair"),
    ),
    Exercise(
        "conv1x1_backward", gradients(conv1x1, conv1x1_backward, *CASES, names=("x", "w", "b"), mistakes=BACKWARD),
        answer=conv1x1_backward, read="tinysegnet/ops/conv_1x1.py", race=lambda: (Y, (X, CLASSIFIER)),
        differs="ops.conv2d_backward has the same three lines, for each band of rows, and adds the bands up",
        hints=("For each of x, w and b: if one entry moves, which entries of y move, and by how much? Add up over "
               "those.",
               "All pixels in one list: x is (P, C), dy is (P, F), w is (C, F). dx must be (P, C), dw (C, F), db (F,).",
               "x, w = cache; flat_x, flat_dy = x.reshape(-1, w.shape[0]), dy.reshape(-1, w.shape[1])"),
    ),
)
