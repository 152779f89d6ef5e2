"""Known wrong answers of upsample_nearest and of its backward."""

import numpy as np

from tinysegnet.checker.mistakes.resize import READ, sizes
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.more.resize import resize_bilinear, upsample_nearest


def grown(x, shape):
    """Each value in all four places of its window."""
    return x.repeat(2, axis=1).repeat(2, axis=2)[:, : shape[1], : shape[2]]


def at(x, rows, columns):
    return x[:, rows][:, :, columns]


def kept(a, rows, columns):
    """a where both are True, and 0 elsewhere."""
    return a * (rows[:, None] & columns)[:, :, None]


def even(shape):
    return np.arange(shape[1]) % 2 == 0, np.arange(shape[2]) % 2 == 0


def always(mask):
    return np.ones_like(mask)


upsample = Table(READ, sizes(((2, 4, 6, 3), (7, 12)), ((3, 5, 4, 2), (10, 7))), ["y"], upsample_nearest)


@upsample.formula
def right_y(x, shape):
    _, height, width, _ = shape
    y = x.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    return y


upsample.mistake("y is x at the upper left of each window and 0 elsewhere: each pixel belongs in all four places",
                 zeros_between=lambda x, shape: kept(grown(x, shape), *even(shape)))
upsample.mistake("a quarter of each pixel is in all four places: all of it belongs there",
                 a_quarter_each=lambda x, shape: grown(x, shape) / 4)
upsample.mistake("y is interpolated bilinearly: each pixel is repeated as it is",
                 bilinear=lambda x, shape: resize_bilinear(x, shape)[0])
upsample.mistake("the whole of x is tiled (np.tile): each pixel is repeated next to itself (np.repeat)",
                 tiled=lambda x, shape: np.tile(x, (1, 2, 2, 1))[:, : shape[1], : shape[2]])
upsample.mistake("the rows are repeated and the columns tiled: repeat both",
                 columns_tiled=lambda x, shape: np.tile(x.repeat(2, 1), (1, 1, 2, 1))[:, : shape[1], : shape[2]])
upsample.mistake("the rows are tiled and the columns repeated: repeat both",
                 rows_tiled=lambda x, shape: np.tile(x.repeat(2, 2), (1, 2, 1, 1))[:, : shape[1], : shape[2]])
upsample.mistake("row r comes from (r + 1) // 2: it comes from r // 2, and so do columns",
                 rounded_up=lambda x, shape: at(
                     x, *(np.minimum((np.arange(shape[axis]) + 1) // 2, x.shape[axis] - 1) for axis in (1, 2))))
upsample.mistake("for an odd size the row or column too many is cut off above and on the left: it is below and on the "
                 "right",
                 cut_off_before=lambda x, shape: x.repeat(2, 1).repeat(2, 2)[:, shape[1] % 2 :, shape[2] % 2 :])
upsample.mistake("the row or column at an odd border stays 0: its windows are clipped, and have a pixel all the same",
                 odd_border_left_out=lambda x, shape: kept(
                     grown(x, shape), *(np.arange(shape[axis]) < shape[axis] // 2 * 2 for axis in (1, 2))))
upsample.mistake("only the rows are doubled, and the odd columns stay 0: each pixel belongs in all four places",
                 only_rows=lambda x, shape: kept(grown(x, shape), always(even(shape)[0]), even(shape)[1]))
upsample.mistake("only the columns are doubled, and the odd rows stay 0: each pixel belongs in all four places",
                 only_columns=lambda x, shape: kept(grown(x, shape), even(shape)[0], always(even(shape)[1])))
upsample.mistake("the numbers of x are repeated as they lie in memory, across channels: repeat rows (axis 1) and "
                 "columns (axis 2)", repeated_in_memory=lambda x, shape: cut_to(
                     x.repeat(4).reshape(len(x), 2 * x.shape[1], 2 * x.shape[2], -1), shape))
upsample.mistake("y is twice the size of x: it should have the given shape, which is odd where the encoder's was",
                 twice_the_size=lambda x, shape: x.repeat(2, axis=1).repeat(2, axis=2))
upsample.mistake("x stands as it is in the upper left of y, and 0 elsewhere: each pixel belongs in four places",
                 in_the_corner=lambda x, shape: in_the_corner(x, shape))
upsample.mistake("every image of the batch has the result of the first",
                 first_image_for_all=lambda x, shape: np.broadcast_to(grown(x[:1], shape), shape))


def in_the_corner(x, shape):
    y = np.zeros(shape)
    y[:, : x.shape[1], : x.shape[2]] = x
    return y


def cut_to(y, shape):
    return y[:, : shape[1], : shape[2]]


def filled_up(dy, x, mode="constant", before=False):
    """dy with the row or column that an odd size lacks."""
    odd = [((size % 2, 0) if before else (0, size % 2)) for size in dy.shape[1:3]]
    return np.pad(dy, ((0, 0), *odd, (0, 0)), mode)


def four(dy, x, **options):
    """The four dy of each pixel, (N, H, W, 4, C)."""
    N, H, W, C = x.shape
    return filled_up(dy, x, **options).reshape(N, H, 2, W, 2, C).swapaxes(2, 3).reshape(N, H, W, 4, C)


def moved_back(dy, x, rows, columns):
    """dx if row r of dy belongs to rows[r] of x, and its columns likewise."""
    dx = np.zeros_like(x)
    for r, row in enumerate(rows):
        for q, column in enumerate(columns):
            dx[:, row, column] += dy[:, r, q]
    return dx


def last_written(dy, x):
    """For each pixel the last of its four that is there."""
    dx = np.zeros_like(x)
    for i in (0, 1):
        for j in (0, 1):
            corner = dy[:, i::2, j::2]
            dx[:, : corner.shape[1], : corner.shape[2]] = corner
    return dx


upsample_backward = Table(READ, upsample.cases, ["dx"], upsample_nearest)


@upsample_backward.formula
def right_dx(dy, x, shape):
    (N, H, W, C), (_, height, width, _) = x.shape, shape
    padded = np.pad(dy, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    dx = padded.reshape(N, H, 2, W, 2, C).sum(axis=(2, 4))
    return dx


upsample_backward.mistake("dx is the mean of the window: each of its pixels was x, so it is the sum",
                          mean_of_window=lambda dy, x, shape: four(dy, x).mean(axis=3))
upsample_backward.mistake("dx is the mean of what of the window is inside: each of its pixels was x, so it is the sum",
                          mean_of_what_is_inside=lambda dy, x, shape: (
                              four(dy, x).sum(axis=3) / four(np.ones_like(dy), x).sum(axis=3)))
upsample_backward.mistake("dx is the largest dy of the window: each of its pixels was x, so it is the sum",
                          largest=lambda dy, x, shape: np.maximum.reduce(four(
                              filled_up(dy, x, "edge"), x), axis=3))
upsample_backward.mistake("dx is the upper left dy of the window: add all that are there",
                          upper_left=lambda dy, x, shape: dy[:, ::2, ::2])
upsample_backward.mistake("dx has the first rows and columns of dy as they are: row r gets the sum of 2r and 2r+1, and "
                          "so do columns",
                          corner_of_dy=lambda dy, x, shape: dy[:, : x.shape[1], : x.shape[2]])
upsample_backward.mistake("dx has only the lower row of each window: add the upper one too",
                          lower_row=lambda dy, x, shape: four(dy, x)[:, :, :, 2:].sum(axis=3))
upsample_backward.mistake("dx has only the right column of each window: add the left one too",
                          right_column=lambda dy, x, shape: four(dy, x)[:, :, :, 1::2].sum(axis=3))
upsample_backward.mistake("each dy of a window overwrites the one before it: they add up (+=)",
                          overwritten=lambda dy, x, shape: last_written(dy, x))
upsample_backward.mistake("the lower right dy of each window is left out: add all four",
                          lower_right_left_out=lambda dy, x, shape: four(dy, x)[:, :, :, :3].sum(axis=3))
upsample_backward.mistake("dx has only the upper row of each window: add the lower one too",
                          upper_row=lambda dy, x, shape: four(dy, x)[:, :, :, :2].sum(axis=3))
upsample_backward.mistake("dx has only the left column of each window: add the right one too",
                          left_column=lambda dy, x, shape: four(dy, x)[:, :, :, ::2].sum(axis=3))
upsample_backward.mistake("the windows at an odd border get nothing: they are clipped, and have a sum all the same",
                          odd_border_left_out=lambda dy, x, shape: kept(four(dy, x).sum(axis=3), *(
                              np.arange(x.shape[axis]) < shape[axis] // 2 for axis in (1, 2))))
upsample_backward.mistake("at an odd border dy is repeated and counts twice: there is nothing beyond it",
                          border_twice=lambda dy, x, shape: four(dy, x, mode="edge").sum(axis=3))
upsample_backward.mistake("for an odd size dy is filled up above and on the left: what was cut off is below and on the "
                          "right", filled_up_before=lambda dy, x, shape: four(dy, x, before=True).sum(axis=3))
upsample_backward.mistake("dy comes back as if x had been tiled (np.tile), to r % H: it belongs to r // 2",
                          tiled=lambda dy, x, shape: moved_back(
                              dy, x, *(np.arange(shape[axis]) % x.shape[axis] for axis in (1, 2))))
upsample_backward.mistake("row r of dy goes to (r + 1) // 2: it goes to r // 2, and so do columns",
                          rounded_up=lambda dy, x, shape: moved_back(dy, x, *(
                              np.minimum((np.arange(shape[axis]) + 1) // 2, x.shape[axis] - 1) for axis in (1, 2))))
upsample_backward.mistake("dx is the sum over the window of the first image, for every image: each has its own dy",
                          first_image_for_all=lambda dy, x, shape: np.broadcast_to(
                              four(dy[:1], x[:1]).sum(axis=3), x.shape))
