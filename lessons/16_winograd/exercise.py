"""Lesson 16: Winograd's convolution. Write your answers here, and ask:  python -m pytest lessons/16_winograd"""

import numpy as np


def four_products(d, g):
    """Two values of y, y[r] = the sum over i of d[r + i] * g[i], by four multiplications.

    d  (4,)
    g  (3,)
    m  (4,), the four products, in the order of the page; of the dtype of d, as is y
    y  (2,), made of m by adding and subtracting
    """
    m = None
    y = None
    return m, y


def transform_kernel(w):
    """w_hat = G w G^T, for each channel and filter.

    w      (3, 3, C, F)
    w_hat  (4, 4, C, F), of the dtype of w
    """
    w_hat = None
    return w_hat


def transform_tiles(x):
    """x_hat = B^T d B, for each tile d of 4 x 4 pixels and each channel.

    x      (N, H, W, C), any H and W. Tile [t, s] begins at row 2 * t - 1 and column 2 * s - 1 of x; outside are zeros
    x_hat  (4, 4, N, R, S, C), R = H / 2 and S = W / 2, rounded up; of the dtype of x
    """
    x_hat = None
    return x_hat


def conv2d_by_winograd(x, w, b):
    """The y of conv2d, for a kernel of 3 x 3, by one product of matrices at each of 16 places.

    x      (N, H, W, C), any H and W
    w      (3, 3, C, F)
    b      (F,)
    y      (N, H, W, F), of the dtype of x: outside of x there are zeros, one of them on each side is seen
    cache  (x, w)
    """
    y = None
    cache = None
    return y, cache


def conv2d_by_winograd_backward(dy, cache):
    """The gradients with respect to x, w and b, through the same 16 places. Each is judged by itself.

    dy     (N, H, W, F)
    cache  (x, w)
    dx     like x
    dw     like w
    db     (F,)
    """
    dx = None
    dw = None
    db = None
    return dx, dw, db
