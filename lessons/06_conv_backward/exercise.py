"""Lesson 06: convolution, backward. Write your answers here, and ask:  python -m pytest lessons/06_conv_backward

For dw you need the columns of lesson 05. Copy your im2col, and whatever pads x, out of mine/05_conv_forward.py.
"""

import numpy as np


def col2im(columns, K):
    """The adjoint of im2col: where that copied a number into a column, this adds it back to where it came from.

    columns  (H, W, K*K*C)
    x        (H + K - 1, W + K - 1, C), of the dtype of columns:  x[r + i, q + j, c] += columns[r, q, (i*K + j)*C + c]
    """
    x = None
    return x


def conv2d_backward(dy, cache, need_dx=True):
    """The three gradients of y = columns @ w + b. Write db first, then dw, then dx: each is judged by itself.

    dy       (N, H, W, F), the gradient with respect to y
    cache    (x, w):  x (N, H, W, C), w (K, K, C, F), K odd
    need_dx  False before the first layer: then dx stays None
    dx       like x, through your col2im
    dw       like w
    db       (F,)
    """
    dx = None
    dw = None
    db = None
    return dx, dw, db
