"""Convolution with a kernel of 1 x 1, as in the classifier: each pixel is multiplied by one matrix, by itself."""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays
from tinysegnet.support.threads import on_gpu, parallel_map, row_bands


def conv2d(x, w, b):
    """y, cache of conv.conv2d, for K = 1."""
    check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    if len(w) != 1:
        raise ValueError(f"conv2d: the kernel size K should be 1 for conv_1x1, got {len(w)}")
    _, _, C, F = w.shape
    y = array_module(x).empty((*x.shape[:3], F), x.dtype)

    def job(band):
        y[band] = (x[band].reshape(-1, C) @ w[0, 0] + b).reshape(y[band].shape)

    parallel_map(job, row_bands(x), on_gpu(x))
    return y, (x, w)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward, for K = 1."""
    x, w = cache
    check_arrays("conv2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N H W F"))
    _, _, C, F = w.shape
    xp = array_module(x)
    dx = xp.empty_like(x) if need_dx else None

    def job(band):
        flat_dy = dy[band].reshape(-1, F)                       # (pixels, F)
        if need_dx:
            dx[band] = (flat_dy @ w[0, 0].T).reshape(dx[band].shape)
        dw = x[band].reshape(-1, C).T @ flat_dy
        return dw, dy[band].sum(axis=2).sum(axis=(0, 1))        # row by row first: a long float32 sum loses digits

    dw, db = (sum(parts) for parts in zip(*parallel_map(job, row_bands(x), on_gpu(x))))
    return dx, dw.reshape(w.shape), db
