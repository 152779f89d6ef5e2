"""Maps brought to another size with nothing learnt: by straight lines between pixels, or by repeating them."""

from functools import lru_cache

import numpy as np

from tinysegnet.support.backend import array_module, to_device
from tinysegnet.support.shapes import check_arrays, check_doubled
from tinysegnet.support.threads import on_gpu, parallel_map

FORWARD_ROWS = 16           # of y at a time, which then stay in the cache
BACKWARD_ROWS = 64          # of dx at a time: each product reads all of dy
BAND_PIXELS = 1 << 20       # of the result at a time, so that the scores of a photograph of 24 million pixels fit


def resize_bilinear(x, shape):
    """Each output pixel's centre falls between four input pixels, and it is their mean, weighted by nearness.

    y = rows @ x @ columns^T, in each channel, with the two matrices of `interpolation_matrix`. They have two numbers in
    a row and are otherwise 0, so nothing is multiplied by them here. Half-pixel centres (align_corners=False in
    PyTorch); beyond an edge stands the pixel of the edge.

    x      (N, H, W, C)
    shape  (N, H', W', C), the shape to give back
    cache  the shape of x

    Raises ValueError if the shape is of other images or channels.
    """
    check_resized("resize_bilinear", x, shape)
    return between(x, *taps_of(x, shape[1], shape[2])), tuple(x.shape)


def between(x, rows, columns):
    """The pixels at those taps of the rows and of the columns of x (N, H, W, C), some rows of the result at a time."""
    xp, (N, _, _, C) = array_module(x), x.shape
    x, y = xp.ascontiguousarray(x), xp.empty((N, len(rows[0]), len(columns[0]), C), x.dtype)

    def job(part):
        n, band = part
        y[n, band] = along(along(x[n], -3, *(taps[band] for taps in rows)), -2, *columns)

    parallel_map(job, bands(y, FORWARD_ROWS), on_gpu(x))
    return y


def along(x, axis, below, above, nearness):
    """From the pixel below to that above, along an axis of x (..., H, W, C), -3 or -2."""
    start, y = x.take(below, axis), x.take(above, axis)
    y -= start
    y *= nearness[:, None, None] if axis == -3 else nearness[:, None]
    y += start
    return y


def bands(y, rows):
    """The parts of images (N, H, W, C) that are done one by one: y[n, band] is so many rows. A GPU has all at once."""
    N, H, _, _ = y.shape
    if on_gpu(y):
        return [(slice(0, N), slice(0, H))]
    return [(n, slice(top, top + rows)) for n in range(N) for top in range(0, H, rows)]


def resize_bilinear_backward(dy, cache):
    """dx = rows^T @ dy @ columns.

    dy  (N, H', W', C)
    dx  (N, H, W, C)

    Raises ValueError if dy is of other images or channels.
    """
    check_arrays("resize_bilinear_backward", dy=(dy, "N H W C"))
    (N, H, W, C), (_, height, width, _) = cache, dy.shape
    check_arrays("resize_bilinear_backward", dy=(dy, (N, height, width, C)))
    xp, kind = array_module(dy), dy.dtype.name
    rows, columns = matrix_on_device(xp, kind, H, height), matrix_on_device(xp, kind, W, width)
    dx, dy = xp.empty(cache, dy.dtype), dy.reshape(N, height, width * C)

    def job(part):
        n, band = part
        up = rows[:, band].T @ dy[n]                                                # (..., rows of the band, W' * C)
        dx[n, band] = columns.T @ up.reshape(*up.shape[:-1], width, C)

    parallel_map(job, bands(dx, BACKWARD_ROWS), on_gpu(dy))
    return dx


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
    x = array_module(x).ascontiguousarray(x)        # what is seen in a mirror is a view: copied once, not for each band
    rows, columns = taps_of(x, height, width)
    for top in range(0, height, step):
        yield between(x, [taps[top : top + step] for taps in rows], columns)


def taps_of(x, height, width):
    """The taps of the rows and of the columns, where x is and of its dtype."""
    xp, kind, (_, H, W, _) = array_module(x), x.dtype.name, x.shape
    return taps_on_device(xp, kind, H, height), taps_on_device(xp, kind, W, width)


@lru_cache(maxsize=16)
def taps_on_device(xp, dtype, source, target):
    """Copied to the device once, and not for every batch."""
    below, above, nearness = taps(source, target)
    return to_device(below, xp), to_device(above, xp), to_device(nearness.astype(dtype), xp)


@lru_cache(maxsize=16)
def matrix_on_device(xp, dtype, source, target):
    return to_device(interpolation_matrix(source, target).astype(dtype), xp)


def taps(source, target):
    """Between which two source pixels the centre of each target pixel falls, and how near it is to the second, 0 to 1:
    three arrays (target,). Beyond the centre of the last one, both are that one."""
    centre = np.maximum((np.arange(target) + 0.5) * source / target - 0.5, 0)
    below = np.floor(centre).astype(int)
    return below, np.minimum(below + 1, source - 1), centre - below


def interpolation_matrix(source, target):
    """(target, source): row i holds the weights of the two source pixels nearest to the centre of target pixel i."""
    below, above, nearness = taps(source, target)
    matrix = np.zeros((target, source))
    matrix[np.arange(target), below] += 1 - nearness
    matrix[np.arange(target), above] += nearness
    return matrix
