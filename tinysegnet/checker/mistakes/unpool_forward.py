"""Known wrong answers of max_unpool."""

import numpy as np

from tinysegnet.ops.pool import max_pool, max_unpool

READ = "tinysegnet/ops/pool.py"
RESULTS = ("y",)
forward = max_unpool


def cases():
    rng = np.random.default_rng(0)
    for shape in ((2, 6, 8, 5), (4, 9, 5, 2)):
        y, corners = max_pool(rng.standard_normal(shape))
        yield rng.standard_normal(y.shape), corners, shape


def grown(values, shape):
    """Each value in all four places of its window."""
    return np.repeat(np.repeat(values, 2, axis=1), 2, axis=2)[:, : shape[1], : shape[2]]


def places(shape):
    """The number of its corner for each place of y, (1, H, W, 1)."""
    rows, columns = np.arange(shape[1]) % 2, np.arange(shape[2]) % 2
    return (2 * rows[:, None] + columns)[None, :, :, None]


def put(x, corners, shape):
    return grown(x, shape) * (grown(corners, shape) == places(shape))


def in_all_four(x, corners, shape):
    """each value is in all four corners: it belongs in one, and the other three are 0"""
    return {"y": grown(x, shape)}


def a_quarter_each(x, corners, shape):
    """a quarter of each value is in all four corners: all of it belongs in one, and the other three are 0"""
    return {"y": grown(x, shape) / 4}


def always_upper_left(x, corners, shape):
    """each value is in the upper left corner: corners says which it is"""
    return {"y": put(x, np.zeros_like(corners), shape)}


def always_lower_right(x, corners, shape):
    """each value is in the lower right corner: corners says which it is"""
    return {"y": put(x, np.full_like(corners, 3), shape)}


def columns_first(x, corners, shape):
    """the corners are counted down and then to the right: corner 1 is to the right of corner 0, 2 is below it"""
    return {"y": put(x, np.array([0, 2, 1, 3], np.uint8)[corners], shape)}


def opposite(x, corners, shape):
    """each value is in the corner opposite to its own"""
    return {"y": put(x, 3 - corners, shape)}


def rows_exchanged(x, corners, shape):
    """upper and lower row of each window are exchanged"""
    return {"y": put(x, corners ^ 2, shape)}


def columns_exchanged(x, corners, shape):
    """left and right column of each window are exchanged"""
    return {"y": put(x, corners ^ 1, shape)}


def from_one(x, corners, shape):
    """the corners are taken as counted from 1: they are 0 to 3"""
    return {"y": put(x, corners.astype(int) - 1, shape)}


def ones(x, corners, shape):
    """y has ones where the values belong: put x there"""
    return {"y": put(np.ones_like(x), corners, shape)}


def the_corners(x, corners, shape):
    """y has the numbers of the corners in it: put x there"""
    return {"y": put(corners.astype(float), corners, shape)}


def the_other_three(x, corners, shape):
    """each value is in the three corners that it does not belong in"""
    return {"y": grown(x, shape) - put(x, corners, shape)}


def twice_the_size(x, corners, shape):
    """y is twice the size of x: it should have the given shape, which is odd where the encoder's was"""
    N, H, W, C = corners.shape
    return {"y": put(x, corners, (N, 2 * H, 2 * W, C))}


def negative_values_lost(x, corners, shape):
    """negative values are lost: put each value there, whatever its sign, and not the larger of it and 0"""
    return {"y": put(np.maximum(x, 0), corners, shape)}


def corners_of_the_first_channel(x, corners, shape):
    """the corners of channel 0 are taken for all channels: each has its own"""
    return {"y": put(x, np.broadcast_to(corners[..., :1], corners.shape), shape)}


def corners_of_the_first_image(x, corners, shape):
    """the corners of image 0 are taken for all images: each has its own"""
    return {"y": put(x, np.broadcast_to(corners[:1], corners.shape), shape)}


def odd_border_left_out(x, corners, shape):
    """the row or column at an odd border stays 0: its windows are clipped, and have a value all the same"""
    y = put(x, corners, shape)
    y[:, shape[1] // 2 * 2 :] = y[:, :, shape[2] // 2 * 2 :] = 0
    return {"y": y}


MISTAKES = (
    negative_values_lost, corners_of_the_first_channel, corners_of_the_first_image, odd_border_left_out,
    in_all_four, a_quarter_each, always_upper_left, always_lower_right, columns_first, opposite, rows_exchanged,
    columns_exchanged, from_one, ones, the_corners, the_other_three, twice_the_size,
)
