"""Known wrong answers of batch_norm."""

import numpy as np

from tinysegnet.checker.mistakes.batchnorm import cases
from tinysegnet.ops.batchnorm import EPS, batch_norm

__all__ = ["cases"]
READ = "tinysegnet/ops/batchnorm.py"
RESULTS = ("y", "mean", "var")


def forward(x, gamma, beta):
    y, (mean, var), _ = batch_norm(x, gamma, beta)
    return y, mean, var


def normalised(x, axes=(0, 1, 2), eps=EPS, ddof=0):
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True, ddof=ddof)
    return (x - mean) / np.sqrt(var + eps)


def of_each_image(x, gamma, beta):
    """mean and variance are those of each image: they go over all images of the batch"""
    axes = 1, 2
    return {"y": gamma * normalised(x, axes) + beta, "mean": x.mean(axes), "var": x.var(axes)}


def of_each_place(x, gamma, beta):
    """mean and variance are those over the images, for each pixel: they go over all pixels too"""
    return {"y": gamma * normalised(x, 0) + beta, "mean": x.mean(0), "var": x.var(0)}


def of_each_pixel(x, gamma, beta):
    """mean and variance are those over the channels of a pixel: each channel has its own, over all pixels"""
    return {"y": gamma * normalised(x, 3) + beta, "mean": x.mean(3), "var": x.var(3)}


def of_everything(x, gamma, beta):
    """there is one mean and one variance for everything: each channel has its own"""
    return {"y": gamma * normalised(x, None) + beta, "mean": x.mean(), "var": x.var()}


def channels_second(x, gamma, beta):
    """the statistics are taken as if the channels were the second axis: they are the last"""
    axes = 0, 2, 3
    return {"y": gamma * normalised(x, axes) + beta, "mean": x.mean(axes), "var": x.var(axes)}


def unbiased(x, gamma, beta):
    """the variance is divided by one less than the number of pixels: divide by their number"""
    return {"y": gamma * normalised(x, ddof=1) + beta, "var": x.var((0, 1, 2), ddof=1)}


def no_eps(x, gamma, beta):
    """the small number under the root is missing, or far smaller than 1e-5"""
    return {"y": gamma * normalised(x, eps=0) + beta}


def eps_outside(x, gamma, beta):
    """the small number is added to the root, and must be added under it"""
    return {"y": gamma * (x - x.mean((0, 1, 2))) / (x.std((0, 1, 2)) + EPS) + beta}


def another_eps(x, gamma, beta):
    """the small number under the root is 1e-3: it is 1e-5 here"""
    return {"y": gamma * normalised(x, eps=1e-3) + beta}


def divided_by_variance(x, gamma, beta):
    """x is divided by the variance, and must be divided by its square root"""
    return {"y": gamma * (x - x.mean((0, 1, 2))) / (x.var((0, 1, 2)) + EPS) + beta}


def not_divided(x, gamma, beta):
    """the mean is taken away, but the division by the standard deviation is missing"""
    return {"y": gamma * (x - x.mean((0, 1, 2))) + beta}


def mean_left(x, gamma, beta):
    """the mean is not taken away before the division"""
    return {"y": gamma * x / np.sqrt(x.var((0, 1, 2)) + EPS) + beta}


def no_gamma(x, gamma, beta):
    """the scale gamma is left out"""
    return {"y": normalised(x) + beta}


def no_beta(x, gamma, beta):
    """the shift beta is left out"""
    return {"y": gamma * normalised(x)}


def neither(x, gamma, beta):
    """scale and shift are left out: y = gamma * x_hat + beta"""
    return {"y": normalised(x)}


def exchanged(x, gamma, beta):
    """gamma and beta are exchanged: gamma multiplies, beta is added"""
    return {"y": beta * normalised(x) + gamma}


def shifted_first(x, gamma, beta):
    """beta is added before the multiplication by gamma, and must be added after it"""
    return {"y": gamma * (normalised(x) + beta)}


def standard_deviation(x, gamma, beta):
    """var is the standard deviation, and must be its square"""
    return {"var": x.std((0, 1, 2))}


def returned_with_eps(x, gamma, beta):
    """var is the root with the small number under it, and must be the variance alone"""
    return {"var": np.sqrt(x.var((0, 1, 2)) + EPS)}


def variance_with_eps(x, gamma, beta):
    """var has the small number in it: that belongs under the root alone"""
    return {"var": x.var((0, 1, 2)) + EPS}


def mean_of_squares(x, gamma, beta):
    """var is the mean of the squares: the square of the mean must be taken away"""
    return {"y": gamma * (x - x.mean((0, 1, 2))) / np.sqrt((x**2).mean((0, 1, 2)) + EPS) + beta,
            "var": (x**2).mean((0, 1, 2))}


MISTAKES = (
    of_each_image, of_each_place, of_each_pixel, of_everything, channels_second, unbiased, no_eps, eps_outside,
    another_eps, divided_by_variance, not_divided, mean_left, no_gamma, no_beta, neither, exchanged,
    shifted_first, standard_deviation, returned_with_eps, variance_with_eps, mean_of_squares,
)
