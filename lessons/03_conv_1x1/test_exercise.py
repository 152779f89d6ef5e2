"""Lesson 03: how conv1x1 and conv1x1_backward are judged, by ops.conv2d with a kernel of 1 x 1."""

from types import SimpleNamespace

import numpy as np
import pytest

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops


def conv1x1(x, w, b):
    y, _ = ops.conv2d(x, w[None, None], b)
    return y, (x, w)


def conv1x1_backward(dy, cache):
    x, w = cache
    dx, dw, db = ops.conv2d_backward(dy, (x, w[None, None]))
    return dx, dw[0, 0], db


def bias_left_out(x, w, b):
    """b is left out: add it to every pixel"""
    return {"y": x @ w}


def bias_subtracted(x, w, b):
    """b is subtracted, and must be added"""
    return {"y": x @ w - b}


def bias_in_each_channel(x, w, b):
    """b is added once for each channel of x: add it once for each pixel"""
    return {"y": x @ w + len(w) * b}


def w_reshaped(x, w, b):
    """w has been reshaped, which mixes up its rows and columns: x @ w is (..., C) @ (C, F) with w as it is"""
    return {"y": x @ w.reshape(w.shape[::-1]).T + b}


def filters_before_pixels(x, w, b):
    """the product has the scores first and is reshaped to have them last: transpose it"""
    y = x @ w
    return {"y": np.moveaxis(y, 3, 0).reshape(y.shape) + b}


def dx_w_reshaped(dy, x, w, b):
    """w is reshaped where it should be transposed: reshape keeps the order of the numbers, .T exchanges the axes"""
    return {"dx": dy @ w.reshape(w.shape[::-1])}


def dx_divided(dy, x, w, b):
    """dx is divided by the number of pixels: a pixel of x reaches one pixel of y, so nothing is averaged"""
    return {"dx": dy @ w.T / x[..., 0].size}


def mean_of_channels(x, w, b):
    """the products of a pixel are divided by the number of channels: y is their sum"""
    return {"y": x @ w / len(w) + b}


def x_reshaped(x, w, b):
    """x is reshaped to have its channels first, which mixes up its pixels: its last axis is the channels already"""
    return {"y": (x.reshape(len(w), -1).T @ w).reshape(*x.shape[:3], -1) + b}


def dw_x_reshaped(dy, x, w, b):
    """x is reshaped to (C, pixels), which mixes up its numbers: reshape it to (pixels, C) and transpose that"""
    return {"dw": x.reshape(len(w), -1) @ dy.reshape(-1, len(b))}


def db_of_all_scores(dy, x, w, b):
    """db is one sum over everything: each score has a sum of its own, over the pixels"""
    return {"db": np.full_like(b, dy.sum())}


def db_mean(dy, x, w, b):
    """db is the mean of dy, but b was added to every pixel, so it is the sum"""
    return {"db": dy.mean(axis=(0, 1, 2))}


def db_mean_over_images(dy, x, w, b):
    """db is divided by the number of images: the loss has taken its mean already, so the backward only adds up"""
    return {"db": dy.sum(axis=(0, 1, 2)) / len(dy)}


def db_from_last_image(dy, x, w, b):
    """only the last image reached db: add up (+=) over the images"""
    return {"db": dy[-1].sum(axis=(0, 1))}


def dw_mean(dy, x, w, b):
    """dw is divided by the number of pixels, but w was used in every pixel, so it is the sum"""
    return {"dw": conv1x1_backward(dy, (x, w))[1] / x[..., 0].size}


def dw_mean_over_images(dy, x, w, b):
    """dw is divided by the number of images: the loss has taken its mean already, so the backward only adds up"""
    return {"dw": conv1x1_backward(dy, (x, w))[1] / len(x)}


def dw_from_last_image(dy, x, w, b):
    """only the last image reached dw: add up (+=) over the images"""
    return {"dw": conv1x1_backward(dy[-1:], (x[-1:], w))[1]}


def dw_of_summed_pixels(dy, x, w, b):
    """x and dy are summed over the pixels first and then multiplied: multiply in each pixel, and then sum"""
    return {"dw": np.outer(x.sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2)))}


def generic_cases():
    rng = np.random.default_rng(0)
    for N, H, W, C, F in ((2, 4, 6, 5, 7), (3, 7, 6, 2, 4)):
        yield rng.standard_normal((N, H, W, C)), rng.standard_normal((C, F)), rng.standard_normal(F)


known = dict(READ="lessons/03_conv_1x1/README.md", forward=conv1x1, cases=generic_cases)
FORWARD = SimpleNamespace(**known, RESULTS=("y",), MISTAKES=(
    bias_left_out, bias_subtracted, bias_in_each_channel, w_reshaped, filters_before_pixels, mean_of_channels,
    x_reshaped,
))
BACKWARD = SimpleNamespace(**known, MISTAKES=(
    dx_w_reshaped, dx_divided, dw_x_reshaped, db_of_all_scores, db_mean, db_mean_over_images, db_from_last_image,
    dw_mean, dw_mean_over_images, dw_from_last_image, dw_of_summed_pixels,
))

rng = np.random.default_rng(3)
LADDER = (
    (1, 1, 1, 3, 2),        # N, H, W, C, F: one pixel
    (1, 1, 5, 4, 4),        # a square w, which could also stand on its side
    (2, 4, 5, 3, 2),
    (3, 3, 1, 1, 2),        # one channel
    (1, 2, 7, 5, 1),        # one score
)
# The two pixels of the page come first, as two images: a gradient that forgets to add them up fails here already.
CASES = (
    (np.array([[[[1.0, 2, 0]]], [[[3, 0, 1]]]]), np.array([[1.0, 0], [0, 2], [-1, 1]]), np.array([10.0, 20])),
    *((rng.standard_normal((N, H, W, C)), rng.standard_normal((C, F)), rng.standard_normal(F))
      for N, H, W, C, F in LADDER),
)
X, Y = (rng.standard_normal((1, 96, 128, channels), np.float32) for channels in (64, 11))
CLASSIFIER, BIAS = rng.standard_normal((64, 11), np.float32), rng.standard_normal(11, np.float32)

EXERCISES = (
    Exercise(
        "conv1x1",
        values(conv1x1, *CASES, cache=True, mistakes=FORWARD),
        answer=conv1x1,
        hints=(
            "Do one pixel on paper: a row of C numbers times a matrix. Then ask what @ does with more axes in front.",
            "(N, H, W, C) @ (C, F) is (N, H, W, F), and b, (F,), is added along the last axis by itself.",
            "y = x @ w + b",
        ),
        differs="ops.conv2d takes a kernel of (1, 1, C, F), works in bands of rows, which it spreads over the threads, "
                "and checks the shapes",
        read="tinysegnet/ops/conv_1x1.py",
        race=lambda: (X, CLASSIFIER, BIAS),
    ),
    Exercise(
        "conv1x1_backward",
        gradients(conv1x1, conv1x1_backward, *CASES, names=("x", "w", "b"), mistakes=BACKWARD),
        answer=conv1x1_backward,
        hints=(
            "For each of x, w and b: if one entry moves, which entries of y move, and by how much? Add up over those.",
            "All pixels in one list: x is (P, C), dy is (P, F), w is (C, F). dx must be (P, C), dw (C, F), db (F,).",
            "flat_x, flat_dy = x.reshape(-1, w.shape[0]), dy.reshape(-1, w.shape[1]), and then dw = flat_x.T @ flat_dy",
        ),
        differs="ops.conv2d_backward has the same three lines, for each band of rows, and adds the bands up",
        read="tinysegnet/ops/conv_1x1.py",
        race=lambda: (Y, (X, CLASSIFIER)),
    ),
)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_exercise(exercise, judge):
    judge(exercise)
