"""Bilinear resizing as two matrix products, one for the rows and one for the columns."""

import numpy as np

from tinysegnet.backend import array_module, to_device


def resize_bilinear(x, height, width):
    """Each output pixel's centre falls between four input pixels, and it is their mean, weighted by nearness.

    x  (N, H, W, C)
    y  (N, height, width, C), in x's dtype
    """
    N, H, W, C = x.shape
    if (H, W) == (height, width):
        return x
    xp = array_module(x)
    rows = to_device(interpolation_matrix(H, height).astype(x.dtype), xp)   # (height, H)
    columns = to_device(interpolation_matrix(W, width).astype(x.dtype), xp) # (width, W)
    y = rows @ x.reshape(N, H, W * C)                                       # (N, height, W * C)
    y = columns @ y.reshape(N * height, W, C)                               # (N * height, width, C)
    return y.reshape(N, height, width, C)


def interpolation_matrix(source, target):
    """(target, source): row i holds the weights of the two source pixels nearest to the centre of target pixel i."""
    centre = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    below = np.floor(centre).astype(int)
    above = np.minimum(below + 1, source - 1)
    matrix = np.zeros((target, source))
    matrix[np.arange(target), below] += 1 - (centre - below)
    matrix[np.arange(target), above] += centre - below
    return matrix
