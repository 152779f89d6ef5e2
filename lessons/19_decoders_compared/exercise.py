"""Lesson 19: two other ways up. Write your answers here, and ask:  python -m pytest lessons/19_decoders_compared"""

import numpy as np


def resize_bilinear(x, shape):
    """Each output pixel's centre falls between four input pixels, and it is their mean, weighted by nearness.

    Row i of y lies at row (i + 1/2) * H / H' - 1/2 of x, or in its first or last row if that is beyond an edge. Columns
    likewise.

    x      (N, H, W, C)
    shape  (N, H', W', C), the shape to give back: larger or smaller
    y      (N, H', W', C), in the dtype of x
    cache  the shape of x, a tuple
    """
    y = None
    cache = None
    return y, cache


def resize_bilinear_backward(dy, cache):
    """The gradient of the loss with respect to the x of resize_bilinear.

    dy     (N, H', W', C), the gradient with respect to y
    cache  as resize_bilinear returns it
    dx     (N, H, W, C), in the dtype of dy
    """
    dx = None
    return dx


def conv_transpose2d(x, w, b, shape):
    """y[n, 2r + i - (K-1)//2, 2q + j - (K-1)//2] += x[n, r, q] @ w[i, j], from y = b; what falls outside is dropped.

    x      (N, H, W, C)
    w      (K, K, C, F), any K
    b      (F,)
    shape  (N, H', W', F), the shape to give back: H' is 2H or 2H - 1, W' is 2W or 2W - 1
    y      (N, H', W', F), in the dtype of x
    cache  (x, w)
    """
    y = None
    cache = None
    return y, cache


def conv_transpose2d_backward(dy, cache):
    """The gradients of the loss with respect to the x, w and b of conv_transpose2d.

    dy     (N, H', W', F)
    cache  (x, w), as conv_transpose2d returns it
    dx     (N, H, W, C)
    dw     (K, K, C, F)
    db     (F,)
    """
    dx = None
    dw = None
    db = None
    return dx, dw, db
