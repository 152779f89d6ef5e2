"""Lesson 08: batch norm. Write your answers here, and ask:  python -m pytest lessons/08_batch_norm"""

import numpy as np

EPS = 1e-5      # the small number under the root


def batch_norm(x, gamma, beta):
    """y = gamma * x_hat + beta,  x_hat = (x - mean) / sqrt(var + EPS).

    mean and var are those of each channel, over all pixels of all images; var is divided by their number.

    x            (N, H, W, C)
    gamma, beta  (C,)
    y            (N, H, W, C)
    mean, var    (C,), the statistics of this batch
    cache        (x_hat, gamma, inv_std), with x_hat (N, H, W, C), and inv_std (C,), which is 1 / sqrt(var + EPS)

    Returns three things: y, the pair (mean, var), and the cache. Each array is judged by itself.
    """
    y = None
    mean, var = None, None
    cache = None
    return y, (mean, var), cache


def batch_norm_backward(dy, cache):
    """The gradients of the loss with respect to x, gamma and beta.

    dy             (N, H, W, C), the gradient with respect to y
    cache          (x_hat, gamma, inv_std), as above
    dx             (N, H, W, C)
    dgamma, dbeta  (C,)

    Each is judged by itself: leave None what you have not got to.
    """
    x_hat, gamma, inv_std = cache
    dx = None
    dgamma = None
    dbeta = None
    return dx, dgamma, dbeta


def batch_norm_inference(x, gamma, beta, mean, var):
    """The same with statistics that are given, so that an image's result does not depend on what comes with it.

    x                       (N, H, W, C)
    gamma, beta, mean, var  (C,)
    y                       (N, H, W, C)
    """
    y = None
    return y
