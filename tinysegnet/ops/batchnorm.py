"""Batch normalisation (Ioffe and Szegedy, 2015): each channel gets mean 0 and variance 1, then a scale and a shift.

SegNet puts one after every convolution but the last. The variance is the biased one (divided by the number of pixels,
not by one less) everywhere, in training and in the statistics kept for inference.
"""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays
from tinysegnet.support.threads import on_gpu, parallel_map, row_bands

EPS = 1e-5      # keeps a channel that is constant from dividing by zero


def batch_norm(x, gamma, beta):
    """y = gamma * x_hat + beta,  x_hat = (x - mean) / sqrt(var + EPS),  over all pixels of all images of the batch.

    x            (N, H, W, C)
    gamma, beta  (C,)
    y            (N, H, W, C)
    mean, var    (C,), the statistics of this batch
    cache        (x_hat, gamma, inv_std), with inv_std = 1 / sqrt(var + EPS)

    Returns y, (mean, var), cache. Raises ValueError if the shapes do not fit or the dtypes differ.
    """
    check_arrays("batch_norm", x=(x, "N H W C"), gamma=(gamma, "C"), beta=(beta, "C"))
    xp = array_module(x)
    mean, var = statistics(x)
    inv_std = 1 / xp.sqrt(var + EPS)
    x_hat, y = xp.empty_like(x), xp.empty_like(x)
    m, s, scale, shift = (for_a_row(a, x) for a in (mean, inv_std, gamma, beta))

    def job(band):
        x_hat[band] = (x[band] - m) * s
        y[band] = scale * x_hat[band] + shift

    parallel_map(job, row_bands(x), on_gpu(x))
    return y, (mean, var), (x_hat, gamma, inv_std)


def statistics(x):
    """Mean and biased variance of each channel, (C,), in one pass, by the rule of Chan, Golub and LeVeque (1983).

    The squares of the whole are those within bands, and those of the bands' means. Counts are whole numbers, not shares
    of all pixels: so a constant channel mostly has that constant as its mean, to the bit.
    """
    def of_band(band):
        pixels = x[band][..., 0].size
        mean = channel_sum(x[band]) / pixels
        centred = x[band] - for_a_row(mean, x)
        return pixels, mean, channel_sum(centred * centred)

    parts = parallel_map(of_band, row_bands(x), on_gpu(x))
    M = sum(pixels for pixels, _, _ in parts)
    mean = sum(pixels * m for pixels, m, _ in parts) / M
    return mean, sum(squares + pixels * (m - mean) ** 2 for pixels, m, squares in parts) / M


def batch_norm_backward(dy, cache):
    """dx = gamma / std * (dy - mean(dy) - x_hat * mean(dy * x_hat)).

    With M pixels to a channel, x reaches y by three paths, one for each term:

        directly              dx_hat/dx = 1 / std
        through the mean      dmean/dx  = 1 / M,              and each x_hat falls by 1 / std as the mean rises by 1
        through the variance  dvar/dx   = 2 (x - mean) / M,   and each x_hat falls by x_hat / (2 var) as it rises by 1

    Put differently: the part of dy that only shifts a channel or only stretches it reaches nothing, because the
    normalisation undoes shifts and stretches of x.

    dy             (N, H, W, C)
    dx             (N, H, W, C)
    dgamma, dbeta  (C,)
    """
    x_hat, gamma, inv_std = cache
    check_arrays("batch_norm_backward", x_hat=(x_hat, "N H W C"), dy=(dy, "N H W C"))
    N, H, W, _ = dy.shape
    M = N * H * W

    def sums(band):
        return channel_sum(dy[band] * x_hat[band]), channel_sum(dy[band])

    dgamma, dbeta = (sum(parts) for parts in zip(*parallel_map(sums, row_bands(dy), on_gpu(dy))))
    dx = array_module(dy).empty_like(dy)
    scale, shift, stretch = (for_a_row(a, dy) for a in (gamma * inv_std, dbeta / M, dgamma / M))

    def job(band):
        dx[band] = scale * (dy[band] - shift - x_hat[band] * stretch)

    parallel_map(job, row_bands(dy), on_gpu(dy))
    return dx, dgamma, dbeta


def batch_norm_inference(x, gamma, beta, mean, var):
    """The same with given statistics, so that an image's result does not depend on which images come with it.

    The network goes without it: see fold_batch_norm.

    x                        (N, H, W, C)
    gamma, beta, mean, var   (C,)
    y                        (N, H, W, C)
    """
    check_arrays(
        "batch_norm_inference",
        x=(x, "N H W C"), gamma=(gamma, "C"), beta=(beta, "C"), mean=(mean, "C"), var=(var, "C"),
    )
    scale = gamma / array_module(x).sqrt(var + EPS)         # (C,)
    return (x - mean) * scale + beta


def fold_batch_norm(w, b, gamma, beta, mean, var):
    """The kernel and bias that do a convolution, w and b, and the batch_norm_inference after it in one.

    Both are linear in the output of the convolution:  scale * (w * x + b - mean) + beta = (scale w) * x + b'.

    w                          (K, K, C, F)
    b, gamma, beta, mean, var  (F,)

    Returns w, b like those given.
    """
    check_arrays(
        "fold_batch_norm",
        w=(w, "K K C F"), b=(b, "F"), gamma=(gamma, "F"), beta=(beta, "F"), mean=(mean, "F"), var=(var, "F"),
    )
    scale = gamma / array_module(w).sqrt(var + EPS)         # (F,)
    return w * scale, (b - mean) * scale + beta


def channel_sum(x):
    """The sum of each channel, (C,). Along a row as a product with ones, which is the fastest way; then over the rows,
    because one long float32 sum over all pixels would lose two digits."""
    return (array_module(x).ones(x.shape[2], x.dtype) @ x).sum(axis=(0, 1))


def for_a_row(a, x):
    """a (C,) once for each pixel of a row of x, (W, C): NumPy's loops are then W times as long, and twice as fast."""
    return array_module(x).tile(a, (x.shape[2], 1))
