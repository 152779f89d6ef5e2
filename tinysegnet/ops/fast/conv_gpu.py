"""Convolution for a GPU: the functions of conv.py by few and large steps, for any array library.

A GPU computes much faster than it fetches from its memory, and each step has to be ordered by the host. So nothing is
cut into bands here, and im2col, which makes K * K copies of x, is out of the question. Instead both fast convolutions
have the same short form. Along one axis a kernel g of K values makes of T neighbours d the M = T - K + 1 values
y[r] = sum over i of d[r + i] * g[i], by P multiplications, those of the * in

    y = A^T ((G g) * (B^T d))             A^T (M, P),  G (P, K),  B^T (P, T)

    Winograd's algorithm, for K = 3: M = 4 and P = 6, see winograd.py
    the discrete Fourier transform, of complex numbers, for any K: P = T, see `fourier_matrices`

and along both axes  y = A^T ((G g G^T) * (B^T d B)) A  for all tiles of T x T, which overlap by K - 1. At each of the
P * P places the * and the sum over the channels are a product of matrices, y_hat = x_hat @ w_hat, (tiles, C) by (C, F).

The matrices of the Fourier transform are complex, but images are not. So two tiles go as one, x1 + i x2. Everything is
linear and the kernel is real, so that y1 + i y2 comes out, and nothing is computed twice. See `parts`.

The tiles' own axes are the first ones of their arrays, (T, T, tiles, C). So the transforms are products with a matrix
as long as everything else, the places come out in front, where the product of each wants them, and nothing is ever
transposed in memory, but for a factor in the backward.
"""

from functools import lru_cache

import numpy as np

from tinysegnet.ops.fast.winograd import winograd_matrices
from tinysegnet.support.backend import array_module, to_device
from tinysegnet.support.shapes import ceil_div, check_arrays

WINOGRAD = 0                # in the place of the side of Fourier's tiles
SCRATCH_BYTES = 2**30       # of x_hat and y_hat are there at once, or those of one image if that is more


def conv2d(x, w, b):
    """y, cache of conv.conv2d."""
    check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    check_kernel("conv2d", w)
    A_T, G, B_T = matrices(x, w)
    w_hat = transform(G, w.astype(G.dtype))
    y = array_module(x).empty((*x.shape[:3], len(b)), x.dtype)
    for images in groups(x, len(b), A_T):
        x_hat = transform(B_T, overlapping(x[images], B_T, A_T))
        side_by_side(transform(A_T, at_each_place(x_hat, w_hat)), b, y[images])
    return y, (x, w)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward: the adjoint of each step of conv2d, in reverse order.

    The adjoint of a product with a complex matrix is that with its conjugate transpose.
    """
    x, w = cache
    check_arrays("conv2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N H W F"))
    check_kernel("conv2d_backward", w)
    xp = array_module(x)
    A_T, G, B_T = matrices(x, w)
    if need_dx:
        conj_w_hat_T = transform(G.conj(), w.swapaxes(2, 3).astype(G.dtype))
        dx = xp.empty(x.shape, x.dtype)
    else:
        dx = None
    dw_hat = 0
    for images in groups(x, dy.shape[3], A_T):
        conj_x_hat = transform(B_T.conj(), overlapping(x[images], B_T, A_T, sign=-1))
        dy_hat = transform(A_T.conj().T, blocks(dy[images], A_T))
        dw_hat = dw_hat + at_each_place(conj_x_hat.swapaxes(2, 3), dy_hat)
        if need_dx:
            dx_hat = at_each_place(dy_hat, conj_w_hat_T)
            overlap_add(transform(B_T.conj().T, dx_hat), A_T, dx[images])
    db = dy.sum(axis=2).sum(axis=(0, 1))                    # row by row first: a long float32 sum loses digits
    return dx, xp.ascontiguousarray(transform(G.conj().T, dw_hat).real), db


def check_kernel(function, w):
    if len(w) % 2 == 0:
        raise ValueError(f"{function}: the kernel size K should be odd, so that it has a centre, got {len(w)}")


def matrices(x, w):
    """A^T, G and B^T for that kernel and for images like x, where x is: Winograd's are real, Fourier's complex."""
    (_, H, W, C), (K, _, _, F) = x.shape, w.shape
    return on_device(array_module(x), np.dtype(x.dtype.name), K, side_of_tiles(H, W, K, C, F))


@lru_cache
def on_device(xp, dtype, K, T):
    """A^T, G and B^T, copied to the device once and for all."""
    if T == WINOGRAD:
        return [to_device(a.astype(dtype), xp) for a in winograd_matrices(4)]
    return [to_device(a.astype(np.result_type(dtype, np.complex64)), xp) for a in fourier_matrices(K, T)]


def fourier_matrices(K, T):
    """A^T (M, T), G (T, K) and B^T (T, T) of the discrete Fourier transform, complex128; M = T - K + 1.

    The correlation of d and g has the spectrum of d times the conjugate of that of g. Of the T values that come back,
    the first M need no more than the T that were there; the others have wrapped around.
    """
    dft = np.exp(-2j * np.pi / T * np.outer(np.arange(T), np.arange(T)))
    return dft.conj()[: T - K + 1] / T, dft.conj()[:, :K], dft


@lru_cache
def side_of_tiles(H, W, K, C, F):
    """The T with which Fourier's algorithm moves least memory, forward and backward; or WINOGRAD if that moves less.

    Large tiles waste less on overlap; small ones waste less beyond the edges, and have fewer places for the kernel. It
    does not depend on N: four images are counted. This is arithmetic, and has not been measured on a GPU.
    """
    def fourier(T):
        M = T - K + 1
        down, right = in_pairs(ceil_div(H, M)), ceil_div(W, M)
        beyond = 0 if (H, W) == (down * M, right * M) else 5 * H * W            # copies with a margin
        of_tile = 30 * T * T + 4 * T * M + 6 * M * M                            # what all steps read and write
        return 4 * (down * right * of_tile + beyond) * (C + F) / 2 + 16 * T * T * C * F

    by_winograd = 4 * ceil_div(H, 4) * ceil_div(W, 4) * 1236 * (C + F) / 2 + 8 * 36 * C * F
    T = min(range(2 * K, 8 * K), key=fourier)
    return WINOGRAD if K == 3 and by_winograd < fourier(T) else T


def in_pairs(count):
    return count + count % 2


def groups(x, F, A_T):
    """Slices of the images that go through together."""
    (N, H, W, C), (M, P) = x.shape, A_T.shape
    of_one_image = ceil_div(H, M) * ceil_div(W, M) * P * P * (C + F) * x.dtype.itemsize
    size = max(1, SCRATCH_BYTES // of_one_image)
    return [slice(first, first + size) for first in range(0, N, size)]


def transform(matrix, tiles):
    """matrix @ tile @ matrix^T, for all tiles (T, T, n, C): (P, P, n, C)."""
    P, T = matrix.shape
    _, _, n, C = tiles.shape
    rows = matrix @ tiles.reshape(T, T * n * C)
    return (matrix @ rows.reshape(P, T, n * C)).reshape(P, P, n, C)


def at_each_place(a, b):
    """a @ b, for (P, P, n, C) and (P, P, C, F): (P, P, n, F)."""
    P, _, n, C = a.shape
    return (a.reshape(P * P, n, C) @ b.reshape(P * P, C, -1)).reshape(P, P, n, -1)


# Four ways to copy: x to its tiles, which overlap, and the adjoint, for dx; dy to its tiles, and the adjoint, for y.

def cut(H, W, A_T):
    """How many rows of tiles an image has, and how many in each. For complex matrices the rows come in pairs."""
    M = len(A_T)
    down = ceil_div(H, M)
    return in_pairs(down) if A_T.dtype.kind == "c" else down, ceil_div(W, M)


def new_tiles(xp, side, N, down, right, channels, dtype):
    return xp.empty((side, side, N, down // 2 if dtype.kind == "c" else down, right, channels), dtype)


def parts(tiles):
    """The real numbers in tiles (..., rows of tiles, right, C), each with the rows of tiles in the image that they are.

    In complex tiles the upper half of the image is the real part, and the lower the imaginary one.
    """
    if tiles.dtype.kind == "f":
        return [(tiles, slice(None))]
    half = tiles.shape[3]
    return [(tiles.real, slice(0, half)), (tiles.imag, slice(half, 2 * half))]


def overlapping(x, B_T, A_T, sign=1):
    """x in tiles (T, T, n, C) that step by M, begin K // 2 outside of x, and reach into the next. -1: conjugated."""
    (N, H, W, C), T, M = x.shape, len(B_T), len(A_T)
    xp, margin, (down, right) = array_module(x), (T - M) // 2, cut(H, W, A_T)
    height, width = down * M + T - M, right * M + T - M
    padded = xp.zeros((N, height, width, C), x.dtype)
    padded[:, margin : margin + H, margin : margin + W] = x
    row, column, channel = (n * x.dtype.itemsize for n in (width * C, C, 1))
    shape, strides = (T, T, N, down, right, C), (row, column, height * row, M * row, M * column, channel)
    windows = xp.lib.stride_tricks.as_strided(padded, shape, strides)           # a view: they overlap in memory
    tiles = new_tiles(xp, T, N, down, right, C, A_T.dtype)
    for (part, rows), factor in zip(parts(tiles), (1, sign)):
        xp.multiply(windows[:, :, :, rows], factor, out=part)
    return tiles.reshape(T, T, -1, C)


def overlap_add(tiles, A_T, dx):
    """The adjoint of overlapping: fills dx with the sum of tiles (T, T, n, C), each added where it came from."""
    (N, H, W, C), T, M = dx.shape, len(tiles), len(A_T)
    margin, (down, right) = (T - M) // 2, cut(H, W, A_T)
    padded = array_module(dx).zeros((N, down + 1, M, right + 1, M, C), dx.dtype)
    for part, rows in parts(tiles.reshape(T, T, N, -1, right, C)):
        part = part.transpose(2, 3, 0, 4, 1, 5)
        for i in (0, 1):                                    # 0: its first M rows, 1: those that reach into the next
            for j in (0, 1):                                # and columns
                piece = part[:, :, i * M : (i + 1) * M, :, j * M : (j + 1) * M]
                there = padded[:, i : down + i, : piece.shape[2], j : right + j, : piece.shape[4]][:, rows]
                there += piece
    inside = padded.reshape(N, (down + 1) * M, (right + 1) * M, C)
    dx[...] = inside[:, margin : margin + H, margin : margin + W]


def blocks(dy, A_T):
    """dy in tiles (M, M, n, F) side by side."""
    (N, H, W, F), M = dy.shape, len(A_T)
    xp, (down, right) = array_module(dy), cut(H, W, A_T)
    if (H, W) != (down * M, right * M):
        padded = xp.zeros((N, down * M, right * M, F), dy.dtype)
        padded[:, :H, :W] = dy
        dy = padded
    dy = dy.reshape(N, down, M, right, M, F).transpose(2, 4, 0, 1, 3, 5)
    tiles = new_tiles(xp, M, N, down, right, F, A_T.dtype)
    for part, rows in parts(tiles):
        part[...] = dy[:, :, :, rows]
    return tiles.reshape(M, M, -1, F)


def side_by_side(tiles, b, y):
    """The adjoint of blocks: fills y with tiles (M, M, n, F), and adds b."""
    (N, H, W, F), M = y.shape, len(tiles)
    xp, (down, right) = array_module(y), (ceil_div(H, M), ceil_div(W, M))
    down = in_pairs(down) if tiles.dtype.kind == "c" else down
    fits = (H, W) == (down * M, right * M)
    padded = y if fits else xp.empty((N, down * M, right * M, F), y.dtype)
    for part, rows in parts(tiles.reshape(M, M, N, -1, right, F)):
        xp.add(part.transpose(2, 3, 0, 4, 1, 5), b, out=padded.reshape(N, down, M, right, M, F)[:, rows])
    if not fits:
        y[...] = padded[:, :H, :W]
