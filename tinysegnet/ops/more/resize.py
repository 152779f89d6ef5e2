"""Bilinear resizing as two matrix products, one for the rows and one for the columns."""

import numpy as np

from tinysegnet.support.backend import array_module, to_device

BAND_PIXELS = 1 << 20       # of the result at a time, so that the scores of a photograph of 24 million pixels fit


def resize_bilinear(x, height, width):
    """Each output pixel's centre falls between four input pixels, and it is their mean, weighted by nearness.

    x  (N, H, W, C)
    y  (N, height, width, C), in x's dtype
    """
    return array_module(x).concatenate(list(resized_bands(x, height, width)), axis=1)


def resized_bands(x, height, width):
    """The result of resize_bilinear in bands of rows, (N, rows, width, C), from top to bottom."""
    N, H, W, C = x.shape
    step = max(1, BAND_PIXELS // width)
    if (H, W) == (height, width):
        yield from (x[:, top : top + step] for top in range(0, height, step))
        return
    xp = array_module(x)
    rows = to_device(interpolation_matrix(H, height).astype(x.dtype), xp)       # (height, H)
    columns = to_device(interpolation_matrix(W, width).astype(x.dtype), xp)     # (width, W)
    for top in range(0, height, step):
        band = rows[top : top + step]
        y = band @ x.reshape(N, H, W * C)                                       # (N, rows, W * C)
        y = columns @ y.reshape(N * len(band), W, C)                            # (N * rows, width, C)
        yield y.reshape(N, len(band), width, C)


def interpolation_matrix(source, target):
    """(target, source): row i holds the weights of the two source pixels nearest to the centre of target pixel i."""
    centre = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    below = np.floor(centre).astype(int)
    above = np.minimum(below + 1, source - 1)
    matrix = np.zeros((target, source))
    matrix[np.arange(target), below] += 1 - (centre - below)
    matrix[np.arange(target), above] += centre - below
    return matrix
