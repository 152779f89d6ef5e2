"""Lesson 19: how two upsamplings and their backwards are judged."""

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet.ops import more

rng = np.random.default_rng(18)
RESIZE, TRANSPOSED = "tinysegnet/ops/more/resize.py", "tinysegnet/ops/more/conv_transpose2d.py"


def image(N, H, W, C, height, width, dtype=float):
    """x of resize_bilinear, and the shape to give back."""
    return rng.standard_normal((N, H, W, C)).astype(dtype), (N, height, width, C)


def arrays(N, H, W, C, F, K, odd=(0, 0), dtype=float):
    """All that conv_transpose2d is given; 1 for a height or a width of y that is odd."""
    x, w, b = rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C, F)) / K, rng.standard_normal(F)
    return *(a.astype(dtype) for a in (x, w, b)), (N, 2 * H - odd[0], 2 * W - odd[1], F)


RESIZED = (
    (np.array([0.0, 8.0]).reshape(1, 1, 2, 1), (1, 1, 4, 1)),       # that of the page
    (np.array([0.0, 8.0, 16.0, 40.0]).reshape(1, 2, 2, 1), (1, 4, 4, 1)),
    image(1, 3, 4, 2, 6, 8), image(2, 3, 4, 3, 5, 7),
    image(2, 4, 5, 2, 9, 7),            # neither doubled nor halved
    image(1, 7, 5, 2, 3, 4),            # smaller
    image(1, 3, 4, 2, 3, 4),            # the size that it has
    image(2, 1, 1, 3, 3, 4), image(1, 4, 3, 2, 1, 1),
)
LINE = np.zeros((4, 4, 1, 1))
LINE[1, :, 0, 0] = 0.25, 0.75, 0.75, 0.25
STAMPED = (
    (np.array([4.0, 8.0]).reshape(1, 1, 2, 1), LINE, np.zeros(1), (1, 1, 4, 1)),        # that of the page
    arrays(1, 2, 3, 1, 1, 2),           # the stamps do not overlap
    arrays(1, 3, 4, 2, 3, 3), arrays(2, 3, 5, 1, 6, 4, odd=(1, 0)), arrays(2, 4, 3, 2, 2, 5, odd=(1, 1)),
    arrays(1, 3, 2, 2, 3, 1),           # three of four y are the bias
    arrays(1, 2, 3, 1, 2, 8),           # the kernel is larger than y
    arrays(2, 1, 1, 2, 3, 4, odd=(1, 1)),
)
OF_RESIZE = {"names": ("x",)}
OF_STAMPS = {"names": ("x", "w", "b")}
SMALL, LARGE = image(1, 24, 32, 8, 48, 64, np.float32), arrays(1, 24, 32, 8, 8, 4, dtype=np.float32)

EXERCISES = (
    Exercise(
        "resize_bilinear", values(more.resize_bilinear, *RESIZED, cache=True, **OF_RESIZE),
        answer=more.resize_bilinear, read=RESIZE, race=lambda: SMALL,
        differs="is two products with matrices, and goes in bands of rows, so that a large photograph fits",
        hints=("Rows and columns do not know of each other: bring the rows to their new number, then the columns. "
               "Between which two rows of x does row i of y lie, and how near is it to each?",
               "Of centre, H' numbers from 0 to H - 1, the whole part is the number of a row, and the rest is the "
               "weight of the next one; after the last row there is none. x[:, rows] is (N, H', W, C).",
               "centre = np.clip((np.arange(shape[1]) + 0.5) * H / shape[1] - 0.5, 0, H - 1)"),
    ),
    Exercise(
        "resize_bilinear_backward",
        gradients(more.resize_bilinear, more.resize_bilinear_backward, *RESIZED, **OF_RESIZE),
        answer=more.resize_bilinear_backward, read=RESIZE, race=lambda: more.resize_bilinear(*SMALL),
        differs="is two products with the same matrices, transposed",
        hints=("A pixel of x has a share in several pixels of y. Each of them tells it something, times that share.",
               "If R is the (H', H) matrix of the shares of rows, and Q the (W', W) one of columns, y is R x Q^T in "
               "each channel, and dx is R^T dy Q. With indices in the place of matrices, add with np.add.at: dx[...] "
               "+= counts a row once that is named twice.",
               "N, H, W, C = cache; then R as an array of zeros, (dy.shape[1], H), with two numbers in each row"),
    ),
    Exercise(
        "conv_transpose2d", values(more.conv_transpose2d, *STAMPED, cache=True, **OF_STAMPS),
        answer=more.conv_transpose2d, read=TRANSPOSED, race=lambda: LARGE,
        differs="finds each y by itself: four ordinary convolutions with kernels of half the size, done as one",
        hints=("Hold one place i, j of the kernel fixed. All pixels of x put x @ w[i, j] somewhere: which rows and "
               "columns of y are these, and how far apart?",
               "x @ w[i, j] is (N, H, W, F). In a y with a margin it belongs to [:, i : i + 2 * H : 2, "
               "j : j + 2 * W : 2], and there it is added. Of the margin (K - 1) // 2 rows are above, and the same "
               "number of columns to the left.",
               "wide = np.zeros((N, 2 * H + K, 2 * W + K, F), x.dtype), then two loops over i and j"),
    ),
    Exercise(
        "conv_transpose2d_backward",
        gradients(more.conv_transpose2d, more.conv_transpose2d_backward, *STAMPED, **OF_STAMPS),
        answer=more.conv_transpose2d_backward, read=TRANSPOSED,
        race=lambda: more.conv_transpose2d(*LARGE),
        differs="is the backward of one ordinary convolution, on dy in blocks of four",
        hints=("The same two loops. For one place i, j the forward is a 1 x 1 convolution, whose y was put into a "
               "slice. What was dropped beyond the edge has nothing to say.",
               "Put dy into a margin of zeros as in the forward; dslice = wide[:, i : i + 2 * H : 2, "
               "j : j + 2 * W : 2] is (N, H, W, F). dx gets dslice @ w[i, j].T from each place. dw[i, j] is (C, F): a "
               "sum over all pixels of all images. db is the sum of dy, without any margin.",
               "x, w = cache; wide = np.zeros((N, 2 * H + K, 2 * W + K, F), dy.dtype), with dy at [:, p : p + "
               "dy.shape[1], p : p + dy.shape[2]] and p = (K - 1) // 2"),
    ),
)
