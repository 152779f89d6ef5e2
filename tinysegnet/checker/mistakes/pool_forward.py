"""Known wrong answers of max_pool."""

import numpy as np

from tinysegnet.ops.pool import max_pool

READ = "tinysegnet/ops/pool.py"
RESULTS = ("y", "corners")
forward = max_pool


def cases():
    """The second has windows in which several values are the largest."""
    rng = np.random.default_rng(0)
    yield (rng.permutation(2 * 4 * 6 * 3).reshape(2, 4, 6, 3) / 10.0 - 5,)
    yield (rng.integers(-2, 3, (3, 7, 5, 2)).astype(float),)
    yield (rng.permutation(3 * 7 * 5 * 2).reshape(3, 7, 5, 2) / 10.0 - 9,)


def windows(x, fill=-np.inf):
    """(N, ceil(H / 2), ceil(W / 2), 4, C), with `fill` where a window reaches over the border."""
    _, H, W, _ = x.shape
    x = np.pad(x, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)), constant_values=fill)
    N, H, W, C = x.shape
    return x.reshape(N, H // 2, 2, W // 2, 2, C).swapaxes(2, 3).reshape(N, H // 2, W // 2, 4, C)


def average(x):
    """y is the average of the window, and must be its maximum"""
    inside = np.isfinite(windows(x)).sum(axis=3)
    return {"y": windows(x, 0).sum(axis=3) / inside}


def a_quarter_of_the_sum(x):
    """y is a quarter of the sum of the window, and must be its maximum"""
    return {"y": windows(x, 0).mean(axis=3)}


def sum_of_window(x):
    """y is the sum of the window, and must be its maximum"""
    return {"y": windows(x, 0).sum(axis=3)}


def minimum(x):
    """y is the minimum of the window, and must be its maximum"""
    return {"y": windows(x, np.inf).min(axis=3)}


def upper_left(x):
    """y is the upper left value of each window, and must be the largest"""
    return {"y": x[:, ::2, ::2]}


def over_zeros(x):
    """beyond the lower and right border zeros are taken for values: a clipped window has only what is inside"""
    return {"y": windows(x, 0).max(axis=3)}


def largest_in_size(x):
    """y is what is largest in size, whatever its sign: of -3 and 2 the maximum is 2"""
    among = windows(x, 0)
    which = np.abs(among).argmax(axis=3)
    return {"y": np.take_along_axis(among, which[:, :, :, None], axis=3)[:, :, :, 0]}


def border_left_out(x):
    """an odd row or column at the border is left out: its windows are clipped, not dropped (ceil mode)"""
    return {"y": windows(x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]).max(axis=3)}


def corner(x, fill=-np.inf):
    return windows(x, fill).argmax(axis=3).astype(np.uint8)


def last_of_equals(x):
    """where several values are the largest, corners has the last of them, and must have the first"""
    return {"corners": (3 - windows(x)[:, :, :, ::-1].argmax(axis=3)).astype(np.uint8)}


def columns_first(x):
    """the corners are counted down and then to the right: corner 1 is to the right of corner 0, 2 is below it"""
    return {"corners": np.array([0, 2, 1, 3], np.uint8)[corner(x)]}


def from_one(x):
    """the corners are counted from 1: they are 0 to 3"""
    return {"corners": corner(x) + np.uint8(1)}


def of_the_minimum(x):
    """corners says where the minimum was, and must say where the maximum was"""
    return {"corners": windows(x, np.inf).argmin(axis=3).astype(np.uint8)}


def all_zero(x):
    """corners is 0 everywhere: it says in which of the four corners the maximum was"""
    return {"corners": np.zeros_like(corner(x))}


def only_rows(x):
    """corners says only whether the maximum was in the lower row: it needs the column too, 2 * row + column"""
    return {"corners": corner(x) // np.uint8(2)}


def only_columns(x):
    """corners says only whether the maximum was in the right column: it needs the row too, 2 * row + column"""
    return {"corners": corner(x) % np.uint8(2)}


def corners_of_zeros(x):
    """corners may lie beyond the border, where zeros were taken for values: a clipped window has only what is inside"""
    return {"corners": corner(x, 0)}


def begins_at_zero(x):
    """the largest so far begins at 0, so that a window of negative values gives 0: begin with its first value"""
    return {"y": windows(x).max(axis=3).clip(0)}


def columns_first_throughout(x):
    """the corners are counted and searched down and then to the right: corner 1 is to the right of corner 0, 2 below"""
    return {"corners": windows(x)[:, :, :, [0, 2, 1, 3]].argmax(axis=3).astype(np.uint8)}


def last_that_beats_the_first(x):
    """each value is compared with the first one, and must be compared with the largest so far"""
    among = windows(x)
    better = among > among[:, :, :, :1]
    return {"corners": (better * np.arange(4)[:, None]).max(axis=3).astype(np.uint8)}


def overlapping(x):
    """the windows begin at row r and column q, and must begin at 2r and 2q"""
    h, w = (x.shape[1] + 1) // 2, (x.shape[2] + 1) // 2
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    pieces = [padded[:, i : i + h, j : j + w] for i in (0, 1) for j in (0, 1)]
    return {"y": np.max(pieces, axis=0), "corners": np.argmax(pieces, axis=0).astype(np.uint8)}


def minimum_with_zeros(x):
    """y is the minimum of the window, and must be its maximum"""
    return {"y": windows(x, 0).min(axis=3)}


MISTAKES = (
    begins_at_zero, columns_first_throughout, last_that_beats_the_first, overlapping, minimum_with_zeros,
    average, a_quarter_of_the_sum, sum_of_window, minimum, upper_left, over_zeros, largest_in_size, border_left_out,
    last_of_equals, columns_first, from_one, of_the_minimum, all_zero, only_rows, only_columns, corners_of_zeros,
)
