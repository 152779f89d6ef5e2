"""Lesson 23: what SegNet is not. Write your answers here, and ask:  python -m pytest lessons/23_what_segnet_is_not"""

import numpy as np


def dilated_conv2d(x, w, b, dilation):
    """y[n, r, q, f] = b[f] + sum over i, j, c of
    x[n, r + (i - K//2) * dilation, q + (j - K//2) * dilation, c] * w[i, j, c, f], with x = 0 outside.

    x         (N, H, W, C), of any H and W, also where the kernel reaches beyond all of the image
    w         (K, K, C, F), K odd
    b         (F,)
    dilation  1 or more; with 1 it is conv2d
    y         (N, H, W, F), of the dtype of x
    cache     (x, w, dilation)
    """
    y = None
    cache = None
    return y, cache


def dilated_conv2d_backward(dy, cache):
    """The gradients with respect to the x, w and b of dilated_conv2d. Each is judged by itself.

    dy     (N, H, W, F)
    cache  (x, w, dilation)
    dx     like x
    dw     like w
    db     (F,)
    """
    dx = None
    dw = None
    db = None
    return dx, dw, db


def pseudo_labels(p, threshold, ignore):
    """For each pixel the class with the largest probability, where this is `threshold` or more; `ignore` elsewhere.

    p          (N, H, W, classes) or (H, W, classes), probabilities
    threshold  a number from 0 to 1; with 0 every pixel has a class
    ignore     a whole number up to 255 that is no class
    labels     (N, H, W) or (H, W), uint8
    """
    labels = None
    return labels
