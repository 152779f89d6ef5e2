"""Known wrong answers of max_unpool_backward."""

import numpy as np

from tinysegnet.ops.pool import max_pool, max_unpool, take_from_corners

READ = "tinysegnet/ops/pool.py"


def forward(x, corners, shape):
    return max_unpool(x, corners, shape), corners


def cases():
    rng = np.random.default_rng(0)
    for shape in ((2, 7, 10, 3), (4, 9, 5, 2)):
        y, corners = max_pool(rng.standard_normal(shape))
        yield rng.standard_normal(y.shape), corners, shape


def windows(dy):
    """dy as (N, H/2, W/2, 4, C), with zeros where a window reaches over the border."""
    _, H, W, _ = dy.shape
    dy = np.pad(dy, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)))
    N, H, W, C = dy.shape
    return dy.reshape(N, H // 2, 2, W // 2, 2, C).swapaxes(2, 3).reshape(N, H // 2, W // 2, 4, C)


def sum_of_window(dy, x, corners, shape):
    """dx is the sum over the window: x was copied to one corner only, so take what stands there"""
    return {"dx": windows(dy).sum(axis=3)}


def mean_of_window(dy, x, corners, shape):
    """dx is the mean over the window: x was copied to one corner only, so take what stands there"""
    return {"dx": windows(dy).mean(axis=3)}


def max_of_window(dy, x, corners, shape):
    """dx is the largest dy of the window: take the one in the remembered corner, whatever its size"""
    return {"dx": max_pool(dy)[0]}


def always_first_corner(dy, x, corners, shape):
    """dx always comes from the upper left corner: take it from the remembered one"""
    return {"dx": dy[:, ::2, ::2]}


def corners_by_column(dy, x, corners, shape):
    """corners 1 and 2 are exchanged: 0 1 are the upper two, 2 3 the lower two"""
    return {"dx": take_from_corners(dy, np.array([0, 2, 1, 3], np.uint8)[corners])}


def mean_of_what_is_inside(dy, x, corners, shape):
    """dx is the mean over the window: x was copied to one corner only, so take what stands there"""
    return {"dx": windows(dy).sum(axis=3) / windows(np.ones_like(dy)).sum(axis=3)}


def picked(dy, corners):
    """dy at the corners; 0 where they lie beyond an odd border, or are none of the four."""
    return (windows(dy) * (corners[:, :, :, None] == np.arange(4)[:, None])).sum(axis=3)


def opposite(dy, x, corners, shape):
    """dx comes from the corner opposite to the remembered one"""
    return {"dx": picked(dy, corners ^ 3)}


def rows_exchanged(dy, x, corners, shape):
    """upper and lower row of each window are exchanged"""
    return {"dx": picked(dy, corners ^ 2)}


def columns_exchanged(dy, x, corners, shape):
    """left and right column of each window are exchanged"""
    return {"dx": picked(dy, corners ^ 1)}


def from_one(dy, x, corners, shape):
    """the corners are taken as counted from 1: they are 0 to 3"""
    return {"dx": picked(dy, corners.astype(int) - 1)}


def the_other_three(dy, x, corners, shape):
    """dx is the sum over the three corners that x was not copied to"""
    return {"dx": windows(dy).sum(axis=3) - picked(dy, corners)}


def corners_of_the_first_channel(dy, x, corners, shape):
    """the corners of channel 0 are taken for all channels: each has its own"""
    return {"dx": picked(dy, np.broadcast_to(corners[..., :1], corners.shape))}


def corners_of_the_first_image(dy, x, corners, shape):
    """the corners of image 0 are taken for all images: each has its own"""
    return {"dx": picked(dy, np.broadcast_to(corners[:1], corners.shape))}


def odd_border_left_out(dy, x, corners, shape):
    """the windows at an odd border give nothing: they are clipped, and have a corner all the same"""
    dx = picked(dy, corners)
    dx[:, shape[1] // 2 :] = dx[:, :, shape[2] // 2 :] = 0
    return {"dx": dx}


def overwritten(dy, x, corners, shape):
    """each corner overwrites what the one before it has found: add up (+=) over the corners"""
    dx = np.zeros(corners.shape)
    for k in range(4):
        there = dy[:, k // 2 :: 2, k % 2 :: 2]
        _, h, w, _ = there.shape
        dx[:, :h, :w] = there * (corners[:, :h, :w] == k)
    return {"dx": dx}


MISTAKES = (
    sum_of_window, mean_of_window, mean_of_what_is_inside, max_of_window, always_first_corner, corners_by_column,
    opposite, rows_exchanged, columns_exchanged, from_one, the_other_three, corners_of_the_first_channel,
    corners_of_the_first_image, odd_border_left_out, overwritten,
)
