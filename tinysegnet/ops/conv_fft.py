"""Convolution in the frequency domain, tile by tile: the same functions as in conv.py, with the same results.

Done directly, a K x K kernel costs K * K multiplications for each pixel, channel and filter. In the frequency domain it
costs one complex multiplication, whatever K is, and a transform there and back, which is made of small matrix products.

The padded image is cut into tiles of T x T that overlap by K - 1. A tile, taken as if it went on periodically, is
correlated with the kernel by multiplying frequency by frequency; of the result the first M x M values are right,
M = T - K + 1, and these lie side by side in y (overlap-save). Every step is a matrix product:

    down      the rows of each tile to vertical frequencies            transform @ tile
    across    for each vertical frequency, its columns to horizontal   transform @ window
    multiply  for each pair of frequencies                             (tiles, C) @ (C, F)
    back      across and down again, keeping M values of T             inverse @ spectrum

The backward is the adjoint of each step, in reverse order.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinysegnet.shapes import check_arrays
from tinysegnet.threads import each


def conv2d(x, w, b):
    """y, cache of conv.conv2d, for NumPy arrays."""
    check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    if K % 2 == 0:
        raise ValueError(f"conv2d: the kernel size K should be odd, so that it has a centre, got {K}")
    rows, columns = cut(H, K, x.dtype), cut(W, K, x.dtype)
    w_hat = kernel_spectrum(w, rows, columns)
    y = np.empty((N, H, W, F), x.dtype)
    for n in range(N):
        correlate(x[n], w_hat, rows, columns, K, y[n])
    y += b
    return y, (x, w)


def correlate(x, w_hat, rows, columns, K, y):
    """Fill y, (H, W, F), with the correlation of one image, (H, W, C), and the kernel."""
    x_down = down(pad(x, rows, columns, K), rows, rows.T)
    y_down = np.empty((2 * rows.L, rows.tiles, columns.tiles * columns.M, y.shape[2]), y.dtype)

    def at_vertical_frequency(k):
        cosines, sines = k, rows.L + k                                  # its two planes
        x_hat = across(x_down[cosines], x_down[sines], columns, columns.T)
        across_back(times_conjugate(x_hat, w_hat[k]), columns, columns.M, y_down[cosines], y_down[sines])

    each(at_vertical_frequency, range(rows.L))
    down_back(y_down, rows, rows.M, y)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward, for NumPy arrays."""
    x, w = cache
    check_arrays("conv2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N H W F"))
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    rows, columns = cut(H, K, x.dtype), cut(W, K, x.dtype)
    w_hat = kernel_spectrum(w, rows, columns) if need_dx else None
    dw_hat = np.zeros((rows.L, 2, 2, columns.L, C, F), x.dtype)
    dx = np.empty_like(x) if need_dx else None
    for n in range(N):
        correlate_backward(dy[n], x[n], w_hat, rows, columns, K, dw_hat, dx[n] if need_dx else None)
    db = dy.sum(axis=2).sum(axis=(0, 1))
    return dx, kernel_back(dw_hat, rows, columns, K), db


def correlate_backward(dy, x, w_hat, rows, columns, K, dw_hat, dx):
    """Add one image's part to dw_hat, and fill dx unless it is None."""
    x_down = down(pad(x, rows, columns, K), rows, rows.T)
    dy_down = down(pad(dy, rows, columns, 1), rows, rows.M)             # zeros from M to T need no multiplication

    def at_vertical_frequency(k):
        cosines, sines = k, rows.L + k
        dy_hat = across(dy_down[cosines], dy_down[sines], columns, columns.M)
        x_hat = across(x_down[cosines], x_down[sines], columns, columns.T)
        dw_hat[k] += transposed_times_conjugate(x_hat, dy_hat)
        if dx is not None:                                              # in the place of x_down, done with
            across_back(times(dy_hat, w_hat[k]), columns, columns.T, x_down[cosines], x_down[sines])

    each(at_vertical_frequency, range(rows.L))
    if dx is not None:
        H, W, C = dx.shape
        padded = np.empty((H + K - 1, W + K - 1, C), dx.dtype)
        down_back(x_down, rows, rows.T, padded)
        dx[...] = padded[K // 2 : K // 2 + H, K // 2 : K // 2 + W]


@dataclass(frozen=True)
class Axis:
    """How one axis of the image is cut into tiles, and the transform along it."""

    T: int                  # side of a tile
    M: int                  # how many of its values are right, T - K + 1; the next tile begins after so many
    tiles: int              # how many there are
    L: int                  # how many frequencies a real signal of length T has
    forward: np.ndarray     # (2 L, T): cosines c, then minus sines s, so that c + i s is the spectrum
    inverse: np.ndarray     # (T, 2 L)


def cut(size, K, dtype):
    """The Axis of so many rows or columns."""
    T = tile_side(size, K)
    M = T - K + 1
    return Axis(T, M, -(-size // M), T // 2 + 1, *transforms(T, dtype))


def tile_side(size, K):
    """The cheapest T for `size`: large tiles waste less on overlap, small ones less on transforms and padding."""
    def cost(T):
        return -(-size // (T - K + 1)) * (T // 2 + 1) * (192 + 4 * T)       # products: 3 of 64; transforms: 4 T

    return min(range(K + 1, 3 * K + 16), key=cost)


@lru_cache
def transforms(T, dtype):
    """The discrete Fourier transform of T real values, and its inverse, as real matrices."""
    angle = 2 * np.pi / T * np.outer(np.arange(T // 2 + 1), np.arange(T))           # (L, T)
    forward = np.concatenate([np.cos(angle), -np.sin(angle)])                       # (2 L, T)
    share = np.full(T // 2 + 1, 2 / T)          # each frequency also stands for its negative,
    share[0] = 1 / T                            # but 0 and T / 2 are their own
    if T % 2 == 0:
        share[-1] = 1 / T
    inverse = (forward * np.tile(share, 2)[:, None]).T                              # (T, 2 L)
    return np.ascontiguousarray(forward, dtype), np.ascontiguousarray(inverse, dtype)


def pad(image, rows, columns, K):
    """The image with K // 2 zeros before it, and after it as many as whole tiles need."""
    H, W, C = image.shape
    padded = np.zeros((rows.tiles * rows.M + K - 1, columns.tiles * columns.M + K - 1, C), image.dtype)
    padded[K // 2 : K // 2 + H, K // 2 : K // 2 + W] = image
    return padded


def down(image, axis, length):
    """Vertical frequencies of each row of tiles: (2 L, tiles, W, C) of an image (H, W, C).

    A tile begins every M rows, and of it `length` rows are transformed; those that are missing to T count as zeros.
    """
    _, W, C = image.shape
    row, column, channel = image.strides
    strips = as_strided(image, (axis.tiles, W, length, C), (axis.M * row, column, row, channel))
    spectrum = np.empty((2 * axis.L, axis.tiles, W, C), image.dtype)

    def job(tile):
        np.matmul(axis.forward[:, :length], strips[tile], out=spectrum[:, tile].transpose(1, 0, 2))

    each(job, range(axis.tiles))
    return spectrum


def across(cosines, sines, axis, length):
    """The spectrum of each tile at one vertical frequency, from the two planes (tile rows, W, C) that `down` gave.

    Returns its real and its imaginary part, each (2, L, tile rows * tiles, C): at [0, l] the horizontal frequency l,
    at [1, l] the frequency -l. The transform of real numbers has no need of the complex kind: with c and s for the
    cosine and sine parts along each axis, (c + i s)(c' + i s') = (c c' - s s') + i (c s' + s c').
    """
    def transform(plane):
        rows, _, C = plane.shape
        row, column, channel = plane.strides
        windows = as_strided(plane, (rows, axis.tiles, length, C), (row, axis.M * column, column, channel))
        spectrum = np.empty((2 * axis.L, rows, axis.tiles, C), plane.dtype)
        np.matmul(axis.forward[:, :length], windows, out=spectrum.transpose(1, 2, 0, 3))
        return spectrum.reshape(2, axis.L, rows * axis.tiles, C)

    (cc, cs), (sc, ss) = transform(cosines), transform(sines)
    return np.stack([cc - ss, cc + ss]), np.stack([cs + sc, sc - cs])


def across_back(y_hat, axis, length, cosines, sines):
    """The inverse of `across`: fills the planes with the first `length` values of each tile, added where they meet."""
    re, im = y_hat
    for plane, parts in ((cosines, (re[0] + re[1], im[0] - im[1])), (sines, (im[0] + im[1], re[1] - re[0]))):
        spectrum = np.concatenate(parts)                                            # (2 L, tile rows * tiles, F)
        values = (axis.inverse[:length] / 2) @ spectrum.transpose(1, 0, 2)          # (tile rows * tiles, length, F)
        values = values.reshape(len(plane), axis.tiles, length, -1)
        row, column, channel = plane.strides

        def part(start, stop, plane=plane, strides=(row, axis.M * column, column, channel), values=values):
            return as_strided(plane[:, start:], values[:, :, start:stop].shape, strides)

        part(0, axis.M)[...] = values[:, :, : axis.M]
        if length > axis.M:
            plane[:, axis.tiles * axis.M :] = 0
            part(axis.M, length)[...] += values[:, :, axis.M :]


def down_back(planes, axis, length, image):
    """The inverse of `down`: fills the image with the first `length` values of each tile, added where they overlap."""
    H, W, C = image.shape
    values = np.empty((axis.tiles, length, W, C), image.dtype)

    def job(tile):
        out = values[tile].transpose(1, 0, 2)                                       # (W, length, C)
        np.matmul(axis.inverse[:length], planes[:, tile, :W].transpose(1, 0, 2), out=out)

    each(job, range(axis.tiles))
    for tile in range(axis.tiles):
        top = tile * axis.M
        rows = values[tile, : H - top]
        overlap = length - axis.M if tile else 0
        image[top : top + overlap] += rows[:overlap]
        image[top + overlap : top + len(rows)] = rows[overlap:]


# (a + i b)(c - i d) = (a c + b d) + i (b c - a d), with Gauss's three products instead of four:
# (a + b) c,  b (c - d)  and  a (c + d).

def times_conjugate(x_hat, w_hat):
    """x_hat @ conj(w_hat), frequency by frequency; w_hat as kernel_spectrum gives it."""
    (a, b), (c, c_minus_d, c_plus_d) = x_hat, w_hat
    both = (a + b) @ c
    return both - b @ c_minus_d, both - a @ c_plus_d


def times(dy_hat, w_hat):
    """dy_hat @ w_hat^T, the adjoint of times_conjugate in x_hat: (a + i b)(c + i d) = (a c - b d) + i (b c + a d)."""
    (a, b), (c, c_minus_d, c_plus_d) = dy_hat, (part.swapaxes(-1, -2) for part in w_hat)
    both = (a + b) @ c
    return both - b @ c_plus_d, both - a @ c_minus_d


def transposed_times_conjugate(x_hat, dy_hat):
    """x_hat^T @ conj(dy_hat), summed over the tiles: the spectrum of dw, which is the correlation of x with dy."""
    (a, b), (c, d) = (part.swapaxes(-1, -2) for part in x_hat), dy_hat
    both = (a + b) @ c
    return both - b @ (c - d), both - a @ (c + d)


def kernel_spectrum(w, rows, columns):
    """The spectrum c + i d of the kernel, ready for the products: c, c - d and c + d, (vertical L, 3, 2, L, C, F)."""
    K, _, C, F = w.shape
    w_down = (rows.forward[:, :K] @ w.reshape(K, K * C * F)).reshape(2 * rows.L, 1, K, C * F)
    one = replace(columns, tiles=1)
    w_hat = np.empty((rows.L, 3, 2, columns.L, C, F), w.dtype)
    for k in range(rows.L):
        c, d = (part.reshape(2, columns.L, C, F) for part in across(w_down[k], w_down[rows.L + k], one, K))
        w_hat[k] = c, c - d, c + d
    return w_hat


def kernel_back(dw_hat, rows, columns, K):
    """The first K x K values of the inverse transform of dw_hat, (vertical L, 2, 2, L, C, F), which is dw."""
    L, _, _, _, C, F = dw_hat.shape
    one = replace(columns, tiles=1, M=K)
    dw_down = np.empty((2 * L, 1, K, C * F), dw_hat.dtype)
    for k in range(L):
        across_back(dw_hat[k].reshape(2, 2, columns.L, 1, C * F), one, K, dw_down[k], dw_down[L + k])
    return (rows.inverse[:K] @ dw_down.reshape(2 * L, K * C * F)).reshape(K, K, C, F)
