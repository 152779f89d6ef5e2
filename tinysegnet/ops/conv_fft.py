"""Convolution in the frequency domain, tile by tile: the same functions as in conv.py, with the same results.

Done directly, a K x K kernel costs K * K multiplications for each pixel, channel and filter. In the frequency domain it
costs one complex multiplication, whatever K is, and a transform there and back, which is made of small matrix products.

The image, with zeros around it, is cut into tiles of T x T that overlap by K - 1. A tile, taken as if it went on
periodically, is correlated with the kernel by multiplying frequency by frequency; of the result the first M x M values
are right, M = T - K + 1, and these lie side by side in y (overlap-save). The steps:

    down      from the rows of each tile to vertical frequencies
    across    for each vertical frequency, from its columns to horizontal ones
    multiply  for each pair of frequencies, a product of (tiles, C) and (C, F)
    back      across and down again, keeping M values of T

The backward is the adjoint of each step, in reverse order.
"""

import numpy as np

from tinysegnet.fourier import Tiles, across, across_back, down, down_back, transforms
from tinysegnet.shapes import check_arrays
from tinysegnet.threads import each

TILES_IN_MEMORY = 256       # go through the whole pipeline together
TILES_IN_CACHE = 128        # go through its middle together, at one vertical frequency


def conv2d(x, w, b):
    """y, cache of conv.conv2d, for NumPy arrays."""
    check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    if K % 2 == 0:
        raise ValueError(f"conv2d: the kernel size K should be odd, so that it has a centre, got {K}")
    of_x, of_y = cut(N, H, W, K, x.dtype)
    w_hat = kernel_spectrum(w, of_x)
    y = np.empty((N, H, W, F), x.dtype)
    for some in groups(N, of_x):
        correlate(x[some], w_hat, b, of_x, of_y, y[some])
    return y, (x, w)


def correlate(x, w_hat, b, of_x, of_y, y):
    """Fill y with the correlation of x and the kernel, and b."""
    (x_rows, x_columns), (y_rows, y_columns) = of_x, of_y
    x_down = down(x, *of_x)
    y_down = np.empty((*x_down.shape[:3], y_columns.end, len(b)), x.dtype)

    def at_vertical_frequency(k):
        for strip in slices(x_down.shape[2], TILES_IN_CACHE // x_columns.count):
            x_hat = across(x_down[:, k, strip], x_columns)
            across_back(times_conjugate(x_hat, w_hat[k]), y_columns, y_down[:, k, strip])

    each(at_vertical_frequency, range(x_rows.L))
    y_down[0, 0] += b / y_rows.inverse[0, 0]            # to add b everywhere, add to frequency 0
    down_back(y_down, *of_y, y)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward, for NumPy arrays."""
    x, w = cache
    check_arrays("conv2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N H W F"))
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    of_x, of_y = cut(N, H, W, K, x.dtype)
    w_hat = kernel_spectrum(w.swapaxes(2, 3), of_x) if need_dx else None        # of w^T
    dw_hat = np.zeros((of_x[0].L, 2, 2, of_x[1].L, C, F), x.dtype)
    db = np.zeros(F, x.dtype)
    dx = np.empty_like(x) if need_dx else None
    for some in groups(N, of_x):
        correlate_backward(dy[some], x[some], w_hat, of_x, of_y, dw_hat, db, dx[some] if need_dx else None)
    return dx, kernel_back(dw_hat, of_x, K), db


def correlate_backward(dy, x, w_hat, of_x, of_y, dw_hat, db, dx):
    """Add to dw_hat and db the part of these images, and fill dx unless it is None."""
    (x_rows, x_columns), (_, y_columns) = of_x, of_y
    x_down = down(x, *of_x)
    dy_down = down(dy, *of_y)
    db += dy_down[0, 0].sum(axis=1).sum(axis=0)         # frequency 0 is the sum

    def at_vertical_frequency(k):
        for strip in slices(x_down.shape[2], TILES_IN_CACHE // x_columns.count):
            x_hat = across(x_down[:, k, strip], x_columns)
            dy_hat = across(dy_down[:, k, strip], y_columns)
            dw_hat[k] += transposed_times_conjugate(x_hat, dy_hat)
            if dx is not None:                          # in the place of x_down, done with
                across_back(times(dy_hat, w_hat[k]), x_columns, x_down[:, k, strip])

    each(at_vertical_frequency, range(x_rows.L))
    if dx is not None:
        down_back(x_down, *of_x, dx)


def cut(N, H, W, K, dtype):
    """Tiles of x and of y, and so of their gradients: (rows, columns) of x, (rows, columns) of y."""
    T = tile_side(N, H, W, K)
    M = T - K + 1
    forward, inverse = transforms(T, dtype)
    of_x, of_y = [], []
    for size in (H, W):
        count = -(-size // M)
        of_x.append(Tiles(size, count, M, -(K // 2), T, forward, inverse))
        of_y.append(Tiles(size, count, M, 0, M, forward[:, :M].copy(), inverse[:M].copy()))
    return of_x, of_y


def tile_side(N, H, W, K):
    """The cheapest T, as measured on one processor: large tiles waste less on overlap, small ones less at the edges.

    Each of the frequencies, in proportion to L * L, costs a product over all tiles, and as much as 40 more tiles would
    for fetching its part of the kernel. Beyond 5 K the transforms would begin to count.
    """
    def cost(T):
        M, L = T - K + 1, T // 2 + 1
        return L * L * (N * -(-H // M) * -(-W // M) + 40)

    return min(range(2 * K, 5 * K), key=cost)


def groups(N, of_x):
    """Slices of the batch: small images go together, so that the products are large; a large image goes alone."""
    rows, columns = of_x
    return slices(N, TILES_IN_MEMORY // (rows.count * columns.count))


def slices(total, size):
    return [slice(first, first + max(1, size)) for first in range(0, total, max(1, size))]


# (a + i b)(c - i d) = (a c + b d) + i (b c - a d), with Gauss's three products instead of four:
# (a + b) c,  b (c - d)  and  a (c + d).

def times_conjugate(x_hat, w_hat):
    """x_hat @ conj(w_hat), frequency by frequency; w_hat as kernel_spectrum gives it."""
    (a, b), (c, c_minus_d, c_plus_d) = x_hat, w_hat
    return gauss((a + b) @ c, b, c_minus_d, a, c_plus_d)


def times(dy_hat, w_hat):
    """dy_hat @ w_hat, with the spectrum of w^T: (a + i b)(c + i d) = (a c - b d) + i (b c + a d)."""
    (a, b), (c, c_minus_d, c_plus_d) = dy_hat, w_hat
    return gauss((a + b) @ c, b, c_plus_d, a, c_minus_d)


def transposed_times_conjugate(x_hat, dy_hat):
    """x_hat^T @ conj(dy_hat), summed over the tiles: the spectrum of dw, which is the correlation of x with dy."""
    (a, b), (c, d) = (part.swapaxes(-1, -2) for part in x_hat), dy_hat
    return gauss((a + b) @ c, b, c - d, a, c + d)


def gauss(sum_times_c, b, first, a, second):
    """sum_times_c - b @ first, the real part, and sum_times_c - a @ second, the imaginary one."""
    spectrum = np.empty((2, *sum_times_c.shape), sum_times_c.dtype)
    np.matmul(b, first, out=spectrum[0])
    np.matmul(a, second, out=spectrum[1])
    return np.subtract(sum_times_c, spectrum, out=spectrum)


# The kernel goes through the same functions as an image: one of K x K, with C * F channels, that is one tile.

def kernel_spectrum(w, of_x):
    """The spectrum c + i d of the kernel, ready for the products: c, c - d and c + d, (vertical L, 3, 2, L, C, F)."""
    K, _, C, F = w.shape
    rows, columns = (only_tile(tiles, K) for tiles in of_x)
    w_down = down(w.reshape(1, K, K, C * F), rows, columns)
    w_hat = np.empty((rows.L, 3, 2, columns.L, C, F), w.dtype)

    def at_vertical_frequency(k):
        c, d = across(w_down[:, k], columns).reshape(2, 2, columns.L, C, F)
        w_hat[k] = c, c - d, c + d

    each(at_vertical_frequency, range(rows.L))
    return w_hat


def kernel_back(dw_hat, of_x, K):
    """dw, from its spectrum (vertical L, 2, 2, L, C, F): of the inverse transform the first K x K values."""
    _, _, _, L, C, F = dw_hat.shape
    rows, columns = (only_tile(tiles, K) for tiles in of_x)
    dw_down = np.empty((2, rows.L, 1, K, C * F), dw_hat.dtype)

    def at_vertical_frequency(k):
        across_back(dw_hat[k].reshape(2, 2, L, 1, C * F), columns, dw_down[:, k])

    each(at_vertical_frequency, range(rows.L))
    dw = np.empty((1, K, K, C * F), dw_hat.dtype)
    down_back(dw_down, rows, columns, dw)
    return dw.reshape(K, K, C, F)


def only_tile(tiles, K):
    return Tiles(K, 1, K, 0, K, tiles.forward[:, :K].copy(), tiles.inverse[:K].copy())
