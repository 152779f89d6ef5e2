"""Lesson 08: how batch_norm, its backward and batch_norm_inference are judged."""

from functools import wraps

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops
from tinysegnet.checker.forwardcheck import ForwardError
from tinysegnet.checker.mistakes import batchnorm
from tinysegnet.checker.mistakes.table import Table

rng = np.random.default_rng(8)
EPS = 1e-5
RESULTS = "y", "mean", "var", "x_hat", "gamma", "inv_std"


def batch(N, H, W, C, mean=1.0, std=2.0):
    return mean + std * rng.standard_normal((N, H, W, C)), rng.uniform(0.5, 2, C), rng.standard_normal(C)


PAGE = np.array([1.0, 7, 7, 9]).reshape(1, 2, 2, 1), np.array([6.0]), np.array([0.0])      # that of the page
SMOOTH = (
    PAGE, batch(1, 3, 4, 1),
    batch(2, 4, 5, 3),                  # several images: one mean for all of them
    batch(3, 1, 7, 2),
    batch(4, 1, 1, 3),                  # one pixel of each image
    batch(1, 1, 1, 2),                  # one pixel at all: its variance is 0
    batch(2, 3, 3, 2, mean=5.0, std=0.1),
)
AWKWARD = (
    (np.full((2, 3, 3, 2), 4.0), np.array([2.0, -3.0]), np.array([0.5, 0.0])),     # nothing but one number
    batch(1, 6, 5, 3, mean=1000.0, std=1.0),            # in float32 digits are short
    batch(2, 3, 4, 2, std=1e-3),                        # eps counts
)


def flat(function):
    """A function that returns y, (mean, var), (x_hat, gamma, inv_std), as one that returns these six."""

    @wraps(function)
    def run(*args):
        result = function(*args)
        if result is None:
            return None
        form = f"{function.__name__} should return y, (mean, var), (x_hat, gamma, inv_std)"
        if not isinstance(result, tuple | list) or len(result) != 3:
            raise ForwardError(f"{form}:\n  three things, the second a pair, the third the cache", RESULTS)
        y, statistics, cache = result
        parts = [y]
        for what, found, length in (("second", statistics, 2), ("third", cache, 3)):
            if found is None:
                found = (None,) * length
            if not isinstance(found, tuple | list) or len(found) != length:
                raise ForwardError(f"{form}:\n  the {what} should be a tuple of {length} arrays", RESULTS)
            parts += found
        return tuple(parts)

    return run


def root(var):
    return np.sqrt(var + EPS)


FORWARD = Table(batchnorm.READ, batchnorm.cases, mistakes=batchnorm.forward.mistakes, axes=("channel",))


@FORWARD.formula
def right_results(x, gamma, beta):
    mean = x.mean(axis=(0, 1, 2))
    var = np.square(x - mean).mean(axis=(0, 1, 2))
    x_hat = (x - mean) / np.sqrt(var + EPS)
    inv_std = 1 / np.sqrt(var + EPS)
    y = gamma * (x - mean) / np.sqrt(var + EPS) + beta
    return y, mean, var, x_hat, inv_std


FORWARD.mistake("inv_std in the cache is the standard deviation: it should be 1 divided by that", "inv_std",
                cached_deviation=lambda x, gamma, beta: root(x.var((0, 1, 2))))
FORWARD.mistake("inv_std in the cache is 1 divided by the variance: the root is missing", "inv_std",
                cached_inverse_variance=lambda x, gamma, beta: 1 / (x.var((0, 1, 2)) + EPS))
FORWARD.mistake("inv_std in the cache is multiplied by gamma: gamma has a place of its own there", "inv_std",
                cached_with_gamma=lambda x, gamma, beta: gamma / root(x.var((0, 1, 2))))
FORWARD.mistake("x_hat in the cache is x without its mean: it should be divided by the standard deviation too", "x_hat",
                cached_centred=lambda x, gamma, beta: x - x.mean((0, 1, 2)))
FORWARD.mistake("x_hat in the cache is x itself, as it came in", "x_hat", cached_x=lambda x, gamma, beta: x)
FORWARD.mistake("x_hat in the cache is y: it should be without scale and shift", "x_hat",
                cached_y=lambda x, gamma, beta: gamma * batchnorm.normalised(x) + beta)
FORWARD.mistake("x_hat in the cache is multiplied by gamma already: it should have a variance of 1", "x_hat",
                cached_scaled=lambda x, gamma, beta: gamma * batchnorm.normalised(x))
FORWARD.mistake("the variance is divided by one less than the number of pixels: divide by their number",
                "x_hat", "inv_std", unbiased=lambda x, gamma, beta: (
                    batchnorm.normalised(x, ddof=1), 1 / root(x.var((0, 1, 2), ddof=1))))
FORWARD.mistake("the small number under the root is missing, or far smaller than 1e-5", "x_hat", "inv_std",
                no_eps=lambda x, gamma, beta: (batchnorm.normalised(x, eps=0), 1 / x.std((0, 1, 2))))
FORWARD.mistake("the second of the cache is beta: it should be gamma, as the backward has no need of beta", "gamma",
                cached_beta=lambda x, gamma, beta: beta)
FORWARD.mistake("inv_std in the cache is the variance: it should be 1 divided by its root", "inv_std",
                cached_variance=lambda x, gamma, beta: x.var((0, 1, 2)))
FORWARD.mistake("x_hat in the cache lacks the mean that is taken away: it should be (x - mean) * inv_std", "x_hat",
                cached_uncentred=lambda x, gamma, beta: x / root(x.var((0, 1, 2))))
FORWARD.mistake("x_hat in the cache is divided by the variance: divide by its root", "x_hat",
                cached_by_variance=lambda x, gamma, beta: (
                    (x - x.mean((0, 1, 2))) / (x.var((0, 1, 2)) + EPS)))
for axes, whose in ((1, 2), "each image"), (3, "each pixel"), (None, "everything"), (0, "the images, for each pixel"):
    FORWARD.mistake(f"mean and variance are those of {whose}: each channel has one, over all pixels of all images",
                    "x_hat", of_other_axes=lambda x, gamma, beta, axes=axes: batchnorm.normalised(x, axes))


def given(N, H, W, C, rng=rng):
    """All that batch_norm_inference is given; the statistics are those of other images."""
    x = 1 + 2 * rng.standard_normal((N, H, W, C))
    return x, rng.uniform(0.5, 2, C), rng.standard_normal(C), rng.standard_normal(C), rng.uniform(0.5, 4, C)


def generic():
    rng = np.random.default_rng(0)
    yield given(2, 4, 5, 3, rng)
    yield given(3, 7, 6, 2, rng)


INFERENCE = Table("tinysegnet/ops/batchnorm.py", generic, results=("y",))


@INFERENCE.formula
def right_y(x, gamma, beta, mean, var):
    y = gamma * (x - mean) / np.sqrt(var + EPS) + beta
    return y


INFERENCE.mistake("the statistics of this x are used: use those that are given",
                  statistics_of_the_batch=lambda x, gamma, beta, mean, var: (
                      gamma * (x - x.mean((0, 1, 2))) / root(x.var((0, 1, 2))) + beta))
INFERENCE.mistake("each image is normalised by its own statistics: use those that are given",
                  statistics_of_the_image=lambda x, gamma, beta, mean, var: (
                      gamma * (x - x.mean((1, 2), keepdims=True)) / root(x.var((1, 2), keepdims=True)) + beta))
INFERENCE.mistake("the mean is that of this x: use the one that is given",
                  own_mean=lambda x, gamma, beta, mean, var: gamma * (x - x.mean((0, 1, 2))) / root(var) + beta)
INFERENCE.mistake("the variance is that of this x: use the one that is given",
                  own_variance=lambda x, gamma, beta, mean, var: gamma * (x - mean) / root(x.var((0, 1, 2))) + beta)
INFERENCE.mistake("x is divided by the variance, and must be divided by its square root",
                  divided_by_variance=lambda x, gamma, beta, mean, var: gamma * (x - mean) / (var + EPS) + beta)
INFERENCE.mistake("the small number under the root is missing: training had it, and so must this",
                  given_without_eps=lambda x, gamma, beta, mean, var: gamma * (x - mean) / np.sqrt(var) + beta)
INFERENCE.mistake("the small number is added to the root, and must be added under it",
                  eps_outside=lambda x, gamma, beta, mean, var: gamma * (x - mean) / (np.sqrt(var) + EPS) + beta)
INFERENCE.mistake("the mean is taken away, but the division by the standard deviation is missing",
                  not_divided=lambda x, gamma, beta, mean, var: gamma * (x - mean) + beta)
INFERENCE.mistake("the mean is not taken away before the division",
                  mean_left=lambda x, gamma, beta, mean, var: gamma * x / root(var) + beta)
INFERENCE.mistake("the mean is added to x: it must be taken away",
                  mean_added=lambda x, gamma, beta, mean, var: gamma * (x + mean) / root(var) + beta)
INFERENCE.mistake("the mean is taken away after the scaling: it is a mean of x, so it comes off before",
                  mean_after_scale=lambda x, gamma, beta, mean, var: gamma * x / root(var) - mean + beta)
INFERENCE.mistake("the scale gamma is left out",
                  no_gamma=lambda x, gamma, beta, mean, var: (x - mean) / root(var) + beta)
INFERENCE.mistake("the shift beta is left out",
                  no_beta=lambda x, gamma, beta, mean, var: gamma * (x - mean) / root(var))
INFERENCE.mistake("scale and shift are left out: training has learned both",
                  neither=lambda x, gamma, beta, mean, var: (x - mean) / root(var))
INFERENCE.mistake("gamma and beta are exchanged: gamma multiplies, beta is added",
                  exchanged=lambda x, gamma, beta, mean, var: beta * (x - mean) / root(var) + gamma)
INFERENCE.mistake("beta is added before the multiplication by gamma, and must be added after it",
                  shifted_first=lambda x, gamma, beta, mean, var: gamma * ((x - mean) / root(var) + beta))
INFERENCE.mistake("beta is divided by the standard deviation too: it is added last",
                  beta_divided=lambda x, gamma, beta, mean, var: (gamma * (x - mean) + beta) / root(var))
INFERENCE.mistake("mean and variance are exchanged: the variance stands under the root",
                  mean_and_variance_exchanged=lambda x, gamma, beta, mean, var: (
                      gamma * (x - var) / root(np.abs(mean)) + beta))
INFERENCE.mistake("the small number under the root is 1e-3: training had 1e-5, and so must this",
                  another_eps=lambda x, gamma, beta, mean, var: gamma * (x - mean) / np.sqrt(var + 1e-3) + beta)
INFERENCE.mistake("the mean is subtracted, and beta too: beta is added",
                  beta_subtracted=lambda x, gamma, beta, mean, var: gamma * (x - mean) / root(var) - beta)
INFERENCE.mistake("the given variance is taken for a standard deviation: take its root",
                  variance_squared=lambda x, gamma, beta, mean, var: gamma * (x - mean) / np.sqrt(var**2 + EPS) + beta)
INFERENCE.mistake("this y is normalised once more, by its own statistics: use those that are given, once",
                  twice=lambda x, gamma, beta, mean, var: (
                      gamma * batchnorm.normalised((x - mean) / root(var)) + beta))
INFERENCE_CASES = (
    (*PAGE, np.array([6.0]), np.array([9.0])),
    given(1, 3, 4, 1), given(2, 4, 5, 3),
    given(1, 1, 1, 2),                  # one pixel is as good as many: nothing is measured here
    (*given(2, 3, 1, 2)[:4], np.array([0.0, 1e-6])),    # a channel that never varied
    (*batch(1, 6, 5, 3, mean=1000.0, std=1.0), np.full(3, 1000.0), np.ones(3)),
)
LARGE = rng.standard_normal((2, 90, 120, 32), np.float32)
ONES, ZEROS = np.ones(32, np.float32), np.zeros(32, np.float32)

EXERCISES = (
    Exercise(
        "batch_norm", values(
            flat(ops.batch_norm), *SMOOTH, *AWKWARD, results=RESULTS, names=("x", "gamma", "beta"), mistakes=FORWARD,
            adapt=flat,
        ),
        answer=ops.batch_norm, read="tinysegnet/ops/batchnorm.py", race=lambda: (LARGE, ONES, ZEROS),
        differs="takes mean and variance in one pass over bands of rows, and puts the bands together without losing "
                "digits",
        hints=("For each channel: how far is a pixel from the mean, counted in standard deviations? Then scale and "
               "shift.",
               "x.mean(axis=(0, 1, 2)) is (C,): one number for each channel, over images, rows and columns. It "
               "broadcasts against (N, H, W, C) on the last axis. x.var with the same axes is the variance.",
               "mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))"),
    ),
    Exercise(
        "batch_norm_backward",
        gradients(ops.batch_norm, ops.batch_norm_backward, *SMOOTH, names=("x", "gamma", "beta")),
        answer=ops.batch_norm_backward, read="tinysegnet/ops/batchnorm.py", race=lambda: (LARGE, (LARGE, ONES, ONES)),
        differs="does the same in bands of rows, and divides its two sums by M to have the means",
        hints=("dbeta and dgamma first: gamma and beta were used at every pixel of their channel, and all of them "
               "answer. In dx there are three terms, one for each path.",
               "dgamma and dbeta are (C,): sums over axes 0, 1, 2. The two means in dx are those sums divided by the "
               "number of pixels, dy.size // dy.shape[-1], and broadcast.",
               "dbeta = dy.sum(axis=...); dx begins with gamma * inv_std * (dy - ...)"),
    ),
    Exercise(
        "batch_norm_inference", values(
            ops.batch_norm_inference, *INFERENCE_CASES, names=("x", "gamma", "beta", "mean", "var"), mistakes=INFERENCE,
        ),
        answer=ops.batch_norm_inference, read="tinysegnet/ops/batchnorm.py",
        race=lambda: (LARGE, ONES, ZEROS, ZEROS, ONES),
        differs="is the same, and the network goes without it: it folds the scale and the shift into the convolution",
        hints=("The equation is that of batch_norm. What is not computed here, because it is given?",
               "mean and var are (C,) and broadcast on the last axis. Nothing is summed.",
               "scale = gamma / np.sqrt(var + EPS)"),
    ),
)
