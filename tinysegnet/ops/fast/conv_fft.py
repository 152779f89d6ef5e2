"""Convolution in the frequency domain, tile by tile: the functions of conv.py, with the same results but for rounding.

Done directly, a K x K kernel costs K * K multiplications for each pixel, channel and filter. In the frequency domain it
costs about one complex multiplication, whatever K is, and a transform there and back, made of small matrix products.

The image, with zeros around it, is cut into tiles of T x T that overlap by K - 1. A tile, taken as if it went on
periodically, is correlated with the kernel by multiplying frequency by frequency. Row r of the result needs the rows r
to r + K - 1 of the tile, which are there for r < M = T - K + 1; what needs more has wrapped around and is thrown away.
The M x M values that are kept lie side by side in y (overlap-save). The steps:

    tiles.down                    from the rows of each tile to vertical frequencies
    dft_horizontal                for each vertical frequency, from its columns to horizontal ones
    times_conjugate               for each pair of frequencies, y_hat = x_hat @ conj(w_hat), (tiles, C) by (C, F)
    idft_horizontal, tiles.up     back again, keeping M values of T

The backward is the adjoint of each step, in reverse order. dy fills M values of T and the others are 0, so nothing
wraps around: M - 1 + K - 1 < T. Of dx, where dy_hat @ w_hat^T gives the tiles, all T values are kept, and added where
tiles overlap; of dw, where x_hat^T @ conj(dy_hat) is summed over the tiles, the first K x K. (The transposed transform
is not quite the inverse: a weight for each frequency is between them. In the forward it is on the way back to y, in the
backward on the way back to dx and dw, and frequency by frequency it makes no difference where.)

(One value of x that is not finite spoils all of y from each tile it lies in; by im2col it spoils K x K values.)
"""

import numpy as np

from tinysegnet.ops.fast.fourier import dft_horizontal, idft_horizontal, transforms
from tinysegnet.ops.fast.tiles import Tiles, down, groups, strips, up
from tinysegnet.support.shapes import ceil_div, check_arrays
from tinysegnet.support.threads import parallel_map

GROUP_BYTES = 128 * 2**20       # of planes are there at once: much, as each group fetches all of the kernel's spectrum
TILES_AT_ONCE = 128             # go across and back together, so that their spectra stay in the processor's cache


def conv2d(x, w, b):
    """y, cache of conv.conv2d, for NumPy arrays."""
    check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    if K % 2 == 0:
        raise ValueError(f"conv2d: the kernel size K should be odd, so that it has a centre, got {K}")
    x_tiles, y_tiles = cut(H, W, K, x.dtype)
    w_hat = kernel_spectrum(w, x_tiles)
    y = np.empty((N, H, W, F), x.dtype)
    for images, rows in groups(x, F, *x_tiles, GROUP_BYTES):
        correlate(x[images], rows, w_hat, b, x_tiles, y_tiles, y[images])
    return y, (x, w)


def correlate(x, rows, w_hat, b, x_tiles, y_tiles, y):
    """Fill y, in these rows of tiles, with the correlation of x and the kernel, and b."""
    (_, x_horizontal), (y_vertical, y_horizontal) = x_tiles, y_tiles
    x_down = in_pairs(down(x, rows, *x_tiles))              # (2, L, rows of tiles, columns, C): real and imaginary part
    _, L, tile_rows, _, _ = x_down.shape
    y_down = np.empty((2, L, tile_rows, y_horizontal.end, len(b)), x.dtype)

    def at_vertical_frequency(k):
        for strip in strips(tile_rows, x_horizontal, TILES_AT_ONCE):
            x_hat = dft_horizontal(x_down[:, k, strip], x_horizontal)
            idft_horizontal(times_conjugate(x_hat, w_hat[k]), y_horizontal, y_down[:, k, strip])

    parallel_map(at_vertical_frequency, range(L))
    y_down[0, 0] += b / y_vertical.backward[0, 0]       # a value at frequency 0 comes back as 1 / T of it in every row
    up(y_down, rows, *y_tiles, y)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward, for NumPy arrays."""
    x, w = cache
    check_arrays("conv2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N H W F"))
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    x_tiles, y_tiles = cut(H, W, K, x.dtype)
    w_hat = kernel_spectrum(w.swapaxes(2, 3), x_tiles) if need_dx else None        # of w^T
    L, _ = (tiles.places // 2 for tiles in x_tiles)
    dw_hat = np.zeros((L, 2, 2, L, C, F), x.dtype)
    db = np.zeros(F, x.dtype)
    dx = np.empty(x.shape, x.dtype) if need_dx else None
    for images, rows in groups(x, F, *x_tiles, GROUP_BYTES):
        its_dx = dx[images] if need_dx else None
        correlate_backward(dy[images], x[images], rows, w_hat, x_tiles, y_tiles, dw_hat, db, its_dx)
    return dx, kernel_back(dw_hat, x_tiles, K), db


def correlate_backward(dy, x, rows, w_hat, x_tiles, y_tiles, dw_hat, db, dx):
    """Add to dw_hat and db the part of these rows of tiles, and fill dx there unless it is None."""
    (_, x_horizontal), (_, y_horizontal) = x_tiles, y_tiles
    x_down, dy_down = in_pairs(down(x, rows, *x_tiles)), in_pairs(down(dy, rows, *y_tiles))
    _, L, tile_rows, _, _ = x_down.shape
    db += dy_down[0, 0].sum(axis=1).sum(axis=0)         # frequency 0 is the sum over the rows of each tile

    def at_vertical_frequency(k):
        for strip in strips(tile_rows, x_horizontal, TILES_AT_ONCE):
            x_hat = dft_horizontal(x_down[:, k, strip], x_horizontal)
            dy_hat = dft_horizontal(dy_down[:, k, strip], y_horizontal)
            dw_hat[k] += transposed_times_conjugate(x_hat, dy_hat)
            if dx is not None:                          # in the place of x_down, done with
                idft_horizontal(times(dy_hat, w_hat[k]), x_horizontal, x_down[:, k, strip])

    parallel_map(at_vertical_frequency, range(L))
    if dx is not None:
        up(x_down, rows, *x_tiles, dx)


def in_pairs(planes):
    """The planes of a real transform, (2 L, ...), as real and imaginary parts, (2, L, ...)."""
    return planes.reshape(2, -1, *planes.shape[1:])


def cut(H, W, K, dtype):
    """Tiles of x and of y, and so of their gradients: (vertical, horizontal) of x, (vertical, horizontal) of y."""
    T = tile_side(H, W, K)
    M = T - K + 1
    forward, inverse = transforms(T, dtype)
    counts = ceil_div(H, M), ceil_div(W, M)
    x_tiles = [Tiles(count, M, -(K // 2), T, forward, inverse) for count in counts]
    y_tiles = [Tiles(count, M, 0, M, forward[:, :M].copy(), inverse[:M]) for count in counts]
    return x_tiles, y_tiles


def tile_side(H, W, K):
    """The T that should cost least: large tiles waste less on overlap, small ones less beyond the edges.

    A model that fits what was measured on one processor. In proportion to L * L there are pairs of frequencies; each
    costs a product over all tiles, here of a batch of four, and fetching its part of the kernel costs as much as 40
    tiles more. T is at least 2 K, so that a tile reaches into the next only, and below 5 K, where the transforms begin
    to count. (It does not depend on N: an image has the same tiles whatever comes with it.)
    """
    def cost(T):
        M, L = T - K + 1, T // 2 + 1
        return L * L * (4 * ceil_div(H, M) * ceil_div(W, M) + 40)

    return min(range(2 * K, 5 * K), key=cost)


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


def gauss(common, b, for_re, a, for_im):
    """common - b @ for_re, the real part, and common - a @ for_im, the imaginary one."""
    spectrum = np.empty((2, *common.shape), common.dtype)
    np.matmul(b, for_re, out=spectrum[0])
    np.matmul(a, for_im, out=spectrum[1])
    return np.subtract(common, spectrum, out=spectrum)


# The kernel goes through the same functions as an image: one of K x K, with C * F channels, that is one tile.

def kernel_spectrum(w, x_tiles):
    """The spectrum c + i d of the kernel, ready for the products: (vertical L, 3, 2, L, C, F).

    The 3 are c, c - d and c + d; the 2 are the frequencies (k, l) and (k, -l), as in `dft_horizontal`.
    """
    K, _, C, F = w.shape
    vertical, horizontal = (only_tile(tiles, K) for tiles in x_tiles)
    w_down = in_pairs(down(w.reshape(1, K, K, C * F), range(1), vertical, horizontal))
    L = horizontal.places // 2
    w_hat = np.empty((L, 3, 2, L, C, F), w.dtype)

    def at_vertical_frequency(k):
        c, d = dft_horizontal(w_down[:, k], horizontal).reshape(2, 2, L, C, F)
        w_hat[k, 0] = c
        np.subtract(c, d, out=w_hat[k, 1])
        np.add(c, d, out=w_hat[k, 2])

    parallel_map(at_vertical_frequency, range(L))
    return w_hat


def kernel_back(dw_hat, x_tiles, K):
    """dw, from its spectrum (vertical L, 2, 2, L, C, F): of the inverse transform the first K x K values."""
    _, _, _, L, C, F = dw_hat.shape
    vertical, horizontal = (only_tile(tiles, K) for tiles in x_tiles)
    dw_down = np.empty((2, L, 1, K, C * F), dw_hat.dtype)

    def at_vertical_frequency(k):
        idft_horizontal(dw_hat[k].reshape(2, 2, L, 1, C * F), horizontal, dw_down[:, k])

    parallel_map(at_vertical_frequency, range(L))
    dw = np.empty((1, K, K, C * F), dw_hat.dtype)
    up(dw_down, range(1), vertical, horizontal, dw)
    return dw.reshape(K, K, C, F)


def only_tile(tiles, K):
    return Tiles(1, K, 0, K, tiles.forward[:, :K].copy(), tiles.backward[:K])
