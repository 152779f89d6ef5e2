"""Lesson 08: how batch_norm, its backward and batch_norm_inference are judged."""

from types import SimpleNamespace

import numpy as np
import pytest

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops
from tinysegnet.checker.forwardcheck import ForwardError
from tinysegnet.checker.mistakes import batchnorm, batchnorm_forward

rng = np.random.default_rng(8)
EPS = 1e-5
RESULTS = "y", "mean", "var", "x_hat", "gamma", "inv_std"


def batch(N, H, W, C, mean=1.0, std=2.0):
    return mean + std * rng.standard_normal((N, H, W, C)), rng.uniform(0.5, 2, C), rng.standard_normal(C)


PAGE = np.array([1.0, 7, 7, 9]).reshape(1, 2, 2, 1), np.array([6.0]), np.array([0.0])      # that of the page
SMOOTH = (
    PAGE,
    batch(1, 3, 4, 1),
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

    run.__name__ = function.__name__
    return run


def cached_deviation(x, gamma, beta):
    """inv_std in the cache is the standard deviation: it should be 1 divided by that"""
    return {"inv_std": np.sqrt(x.var((0, 1, 2)) + EPS)}


def cached_inverse_variance(x, gamma, beta):
    """inv_std in the cache is 1 divided by the variance: the root is missing"""
    return {"inv_std": 1 / (x.var((0, 1, 2)) + EPS)}


def cached_with_gamma(x, gamma, beta):
    """inv_std in the cache is multiplied by gamma: gamma has a place of its own there"""
    return {"inv_std": gamma / np.sqrt(x.var((0, 1, 2)) + EPS)}


def cached_centred(x, gamma, beta):
    """x_hat in the cache is x without its mean: it should be divided by the standard deviation too"""
    return {"x_hat": x - x.mean((0, 1, 2))}


def cached_x(x, gamma, beta):
    """x_hat in the cache is x itself, as it came in"""
    return {"x_hat": x}


def cached_y(x, gamma, beta):
    """x_hat in the cache is y: it should be without scale and shift"""
    return {"x_hat": gamma * batchnorm_forward.normalised(x) + beta}


def cached_scaled(x, gamma, beta):
    """x_hat in the cache is multiplied by gamma already: it should have a variance of 1"""
    return {"x_hat": gamma * batchnorm_forward.normalised(x)}


def unbiased(x, gamma, beta):
    """the variance is divided by one less than the number of pixels: divide by their number"""
    return {"x_hat": batchnorm_forward.normalised(x, ddof=1), "inv_std": 1 / root(x.var((0, 1, 2), ddof=1))}


def no_eps(x, gamma, beta):
    """the small number under the root is missing, or far smaller than 1e-5"""
    return {"x_hat": batchnorm_forward.normalised(x, eps=0), "inv_std": 1 / x.std((0, 1, 2))}


def cached_beta(x, gamma, beta):
    """the second of the cache is beta: it should be gamma, as the backward has no need of beta"""
    return {"gamma": beta}


FORWARD = SimpleNamespace(
    READ=batchnorm_forward.READ,
    cases=batchnorm_forward.cases,
    MISTAKES=(
        *batchnorm_forward.MISTAKES, cached_deviation, cached_inverse_variance, cached_with_gamma, cached_centred,
        cached_x, cached_y, cached_scaled, unbiased, no_eps, cached_beta,
    ),
)


def root(var):
    return np.sqrt(var + EPS)


def statistics_of_the_batch(x, gamma, beta, mean, var):
    """the statistics of this x are used: use those that are given"""
    return {"y": gamma * (x - x.mean((0, 1, 2))) / root(x.var((0, 1, 2))) + beta}


def statistics_of_the_image(x, gamma, beta, mean, var):
    """each image is normalised by its own statistics: use those that are given"""
    axes = {"axis": (1, 2), "keepdims": True}
    return {"y": gamma * (x - x.mean(**axes)) / root(x.var(**axes)) + beta}


def own_mean(x, gamma, beta, mean, var):
    """the mean is that of this x: use the one that is given"""
    return {"y": gamma * (x - x.mean((0, 1, 2))) / root(var) + beta}


def own_variance(x, gamma, beta, mean, var):
    """the variance is that of this x: use the one that is given"""
    return {"y": gamma * (x - mean) / root(x.var((0, 1, 2))) + beta}


def divided_by_variance(x, gamma, beta, mean, var):
    """x is divided by the variance, and must be divided by its square root"""
    return {"y": gamma * (x - mean) / (var + EPS) + beta}


def given_without_eps(x, gamma, beta, mean, var):
    """the small number under the root is missing: training had it, and so must this"""
    return {"y": gamma * (x - mean) / np.sqrt(var) + beta}


def eps_outside(x, gamma, beta, mean, var):
    """the small number is added to the root, and must be added under it"""
    return {"y": gamma * (x - mean) / (np.sqrt(var) + EPS) + beta}


def not_divided(x, gamma, beta, mean, var):
    """the mean is taken away, but the division by the standard deviation is missing"""
    return {"y": gamma * (x - mean) + beta}


def mean_left(x, gamma, beta, mean, var):
    """the mean is not taken away before the division"""
    return {"y": gamma * x / root(var) + beta}


def mean_added(x, gamma, beta, mean, var):
    """the mean is added to x: it must be taken away"""
    return {"y": gamma * (x + mean) / root(var) + beta}


def mean_after_scale(x, gamma, beta, mean, var):
    """the mean is taken away after the scaling: it is a mean of x, so it comes off before"""
    return {"y": gamma * x / root(var) - mean + beta}


def no_gamma(x, gamma, beta, mean, var):
    """the scale gamma is left out"""
    return {"y": (x - mean) / root(var) + beta}


def no_beta(x, gamma, beta, mean, var):
    """the shift beta is left out"""
    return {"y": gamma * (x - mean) / root(var)}


def neither(x, gamma, beta, mean, var):
    """scale and shift are left out: training has learned both"""
    return {"y": (x - mean) / root(var)}


def exchanged(x, gamma, beta, mean, var):
    """gamma and beta are exchanged: gamma multiplies, beta is added"""
    return {"y": beta * (x - mean) / root(var) + gamma}


def shifted_first(x, gamma, beta, mean, var):
    """beta is added before the multiplication by gamma, and must be added after it"""
    return {"y": gamma * ((x - mean) / root(var) + beta)}


def given(N, H, W, C, rng=rng):
    """All that batch_norm_inference is given; the statistics are those of other images."""
    x = 1 + 2 * rng.standard_normal((N, H, W, C))
    return x, rng.uniform(0.5, 2, C), rng.standard_normal(C), rng.standard_normal(C), rng.uniform(0.5, 4, C)


def generic():
    rng = np.random.default_rng(0)
    yield given(2, 4, 5, 3, rng)
    yield given(3, 7, 6, 2, rng)


INFERENCE = SimpleNamespace(
    READ="tinysegnet/ops/batchnorm.py",
    cases=generic,
    MISTAKES=(
        statistics_of_the_batch, statistics_of_the_image, own_mean, own_variance, divided_by_variance,
        given_without_eps, eps_outside, not_divided, mean_left, mean_added, mean_after_scale, no_gamma, no_beta,
        neither, exchanged, shifted_first,
    ),
)
INFERENCE_CASES = (
    (*PAGE, np.array([6.0]), np.array([9.0])),
    given(1, 3, 4, 1),
    given(2, 4, 5, 3),
    given(1, 1, 1, 2),                  # one pixel is as good as many: nothing is measured here
    (*given(2, 3, 1, 2)[:4], np.array([0.0, 1e-6])),    # a channel that never varied
    (*batch(1, 6, 5, 3, mean=1000.0, std=1.0), np.full(3, 1000.0), np.ones(3)),
)
LARGE = rng.standard_normal((2, 90, 120, 32), np.float32)
ONES, ZEROS = np.ones(32, np.float32), np.zeros(32, np.float32)

EXERCISES = (
    Exercise(
        "batch_norm",
        values(
            flat(ops.batch_norm), *SMOOTH, *AWKWARD, results=RESULTS, names=("x", "gamma", "beta"), mistakes=FORWARD,
            adapt=flat,
        ),
        answer=ops.batch_norm,
        hints=(
            "For each channel: how far is a pixel from the mean, counted in standard deviations? Then scale and shift.",
            "x.mean(axis=(0, 1, 2)) is (C,): one number for each channel, over images, rows and columns. It broadcasts "
            "against (N, H, W, C) on the last axis. x.var with the same axes is the variance.",
            "mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))",
        ),
        differs="takes mean and variance in one pass over bands of rows, and puts the bands together without losing "
                "digits",
        read="tinysegnet/ops/batchnorm.py",
        race=lambda: (LARGE, ONES, ZEROS),
    ),
    Exercise(
        "batch_norm_backward",
        gradients(ops.batch_norm, ops.batch_norm_backward, *SMOOTH, names=("x", "gamma", "beta"), mistakes=batchnorm),
        answer=ops.batch_norm_backward,
        hints=(
            "dbeta and dgamma first: gamma and beta were used at every pixel of their channel, and all of them answer. "
            "In dx there are three terms, one for each path.",
            "dgamma and dbeta are (C,): sums over axes 0, 1, 2. The two means in dx are those sums divided by the "
            "number of pixels, dy.size // dy.shape[-1], and broadcast.",
            "dbeta = dy.sum(axis=(0, 1, 2)); dx begins with gamma * inv_std * (dy - ...)",
        ),
        differs="does the same in bands of rows, and divides its two sums by M to have the means",
        read="tinysegnet/ops/batchnorm.py",
        race=lambda: (LARGE, (LARGE, ONES, ONES)),
    ),
    Exercise(
        "batch_norm_inference",
        values(
            ops.batch_norm_inference, *INFERENCE_CASES, names=("x", "gamma", "beta", "mean", "var"), mistakes=INFERENCE,
        ),
        answer=ops.batch_norm_inference,
        hints=(
            "The equation is that of batch_norm. What is not computed here, because it is given?",
            "mean and var are (C,) and broadcast on the last axis. Nothing is summed.",
            "scale = gamma / np.sqrt(var + EPS)",
        ),
        differs="is the same, and the network goes without it: it folds the scale and the shift into the convolution",
        read="tinysegnet/ops/batchnorm.py",
        race=lambda: (LARGE, ONES, ZEROS, ZEROS, ONES),
    ),
)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_exercise(exercise, judge):
    judge(exercise)
