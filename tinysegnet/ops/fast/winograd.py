"""Convolution by Winograd's algorithm F(4 x 4, 3 x 3): the functions of conv.py for a 3 x 3 kernel, tile by tile.

Along one axis, a kernel g of 3 values makes of 6 neighbours d the 4 values y[r] = sum over i of d[r + i] * g[i]. That
is 12 multiplications. Winograd (1980) has 6 of them, those of the * (value by value) in

    y = A^T ((G g) * (B^T d))             A^T (4, 6),  G (6, 3),  B^T (6, 6)

with small fixed numbers in the matrices: see `winograd_matrices`, which says where they come from. Along both axes,
let d[i] and g[i] be the rows of a tile d, 6 x 6, and of a kernel g, 3 x 3. Each * is then a correlation of two rows,
and is done by the same formula in its turn. In all,

    y = A^T ((G g G^T) * (B^T d B)) A     (4, 4)

The * is 36 multiplications for 16 values, 2.25 for each where there were 9. The matrices cost more than that, but they
are shared: G g G^T is taken once for all tiles, B^T d B once for all filters, and A^T once for all channels, since it
can wait until they have been summed. So for each of the 36 places the * and the sum over channels are a product of
matrices, y_hat = x_hat @ w_hat, (tiles, C) by (C, F), and with many channels that is all that counts. The steps:

    tiles.down, tiles.across      by B^T, from the rows and columns of each tile to the 36 places
    x_hat @ w_hat                 at each place
    tiles.back, tiles.up          by A^T, to the 4 x 4 values of each tile, which lie side by side in y

The tiles of x begin one pixel outside the image, step by 4 as those of y do, and so overlap by 2. Where 4 does not
divide H or W they reach beyond the image, where x is 0, and y is dropped.

The backward is the adjoint of each step, in reverse order: dy goes down and across by A; dx_hat = dy_hat @ w_hat^T
comes back by B, and is added where tiles overlap; dw_hat = x_hat^T @ dy_hat, summed over the tiles, comes back by G^T.

It rounds more than the others do: along both axes numbers are multiplied by up to 64, added, and most of that cancels.
How much it is, and what it does to a training: benchmarks/results/winograd.md.

(One value of x that is not finite spoils all of y from each tile it lies in, as in conv_fft.py; and so can a finite one
near the largest of its dtype, since the matrices multiply it.)
"""

from functools import lru_cache

import numpy as np

from tinysegnet.ops.fast.tiles import Tiles, across, back, down, groups, slices, strips, up
from tinysegnet.support.shapes import ceil_div, check_arrays
from tinysegnet.support.threads import parallel_map

GROUP_BYTES = 48 * 2**20        # of planes are there at once, or one row of tiles if that is more
TILES_AT_ONCE = 256             # go across and back together, so that their values stay in the processor's cache
COLUMNS_AT_ONCE = 3000          # of a flattened kernel are transformed together
M = 4                           # values of y that a tile gives along an axis
POINTS = 0, 1, -1, 2, -2, 1 / 2, -1 / 2        # M = 4 takes five; the rest is for benchmarks/winograd_error.py


def conv2d(x, w, b):
    """y, cache of conv.conv2d, for NumPy arrays and K = 3."""
    check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    check_kernel("conv2d", w)
    N, H, W, C = x.shape
    x_tiles, y_tiles = cut(H, W, x.dtype)
    w_hat = kernel_forward(w)                               # (6, 6, C, F)
    y = np.empty((N, H, W, len(b)), x.dtype)
    for images, rows in groups(x, len(b), *x_tiles, GROUP_BYTES):
        correlate(x[images], rows, w_hat, b, x_tiles, y_tiles, y[images])
    return y, (x, w)


def correlate(x, rows, w_hat, b, x_tiles, y_tiles, y):
    """Fill y, in these rows of tiles, with the correlation of x and the kernel, plus b."""
    (_, x_horizontal), (_, y_horizontal) = x_tiles, y_tiles
    x_down = down(x, rows, *x_tiles)                        # (6, rows of tiles, columns, C)
    planes, tile_rows, _, _ = x_down.shape
    y_down = np.empty((planes, tile_rows, y_horizontal.end, len(b)), x.dtype)

    def of_plane(k):
        for strip in strips(tile_rows, x_horizontal, TILES_AT_ONCE):
            x_hat = across(x_down[k, strip], x_horizontal)              # (6, tiles, C)
            back(x_hat @ w_hat[k], y_horizontal, y_down[k, strip])

    parallel_map(of_plane, range(planes))
    y_down[1] += b                  # of the point 1, whose column of A^T is all ones: `up` adds plane 1 to every row
    up(y_down, rows, *y_tiles, y)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward, for NumPy arrays and K = 3."""
    x, w = cache
    check_arrays("conv2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N H W F"))
    check_kernel("conv2d_backward", w)
    N, H, W, C = x.shape
    F = w.shape[3]
    x_tiles, y_tiles = cut(H, W, x.dtype)
    w_hat_T = kernel_forward(w.swapaxes(2, 3)) if need_dx else None
    dw_hat = np.zeros((M + 2, M + 2, C, F), x.dtype)
    db = np.zeros(F, x.dtype)
    dx = np.empty(x.shape, x.dtype) if need_dx else None
    for images, rows in groups(x, F, *x_tiles, GROUP_BYTES):
        its_dx = dx[images] if need_dx else None
        correlate_backward(dy[images], x[images], rows, w_hat_T, x_tiles, y_tiles, dw_hat, db, its_dx)
    return dx, kernel_backward(dw_hat), db


def correlate_backward(dy, x, rows, w_hat_T, x_tiles, y_tiles, dw_hat, db, dx):
    """Add to dw_hat and db the part of these rows of tiles, and fill dx there unless it is None."""
    (_, x_horizontal), (_, y_horizontal) = x_tiles, y_tiles
    x_down, dy_down = down(x, rows, *x_tiles), down(dy, rows, *y_tiles)
    planes, tile_rows, _, _ = x_down.shape
    db += dy_down[1].sum(axis=1).sum(axis=0)                # ones again: plane 1 is the sum over the rows of each tile

    def of_plane(k):
        for strip in strips(tile_rows, x_horizontal, TILES_AT_ONCE):
            x_hat, dy_hat = across(x_down[k, strip], x_horizontal), across(dy_down[k, strip], y_horizontal)
            dw_hat[k] += x_hat.swapaxes(1, 2) @ dy_hat
            if dx is not None:                              # in the place of x_down, done with
                back(dy_hat @ w_hat_T[k], x_horizontal, x_down[k, strip])

    parallel_map(of_plane, range(planes))
    if dx is not None:
        up(x_down, rows, *x_tiles, dx)


def check_kernel(function, w):
    if len(w) != 3:
        raise ValueError(f"{function}: the kernel size K should be 3 for winograd, got {len(w)}")


def cut(H, W, dtype):
    """Tiles of x and of y, and so of their gradients: (vertical, horizontal) of x, (vertical, horizontal) of y."""
    A_T, _, B_T = (matrix.astype(dtype) for matrix in winograd_matrices(M))
    counts = ceil_div(H, M), ceil_div(W, M)
    x_tiles = [Tiles(count, M, -1, M + 2, forward=B_T, backward=B_T.T.copy()) for count in counts]    # K // 2 is 1
    y_tiles = [Tiles(count, M, 0, M, forward=A_T.T.copy(), backward=A_T) for count in counts]
    return x_tiles, y_tiles


def kernel_forward(w):
    """w_hat = G w G^T, (6, 6, C, F), by one product with the (36, 9) numbers that G[k, i] * G[l, j] are."""
    _, _, C, F = w.shape
    _, G, _ = winograd_matrices(M)
    return times(np.kron(G, G), w.reshape(9, C * F)).reshape(M + 2, M + 2, C, F)


def kernel_backward(dw_hat):
    """dw = G^T dw_hat G, (3, 3, C, F): the adjoint of kernel_forward."""
    _, _, C, F = dw_hat.shape
    _, G, _ = winograd_matrices(M)
    return times(np.kron(G, G).T, dw_hat.reshape(-1, C * F)).reshape(3, 3, C, F)


def times(matrix, a):
    """matrix @ a, by some columns at a time, which are the jobs of our threads.

    On threads of BLAS it would be as fast, but these wait for more by spinning, and take the processors away from what
    comes next: measured, all of conv2d then takes 1.7 times as long.
    """
    matrix, product = matrix.astype(a.dtype), np.empty((len(matrix), a.shape[1]), a.dtype)

    def job(columns):
        np.matmul(matrix, a[:, columns], out=product[:, columns])

    parallel_map(job, slices(a.shape[1], COLUMNS_AT_ONCE))
    return product


@lru_cache
def winograd_matrices(m):
    """A^T (m, m + 2), G (m + 2, 3) and B^T (m + 2, m + 2) of F(m, 3), which makes m values of y; float64, m 1 to 6.

    It comes from polynomials. Let a(x) have the coefficients a[0], ..., a[m - 1], and let g(x) have g[0], g[1], g[2].
    Their product c(x) has m + 2 coefficients, and the leading one is a[m - 1] * g[2]. Take that times the product of
    (x - q) over m + 1 points q, which is 0 at all of them, from c(x). What is left has a degree less, and by Lagrange's
    formula it is known from its values at these points, which are those of c. With p and q from the points,

        c(x) = sum over p of a(p) g(p) * product over q other than p of (x - q) / (p - q)
               + a[m - 1] * g[2] * product over all q of (x - q)

    In matrices the coefficients are c = B ((G g) * (A a)): A takes the values of a, G those of g, divided by all
    (p - q), and B has the coefficients of the products of (x - q) in its columns, the lowest first.

        A     row of p:  1, p, p^2, ..., p^(m-1)              last row:  0, ..., 0, 1
        G     row of p:  1, p, p^2, each divided by the product of (p - q)       0, 0, 1
        B^T   row of p:  coefficients of the product of (x - q), 0               of that over all q

    For a given g it is c = T a, with T = B diag(G g) A. But c[k] = sum over s of g[k - s] * a[s], so that T[k, s] is
    g[k - s]. Then T^T d is y[r] = sum over k of g[k - r] * d[k] = sum over i of d[r + i] * g[i], the correlation; and
    T^T = A^T diag(G g) B^T.
    """
    points = POINTS[: m + 1]
    others = [[q for q in points if q != p] for p in points]
    infinity = np.eye(m + 2)[-1]
    A = np.vstack([np.vander(points, m, increasing=True), infinity[-m:]])
    G = np.vstack([np.vander(points, 3, increasing=True), infinity[-3:]])
    G[:-1] /= np.array([np.prod([p - q for q in rest]) for p, rest in zip(points, others)])[:, None]
    B_T = np.vstack([[*np.poly(rest)[::-1], 0] for rest in others] + [np.poly(points)[::-1]])
    return A.T, G, B_T
