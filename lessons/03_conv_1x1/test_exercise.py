"""Lesson 03: how conv1x1 and conv1x1_backward are judged, by ops.conv2d with a kernel of 1 x 1."""

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops
from tinysegnet.checker.mistakes.table import Table, alone

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
FORWARD.mistake("the product of each image has the scores first and is reshaped to have them last: transpose it",
                filters_before_pixels_of_each_image=lambda x, w, b: np.moveaxis(x @ w, 3, 1).reshape(*x.shape[:3], -1)
                + b)
FORWARD.mistake("only the first image has its y, the others are 0: do all (is a return in the loop?)",
                only_first_image=lambda x, w, b: alone(0, x @ w + b))
FORWARD.mistake("only the last image has its y, the others are 0: do all (is y made anew for each?)",
                only_last_image=lambda x, w, b: alone(-1, x @ w + b))
FORWARD.mistake("every image has the result of the first", first_image_for_all=lambda x, w, b: (
                    x[:1] @ w + b + np.zeros((len(x), 1, 1, 1))))
FORWARD.mistake("only the last channel of x is in it: add up (+=) over the channels",
                last_channel=lambda x, w, b: x[..., -1:] @ w[-1:] + b,
                last_channel_without_bias=lambda x, w, b: x[..., -1:] @ w[-1:])
FORWARD.mistake("only the first channel of x is in it: add up over the channels",
                first_channel=lambda x, w, b: x[..., :1] @ w[:1] + b)
FORWARD.mistake("b multiplies the product: it is added to it", multiplied=lambda x, w, b: x @ w * b)
FORWARD.mistake("the channels are summed before w comes in: multiply each by its own row of w, and then sum",
                summed_first=lambda x, w, b: x.sum(axis=-1, keepdims=True) * w.sum(axis=0) + b)
FORWARD.mistake("y is cut off at 0: there is no ReLU in a convolution",
                with_relu=lambda x, w, b: np.maximum(x @ w + b, 0))

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

BACKWARD.mistake("only the first image has a dx, the others have 0: do all (is a return in the loop?)", "dx",
                 dx_of_first_image=lambda dy, x, w, b: alone(0, dy @ w.T))
BACKWARD.mistake("only the last image has a dx, the others have 0: do all (is dx made anew for each?)", "dx",
                 dx_of_last_image=lambda dy, x, w, b: alone(-1, dy @ w.T))
BACKWARD.mistake("only the first image reached dw: add up over all images", "dw",
                 dw_from_first_image=lambda dy, x, w, b: conv1x1_backward(dy[:1], (x[:1], w))[1])
BACKWARD.mistake("only the first image reached db: add up over all images", "db",
                 db_from_first_image=lambda dy, x, w, b: dy[0].sum(axis=(0, 1)))
BACKWARD.mistake("dw has only the last pixel: add up (+=) over the pixels", "dw",
                 dw_of_the_last_pixel=lambda dy, x, w, b: np.outer(x[-1, -1, -1], dy[-1, -1, -1]))
BACKWARD.mistake("dw has only the first pixel: add up over the pixels", "dw",
                 dw_of_the_first_pixel=lambda dy, x, w, b: np.outer(x[0, 0, 0], dy[0, 0, 0]))
BACKWARD.mistake("db has only the last pixel: add up (+=) over the pixels", "db",
                 db_of_the_last_pixel=lambda dy, x, w, b: dy[-1, -1, -1])
BACKWARD.mistake("db has only the first pixel: add up over the pixels", "db",
                 db_of_the_first_pixel=lambda dy, x, w, b: dy[0, 0, 0])
BACKWARD.mistake("dx is divided by the number of images: the loss has taken its mean already", "dx",
                 dx_divided_by_images=lambda dy, x, w, b: dy @ w.T / len(x))
BACKWARD.mistake("dx is divided by the number of scores: it is their sum", "dx",
                 dx_divided_by_scores=lambda dy, x, w, b: dy @ w.T / len(b))
BACKWARD.mistake("dw is divided by the pixels of an image, but w was used in every pixel, so it is the sum", "dw",
                 dw_mean_in_images=lambda dy, x, w, b: conv1x1_backward(dy, (x, w))[1] / x[0, ..., 0].size)
BACKWARD.mistake("db is divided by the pixels of an image, but b was added to every pixel, so it is the sum", "db",
                 db_mean_in_images=lambda dy, x, w, b: dy.mean(axis=(1, 2)).sum(axis=0))
BACKWARD.mistake("the product has the channels first and is reshaped to have them last: transpose it", "dx",
                 dx_channels_before_pixels=lambda dy, x, w, b: np.moveaxis(dy @ w.T, 3, 0).reshape(x.shape))
BACKWARD.mistake("dy is reshaped to (F, pixels), which mixes up its numbers: its last axis is the scores already", "dx",
                 dx_dy_reshaped=lambda dy, x, w, b: (dy.reshape(len(b), -1).T @ w.T).reshape(x.shape))
BACKWARD.mistake("dw is the product the other way round in another shape: dy.T @ x is (F, C), and should be transposed",
                 "dw", dw_reshaped=lambda dy, x, w, b: conv1x1_backward(dy, (x, w))[1].T.reshape(w.shape))
BACKWARD.mistake("dy is reshaped to (F, pixels), which mixes up its numbers: reshape it to (pixels, F)", "dw",
                 dw_dy_reshaped=lambda dy, x, w, b: x.reshape(-1, len(w)).T @ dy.reshape(len(b), -1).T)
BACKWARD.mistake("x and dy are reshaped to have their pixels last, which mixes up their numbers: reshape to (pixels, "
                 "C) and (pixels, F)", "dw", dw_both_reshaped=lambda dy, x, w, b: (
                     x.reshape(len(w), -1) @ dy.reshape(len(b), -1).T))
BACKWARD.mistake("dy is reshaped to (F, pixels), which mixes up its numbers: sum it over axes 0, 1, 2", "db",
                 db_dy_reshaped=lambda dy, x, w, b: dy.reshape(len(b), -1).sum(axis=1))
BACKWARD.mistake("the sign is turned round: x @ w has a plus", "dx", dx_sign=lambda dy, x, w, b: -dy @ w.T)
BACKWARD.mistake("the sign is turned round: x @ w has a plus", "dw",
                 dw_sign=lambda dy, x, w, b: -conv1x1_backward(dy, (x, w))[1])
BACKWARD.mistake("the sign is turned round: b was added", "db", db_sign=lambda dy, x, w, b: -dy.sum(axis=(0, 1, 2)))
BACKWARD.mistake("dx is multiplied by x: the slope of y by x is w alone", "dx",
                 dx_times_x=lambda dy, x, w, b: dy @ w.T * x)
BACKWARD.mistake("the scores of dy are summed before w comes in: multiply each by its own column of w, and then sum",
                 "dx", dx_summed_first=lambda dy, x, w, b: dy.sum(axis=-1, keepdims=True) * w.sum(axis=1))
BACKWARD.mistake("db has each score's largest dy: it is the sum over the pixels", "db",
                 db_largest=lambda dy, x, w, b: dy.max(axis=(0, 1, 2)))
BACKWARD.mistake("db is the number of pixels: add up dy over them", "db",
                 db_counts=lambda dy, x, w, b: np.full_like(b, dy[..., 0].size))
BACKWARD.mistake("only the first row of each image reached dw: add up over all pixels", "dw",
                 dw_of_the_first_row=lambda dy, x, w, b: conv1x1_backward(dy[:, :1], (x[:, :1], w))[1])
BACKWARD.mistake("only the first row of each image reached db: add up over all pixels", "db",
                 db_of_the_first_row=lambda dy, x, w, b: dy[:, 0].sum(axis=(0, 1)))
BACKWARD.mistake("dw is the sum of x alone: multiply by dy in each pixel first", "dw",
                 dw_without_dy=lambda dy, x, w, b: x.sum(axis=(0, 1, 2))[:, None] + 0 * w)

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
