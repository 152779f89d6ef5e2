"""Lesson 05: how conv2d_loops, im2col and conv2d are judged."""

import numpy as np

from lessons.engine.exercises import Exercise, values
from tinysegnet import ops
from tinysegnet.checker.mistakes import conv
from tinysegnet.checker.mistakes.table import Table

rng = np.random.default_rng(5)


def arrays(N, H, W, C, F, K, scale=1):
    return scale * rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C, F)), rng.standard_normal(F)


def addresses(H, W, C):
    """x[r, q, c] = 100 r + 10 q + c: each number says where it stands."""
    r, q, c = np.indices((H, W, C), float)
    return 100 * r + 10 * q + c


KERNEL = np.array([1.0, 2, 1, 0, 0, 0, -1, -2, -1]).reshape(3, 3, 1, 1)
PAGE = np.arange(1.0, 10).reshape(1, 3, 3, 1), KERNEL, np.zeros(1)      # the 3 x 3 example of the page
IMAGES = (
    PAGE,
    arrays(1, 4, 5, 1, 1, 3), arrays(1, 4, 6, 2, 5, 3), arrays(2, 7, 6, 4, 5, 3),
    arrays(2, 3, 4, 3, 2, 1), arrays(2, 6, 7, 1, 3, 5),
    arrays(1, 2, 3, 2, 2, 7),           # the kernel is larger than the image
    arrays(1, 1, 1, 3, 2, 3),           # one pixel
    arrays(2, 3, 4, 2, 2, 3, scale=1e4),
)
PADDED = (
    (np.pad(PAGE[0][0], ((1, 1), (1, 1), (0, 0))), 3),
    (addresses(4, 5, 1), 3), (addresses(4, 6, 3), 3), (addresses(3, 4, 2), 1), (addresses(7, 6, 2), 5),
    (addresses(3, 3, 2), 3),            # one neighbourhood
    (rng.standard_normal((5, 9, 4)), 5),
)


def in_order(order):
    """im2col with the numbers of its result, (H, W, K, K, C), brought into another order."""

    def run(x, K):
        columns = ops.im2col(x, K)
        return order(columns.reshape(*columns.shape[:2], K, K, -1)).reshape(columns.shape)

    return run


def generic_columns():
    yield np.random.default_rng(0).standard_normal((6, 7, 2)), 3


COLUMN_MISTAKES = Table("lessons/05_conv_forward/README.md", generic_columns, ["columns"])
COLUMN_MISTAKES.mistake("in each row the channel runs slowest: it should run fastest, at (i*K + j)*C + c",
                        channels_first=in_order(lambda at: at.transpose(0, 1, 4, 2, 3)))
COLUMN_MISTAKES.mistake("i and j are exchanged: i goes down the image, and stands before j in (i*K + j)*C + c",
                        kernel_transposed=in_order(lambda at: at.swapaxes(2, 3)))
COLUMN_MISTAKES.mistake("each neighbourhood is read from its end: place i, j should hold x[r + i, q + j]",
                        read_backwards=in_order(lambda at: at[:, :, ::-1, ::-1]))
COLUMN_MISTAKES.mistake("each neighbourhood is upside down: place i, j should hold x[r + i, q + j]",
                        rows_backwards=in_order(lambda at: at[:, :, ::-1]))
COLUMN_MISTAKES.mistake("each neighbourhood is mirrored: place i, j should hold x[r + i, q + j]",
                        columns_backwards=in_order(lambda at: at[:, :, :, ::-1]))
COLUMN_MISTAKES.mistake("the places of the kernel stand first and are reshaped to stand behind the pixels: they should "
                        "be the last axes before the reshape, (H, W, K, K, C)",
                        places_first=in_order(lambda at: at.transpose(2, 3, 0, 1, 4)))
COLUMN_MISTAKES.mistake("all channels hold the first: c goes from 0 to C - 1",
                        first_channel=in_order(lambda at: at[..., :1] + 0 * at))
COLUMN_MISTAKES.mistake("all channels hold the last: c goes from 0 to C - 1",
                        last_channel=in_order(lambda at: at[..., -1:] + 0 * at))
COLUMN_MISTAKES.mistake("the last row and the last column of each neighbourhood are 0: i and j go from 0 to K - 1",
                        last_row_and_column_left_out=in_order(
                            lambda at: np.pad(at[:, :, :-1, :-1], ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)))))
COLUMN_MISTAKES.mistake("all places hold x[r, q]: place i, j should hold x[r + i, q + j]",
                        without_offsets=in_order(lambda at: at[:, :, :1, :1] + 0 * at))
COLUMN_MISTAKES.mistake("every pixel has the neighbourhood of the first: it moves with r and q",
                        the_first_everywhere=in_order(lambda at: at[:1, :1] + 0 * at))
COLUMN_MISTAKES.mistake("rows and columns of the image are exchanged: the neighbourhood of r, q begins at x[r, q]",
                        pixels_exchanged=in_order(lambda at: at.swapaxes(0, 1)))


def at_place(place):
    """im2col, but the number of i, j, c goes to place(i, j, c, K, C), over what was there."""

    def run(x, K):
        H, W, C = x.shape[0] - K + 1, x.shape[1] - K + 1, x.shape[2]
        columns = np.zeros((H, W, K * K * C), x.dtype)
        for i, j, c in np.ndindex(K, K, C):
            columns[:, :, place(i, j, c, K, C)] = x[i : i + H, j : j + W, c]
        return columns

    return run


COLUMN_MISTAKES.mistake("numbers overwrite each other, as at i*K + j + c: each place has C of them, (i*K + j)*C + c",
                        without_channels=at_place(lambda i, j, c, K, C: i * K + j + c))
COLUMN_MISTAKES.mistake("numbers overwrite each other, as at i*K + j*C + c: put brackets, (i*K + j)*C + c",
                        brackets_forgotten=at_place(lambda i, j, c, K, C: i * K + j * C + c))


def convolved(x, w, b):
    """conv2d_loops is judged by the library's conv2d, without its cache."""
    return ops.conv2d(x, w, b)[0]


EXERCISES = (
    Exercise(
        "conv2d_loops", values(convolved, *IMAGES, mistakes=conv.forward),
        answer=convolved, read="tinysegnet/ops/conv.py",
        race=lambda: tuple(a.astype(np.float32) for a in arrays(1, 24, 32, 3, 8, 3)),
        differs="conv2d gives the same numbers by one matrix product for each band of rows: the rest of this lesson",
        hints=("Take one pixel of y. Which pixel of x does the kernel's place i, j read for it, and is that pixel "
               "there?",
               "y is (N, H, W, F), at first the bias everywhere. x[n, row, column, c] is one number, w[i, j, c] are F.",
               "y = np.zeros((N, H, W, F), x.dtype) + b, then six loops; "
               "row, column = r + i - K // 2, q + j - K // 2 may lie outside"),
    ),
    Exercise(
        "im2col", values(ops.im2col, *PADDED, names=("x", "K"), results=("columns",), mistakes=COLUMN_MISTAKES),
        answer=ops.im2col, read="tinysegnet/ops/conv.py",
        race=lambda: (rng.standard_normal((36, 44, 8), np.float32), 5),
        differs="has the same two loops and the same reshape",
        hints=("Hold one place i, j of the kernel fixed. All pixels together read a rectangle of x for it: which one?",
               "That rectangle is x[i : i + H, j : j + W], (H, W, C). There are K*K of them; H is x.shape[0] - K + 1.",
               "columns = np.empty((H, W, K, K, C), x.dtype), and then two loops, over i and j"),
    ),
    Exercise(
        "conv2d", values(ops.conv2d, *IMAGES, cache=True),
        answer=ops.conv2d, read="tinysegnet/ops/conv.py",
        race=lambda: tuple(a.astype(np.float32) for a in arrays(1, 24, 32, 3, 8, 3)),
        differs="works in bands of rows, so that the columns never need more than 4 MB, on several processors at once",
        hints=("Three steps for each image: pad it with zeros, gather its columns by your im2col, multiply by w.",
               "columns (H, W, K*K*C) @ w.reshape(K*K*C, F) gives (H, W, F), and b (F,) is added to each pixel of "
               "that.",
               "padded = np.pad(x, ((0, 0), (K // 2, K // 2), (K // 2, K // 2), (0, 0))), and then a loop over the "
               "images"),
    ),
)
