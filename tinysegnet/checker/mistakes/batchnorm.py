"""Known wrong answers of batch_norm and batch_norm_backward."""

from types import SimpleNamespace

import numpy as np

from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.batchnorm import EPS, batch_norm

READ = "tinysegnet/ops/batchnorm.py"


def cases():
    rng = np.random.default_rng(0)
    for N, H, W, C in ((2, 4, 5, 3), (3, 7, 6, 2)):
        yield 2 * rng.standard_normal((N, H, W, C)) + 1, rng.uniform(0.5, 2, C), rng.standard_normal(C)


def mean(a):
    return a.mean(axis=(0, 1, 2))


def parts(x):
    mean, var = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    std = np.sqrt(var + EPS)
    return (x - mean) / std, std


def of(wrong):
    """wrong(at) as a function of dy and the arguments; dx is gamma / std * (dy - shift - x_hat * stretch)."""

    def run(dy, x, gamma, beta):
        x_hat, std = parts(x)
        return wrong(SimpleNamespace(
            dy=dy, gamma=gamma, x_hat=x_hat, std=std, shift=mean(dy), stretch=mean(dy * x_hat), images=len(dy),
            pixels=dy.size // dy.shape[-1],
        ))

    return run


backward = Table(READ, cases, ["dx", "dgamma", "dbeta"], batch_norm, axes=("channel",))


@backward.formula
def right_gradients(dy, x, gamma, beta):
    (x_hat, std), (dx_hat,) = parts(x), (gamma * dy,)
    mean_dx_hat = dx_hat.mean(axis=(0, 1, 2), keepdims=True)
    mean_dx_hat_x_hat = (dx_hat * x_hat).mean(axis=(0, 1, 2), keepdims=True)
    dx = (dx_hat - mean_dx_hat - x_hat * mean_dx_hat_x_hat) / std
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    return dx, dgamma, dbeta


backward.mistake("dx is not divided by the standard deviation, by which x was", "dx",
                 not_divided=of(lambda at: at.gamma * (at.dy - at.shift - at.x_hat * at.stretch)))
backward.mistake("the path through the variance counts half in dx: the square of x - mean has the slope 2 * (x - "
                 "mean)", "dx", half_the_variance_path=of(
                     lambda at: at.gamma / at.std * (at.dy - at.shift - at.x_hat * at.stretch / 2)))
backward.mistake("the means in dx divide by the number of images: divide by that of all pixels", "dx",
                 divided_by_images=of(lambda at: at.gamma / at.std * (
                     at.dy - at.pixels // at.images * at.shift - at.x_hat * (at.pixels // at.images) * at.stretch)))
backward.mistake("the means in dx divide by the pixels of one image: divide by those of all images", "dx",
                 divided_by_one_image=of(
                     lambda at: at.gamma / at.std * (at.dy - at.images * (at.shift + at.x_hat * at.stretch))))
backward.mistake("the path through the variance has the wrong sign in dx", "dx", variance_path_sign=of(
                     lambda at: at.gamma / at.std * (at.dy - at.shift + at.x_hat * at.stretch)))
backward.mistake("the path through the variance adds nothing to dx: it is left out, or it vanishes. The variance "
                 "depends on every pixel of x too", "dx",
                 no_variance_path=of(lambda at: at.gamma / at.std * (at.dy - at.shift)))
backward.mistake("the path through the mean adds nothing to dx: it is left out, or it vanishes. The mean depends on "
                 "every pixel of x too", "dx",
                 no_mean_path=of(lambda at: at.gamma / at.std * (at.dy - at.x_hat * at.stretch)))
backward.mistake("dx is what it would be if mean and variance were constants: both depend on every pixel of x", "dx",
                 statistics_as_constants=of(lambda at: at.gamma / at.std * at.dy))


@backward.mistake("dx lacks the factor gamma, by which the normalised x was scaled", "dx")
def no_gamma(dy, x, gamma, beta):
    x_hat, std = parts(x)
    return (dy - mean(dy) - x_hat * mean(dy * x_hat)) / std


backward.mistake("dx is divided by the variance, and must be divided by its square root", "dx", divided_by_variance=of(
                     lambda at: at.gamma / at.std**2 * (at.dy - at.shift - at.x_hat * at.stretch)))
backward.mistake("the two terms taken away from dy in dx are sums over the pixels, and must be means", "dx",
                 sums_not_means=of(lambda at: at.gamma / at.std * (
                     at.dy - at.pixels * at.shift - at.x_hat * at.pixels * at.stretch)))
backward.mistake("dgamma is the sum of dy alone: gamma multiplied x_hat, so it is the sum of dy * x_hat", "dgamma",
                 dgamma_without_x_hat=lambda dy, x, gamma, beta: dy.sum(axis=(0, 1, 2)))
backward.mistake("dgamma is the sum of dy * x, but gamma multiplied the normalised x_hat", "dgamma",
                 dgamma_with_x=lambda dy, x, gamma, beta: (dy * x).sum(axis=(0, 1, 2)))
backward.mistake("dgamma is a mean over the pixels, and must be the sum", "dgamma",
                 dgamma_mean=lambda dy, x, gamma, beta: mean(dy * parts(x)[0]))
backward.mistake("dbeta is the mean of dy, but beta was added to every pixel, so it is the sum", "dbeta",
                 dbeta_mean=lambda dy, x, gamma, beta: mean(dy))
backward.mistake("the two means in dx go over the channels too: each channel has its own", "dx",
                 means_of_all_channels=of(lambda at: at.gamma / at.std * (
                     at.dy - at.shift.mean() - at.x_hat * at.stretch.mean())))
backward.mistake("the two means in dx, of gamma * dy, go over the channels too: each channel has its own", "dx",
                 means_of_all_channels_with_gamma=of(lambda at: (
                     at.gamma * at.dy - (at.gamma * at.shift).mean() - at.x_hat * (at.gamma * at.stretch).mean())
                     / at.std))
backward.mistake("dy is divided by the number of pixels in dx: only the two sums are, which makes them means", "dx",
                 dy_divided_by_pixels=of(lambda at: at.gamma / at.std * (
                     at.dy / at.pixels - at.shift - at.x_hat * at.stretch)))
backward.mistake("dx is multiplied by the number of pixels: it is gamma * inv_std * (dy - mean - x_hat * mean)", "dx",
                 not_divided_by_pixels=of(lambda at: at.pixels * at.gamma / at.std * (
                     at.dy - at.shift - at.x_hat * at.stretch)))
backward.mistake("dx is divided by the number of pixels: it is gamma * inv_std * (dy - mean - x_hat * mean)", "dx",
                 divided_by_pixels_twice=of(lambda at: at.gamma / at.std / at.pixels * (
                     at.dy - at.shift - at.x_hat * at.stretch)))


@backward.mistake("the two means in dx are those of each image: they go over all images", "dx")
def means_of_each_image(dy, x, gamma, beta):
    x_hat, std = parts(x)
    shift, stretch = (a.mean(axis=(1, 2), keepdims=True) for a in (dy, dy * x_hat))
    return gamma / std * (dy - shift - x_hat * stretch)


backward.mistake("dx is gamma * dy: it lacks the division by the standard deviation, and the paths through mean and "
                 "variance", "dx", gamma_times_dy=of(lambda at: at.gamma * at.dy))
backward.mistake("the means in dx divide by the number of all entries: divide by that of the pixels, without channels",
                 "dx", divided_by_entries=of(lambda at: at.gamma / at.std * (
                     at.dy - (at.shift + at.x_hat * at.stretch) / len(at.gamma))))
backward.mistake("dgamma and dbeta are exchanged in dx: x_hat is multiplied by the mean of dy * x_hat", "dx",
                 sums_exchanged=of(lambda at: at.gamma / at.std * (at.dy - at.stretch - at.x_hat * at.shift)))
backward.mistake("gamma / std multiplies dy alone in dx: put brackets round all three terms", "dx",
                 brackets_forgotten=of(
                     lambda at: at.gamma / at.std * at.dy - at.shift - at.x_hat * at.stretch))
backward.mistake("the path through the variance counts twice in dx: it is x_hat * mean(dy * x_hat)", "dx",
                 variance_path_twice=of(lambda at: at.gamma / at.std * (
                     at.dy - at.shift - 2 * at.x_hat * at.stretch)))
backward.mistake("the path through the variance has inv_std squared in dx: the slope of (var + EPS)**-0.5 has its cube",
                 "dx", variance_path_squared=of(lambda at: at.gamma / at.std * (
                     at.dy - at.shift - at.x_hat * at.stretch * at.std)))
backward.mistake("the path through the variance has inv_std itself in dx: the slope of (var + EPS)**-0.5 has its cube",
                 "dx", variance_path_not_cubed=of(lambda at: at.gamma / at.std * (
                     at.dy - at.shift - at.x_hat * at.stretch * at.std**2)))
backward.mistake("the path through the variance is divided by the standard deviation once too often in dx", "dx",
                 variance_path_divided=of(lambda at: at.gamma / at.std * (
                     at.dy - at.shift - at.x_hat * at.stretch / at.std)))
backward.mistake("dbeta is the sum of dy * x_hat: beta was added, so it is the sum of dy alone", "dbeta",
                 dbeta_with_x_hat=of(lambda at: (at.dy * at.x_hat).sum(axis=(0, 1, 2))))
backward.mistake("dgamma is divided by the number of images: it is a sum over all pixels", "dgamma",
                 dgamma_divided_by_images=of(lambda at: (at.dy * at.x_hat).sum(axis=(0, 1, 2)) / at.images))
backward.mistake("dbeta is divided by the number of images: it is a sum over all pixels", "dbeta",
                 dbeta_divided_by_images=of(lambda at: at.dy.sum(axis=(0, 1, 2)) / at.images))
backward.mistake("dgamma is one sum over everything: each channel has its own", "dgamma",
                 dgamma_of_all_channels=of(lambda at: np.full_like(at.gamma, (at.dy * at.x_hat).sum())))
backward.mistake("dbeta is one sum over everything: each channel has its own", "dbeta",
                 dbeta_of_all_channels=of(lambda at: np.full_like(at.gamma, at.dy.sum())))
backward.mistake("dgamma is the sum of dy * y: gamma multiplied x_hat", "dgamma",
                 dgamma_with_y=lambda dy, x, gamma, beta: (dy * (gamma * parts(x)[0] + beta)).sum(axis=(0, 1, 2)))
backward.mistake("dgamma is the sum of dy * (x - mean): gamma multiplied x_hat, which is divided by the standard "
                 "deviation", "dgamma",
                 dgamma_with_centred_x=of(lambda at: (at.dy * at.x_hat).sum(axis=(0, 1, 2)) * at.std))
backward.mistake("dgamma is the sum of x_hat alone: multiply by dy first", "dgamma",
                 dgamma_without_dy=of(lambda at: (at.x_hat + np.zeros_like(at.dy)).sum(axis=(0, 1, 2))))
ALL = "y", "mean", "var"


def flat(x, gamma, beta):
    y, (mean, var), _ = batch_norm(x, gamma, beta)
    return y, mean, var


forward = Table(READ, cases, ALL, flat, axes=("channel",))


@forward.formula
def right_results(x, gamma, beta):
    mean = x.mean(axis=(0, 1, 2))
    var = np.square(x - mean).mean(axis=(0, 1, 2))
    y = gamma * (x - mean) / np.sqrt(var + EPS) + beta
    return y, mean, var


def normalised(x, axes=(0, 1, 2), eps=EPS, ddof=0):
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True, ddof=ddof)
    return (x - mean) / np.sqrt(var + eps)


def over(axes, x, gamma, beta):
    return gamma * normalised(x, axes) + beta, x.mean(axes), x.var(axes)


forward.mistake("mean and variance are those of each image: they go over all images of the batch", *ALL,
                of_each_image=lambda *args: over((1, 2), *args))
forward.mistake("mean and variance are those over the images, for each pixel: they go over all pixels too", *ALL,
                of_each_place=lambda *args: over(0, *args))
forward.mistake("mean and variance are those over the channels of a pixel: each channel has its own, over all pixels",
                *ALL, of_each_pixel=lambda *args: over(3, *args))
forward.mistake("there is one mean and one variance for everything: each channel has its own", *ALL,
                of_everything=lambda *args: over(None, *args))
forward.mistake("the statistics are taken as if the channels were the second axis: they are the last", *ALL,
                channels_second=lambda *args: over((0, 2, 3), *args))
forward.mistake("the variance is divided by one less than the number of pixels: divide by their number", "y", "var",
                unbiased=lambda x, gamma, beta: (gamma * normalised(x, ddof=1) + beta, x.var((0, 1, 2), ddof=1)))
forward.mistake("the small number under the root is missing, or far smaller than 1e-5", "y",
                no_eps=lambda x, gamma, beta: gamma * normalised(x, eps=0) + beta)
forward.mistake("the small number is added to the root, and must be added under it", "y",
                eps_outside=lambda x, gamma, beta: gamma * (x - mean(x)) / (x.std((0, 1, 2)) + EPS) + beta)
forward.mistake("the small number under the root is 1e-3: it is 1e-5 here", "y",
                another_eps=lambda x, gamma, beta: gamma * normalised(x, eps=1e-3) + beta)


forward.mistake("x is divided by the variance, and must be divided by its square root", "y",
                divided_by_variance=lambda x, gamma, beta: gamma * (x - mean(x)) / (x.var((0, 1, 2)) + EPS) + beta)
forward.mistake("the mean is taken away, but the division by the standard deviation is missing", "y",
                not_divided=lambda x, gamma, beta: gamma * (x - mean(x)) + beta)
forward.mistake("the mean is not taken away before the division", "y",
                mean_left=lambda x, gamma, beta: gamma * x / np.sqrt(x.var((0, 1, 2)) + EPS) + beta)
forward.mistake("the scale gamma is left out", "y", no_gamma=lambda x, gamma, beta: normalised(x) + beta)
forward.mistake("the shift beta is left out", "y", no_beta=lambda x, gamma, beta: gamma * normalised(x))
forward.mistake("scale and shift are left out: y = gamma * x_hat + beta", "y",
                neither=lambda x, gamma, beta: normalised(x))
forward.mistake("gamma and beta are exchanged: gamma multiplies, beta is added", "y",
                exchanged=lambda x, gamma, beta: beta * normalised(x) + gamma)
forward.mistake("beta is added before the multiplication by gamma, and must be added after it", "y",
                shifted_first=lambda x, gamma, beta: gamma * (normalised(x) + beta))
forward.mistake("var is the standard deviation, and must be its square", "var",
                standard_deviation=lambda x, gamma, beta: x.std((0, 1, 2)))
forward.mistake("var is the root with the small number under it, and must be the variance alone", "var",
                returned_with_eps=lambda x, gamma, beta: np.sqrt(x.var((0, 1, 2)) + EPS))
forward.mistake("var has the small number in it: that belongs under the root alone", "var",
                variance_with_eps=lambda x, gamma, beta: x.var((0, 1, 2)) + EPS)


@forward.mistake("var is the mean of the squares: the square of the mean must be taken away", "y", "var")
def mean_of_squares(x, gamma, beta):
    return gamma * (x - mean(x)) / np.sqrt((x**2).mean((0, 1, 2)) + EPS) + beta, (x**2).mean((0, 1, 2))


forward.mistake("beta is divided by the standard deviation too: it is added last", "y",
                beta_divided=lambda x, gamma, beta: (gamma * (x - mean(x)) + beta) / np.sqrt(x.var((0, 1, 2)) + EPS))
forward.mistake("the mean alone is divided, and not x: put brackets round x - mean", "y",
                brackets_forgotten=lambda x, gamma, beta: (
                    gamma * (x - mean(x) / np.sqrt(x.var((0, 1, 2)) + EPS)) + beta))
forward.mistake("the mean is not scaled by gamma: take it away before the multiplication", "y",
                mean_not_scaled=lambda x, gamma, beta: (
                    gamma * x / np.sqrt(x.var((0, 1, 2)) + EPS) - mean(x) + beta))
forward.mistake("x is divided by its mean distance from the mean, and must be divided by the standard deviation", "y",
                mean_distance=lambda x, gamma, beta: gamma * (x - mean(x)) / (mean(abs(x - mean(x))) + EPS) + beta)
forward.mistake("x is brought to 0 up to 1 by its smallest and largest value: use mean and standard deviation", "y",
                by_smallest_and_largest=lambda x, gamma, beta: (
                    gamma * (x - x.min((0, 1, 2))) / np.ptp(x, (0, 1, 2)) + beta))
forward.mistake("y is gamma * x + beta: x should be normalised first", "y",
                not_normalised=lambda x, gamma, beta: gamma * x + beta)
forward.mistake("mean and var are exchanged: mean comes first", "mean", "var",
                mean_and_var_exchanged=lambda x, gamma, beta: (x.var((0, 1, 2)), mean(x)))


def by_variance(var, x, gamma, beta):
    return gamma * (x - mean(x)) / np.sqrt(var + EPS) + beta, var


forward.mistake("the squares are divided by the number of images: divide by that of all pixels", "y", "var",
                divided_by_images=lambda x, *more: by_variance(
                    x.var((0, 1, 2)) * x[..., 0].size / len(x), x, *more))
forward.mistake("the squares are divided by the pixels of one image: divide by those of all images", "y", "var",
                divided_by_one_image=lambda x, *more: by_variance(x.var((0, 1, 2)) * len(x), x, *more))
