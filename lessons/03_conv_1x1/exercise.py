"""Lesson 03: the 1x1 convolution. Write your answers here, and ask:  python -m pytest lessons/03_conv_1x1"""

import numpy as np


def conv1x1(x, w, b):
    """Each pixel, a row of C numbers, is multiplied by one matrix, the same for all pixels.

    x      (N, H, W, C)
    w      (C, F)
    b      (F,)
    y      (N, H, W, F)
    cache  (x, w)
    """
    y = None
    cache = None
    return y, cache


def conv1x1_backward(dy, cache):
    """The gradients of the loss with respect to x, w and b. Each is judged by itself: begin with any of them.

    dy     (N, H, W, F), the gradient with respect to y
    cache  (x, w)
    dx     (N, H, W, C), like x
    dw     (C, F), like w: summed over all pixels of all images
    db     (F,), like b
    """
    dx = None
    dw = None
    db = None
    return dx, dw, db
