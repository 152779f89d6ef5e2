"""Known wrong answers of max_unpool_backward."""

import numpy as np

from tinysegnet.ops.pool import max_pool, max_unpool, take_from_corners

READ = "tinysegnet/ops/pool.py"


def forward(x, corners, shape):
    return max_unpool(x, corners, shape), corners


def cases():
    rng = np.random.default_rng(0)
    for shape in ((2, 6, 8, 5), (4, 9, 5, 2)):
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


MISTAKES = (sum_of_window, mean_of_window, max_of_window, always_first_corner, corners_by_column)
