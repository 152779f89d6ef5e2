"""Known wrong answers of batch_norm_backward."""

import numpy as np

from tinysegnet.ops.batchnorm import EPS, batch_norm

READ = "tinysegnet/ops/batchnorm.py"
forward = batch_norm


def cases():
    rng = np.random.default_rng(0)
    for N, H, W, C in ((2, 4, 5, 3), (3, 7, 6, 2)):
        yield 2 * rng.standard_normal((N, H, W, C)) + 1, rng.uniform(0.5, 2, C), rng.standard_normal(C)


def parts(x):
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    std = np.sqrt(var + EPS)
    return (x - mean) / std, std


def mean(a):
    return a.mean(axis=(0, 1, 2))


def no_variance_path(dy, x, gamma, beta):
    """the path through the variance is left out of dx: the variance depends on every pixel of x too"""
    _, std = parts(x)
    return {"dx": gamma / std * (dy - mean(dy))}


def no_mean_path(dy, x, gamma, beta):
    """the path through the mean is left out of dx: the mean depends on every pixel of x too"""
    x_hat, std = parts(x)
    return {"dx": gamma / std * (dy - x_hat * mean(dy * x_hat))}


def statistics_as_constants(dy, x, gamma, beta):
    """mean and variance are treated as constants in dx: both depend on every pixel of x"""
    _, std = parts(x)
    return {"dx": gamma / std * dy}


def no_gamma(dy, x, gamma, beta):
    """dx lacks the factor gamma, by which the normalised x was scaled"""
    x_hat, std = parts(x)
    return {"dx": (dy - mean(dy) - x_hat * mean(dy * x_hat)) / std}


def divided_by_variance(dy, x, gamma, beta):
    """dx is divided by the variance, and must be divided by its square root"""
    x_hat, std = parts(x)
    return {"dx": gamma / std**2 * (dy - mean(dy) - x_hat * mean(dy * x_hat))}


def sums_not_means(dy, x, gamma, beta):
    """the two terms taken away from dy in dx are sums over the pixels, and must be means"""
    x_hat, std = parts(x)
    pixels = dy.size // dy.shape[-1]
    return {"dx": gamma / std * (dy - pixels * mean(dy) - x_hat * pixels * mean(dy * x_hat))}


def dgamma_without_x_hat(dy, x, gamma, beta):
    """dgamma is the sum of dy alone: gamma multiplied x_hat, so it is the sum of dy * x_hat"""
    return {"dgamma": dy.sum(axis=(0, 1, 2))}


def dgamma_with_x(dy, x, gamma, beta):
    """dgamma is the sum of dy * x, but gamma multiplied the normalised x_hat"""
    return {"dgamma": (dy * x).sum(axis=(0, 1, 2))}


def dgamma_mean(dy, x, gamma, beta):
    """dgamma is a mean over the pixels, and must be the sum"""
    return {"dgamma": mean(dy * parts(x)[0])}


def dbeta_mean(dy, x, gamma, beta):
    """dbeta is the mean of dy, but beta was added to every pixel, so it is the sum"""
    return {"dbeta": mean(dy)}


def not_divided(dy, x, gamma, beta):
    """dx is not divided by the standard deviation, by which x was"""
    x_hat, _ = parts(x)
    return {"dx": gamma * (dy - mean(dy) - x_hat * mean(dy * x_hat))}


def half_the_variance_path(dy, x, gamma, beta):
    """the path through the variance counts half in dx: the square of x - mean has the slope 2 * (x - mean)"""
    x_hat, std = parts(x)
    return {"dx": gamma / std * (dy - mean(dy) - x_hat * mean(dy * x_hat) / 2)}


def divided_by_images(dy, x, gamma, beta):
    """the means in dx divide by the number of images: divide by that of all pixels"""
    x_hat, std = parts(x)
    pixels = dy.size // dy.shape[-1] // len(dy)
    return {"dx": gamma / std * (dy - pixels * mean(dy) - x_hat * pixels * mean(dy * x_hat))}


def divided_by_one_image(dy, x, gamma, beta):
    """the means in dx divide by the pixels of one image: divide by those of all images"""
    x_hat, std = parts(x)
    return {"dx": gamma / std * (dy - len(dy) * (mean(dy) + x_hat * mean(dy * x_hat)))}


def variance_path_sign(dy, x, gamma, beta):
    """the path through the variance has the wrong sign in dx"""
    x_hat, std = parts(x)
    return {"dx": gamma / std * (dy - mean(dy) + x_hat * mean(dy * x_hat))}


MISTAKES = (
    not_divided, half_the_variance_path, divided_by_images, divided_by_one_image, variance_path_sign,
    no_variance_path, no_mean_path, statistics_as_constants, no_gamma, divided_by_variance, sums_not_means,
    dgamma_without_x_hat, dgamma_with_x, dgamma_mean, dbeta_mean,
)
