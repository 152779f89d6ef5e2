"""Convolution by im2col: the neighbourhood of each pixel becomes a row, and one matrix product does the rest.

What deep learning calls a convolution is a cross-correlation: the kernel is not flipped. Stride 1, zeros around the
image, so that y has the height and width of x (SegNet, section 3: 7 x 7 kernels "to provide a wide context").
"""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays
from tinysegnet.support.threads import on_gpu, parallel_map

# All columns at once would be K*K times the size of x: 2.2 GB for one 360 x 480 map of 64 channels at K = 7. So the
# image is worked through in bands of rows, few enough that the columns of one band fit into the processor's cache
# (measured: 2 to 8 MB is best). A GPU wants large products instead.
BAND_BYTES = 4 * 2**20
GPU_BAND_BYTES = 256 * 2**20
BANDS_AT_ONCE = 8       # go through the backward, whose results are added up, band after band


def conv2d(x, w, b):
    """y[n, r, q, f] = b[f] + sum over i, j, c of x[n, r + i - K//2, q + j - K//2, c] * w[i, j, c, f], x = 0 outside.

    Read it first as if there were one band, the whole image: pad, gather, multiply.

    x     (N, H, W, C)
    w     (K, K, C, F), K odd
    b     (F,)
    y     (N, H, W, F)
    cache (x, w)

    Raises ValueError if the shapes do not fit, K is even, or the dtypes differ or are not float32 or float64.
    """
    check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    if K % 2 == 0:
        raise ValueError(f"conv2d: the kernel size K should be odd, so that it has a centre, got {K}")
    padded = pad(x, K // 2)
    flat_w = w.reshape(K * K * C, F)
    y = array_module(x).empty((N, H, W, F), x.dtype)

    def job(band):
        n, rows, with_halo = band
        columns = im2col(padded[n, with_halo], K)                   # (rows, W, K*K*C)
        y[n, rows] = (columns.reshape(-1, K * K * C) @ flat_w + b).reshape(-1, W, F)

    parallel_map(job, bands_with_halo(x, K), on_gpu(x))
    return y, (x, w)


def conv2d_backward(dy, cache, need_dx=True):
    """The product y = columns @ w gives  dw = columns^T @ dy  and  dcolumns = dy @ w^T;  col2im turns dcolumns into dx.

    dy  (N, H, W, F)
    dx  (N, H, W, C), or None if not needed, as before the first layer
    dw  (K, K, C, F)
    db  (F,)

    Raises ValueError if dy has not the shape and dtype of y.
    """
    x, w = cache
    check_arrays("conv2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N H W F"))
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    xp = array_module(dy)
    padded = pad(x, K // 2)
    dpadded = xp.zeros_like(padded) if need_dx else None
    flat_w = w.reshape(K * K * C, F)
    flat_dw = xp.zeros_like(flat_w)

    def job(band):
        n, rows, with_halo = band
        dy_band = dy[n, rows].reshape(-1, F)                        # (rows * W, F)
        columns = im2col(padded[n, with_halo], K)                   # gathered again: keeping them costs K*K times x
        dw_band = columns.reshape(-1, K * K * C).T @ dy_band
        if not need_dx:
            return dw_band, None
        dcolumns = (dy_band @ flat_w.T).reshape(columns.shape)      # (rows, W, K*K*C)
        return dw_band, col2im(dcolumns, K)

    pieces = bands_with_halo(x, K)
    for first in range(0, len(pieces), BANDS_AT_ONCE):
        group = pieces[first : first + BANDS_AT_ONCE]
        for (n, _, with_halo), (dw_band, dx_band) in zip(group, parallel_map(job, group, on_gpu(x))):
            flat_dw += dw_band
            if need_dx:
                dpadded[n, with_halo] += dx_band                    # += because two bands see some rows both
    inside = slice(None), slice(K // 2, K // 2 + H), slice(K // 2, K // 2 + W)     # what fell on the padding is lost
    dx = dpadded[inside].copy() if need_dx else None
    db = dy.sum(axis=2).sum(axis=(0, 1))                            # row by row first: a long float32 sum loses digits
    return dx, flat_dw.reshape(w.shape), db


def im2col(x, K):
    """Each K x K neighbourhood that lies inside x, as one row.

    x        (H + K - 1, W + K - 1, C), already padded
    columns  (H, W, K*K*C):  columns[r, q, (i*K + j)*C + c] = x[r + i, q + j, c]
    """
    H, W, C = x.shape[0] - K + 1, x.shape[1] - K + 1, x.shape[2]
    columns = array_module(x).empty((H, W, K, K, C), x.dtype)
    for i in range(K):
        for j in range(K):
            columns[:, :, i, j] = x[i : i + H, j : j + W]
    return columns.reshape(H, W, K * K * C)


def col2im(columns, K):
    """The adjoint of im2col: where that copied a value into a column, this adds it back to where it came from.

    columns  (H, W, K*K*C)
    x        (H + K - 1, W + K - 1, C):  x[r + i, q + j, c] += columns[r, q, (i*K + j)*C + c]
    """
    H, W, KKC = columns.shape
    columns = columns.reshape(H, W, K, K, KKC // (K * K))
    x = array_module(columns).zeros((H + K - 1, W + K - 1, columns.shape[4]), columns.dtype)
    for i in range(K):
        for j in range(K):
            x[i : i + H, j : j + W] += columns[:, :, i, j]
    return x


def pad(x, margin):
    """x with `margin` rows and columns of zeros on each side."""
    return array_module(x).pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))


def bands_with_halo(x, K):
    """Cut the work into bands: the number of an image, a slice of its rows, and that of the padded rows they see."""
    N, H, W, C = x.shape
    row_bytes = W * K * K * C * x.dtype.itemsize
    height = max(1, (GPU_BAND_BYTES if on_gpu(x) else BAND_BYTES) // row_bytes)
    return [
        (n, slice(top, min(top + height, H)), slice(top, min(top + height, H) + K - 1))
        for n in range(N) for top in range(0, H, height)
    ]
