"""Lesson 07: pooling, corners, unpooling. Write your answers here, and ask:  python -m pytest lessons/07_pooling"""

import numpy as np


def max_pool(x):
    """The maximum of each 2 x 2 window, and the corner that it stood in; of equal values the first.

    x        (N, H, W, C)
    y        (N, ceil(H / 2), ceil(W / 2), C); at an odd border, windows of one row or one column
    corners  like y, but uint8: 0 upper left, 1 upper right, 2 lower left, 3 lower right
    """
    y = None
    corners = None
    return y, corners


def max_pool_backward(dy, corners, shape):
    """The gradient of the loss with respect to the x of max_pool.

    dy, corners  (N, ceil(H / 2), ceil(W / 2), C)
    shape        (N, H, W, C), the shape of x
    dx           (N, H, W, C), in the dtype of dy
    """
    dx = None
    return dx


def max_unpool(x, corners, shape):
    """Each value in its corner, and 0 in the other three.

    x, corners  (N, ceil(H / 2), ceil(W / 2), C)
    shape       (N, H, W, C), the shape to give back
    y           (N, H, W, C), in the dtype of x
    """
    y = None
    return y


def max_unpool_backward(dy, corners):
    """The gradient of the loss with respect to the x of max_unpool.

    dy       (N, H, W, C), the gradient with respect to y
    corners  (N, ceil(H / 2), ceil(W / 2), C)
    dx       like corners, in the dtype of dy
    """
    dx = None
    return dx
