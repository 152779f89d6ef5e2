"""What F(m x m, 3 x 3) loses in digits:  python lessons/16_winograd/digits.py

One filter on 32 channels of 60 x 60 pixels, as after a ReLU, against the same sum in float64. Every number is made by
single additions and multiplications in a fixed order, so that all machines round alike.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tinysegnet.ops.fast import winograd

C, SIDE, SLIDING = 32, 60, 0
ALL_M = SLIDING, 2, 4, 6


def inputs(dtype, seed=97):
    """x (C, 62, 62), with zeros around it, and w (3, 3, C), exact in that dtype."""
    rng = np.random.default_rng(seed)
    x = np.pad(np.maximum(rng.standard_normal((C, SIDE, SIDE)), 0), ((0, 0), (1, 1), (1, 1)))
    w = rng.standard_normal((3, 3, C)) * np.sqrt(2 / (9 * C))
    return x.astype(dtype), w.astype(dtype)


def matrices(m, points=None):
    """A^T, G and B^T of the library, from other points if they are given."""
    before = winograd.POINTS
    try:
        winograd.POINTS = points or before
        return winograd.winograd_matrices.__wrapped__(m)        # nothing is remembered
    finally:
        winograd.POINTS = before


def slide(x, w):
    y = np.zeros((SIDE, SIDE), x.dtype)
    for c in range(C):
        for i in range(3):
            for j in range(3):
                y += x[c, i : i + SIDE, j : j + SIDE] * w[i, j, c]
    return y


def on_both_axes(matrix, a):
    """matrix a matrix^T, of the first two axes, by one addition after the other."""
    for _ in range(2):
        rows = [sum(number * row for number, row in zip(numbers, a) if number) for numbers in matrix]
        a = np.stack(rows).swapaxes(0, 1)
    return a


def by_tiles(x, w, m, points, keep):
    """y (60, 60) by F(m x m, 3 x 3); keep(a) rounds what goes into the product."""
    A_T, G, B_T = (matrix.astype(x.dtype) for matrix in matrices(m, points))
    end = [slice(i, i + SIDE, m) for i in range(m + 2)]
    x = np.pad(x, ((0, 0), (0, m), (0, m)))
    d = np.stack([np.stack([x[:, rows, columns] for columns in end]) for rows in end])      # (m + 2, m + 2, C, R, S)
    x_hat, w_hat = keep(on_both_axes(B_T, d)), keep(on_both_axes(G, w))
    y_hat = np.zeros((*x_hat.shape[:2], *x_hat.shape[3:]), x.dtype)
    for c in range(C):
        y_hat += x_hat[:, :, c] * w_hat[:, :, c, None, None]
    tiles = on_both_axes(A_T, y_hat)                                                        # (m, m, R, S)
    return tiles.transpose(2, 0, 3, 1).reshape(SIDE, SIDE)


def error(m, dtype, points=None):
    """The error of y, as a share of y: both as the root of the mean square.

    dtype  float32; or float16: x, w, x_hat, w_hat and y are kept in it, and sums are taken in float32
    """
    x, w = inputs(dtype)
    right = slide(x.astype(np.float64), w.astype(np.float64))
    x, w = x.astype(np.float32), w.astype(np.float32)

    def keep(a):
        return a.astype(dtype).astype(np.float32)

    y = keep(slide(x, w) if m == SLIDING else by_tiles(x, w, m, points, keep))
    return float(np.sqrt(((y - right) ** 2).mean() / (right**2).mean()))


def multiplications(m):
    """For each value of y, channel and filter."""
    return 9 if m == SLIDING else (m + 2) ** 2 / m**2


def name(m):
    return "sliding" if m == SLIDING else f"F({m}x{m})"


if __name__ == "__main__":
    for m in ALL_M:
        print(f"{name(m):8}{multiplications(m):6.2f}   float32{1e6 * error(m, np.float32):8.2f} millionths   "
              f"float16{1e3 * error(m, np.float16):8.2f} thousandths")
