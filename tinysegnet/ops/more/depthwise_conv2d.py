"""The depthwise convolution: each channel has one kernel, and sees no other channel."""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays
from tinysegnet.support.threads import on_gpu, parallel_map, row_bands


def depthwise_conv2d(x, w, b):
    """y[n, r, q, c] = b[c] + sum over i, j of x[n, r + i - K//2, q + j - K//2, c] * w[i, j, c], with x = 0 outside.

    x      (N, H, W, C)
    w      (K, K, C), K odd
    b      (C,)
    y      (N, H, W, C)
    cache  (x, w)

    Raises ValueError if the shapes do not fit, K is even, or the dtypes differ.
    """
    check_arrays("depthwise_conv2d", x=(x, "N H W C"), w=(w, "K K C"), b=(b, "C"))
    K = len(w)
    if K % 2 == 0:
        raise ValueError(f"depthwise_conv2d: the kernel size K should be odd, so that it has a centre, got {K}")
    padded, y = padded_by(x, K // 2), array_module(x).empty_like(x)

    def job(band):
        y[band] = b
        for i in range(K):
            for j in range(K):
                y[band] += padded[moved(band, i, j, x)] * w[i, j]

    parallel_map(job, row_bands(x), on_gpu(x))
    return y, (x, w)


def depthwise_conv2d_backward(dy, cache):
    """Each y was moved by K x K of x through w[i, j]; and w[i, j] has multiplied an x for each y.

    dy  (N, H, W, C)
    dx  (N, H, W, C): x[r, q] is in y[r - i + K//2, q - j + K//2], so it is dy that is moved, the other way
    dw  (K, K, C)
    db  (C,)

    Raises ValueError if dy has not the shape and dtype of y.
    """
    x, w = cache
    check_arrays("depthwise_conv2d_backward", x=(x, "N H W C"), w=(w, "K K C"), dy=(dy, tuple(x.shape)))
    K, xp = len(w), array_module(x)
    padded, dpadded, dx = padded_by(x, K // 2), padded_by(dy, K // 2), xp.zeros_like(x)

    def job(band):
        dw_band = xp.empty_like(w)
        for i in range(K):
            for j in range(K):
                dx[band] += dpadded[moved(band, K - 1 - i, K - 1 - j, x)] * w[i, j]
                dw_band[i, j] = (dy[band] * padded[moved(band, i, j, x)]).sum(axis=2).sum(axis=(0, 1))
        return dw_band

    dw = sum(parallel_map(job, row_bands(x), on_gpu(x)))
    return dx, dw, dy.sum(axis=2).sum(axis=(0, 1))


def padded_by(x, margin):
    return array_module(x).pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))


def moved(band, i, j, x):
    """Where the neighbours of a band are that w[i, j] sees, in x with its margin."""
    images, rows = band
    return images, slice(rows.start + i, rows.stop + i), slice(j, j + x.shape[2])
