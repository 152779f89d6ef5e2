"""Batch normalisation (Ioffe and Szegedy, 2015): each channel gets mean 0 and variance 1, then a scale and a shift.

SegNet puts one after every convolution but the last. The variance is the biased one (divided by the number of pixels,
not by one less) everywhere, in training and in the statistics kept for inference.
"""

from tinysegnet.backend import array_module
from tinysegnet.shapes import check_arrays

EPS = 1e-5      # keeps a channel that is constant from dividing by zero


def batch_norm(x, gamma, beta):
    """y = gamma * x_hat + beta,  x_hat = (x - mean) / sqrt(var + EPS),  over all pixels of all images of the batch.

    x            (N, H, W, C)
    gamma, beta  (C,)
    y            (N, H, W, C)
    mean, var    (C,), the statistics of this batch

    Returns y, (mean, var), cache. Raises ValueError if the shapes do not fit or the dtypes differ.
    """
    check_arrays("batch_norm", x=(x, "N H W C"), gamma=(gamma, "C"), beta=(beta, "C"))
    mean = channel_mean(x)
    centred = x - mean
    var = channel_mean(centred * centred)
    inv_std = 1 / array_module(x).sqrt(var + EPS)
    x_hat = centred * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)


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
    N, H, W, _ = x_hat.shape
    M = N * H * W
    dbeta = channel_mean(dy) * M                            # the sums, taken as M means: see channel_mean
    dgamma = channel_mean(dy * x_hat) * M
    dx = gamma * inv_std * (dy - dbeta / M - x_hat * (dgamma / M))
    return dx, dgamma, dbeta


def batch_norm_inference(x, gamma, beta, mean, var):
    """The same with given statistics, so that an image's result does not depend on which images come with it.

    x                        (N, H, W, C)
    gamma, beta, mean, var   (C,)
    y                        (N, H, W, C)
    """
    check_arrays(
        "batch_norm_inference",
        x=(x, "N H W C"), gamma=(gamma, "C"), beta=(beta, "C"), mean=(mean, "C"), var=(var, "C"),
    )
    scale = gamma / array_module(x).sqrt(var + EPS)         # (C,)
    return x * scale + (beta - mean * scale)


def channel_mean(x):
    """The mean of each channel. Row by row first: one long float32 sum over all pixels would lose two digits."""
    return x.mean(axis=2).mean(axis=(0, 1))
