"""Batch norm for a GPU: the functions of batchnorm.py in as few passes over memory as they can be made of.

What batchnorm.py does in bands, so that each is still in the processor's cache when it is needed again, a GPU would do
with all of the map at once, and each + and * would fetch it and write it back. Here each function in `kernels` is one
pass: CuPy makes a kernel of it the first time that it is called (cupy.fuse), and a library without fuse takes it as it
is.
"""

from functools import lru_cache
from types import SimpleNamespace

from tinysegnet.ops.batchnorm import EPS
from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays


def batch_norm(x, gamma, beta):
    """y, (mean, var), cache of batchnorm.batch_norm."""
    check_arrays("batch_norm", x=(x, "N H W C"), gamma=(gamma, "C"), beta=(beta, "C"))
    xp, rows, (N, H, W, _) = array_module(x), in_rows(x), x.shape
    fused, pixels = kernels(xp), N * H * W
    mean = rows.sum(axis=1).sum(axis=0) / pixels
    var = fused.sum_of_squares(rows, mean).sum(axis=0) / pixels
    inv_std = 1 / xp.sqrt(var + EPS)
    x_hat, y = fused.normalise(x, mean, inv_std, gamma, beta)
    return y, (mean, var), (x_hat, gamma, inv_std)


def batch_norm_backward(dy, cache):
    """dx, dgamma, dbeta of batchnorm.batch_norm_backward."""
    x_hat, gamma, inv_std = cache
    check_arrays("batch_norm_backward", x_hat=(x_hat, "N H W C"), dy=(dy, "N H W C"))
    fused, rows, (N, H, W, _) = kernels(array_module(dy)), in_rows(dy), dy.shape
    pixels = N * H * W
    dgamma = fused.sum_of_products(rows, in_rows(x_hat)).sum(axis=0)
    dbeta = rows.sum(axis=1).sum(axis=0)
    dx = fused.denormalise(dy, x_hat, gamma * inv_std, dbeta / pixels, dgamma / pixels)
    return dx, dgamma, dbeta


def in_rows(x):
    """(N * H, W, C), to be summed row by row first: a long float32 sum loses digits, and rows can be summed at once."""
    N, H, W, C = x.shape
    return x.reshape(N * H, W, C)


@lru_cache
def kernels(xp):
    fuse = getattr(xp, "fuse", lambda: lambda function: function)

    @fuse()
    def sum_of_squares(rows, mean):
        return xp.sum((rows - mean) * (rows - mean), axis=1)

    @fuse()
    def sum_of_products(rows, others):
        return xp.sum(rows * others, axis=1)

    @fuse()
    def normalise(x, mean, inv_std, gamma, beta):
        x_hat = (x - mean) * inv_std
        return x_hat, gamma * x_hat + beta

    @fuse()
    def denormalise(dy, x_hat, scale, shift, stretch):
        return scale * (dy - shift - x_hat * stretch)

    return SimpleNamespace(
        sum_of_squares=sum_of_squares, sum_of_products=sum_of_products, normalise=normalise, denormalise=denormalise
    )
