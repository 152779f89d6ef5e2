"""Lesson 05: convolution, forward. Write your answers here, and ask:  python -m pytest lessons/05_conv_forward"""

import numpy as np


def conv2d_loops(x, w, b):
    """The definition, number by number: loops over n, r, q, and inside them over i, j, c. The F filters go together.

    y[n, r, q, f] = b[f] + sum over i, j, c of x[n, r + i - K//2, q + j - K//2, c] * w[i, j, c, f], x = 0 outside.

    x  (N, H, W, C)
    w  (K, K, C, F), K odd
    b  (F,)
    y  (N, H, W, F), of the dtype of x
    """
    y = None
    return y


def im2col(x, K):
    """Each K x K neighbourhood that lies inside x, as one row.

    x        (H + K - 1, W + K - 1, C): one image, already padded
    columns  (H, W, K*K*C), of the dtype of x:  columns[r, q, (i*K + j)*C + c] = x[r + i, q + j, c]
    """
    columns = None
    return columns


def conv2d(x, w, b):
    """What conv2d_loops computes, by one matrix product for each image. Uses your im2col: write that first.

    x      (N, H, W, C)
    w      (K, K, C, F), K odd
    b      (F,)
    y      (N, H, W, F), of the dtype of x
    cache  (x, w), which the backward of lesson 06 needs
    """
    y = None
    cache = None
    return y, cache
