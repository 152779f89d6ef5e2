"""Known wrong answers of max_pool_backward. Its forward is max_pool of x, then the shape of x."""

import numpy as np

from tinysegnet.ops.pool import max_pool, put_into_corners

READ = "tinysegnet/ops/pool.py"
forward = max_pool


def cases():
    rng = np.random.default_rng(0)
    for shape in ((2, 5, 6, 3), (3, 7, 5, 2)):
        yield (rng.permutation(int(np.prod(shape))).reshape(shape) / 10.0,)


def put(values, corners, shape):
    return {"dx": put_into_corners(values, corners, shape)}


def to_all_four(dy, x):
    """all four corners get dy, but only the maximum could move the output"""
    return {"dx": np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2)[:, : x.shape[1], : x.shape[2]]}


def a_quarter_each(dy, x):
    """each corner gets a quarter of dy: that is average pooling; here the maximum gets it all"""
    return {"dx": to_all_four(dy, x)["dx"] / 4}


def corners_by_column(dy, x):
    """corners 1 and 2 are exchanged: 0 1 are the upper two, 2 3 the lower two"""
    corners = max_pool(x)[1]
    return put(dy, np.array([0, 2, 1, 3], np.uint8)[corners], x.shape)


def always_first_corner(dy, x):
    """the gradient always goes to the upper left corner, and must go where the maximum was"""
    return put(dy, np.zeros_like(max_pool(x)[1]), x.shape)


def times_the_maximum(dy, x):
    """dx is dy times the maximum: the maximum was copied, so its slope is 1"""
    y, corners = max_pool(x)
    return put(dy * y, corners, x.shape)


def to_the_minimum(dy, x):
    """the gradient goes to the smallest value of the window, and must go to the largest"""
    return put(dy, max_pool(-x)[1], x.shape)


def corners_of_the_first_channel(dy, x):
    """the corners of channel 0 are taken for all channels: each has its own"""
    corners = max_pool(x)[1]
    return put(dy, np.broadcast_to(corners[..., :1], corners.shape), x.shape)


def corners_of_the_first_image(dy, x):
    """the corners of image 0 are taken for all images: each has its own"""
    corners = max_pool(x)[1]
    return put(dy, np.broadcast_to(corners[:1], corners.shape), x.shape)


def one_for_dy(dy, x):
    """there is a 1 where the maximum was: by the chain rule it should be dy"""
    return put(np.ones_like(dy), max_pool(x)[1], x.shape)


def one_corner_left_out(k, dy, x):
    corners = max_pool(x)[1]
    return put(dy * (corners != k), corners, x.shape)


def lower_right_left_out(dy, x):
    """the lower right corner gets nothing: the corners are 0, 1, 2 and 3"""
    return one_corner_left_out(3, dy, x)


def upper_left_left_out(dy, x):
    """the upper left corner gets nothing: the corners are 0, 1, 2 and 3"""
    return one_corner_left_out(0, dy, x)


def rows_exchanged(dy, x):
    """upper and lower row of each window are exchanged"""
    return {"dx": exchanged(dy, x, 2)}


def columns_exchanged(dy, x):
    """left and right column of each window are exchanged"""
    return {"dx": exchanged(dy, x, 1)}


def opposite(dy, x):
    """dy goes to the corner opposite to that of the maximum"""
    return {"dx": exchanged(dy, x, 3)}


def exchanged(dy, x, bits):
    """dx with other corners; what they put beyond an odd border is lost."""
    N, H, W, C = x.shape
    corners = max_pool(x)[1] ^ bits
    return put_into_corners(dy, corners, (N, H + H % 2, W + W % 2, C))[:, :H, :W]


def odd_border_left_out(dy, x):
    """the windows at an odd border get nothing: they are clipped, and have a maximum all the same"""
    (_, H, W, _), dx = x.shape, put(dy, max_pool(x)[1], x.shape)["dx"].copy()
    dx[:, H // 2 * 2 :] = dx[:, :, W // 2 * 2 :] = 0
    return {"dx": dx}


def cut_off_before(dy, x):
    """the row or column too many of an odd size is cut off above and on the left: it is below and on the right"""
    N, H, W, C = x.shape
    whole = put_into_corners(dy, max_pool(x)[1], (N, H + H % 2, W + W % 2, C))
    return {"dx": whole[:, H % 2 :, W % 2 :]}


MISTAKES = (
    lower_right_left_out, upper_left_left_out, rows_exchanged, columns_exchanged, opposite, odd_border_left_out,
    cut_off_before,
    to_all_four, a_quarter_each, corners_by_column, always_first_corner, times_the_maximum, to_the_minimum,
    corners_of_the_first_channel, corners_of_the_first_image, one_for_dy,
)
