"""Maps brought to another size with nothing learnt: by straight lines between pixels, or by repeating them."""

from functools import lru_cache

import numpy as np

from tinysegnet.support.backend import array_module, to_device
from tinysegnet.support.shapes import check_arrays, check_doubled
from tinysegnet.support.threads import on_gpu, parallel_map

BAND_ROWS = 64              # of the result of an operation at a time
BAND_PIXELS = 1 << 20       # of the result at a time, so that the scores of a photograph of 24 million pixels fit


def resize_bilinear(x, shape):
    """Each output pixel's centre falls between four input pixels, and it is their mean, weighted by nearness.

    y = rows @ x @ columns^T, in each channel: one product for the rows and one for the columns. Half-pixel centres
    (align_corners=False in PyTorch); beyond an edge stands the pixel of the edge.

    x      (N, H, W, C)
    shape  (N, H', W', C), the shape to give back
    cache  the shape of x

    Raises ValueError if the shape is of other images or channels.
    """
    check_resized("resize_bilinear", x, shape)
    rows, columns = matrices(x, (x.shape[1], shape[1]), (x.shape[2], shape[2]))     # (H', H), (W', W)
    return by_matrices(x, rows, columns), tuple(x.shape)


def resize_bilinear_backward(dy, cache):
    """dx = rows^T @ dy @ columns.

    dy  (N, H', W', C)
    dx  (N, H, W, C)

    Raises ValueError if dy is of other images or channels.
    """
    check_arrays("resize_bilinear_backward", dy=(dy, "N H W C"))
    (N, H, W, C), (_, height, width, _) = cache, dy.shape
    check_arrays("resize_bilinear_backward", dy=(dy, (N, height, width, C)))
    rows, columns = matrices(dy, (H, height), (W, width))
    return by_matrices(dy, rows.T, columns.T)


def by_matrices(x, rows, columns):
    """rows @ x @ columns^T in each channel of x (N, H, W, C), some rows of the result at a time."""
    N, H, W, C = x.shape
    y = array_module(x).empty((N, len(rows), len(columns), C), x.dtype)

    def job(part):
        n, band = part
        down = rows[band] @ x[n].reshape(H, W * C)                                  # (rows of the band, W * C)
        y[n, band] = columns @ down.reshape(-1, W, C)

    parts = [(n, slice(top, top + BAND_ROWS)) for n in range(N) for top in range(0, len(rows), BAND_ROWS)]
    parallel_map(job, parts, on_gpu(x))
    return y


def upsample_nearest(x, shape):
    """y[n, r, q] = x[n, r // 2, q // 2]: every pixel four times (replication).

    x      (N, H, W, C)
    shape  (N, H', W', C), the shape to give back: H' is 2H or 2H - 1, as of a map that was halved to H; W' likewise
    cache  the shape of x

    Raises ValueError if shape is no other.
    """
    check_arrays("upsample_nearest", x=(x, "N H W C"))
    check_doubled("upsample_nearest", shape, x.shape)
    y = array_module(x).empty(shape, x.dtype)
    for corner in corners_of(y):
        _, height, width, _ = corner.shape
        corner[...] = x[:, :height, :width]
    return y, tuple(x.shape)


def upsample_nearest_backward(dy, cache):
    """An x is told something by each y that it became: by four, by two at the edge of an odd size, or by one.

    dy  (N, H', W', C)
    dx  (N, H, W, C)

    Raises ValueError if dy has not the shape of y.
    """
    check_arrays("upsample_nearest_backward", dy=(dy, "N H W C"))
    check_doubled("upsample_nearest_backward", dy.shape, cache)
    dx = array_module(dy).zeros(cache, dy.dtype)
    for corner in corners_of(dy):
        _, height, width, _ = corner.shape
        inside = dx[:, :height, :width]
        inside += corner
    return dx


def corners_of(y):
    """The pixels of even and odd rows and columns, as four views of y."""
    return [y[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]


def check_resized(op, x, shape):
    check_arrays(op, x=(x, "N H W C"))
    N, _, _, C = x.shape
    if len(shape) != 4 or (shape[0], shape[3]) != (N, C) or min(shape) < 1:
        raise ValueError(f"{op}: shape should be ({N}, H, W, {C}), got {tuple(shape)}")


def resized_bands(x, height, width):
    """The y of resize_bilinear in bands of rows, (N, rows, width, C), from top to bottom."""
    N, H, W, C = x.shape
    step = max(1, BAND_PIXELS // width)
    if (H, W) == (height, width):
        yield from (x[:, top : top + step] for top in range(0, height, step))
        return
    rows, columns = matrices(x, (H, height), (W, width))                        # (height, H), (width, W)
    for top in range(0, height, step):
        band = rows[top : top + step]
        y = band @ x.reshape(N, H, W * C)                                       # (N, rows, W * C)
        y = columns @ y.reshape(N * len(band), W, C)                            # (N * rows, width, C)
        yield y.reshape(N, len(band), width, C)


def matrices(x, *sizes):
    """interpolation_matrix for each pair of sizes, where x is and of its dtype."""
    return [on_device(array_module(x), x.dtype.name, *pair) for pair in sizes]


@lru_cache(maxsize=16)
def on_device(xp, dtype, source, target):
    """Copied to the device once, and not for every batch."""
    return to_device(interpolation_matrix(source, target).astype(dtype), xp)


def interpolation_matrix(source, target):
    """(target, source): row i holds the weights of the two source pixels nearest to the centre of target pixel i."""
    centre = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    below = np.floor(centre).astype(int)
    above = np.minimum(below + 1, source - 1)
    matrix = np.zeros((target, source))
    matrix[np.arange(target), below] += 1 - (centre - below)
    matrix[np.arange(target), above] += centre - below
    return matrix
