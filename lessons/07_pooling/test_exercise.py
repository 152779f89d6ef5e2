"""Lesson 07: how max_pool, max_unpool and their backwards are judged."""

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops

rng = np.random.default_rng(7)


def spaced(*shape):
    """Distinct values, some below zero, far enough apart that a finite difference makes no other maximum."""
    n = int(np.prod(shape))
    return rng.permutation(n).reshape(shape) / n - 0.6


def pooled(*shape):
    """Values of their own, corners that can be, and the shape to give back."""
    corners = ops.max_pool(spaced(*shape))[1]
    return rng.standard_normal(corners.shape), corners, shape


def pool_forward(x):
    y, corners = ops.max_pool(x)
    return y, (corners, x.shape)


def unpool_forward(x, corners, shape):
    return ops.max_unpool(x, corners, shape), corners


def of_cache(backward):
    """max_pool_backward(dy, corners, shape) as the checker calls it, with the two others in one cache."""
    return lambda dy, cache: backward(dy, *cache)


# In the first two all sizes differ, those of the windows too.
SHAPES = (2, 6, 8, 5), (2, 5, 7, 6), (1, 1, 5, 2), (3, 6, 1, 1), (1, 1, 1, 2)
DISTINCT = (np.array([[1.0, 7.0], [5.0, 4.0]])[None, :, :, None],), *((spaced(*shape),) for shape in SHAPES)
TIED = (
    (np.zeros((1, 4, 4, 2)),), (np.full((1, 3, 3, 1), -1.5),),
    (np.array([[2.0, 2.0, 1.0], [0.0, 2.0, 1.0], [-4.0, -4.0, -9.0]])[None, :, :, None],),
    (np.maximum(rng.standard_normal((2, 5, 8, 3)), 0),),
    (1e12 * (spaced(1, 5, 5, 2) - 1),),
)
SMALL = np.array([[1.0, 2.0]])[None, :, :, None], np.array([[3, 1]], np.uint8)[None, :, :, None], (1, 2, 4, 1)
UNPOOLED = (
    SMALL, *(pooled(*shape) for shape in SHAPES),
    (rng.standard_normal((1, 2, 3, 2)), np.zeros((1, 2, 3, 2), np.uint8), (1, 3, 5, 2)),
)
LARGE = rng.standard_normal((1, 90, 120, 16), np.float32)
LARGE_Y, LARGE_CORNERS = ops.max_pool(LARGE)

EXERCISES = (
    Exercise(
        "max_pool", values(ops.max_pool, *DISTINCT, *TIED, names=("x",), results=("y", "corners")),
        answer=ops.max_pool, read="tinysegnet/ops/pool.py", race=lambda: (LARGE,),
        differs="goes over the four corners one after another, in bands of rows, and pads nothing",
        hints=("x[:, 0::2, 0::2] is the upper left corner of all windows at once. Which four slices are the four "
               "corners?",
               "Where H or W is odd, some of the four are shorter. Pad x below and to the right until all four have "
               "the shape of y; what you pad with must never win, not even against -1e12. argmax takes the first of "
               "equals.",
               "N, H, W, C = x.shape; padded = np.pad(x, ..., constant_values=-np.inf), and then its four corners"),
    ),
    Exercise(
        "max_pool_backward",
        gradients(pool_forward, of_cache(ops.max_pool_backward), *DISTINCT, names=("x",), adapt=of_cache),
        answer=ops.max_pool_backward, read="tinysegnet/ops/pool.py", race=lambda: (LARGE_Y, LARGE_CORNERS, LARGE.shape),
        differs="is one line, and the same line as its max_unpool",
        hints=("If the maximum of a window rises a little, so does y. If another value of the window does, nothing "
               "happens. Who gets dy, and who gets 0?",
               "dx has the shape that is given. dx[:, i::2, j::2] is corner 2 * i + j of all windows; where H or W is "
               "odd it is shorter than dy, which then has to be cut to its size.",
               "dx = np.zeros(shape, dy.dtype), then fill its four corners; or write max_unpool first, and see"),
    ),
    Exercise(
        "max_unpool", values(ops.max_unpool, *UNPOOLED, names=("x", "corners", "shape")),
        answer=ops.max_unpool, read="tinysegnet/ops/pool.py", race=lambda: (LARGE_Y, LARGE_CORNERS, LARGE.shape),
        differs="is the same four corners, filled in bands of rows after a look at whether the arguments fit together",
        hints=("y begins as zeros. Where is corner k of all windows in it? You had the four slices in max_pool.",
               "x * (corners == k) is what belongs into corner k: the value, or 0. Cut it to the size of "
               "y[:, i::2, j::2], which is shorter than x where H or W is odd.",
               "y = np.zeros(shape, x.dtype)"),
    ),
    Exercise(
        "max_unpool_backward", gradients(unpool_forward, ops.max_unpool_backward, *UNPOOLED, names=("x",)),
        answer=ops.max_unpool_backward, read="tinysegnet/ops/pool.py", race=lambda: (LARGE, LARGE_CORNERS),
        differs="is the same four corners, read and not written",
        hints=("Each value of x went to one place of y. What does the loss say about that one place?",
               "dx has the shape of corners. dy[:, i::2, j::2] * (corners == k) gives what stands in corner k, and 0 "
               "for the windows with another corner; the four have to be added. Mind the sizes where H or W is odd.",
               "dx = np.zeros(corners.shape, dy.dtype)"),
    ),
)
