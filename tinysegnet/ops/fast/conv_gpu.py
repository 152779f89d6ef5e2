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
as long as everything else, and the places come out in front, where the product of each wants them. All products are
stacks, which CuPy takes for what they are: it orders a kernel for each, and never rounds their factors (TF32).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tinysegnet.ops.fast.winograd import winograd_matrices
from tinysegnet.support.backend import array_module, to_device
from tinysegnet.support.shapes import ceil_div, check_arrays

WINOGRAD = 0                # in the place of the side of Fourier's tiles
SCRATCH_BYTES = 2**30       # of x_hat and y_hat are there at once, or those of one image if that is more


class Matrices(NamedTuple):
    """Those of an algorithm, each as a stack of as many copies as it has rows: see `transform`."""

    M: int                  # what a tile gives along an axis, for T that it takes
    T: int
    dtype: np.dtype         # real or complex
    A_T: object
    G: object
    B_T: object
    A: object               # the conjugate transpose of A_T, (P, M): the adjoint of a product is that with it
    G_H: object             # that of G
    B: object               # that of B_T
    G_conj: object          # conjugated alone
    B_T_conj: object


def conv2d(x, w, b):
    """y, cache of conv.conv2d."""
    check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    if len(w) % 2 == 0:
        raise ValueError(f"conv2d: the kernel size K should be odd, so that it has a centre, got {len(w)}")
    by = matrices(x, w)
    w_hat = transform(by.G, w.astype(by.dtype))
    y = array_module(x).empty((*x.shape[:3], len(b)), x.dtype)
    for images in groups(x, len(b), by):
        x_hat = transform(by.B_T, overlapping(x[images], by))
        side_by_side(transform(by.A_T, at_each_place(x_hat, w_hat)), b, by, y[images])
    return y, (x, w)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward: the adjoint of each step of conv2d, in reverse order."""
    x, w = cache
    check_arrays("conv2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N H W F"))
    by, xp = matrices(x, w), array_module(x)
    if need_dx:
        w_hat_H = transform(by.G_conj, xp.ascontiguousarray(w.swapaxes(2, 3)).astype(by.dtype))
        dx = xp.empty(x.shape, x.dtype)
    else:
        dx = None
    dw_hat = None
    for images in groups(x, dy.shape[3], by):
        x_hat_conj = transform(by.B_T_conj, overlapping(x[images], by, sign=-1))
        dy_hat = transform(by.A, blocks(dy[images], by))
        its_dw_hat = at_each_place(x_hat_conj.swapaxes(2, 3), dy_hat)
        dw_hat = its_dw_hat if dw_hat is None else dw_hat + its_dw_hat
        if need_dx:
            overlap_add(transform(by.B, at_each_place(dy_hat, w_hat_H)), by, dx[images])
    db = dy.sum(axis=2).sum(axis=(0, 1))                    # row by row first: a long float32 sum loses digits
    return dx, xp.ascontiguousarray(transform(by.G_H, dw_hat).real), db


def matrices(x, w):
    """The Matrices for that kernel and for images like x, where x is."""
    (_, H, W, C), (K, _, _, F) = x.shape, w.shape
    return on_device(array_module(x), np.dtype(x.dtype.name), K, side_of_tiles(H, W, K, C, F))


@lru_cache
def on_device(xp, dtype, K, side):
    """The Matrices, copied to the device once and for all."""
    by_winograd = side == WINOGRAD
    A_T, G, B_T = winograd_matrices(4) if by_winograd else fourier_matrices(K, side)
    dtype = dtype if by_winograd else np.result_type(dtype, np.complex64)

    def stacked(matrix):
        return to_device(np.repeat(matrix.astype(dtype)[None], len(matrix), axis=0), xp)

    kinds = A_T, G, B_T, A_T.conj().T, G.conj().T, B_T.conj().T, G.conj(), B_T.conj()
    return Matrices(len(A_T), len(B_T.T), dtype, *map(stacked, kinds))


def fourier_matrices(K, T):
    """A^T (M, T), G (T, K) and B^T (T, T) of the discrete Fourier transform, complex128; M = T - K + 1.

    The correlation of d and g has the spectrum of d times the conjugate of that of g. Of the T values that come back,
    the first M need no more than the T that were there; the others have wrapped around.
    """
    dft = np.exp(-2j * np.pi / T * np.outer(np.arange(T), np.arange(T)))
    return dft.conj()[: T - K + 1] / T, dft.conj()[:, :K], dft


@lru_cache
def side_of_tiles(H, W, K, C, F):
    """The T with which Fourier's algorithm moves about the least memory, or WINOGRAD if that moves less.

    Large tiles waste less on overlap; small ones waste less beyond the edges, and have fewer places for the kernel. It
    does not depend on N. This is arithmetic, near what is counted, and has not been measured on a GPU.
    """
    def fourier(T):
        M = T - K + 1
        down, right = in_pairs(ceil_div(H, M)), ceil_div(W, M)
        beyond = 0 if (H, W) == (down * M, right * M) else 5 * H * W            # copies with a margin
        of_tile = 30 * T * T + 4 * T * M + 6 * M * M                            # what all steps read and write
        return 4 * (down * right * of_tile + beyond) * (C + F) / 2 + 16 * T * T * C * F

    T = min(range(2 * K, 8 * K), key=fourier)
    by_winograd = 4 * ceil_div(H, 4) * ceil_div(W, 4) * 1236 * (C + F) / 2 + 8 * 36 * C * F
    return WINOGRAD if K == 3 and by_winograd < fourier(T) else T


def in_pairs(count):
    return count + count % 2


def groups(x, F, by):
    """Slices of the images that go through together."""
    (N, H, W, C), (P, _, _) = x.shape, by.B_T.shape
    of_one_image = ceil_div(H, by.M) * ceil_div(W, by.M) * P * P * (C + F) * x.dtype.itemsize
    size = max(1, SCRATCH_BYTES // of_one_image)
    return [slice(first, first + size) for first in range(0, N, size)]


def transform(stack, tiles):
    """matrix @ tile @ matrix^T, for all tiles (T, T, n, C): (P, P, n, C).

    stack  the matrix (P, T), P times: for each of its rows, which the first product makes, the second one has its own.
           (CuPy could do with one, but would then order three more kernels, which find it for each.)
    """
    P, _, T = stack.shape
    _, _, n, C = tiles.shape
    rows = stack[:1] @ tiles.reshape(1, T, T * n * C)
    return (stack @ rows.reshape(P, T, n * C)).reshape(P, P, n, C)


def at_each_place(a, b):
    """a @ b, for (P, P, n, C) and (P, P, C, F): (P, P, n, F)."""
    P, _, n, C = a.shape
    return (a.reshape(P * P, n, C) @ b.reshape(P * P, C, -1)).reshape(P, P, n, -1)


# Four ways to copy: x to its tiles, which overlap, and the adjoint, for dx; dy to its tiles, and the adjoint, for y.

def cut(H, W, by):
    """How many rows of tiles an image has, and how many in each. For complex matrices the rows come in pairs."""
    down = ceil_div(H, by.M)
    return in_pairs(down) if by.dtype.kind == "c" else down, ceil_div(W, by.M)


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


def overlapping(x, by, sign=1):
    """x in tiles (T, T, n, C) that step by M, begin K // 2 outside of x, and reach into the next. -1: conjugated."""
    (N, H, W, C), T, M = x.shape, by.T, by.M
    xp, margin, (down, right) = array_module(x), (T - M) // 2, cut(H, W, by)
    height, width = down * M + T - M, right * M + T - M
    padded = xp.zeros((N, height, width, C), x.dtype)
    padded[:, margin : margin + H, margin : margin + W] = x
    row, column, channel = (n * x.dtype.itemsize for n in (width * C, C, 1))
    shape, strides = (T, T, N, down, right, C), (row, column, height * row, M * row, M * column, channel)
    windows = xp.lib.stride_tricks.as_strided(padded, shape, strides)           # a view: they overlap in memory
    tiles = new_tiles(xp, T, N, down, right, C, by.dtype)
    for (part, rows), factor in zip(parts(tiles), (1, sign)):
        xp.multiply(windows[:, :, :, rows], factor, out=part)
    return tiles.reshape(T, T, -1, C)


def overlap_add(tiles, by, dx):
    """The adjoint of overlapping: fills dx with the sum of tiles (T, T, n, C), each added where it came from."""
    (N, H, W, C), T, M = dx.shape, by.T, by.M
    margin, (down, right) = (T - M) // 2, cut(H, W, by)
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


def blocks(dy, by):
    """dy in tiles (M, M, n, F) side by side."""
    (N, H, W, F), M = dy.shape, by.M
    xp, (down, right) = array_module(dy), cut(H, W, by)
    if (H, W) != (down * M, right * M):
        padded = xp.zeros((N, down * M, right * M, F), dy.dtype)
        padded[:, :H, :W] = dy
        dy = padded
    dy = dy.reshape(N, down, M, right, M, F).transpose(2, 4, 0, 1, 3, 5)
    tiles = new_tiles(xp, M, N, down, right, F, by.dtype)
    for part, rows in parts(tiles):
        part[...] = dy[:, :, :, rows]
    return tiles.reshape(M, M, -1, F)


def side_by_side(tiles, b, by, y):
    """The adjoint of blocks: fills y with tiles (M, M, n, F), and adds b."""
    (N, H, W, F), M = y.shape, by.M
    xp, (down, right) = array_module(y), cut(H, W, by)
    fits = (H, W) == (down * M, right * M)
    padded = y if fits else xp.empty((N, down * M, right * M, F), y.dtype)
    for part, rows in parts(tiles.reshape(M, M, N, -1, right, F)):
        xp.add(part.transpose(2, 3, 0, 4, 1, 5), b, out=padded.reshape(N, down, M, right, M, F)[:, rows])
    if not fits:
        y[...] = padded[:, :H, :W]
