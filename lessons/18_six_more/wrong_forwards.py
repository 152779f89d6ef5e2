"""Known wrong answers, with no backward written out: each is the measured gradient of another forward.

Whoever forgets a road has the right gradient of a forward in which that road is blocked. So a mistake here is a
function of dy and the arguments that returns such a forward: what it holds fixed keeps the value that it has there,
and what counts three times moves three times as far. A gradient that is 0 is not compared.
The lists are of pairs, (the sentence that names the mistake, such a function).
"""

import numpy as np


def mistake(of, sentence):
    """A decorator: put a function into a list, with its sentence."""

    def listed(blocked):
        of.append((sentence, blocked))
        return blocked

    return listed


def moving(share, here, there):
    """What moves `share` times as far from `here` as `there` does."""
    return here + share * (there - here)


LEAKY_RELU = []


@mistake(LEAKY_RELU, "what is negative gets nothing, as with a plain ReLU: here it moves y too")
def flat_where_negative(dy, x, slope):
    return lambda x, slope: np.maximum(x, 0)


@mistake(LEAKY_RELU, "dy is handed on as it is, where x is negative too")
def straight(dy, x, slope):
    return lambda x, slope: x


@mistake(LEAKY_RELU, "where x is positive, slope plays no part")
def slope_everywhere(dy, x, slope):
    return lambda x, slope: slope * x


@mistake(LEAKY_RELU, "the two sides are exchanged")
def sides_exchanged(dy, x, slope):
    return lambda x, slope: np.where(x > 0, slope * x, x)


@mistake(LEAKY_RELU, "the sign of dy decides, and it should be that of x")
def by_the_sign_of_dy(dy, x, slope):
    return lambda x, slope: np.where(dy > 0, x, slope * x)


@mistake(LEAKY_RELU, "where x is negative, the sign is the wrong one")
def slope_of_the_magnitude(dy, x, slope):
    return lambda x, slope: np.where(x > 0, x, slope * np.abs(x))


@mistake(LEAKY_RELU, "where x is negative, slope stands alone: multiply it by dy")
def slope_without_dy(dy, x, slope):
    here, steep = x, slope
    return lambda x, slope: np.where(here > 0, x, steep * x / dy)


@mistake(LEAKY_RELU, "where x is negative, x is a factor of dx: slope * x moves by slope, whatever x is")
def x_in_dx(dy, x, slope):
    here, steep = x, slope
    return lambda x, slope: np.where(here > 0, x, steep * x * x / 2)


@mistake(LEAKY_RELU, "where x is negative, dy is divided by slope: multiply it")
def divided_by_slope(dy, x, slope):
    here, steep = x, slope
    return lambda x, slope: np.where(here > 0, x, x / steep)


@mistake(LEAKY_RELU, "slope is a factor of dslope: slope * x moves by x, whatever slope is")
def slope_in_dslope(dy, x, slope):
    here = x
    return lambda x, slope: slope * slope / 2 * np.minimum(here, 0)


@mistake(LEAKY_RELU, "x is left out of dslope: slope * x moves by x")
def x_not_in_dslope(dy, x, slope):
    here = x
    return lambda x, slope: slope * (here < 0)


@mistake(LEAKY_RELU, "dslope has what of dy * x is negative: it should have dy * x where x is negative")
def negative_products(dy, x, slope):
    here = x
    return lambda x, slope: slope * np.minimum(dy * here, 0) / dy


@mistake(LEAKY_RELU, "dslope is divided by the number of images or pixels: a slope has moved them all, so it is a sum")
def mean_over_images(dy, x, slope):
    here = x
    return lambda x, slope: slope * np.minimum(here, 0) / len(here)


@mistake(LEAKY_RELU, "dslope is divided by the number of images or pixels: a slope has moved them all, so it is a sum")
def mean_over_pixels(dy, x, slope):
    here = x
    return lambda x, slope: slope * np.minimum(here, 0) / here[..., 0].size


def strided(x, w, b, down=0, right=0, step=2, reads=lambda i, j: 1):
    """conv2d_stride2, with each window so many pixels too far down and right, or with windows `step` apart.

    reads  what each padded pixel is multiplied by before w[i, j]
    """
    K, R, Q = len(w), (x.shape[1] + 1) // 2, (x.shape[2] + 1) // 2
    padded = np.pad(x, ((0, 0), (K // 2, K // 2 + 2), (K // 2, K // 2 + 2), (0, 0)))
    rows = [slice(i + down, i + down + step * R, step) for i in range(K)]
    columns = [slice(j + right, j + right + step * Q, step) for j in range(K)]
    return b + sum((padded * reads(i, j))[:, rows[i], columns[j]] @ w[i, j] for i in range(K) for j in range(K))


CONV2D_STRIDE2 = []


@mistake(CONV2D_STRIDE2, "the kernel is turned by 180 degrees: i and j should run as they do in the forward")
def turned(dy, x, w, b):
    return lambda x, w, b: strided(x, w[::-1, ::-1], b)


@mistake(CONV2D_STRIDE2, "the kernel is upside down: i should run as it does in the forward")
def upside_down(dy, x, w, b):
    return lambda x, w, b: strided(x, w[::-1], b)


@mistake(CONV2D_STRIDE2, "the kernel is mirrored: j should run as it does in the forward")
def mirrored(dy, x, w, b):
    return lambda x, w, b: strided(x, w[:, ::-1], b)


@mistake(CONV2D_STRIDE2, "i and j of the kernel are exchanged: i counts rows, and j columns")
def axes_exchanged(dy, x, w, b):
    return lambda x, w, b: strided(x, w.swapaxes(0, 1), b)


@mistake(CONV2D_STRIDE2, "all is shifted by one pixel: the window of y[r, q] has its centre at x[2*r, 2*q]")
def odd_places(dy, x, w, b):
    return lambda x, w, b: strided(x, w, b, 1, 1)


@mistake(CONV2D_STRIDE2, "rows are shifted by one pixel: the window of y[r, q] has its centre at x[2*r, 2*q]")
def odd_rows(dy, x, w, b):
    return lambda x, w, b: strided(x, w, b, down=1)


@mistake(CONV2D_STRIDE2, "columns are shifted by one pixel: the window of y[r, q] has its centre at x[2*r, 2*q]")
def odd_columns(dy, x, w, b):
    return lambda x, w, b: strided(x, w, b, right=1)


@mistake(CONV2D_STRIDE2, "each dy is taken for four, those of a block of 2 x 2 places: only one of the four outputs "
         "was computed")
def repeated(dy, x, w, b):
    return lambda x, w, b: b + sum(strided(x, w, 0, down, right) for down in (0, 1) for right in (0, 1))


@mistake(CONV2D_STRIDE2, "only the centre of the kernel is in it: x moves each y whose window it lies in")
def centre_only(dy, x, w, b):
    def forward(x, w, b):
        middle = len(w) // 2
        return x[:, ::2, ::2] @ w[middle, middle] + b
    return forward


@mistake(CONV2D_STRIDE2, "the windows are one pixel apart: y[r, q] has its centre at x[2*r, 2*q]")
def one_apart(dy, x, w, b):
    return lambda x, w, b: strided(x, w, b, step=1)


@mistake(CONV2D_STRIDE2, "a pixel hears only the last i and j that read it: it should add up (+=) what all of them say")
def overwritten(dy, x, w, b):
    (_, H, W, _), K, kernel, last = x.shape, len(w), w, {}
    for i, j in np.ndindex(K, K):
        last |= {(r, q): (i, j) for r in range(i, i + H, 2) for q in range(j, j + W, 2)}
    masks = np.zeros((K, K, H + K + 1, W + K + 1, 1))
    for pixel, place in last.items():
        masks[place][pixel] = 1
    return lambda x, w, b: strided(x, kernel, 0, reads=lambda i, j: masks[i, j])


@mistake(CONV2D_STRIDE2, "it is divided by the number of images: w and b have moved them all, so it is a sum")
def mean_over_the_images(dy, x, w, b):
    here = x
    return lambda x, w, b: strided(here, w, b) / len(here)


@mistake(CONV2D_STRIDE2, "it is a mean over the pixels: w and b have moved every y, so it is a sum")
def mean_over_all_pixels(dy, x, w, b):
    here = x
    return lambda x, w, b: strided(here, w, b) / dy[..., 0].size


def normed(x, gamma, beta, eps, mean=None, var=None, axis=3):
    """layer_norm, with what is given held fixed."""
    mean = x.mean(axis=axis, keepdims=True) if mean is None else mean
    var = ((x - mean) ** 2).mean(axis=axis, keepdims=True) if var is None else var
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def statistics(x):
    return x.mean(axis=3, keepdims=True), x.var(axis=3, keepdims=True)


LAYER_NORM = []


@mistake(LAYER_NORM, "mean and var are taken for constants: x moves them too")
def both_held(dy, x, gamma, beta, eps):
    mean, var = statistics(x)
    return lambda x, gamma, beta, eps: normed(x, gamma, beta, eps, mean, var)


@mistake(LAYER_NORM, "var is taken for a constant: x moves it too")
def var_held(dy, x, gamma, beta, eps):
    var = x.var(axis=3, keepdims=True)
    return lambda x, gamma, beta, eps: normed(x, gamma, beta, eps, var=var)


@mistake(LAYER_NORM, "mean is taken for a constant in x - mean: x moves it too")
def mean_held(dy, x, gamma, beta, eps):
    mean = x.mean(axis=3, keepdims=True)

    def forward(x, gamma, beta, eps):
        return normed(x, gamma, beta, eps, mean, x.var(axis=3, keepdims=True))
    return forward


@mistake(LAYER_NORM, "the statistics are those of batch norm, over all pixels: here each pixel has its own, over its "
         "channels")
def over_the_pixels(dy, x, gamma, beta, eps):
    return lambda x, gamma, beta, eps: normed(x, gamma, beta, eps, axis=(0, 1, 2))


@mistake(LAYER_NORM, "var is divided by C - 1: here it is the mean of the squares, divided by C")
def one_channel_less(dy, x, gamma, beta, eps):
    def forward(x, gamma, beta, eps):
        return normed(x, gamma, beta, eps, var=x.var(axis=3, keepdims=True, ddof=1))
    return forward


@mistake(LAYER_NORM, "eps is left out")
def without_eps(dy, x, gamma, beta, eps):
    return lambda x, gamma, beta, eps: normed(x, gamma, beta, 0)


@mistake(LAYER_NORM, "gamma is left out: it stretches what x moves")
def without_gamma(dy, x, gamma, beta, eps):
    return lambda x, gamma, beta, eps: normed(x, 1, beta, eps) + gamma * 0


def paths(x, of_mean=1, of_var=1):
    """layer_norm whose mean and var move so many times as far."""
    mean_here, var_here = statistics(x)

    def forward(x, gamma, beta, eps):
        mean, var = statistics(x)
        return normed(x, gamma, beta, eps, moving(of_mean, mean_here, mean), moving(of_var, var_here, var))
    return forward


@mistake(LAYER_NORM, "the sums over the channels in dx are not divided by C: mean and var are means")
def sums_for_means(dy, x, gamma, beta, eps):
    return paths(x, x.shape[3], x.shape[3])


@mistake(LAYER_NORM, "what comes by way of mean is not divided by C: mean is a mean over C channels")
def sum_for_the_mean(dy, x, gamma, beta, eps):
    return paths(x, of_mean=x.shape[3])


@mistake(LAYER_NORM, "what comes by way of var is not divided by C: var is a mean over C channels")
def sum_for_var(dy, x, gamma, beta, eps):
    return paths(x, of_var=x.shape[3])


@mistake(LAYER_NORM, "the sums over the channels in dx are divided by the number of images or pixels: divide by C")
def divided_by_images(dy, x, gamma, beta, eps):
    return paths(x, x.shape[3] / len(x), x.shape[3] / len(x))


@mistake(LAYER_NORM, "the sums over the channels in dx are divided by the number of images or pixels: divide by C")
def divided_by_pixels(dy, x, gamma, beta, eps):
    share = x.shape[3] / x[..., 0].size
    return paths(x, share, share)


@mistake(LAYER_NORM, "what comes by way of mean has the wrong sign: x - mean shrinks where mean grows")
def sign_of_the_mean(dy, x, gamma, beta, eps):
    return paths(x, of_mean=-1)


@mistake(LAYER_NORM, "what comes by way of var has the wrong sign: x_hat gets smaller where var grows")
def sign_of_var(dy, x, gamma, beta, eps):
    return paths(x, of_var=-1)


@mistake(LAYER_NORM, "what comes by way of mean and var has the wrong sign: take it away from dy * gamma")
def sign_of_both(dy, x, gamma, beta, eps):
    return paths(x, -1, -1)


def paths_by(x, gamma, eps, inside):
    """layer_norm in whose way by var `inside` is in the place of x_hat, in the mean of dy * gamma * x_hat."""
    mean, var = statistics(x)
    x_hat, stretch = normed(x, 1, 0, eps), gamma

    def forward(x, gamma, beta, eps):
        moved = (x_hat * (x - mean)).mean(axis=3, keepdims=True) / np.sqrt(var + eps)
        return normed(x, stretch, beta * 0, eps, var=var) - stretch * inside * moved
    return forward


def divided_by(x, root, move):
    """layer_norm whose root has this value, and moves `move` times as far as that of var does."""
    std = x.std(axis=3, keepdims=True)

    def forward(x, gamma, beta, eps):
        moved = move * (x.std(axis=3, keepdims=True) - std)
        return gamma * (x - x.mean(axis=3, keepdims=True)) / (root + moved) + beta
    return forward


@mistake(LAYER_NORM, "eps is added to the root: add it to var, under the root")
def eps_beside_the_root(dy, x, gamma, beta, eps):
    std = x.std(axis=3, keepdims=True)
    return divided_by(x, std + eps, std / (std + eps))


@mistake(LAYER_NORM, "the root is left out: divide by sqrt(var + eps)")
def without_root(dy, x, gamma, beta, eps):
    var = x.var(axis=3, keepdims=True)
    return divided_by(x, var + eps, np.sqrt(var) / (var + eps))


@mistake(LAYER_NORM, "the factor 1 / sqrt(var + eps) of dx is left out")
def not_divided(dy, x, gamma, beta, eps):
    here, root = x, np.sqrt(x.var(axis=3, keepdims=True) + eps)
    return lambda x, gamma, beta, eps: normed(moving(root, here, x), gamma, beta, eps)


@mistake(LAYER_NORM, "the factor 1 / sqrt(var + eps) of dx is in it twice")
def divided_twice(dy, x, gamma, beta, eps):
    here, root = x, np.sqrt(x.var(axis=3, keepdims=True) + eps)
    return lambda x, gamma, beta, eps: normed(moving(1 / root, here, x), gamma, beta, eps)


@mistake(LAYER_NORM, "gamma is a factor of dgamma: gamma * x_hat moves by x_hat, whatever gamma is")
def gamma_in_dgamma(dy, x, gamma, beta, eps):
    x_hat = normed(x, 1, 0, eps)
    return lambda x, gamma, beta, eps: gamma * gamma / 2 * x_hat


@mistake(LAYER_NORM, "gamma is a factor of dbeta: beta is added after x_hat is multiplied by gamma")
def gamma_in_dbeta(dy, x, gamma, beta, eps):
    stretch = gamma
    return lambda x, gamma, beta, eps: stretch * beta


@mistake(LAYER_NORM, "gamma is left out of what comes by way of mean: it is the mean of dy * gamma")
def mean_without_gamma(dy, x, gamma, beta, eps):
    mean, stretch = x.mean(axis=3, keepdims=True), gamma
    root = np.sqrt(x.var(axis=3, keepdims=True) + eps)

    def forward(x, gamma, beta, eps):
        by_mean = (x.mean(axis=3, keepdims=True) - mean) / root
        return normed(x, stretch, beta * 0, eps, mean, x.var(axis=3, keepdims=True)) - by_mean
    return forward


@mistake(LAYER_NORM, "gamma is left out of what comes by way of var: it is the mean of dy * gamma * x_hat")
def var_without_gamma(dy, x, gamma, beta, eps):
    var, x_hat, stretch = x.var(axis=3, keepdims=True), normed(x, 1, 0, eps), gamma

    def forward(x, gamma, beta, eps):
        by_var = x_hat / np.sqrt(x.var(axis=3, keepdims=True) + eps)
        return normed(x, stretch, beta * 0, eps, var=var) + by_var * np.sqrt(var + eps)
    return forward


@mistake(LAYER_NORM, "x_hat is left out where var comes back to x: the mean of dy * gamma * x_hat is multiplied by it")
def x_hat_left_out(dy, x, gamma, beta, eps):
    var, x_hat, stretch = x.var(axis=3, keepdims=True), normed(x, 1, 0, eps), gamma
    root = np.sqrt(var + eps)

    def forward(x, gamma, beta, eps):
        return normed(x, stretch, beta * 0, eps, var=var) - stretch * x_hat * x.mean(axis=3, keepdims=True) / root
    return forward


@mistake(LAYER_NORM, "x is in the place of x_hat inside the mean of dy * gamma * x_hat")
def x_inside_the_mean(dy, x, gamma, beta, eps):
    return paths_by(x, gamma, eps, x)


@mistake(LAYER_NORM, "x is in the place of x_hat in dgamma")
def x_for_x_hat(dy, x, gamma, beta, eps):
    here = x
    return lambda x, gamma, beta, eps: gamma * here


@mistake(LAYER_NORM, "x - mean is in the place of x_hat in dgamma: divide it by sqrt(var + eps)")
def centred_for_x_hat(dy, x, gamma, beta, eps):
    centred = x - x.mean(axis=3, keepdims=True)
    return lambda x, gamma, beta, eps: gamma * centred


@mistake(LAYER_NORM, "dgamma and dbeta are exchanged: gamma multiplies x_hat, and beta is added")
def gradients_exchanged(dy, x, gamma, beta, eps):
    x_hat = normed(x, 1, 0, eps)
    return lambda x, gamma, beta, eps: gamma + beta * x_hat


@mistake(LAYER_NORM, "it is divided by the number of images or pixels: gamma and beta are used at all, so it is a sum")
def mean_of_images(dy, x, gamma, beta, eps):
    here = x
    return lambda x, gamma, beta, eps: normed(here, gamma, beta, eps) / len(here)


@mistake(LAYER_NORM, "it is divided by the number of images or pixels: gamma and beta are used at all, so it is a sum")
def mean_of_pixels(dy, x, gamma, beta, eps):
    here = x
    return lambda x, gamma, beta, eps: normed(here, gamma, beta, eps) / here[..., 0].size


@mistake(LAYER_NORM, "gamma is taken out of the means, as in batch norm: there a mean is over one channel, and here it"
         " is over channels with different gammas")
def gamma_outside(dy, x, gamma, beta, eps):
    here, stretch = x, gamma
    return lambda x, gamma, beta, eps: normed(here + stretch * (x - here), 1, beta, eps)


def squares(x, axis=3):
    return (x * x).sum(axis=axis, keepdims=True)


def responses(x, alpha, beta, total=None, one=1):
    """local_response, with this sum of squares."""
    return x * (one + alpha * (squares(x) if total is None else total)) ** -beta


def by_the_sum(share, here):
    """local_response whose sum moves `share` times as far from `here` on."""
    return lambda x, alpha, beta: responses(x, alpha, beta, moving(share, squares(here), squares(x)))


def by_the_power(slope, here):
    """local_response whose power moves by this slope where alpha times the sum moves by 1."""
    def forward(x, alpha, beta):
        factor = responses(1, alpha, beta, squares(here))
        return x * factor + here * slope * alpha * (squares(x) - squares(here))
    return forward


LOCAL_RESPONSE = []


@mistake(LOCAL_RESPONSE, "the sum is taken for a constant: x is in it too")
def sum_held(dy, x, alpha, beta):
    total = squares(x)
    return lambda x, alpha, beta: responses(x, alpha, beta, total)


@mistake(LOCAL_RESPONSE, "only what x does by way of the sum is in it: x stands in front of the factor, too")
def through_the_sum_only(dy, x, alpha, beta):
    here = x
    return lambda x, alpha, beta: responses(here, alpha, beta, squares(x))


@mistake(LOCAL_RESPONSE, "each x is asked about the y of its own channel only: by way of the sum it moves all channels "
         "of its pixel")
def own_y_only(dy, x, alpha, beta):
    here = x
    return lambda x, alpha, beta: responses(x, alpha, beta, squares(here) - here * here + x * x)


@mistake(LOCAL_RESPONSE, "each channel has a sum of its own in it: the squares of all channels of a pixel are added up")
def each_channel(dy, x, alpha, beta):
    return lambda x, alpha, beta: responses(x, alpha, beta, x * x)


@mistake(LOCAL_RESPONSE, "the sum goes over the pixels: here it goes over the channels of each pixel")
def over_one_image(dy, x, alpha, beta):
    return lambda x, alpha, beta: responses(x, alpha, beta, squares(x, (1, 2)))


@mistake(LOCAL_RESPONSE, "the sum goes over the pixels: here it goes over the channels of each pixel")
def over_all_images(dy, x, alpha, beta):
    return lambda x, alpha, beta: responses(x, alpha, beta, squares(x, (0, 1, 2)))


@mistake(LOCAL_RESPONSE, "the sum over the channels is divided by C: it is a sum and no mean")
def mean_for_sum(dy, x, alpha, beta):
    return lambda x, alpha, beta: responses(x, alpha / x.shape[3], beta)


@mistake(LOCAL_RESPONSE, "the sum over the channels in dx is divided by C: it is a sum and no mean")
def mean_where_derived(dy, x, alpha, beta):
    return by_the_sum(1 / x.shape[3], x)


@mistake(LOCAL_RESPONSE, "the power has the exponent -beta where it is derived, and should have -beta - 1 there")
def exponent_stays(dy, x, alpha, beta):
    return by_the_power(-beta * (1 + alpha * squares(x)) ** -beta, x)


@mistake(LOCAL_RESPONSE, "the power has the exponent 1 - beta where it is derived, and should have -beta - 1 there")
def exponent_the_other_way(dy, x, alpha, beta):
    return by_the_power(-beta * (1 + alpha * squares(x)) ** (1 - beta), x)


@mistake(LOCAL_RESPONSE, "the power has the exponent beta - 1 where it is derived, and should have -beta - 1 there")
def exponent_without_its_sign(dy, x, alpha, beta):
    return by_the_power(-beta * (1 + alpha * squares(x)) ** (beta - 1), x)


@mistake(LOCAL_RESPONSE, "the power has the exponent -beta - 2 where it is derived, and should have -beta - 1 there")
def exponent_too_small(dy, x, alpha, beta):
    return by_the_power(-beta * (1 + alpha * squares(x)) ** (-beta - 2), x)


@mistake(LOCAL_RESPONSE, "1 is taken away from the power, and should be from its exponent: ** (-beta - 1)")
def one_less_than_the_power(dy, x, alpha, beta):
    return by_the_power(-beta * ((1 + alpha * squares(x)) ** -beta - 1), x)


@mistake(LOCAL_RESPONSE, "what goes by way of the sum has the factor twice: the channels add up dy * x, not dy * y")
def y_for_x(dy, x, alpha, beta):
    return by_the_sum(responses(1, alpha, beta, squares(x)), x)


@mistake(LOCAL_RESPONSE, "the factor is left out where x stands in front of it: dy is multiplied by it there")
def factor_left_out(dy, x, alpha, beta):
    here, factor = x, responses(1, alpha, beta, squares(x))
    return lambda x, alpha, beta: x + here * (responses(1, alpha, beta, squares(x)) - factor)


@mistake(LOCAL_RESPONSE, "x is a factor of what it does without the sum: x * factor moves by factor")
def x_too_many(dy, x, alpha, beta):
    here, factor = x, responses(1, alpha, beta, squares(x))
    return lambda x, alpha, beta: x * x / 2 * factor + here * (responses(1, alpha, beta, squares(x)) - factor)


@mistake(LOCAL_RESPONSE, "the exponent is beta, and should be -beta")
def exponent_positive(dy, x, alpha, beta):
    return lambda x, alpha, beta: responses(x, alpha, -beta)


@mistake(LOCAL_RESPONSE, "the sign of what goes by way of the sum is the wrong one: where the sum grows, the factor "
         "shrinks")
def sum_lifts(dy, x, alpha, beta):
    return by_the_sum(-1, x)


@mistake(LOCAL_RESPONSE, "beta is left out where the power is derived")
def beta_left_out(dy, x, alpha, beta):
    return by_the_sum(1 / beta, x)


@mistake(LOCAL_RESPONSE, "alpha is left out where what it multiplies is derived")
def alpha_left_out(dy, x, alpha, beta):
    return by_the_sum(1 / alpha, x)


@mistake(LOCAL_RESPONSE, "the 2 of the square is left out: x * x moves by 2 * x")
def two_left_out(dy, x, alpha, beta):
    return by_the_sum(1 / 2, x)


@mistake(LOCAL_RESPONSE, "x is left out where its square is derived: x * x moves by 2 * x")
def square_as_a_line(dy, x, alpha, beta):
    here = x

    def forward(x, alpha, beta):
        return responses(x, alpha, beta, squares(here) + 2 * (x - here).sum(axis=3, keepdims=True))
    return forward


@mistake(LOCAL_RESPONSE, "x is left out where the channels meet: the factor is multiplied by all the x of its pixel")
def x_left_out_of_the_sum(dy, x, alpha, beta):
    factor = responses(1, alpha, beta, squares(x))
    return lambda x, alpha, beta: x * factor + responses(1, alpha, beta, squares(x)) - factor


@mistake(LOCAL_RESPONSE, "dy stands outside the sum over the channels: each y that x moved has a dy of its own")
def dy_outside(dy, x, alpha, beta):
    here, factor = x, responses(1, alpha, beta, squares(x))

    def forward(x, alpha, beta):
        own = responses(1, alpha, beta, squares(here) - here * here + x * x)
        return x * factor + here.sum(axis=3, keepdims=True) * (own - factor)
    return forward


@mistake(LOCAL_RESPONSE, "the 1 is left out, to which the sum is added")
def without_one(dy, x, alpha, beta):
    return lambda x, alpha, beta: responses(x, alpha, beta, one=0)


def one_hot_of(p, labels):
    return labels[..., None] == np.arange(p.shape[3])


def parts(p, labels, ignore, axis=(0, 1, 2)):
    """The overlap, and the size of what is said and of what is there."""
    labelled = (labels != ignore)[..., None]
    one_hot = one_hot_of(p, labels) & labelled
    return (p * one_hot).sum(axis=axis), (p * labelled).sum(axis=axis) + one_hot.sum(axis=axis)


def void(p, labels, ignore):
    """The sum of what is said of ignored pixels."""
    return p[labels == ignore].sum(axis=0)


def dice(overlap, sizes, above, below=None):
    """dice_loss of these, with `above` and `below` in the place of smooth."""
    return np.asarray(1 - ((2 * overlap + above) / (sizes + (above if below is None else below))).mean())


def of_parts(p, labels, ignore, overlap=lambda here, there: there, sizes=lambda here, there: there, loss=dice):
    """dice_loss whose overlap and sizes are overlap(before p moved, after), and sizes(before, after)."""
    here = parts(p, labels, ignore)

    def forward(p, labels, ignore, smooth):
        there = parts(p, labels, ignore)
        return loss(overlap(here[0], there[0]), sizes(here[1], there[1]), smooth)
    return forward


def held(here, there):
    return here


def times(share):
    """What moves so many times as far."""
    return lambda here, there: moving(share, here, there)


DICE_LOSS = []


@mistake(DICE_LOSS, "the lower part of the quotient is taken for a constant: p is in it too")
def sizes_held(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, sizes=held)


@mistake(DICE_LOSS, "the overlap is taken for a constant: p is in it too")
def overlap_held(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, overlap=held)


@mistake(DICE_LOSS, "the sign is the wrong one: the loss is 1 - Dice, and falls where Dice grows")
def sign(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, loss=lambda *args: -dice(*args))


@mistake(DICE_LOSS, "the sign of what comes by the lower part is the wrong one: where that grows, Dice shrinks")
def sign_below(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, sizes=times(-1))


@mistake(DICE_LOSS, "the 2 before overlap is before the lower part too, where that is derived")
def two_below(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, sizes=times(2))


@mistake(DICE_LOSS, "only the pixels that are of a class move its lower part: all labelled pixels do, by what they say")
def said_where_there(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, sizes=held, loss=lambda overlap, sizes, smooth: dice(
        overlap, sizes + overlap - parts(p, labels, ignore)[0], smooth))


@mistake(DICE_LOSS, "the lower part is not squared where it is derived: 1 / z moves by -1 / z**2")
def not_squared(dy, p, labels, ignore, smooth):
    _, sizes = parts(p, labels, ignore)
    return of_parts(p, labels, ignore, sizes=times(sizes + smooth))


@mistake(DICE_LOSS, "it is divided by the lower part, and should be by its square")
def divided_once(dy, p, labels, ignore, smooth):
    _, sizes = parts(p, labels, ignore)
    return of_parts(p, labels, ignore, times(sizes + smooth), times(sizes + smooth))


@mistake(DICE_LOSS, "ignored pixels have a gradient: they count in nothing")
def void_said(dy, p, labels, ignore, smooth):
    def forward(p, labels, ignore, smooth):
        overlap, sizes = parts(p, labels, ignore)
        return dice(overlap, sizes + void(p, labels, ignore), smooth)
    return forward


@mistake(DICE_LOSS, "ignored pixels have a gradient: they count in nothing")
def void_moves(dy, p, labels, ignore, smooth):
    here = void(p, labels, ignore)

    def forward(p, labels, ignore, smooth):
        overlap, sizes = parts(p, labels, ignore)
        return dice(overlap, sizes + void(p, labels, ignore) - here, smooth)
    return forward


@mistake(DICE_LOSS, "what is said of ignored pixels is counted in the lower part: they count in nothing")
def void_counted(dy, p, labels, ignore, smooth):
    more = void(p, labels, ignore)
    return of_parts(p, labels, ignore, sizes=lambda here, there: there + more)


@mistake(DICE_LOSS, "ignored pixels are counted where `ignore` is the number of a class: they count in nothing")
def void_there(dy, p, labels, ignore, smooth):
    more = (one_hot_of(p, labels) & (labels == ignore)[..., None]).sum(axis=(0, 1, 2))
    return of_parts(p, labels, ignore, sizes=lambda here, there: there + more)


@mistake(DICE_LOSS, "ignored pixels are counted where `ignore` is the number of a class: they count in nothing")
def void_there_and_overlapping(dy, p, labels, ignore, smooth):
    def forward(p, labels, ignore, smooth):
        more = one_hot_of(p, labels) & (labels == ignore)[..., None]
        overlap, sizes = parts(p, labels, ignore)
        return dice(overlap + (p * more).sum(axis=(0, 1, 2)), sizes + more.sum(axis=(0, 1, 2)), smooth)
    return forward


@mistake(DICE_LOSS, "it is that of one Dice for all classes together: each class has its own")
def one_for_all(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: dice(*parts(p, labels, ignore, axis=None), smooth)


@mistake(DICE_LOSS, "each image has a Dice of its own in it: the sums go over all images")
def each_image(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: dice(*parts(p, labels, ignore, axis=(1, 2)), smooth)


@mistake(DICE_LOSS, "each image has a Dice of its own in it: the sums go over all images")
def each_image_in_full(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: len(p) * dice(*parts(p, labels, ignore, axis=(1, 2)), smooth)


@mistake(DICE_LOSS, "smooth is left out")
def without_smooth(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, loss=lambda overlap, sizes, smooth: dice(overlap, sizes, 0))


@mistake(DICE_LOSS, "smooth is left out of the upper part: it is added to both")
def without_smooth_above(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, loss=lambda overlap, sizes, smooth: dice(overlap, sizes, 0, smooth))


@mistake(DICE_LOSS, "smooth is left out of the lower part: it is added to both")
def without_smooth_below(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, loss=lambda overlap, sizes, smooth: dice(overlap, sizes, smooth, 0))


@mistake(DICE_LOSS, "the lower part has only what is said: what is there belongs to it too")
def there_left_out(dy, p, labels, ignore, smooth):
    there = (one_hot_of(p, labels) & (labels != ignore)[..., None]).sum(axis=(0, 1, 2))
    return of_parts(p, labels, ignore, sizes=lambda here, sizes: sizes - there)


@mistake(DICE_LOSS, "the 2 before overlap is left out")
def overlap_once(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, overlap=lambda here, there: there / 2)


@mistake(DICE_LOSS, "the 2 before overlap is left out where the upper part is derived")
def overlap_once_above(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, overlap=times(1 / 2))


@mistake(DICE_LOSS, "the 2 before overlap is left out where the lower part is derived")
def overlap_once_below(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, overlap=lambda here, there: there - here / 2)


@mistake(DICE_LOSS, "it is that of the sum over the classes: the loss has their mean")
def not_averaged(dy, p, labels, ignore, smooth):
    return of_parts(p, labels, ignore, loss=lambda *args: p.shape[3] * dice(*args))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def seen_in(x):
    return x.mean(axis=(1, 2))


def opened(x, opening):
    return x * opening[:, None, None]


GATE = []


@mistake(GATE, "the opening is taken for a constant: x decides how far it opens, too")
def opening_held(dy, x, w, b):
    opening = sigmoid(seen_in(x) @ w + b)
    return lambda x, w, b: opened(x, opening) + 0 * (w.sum() + b.sum())


@mistake(GATE, "only what x does through the opening is in it: x stands in the product itself, too")
def through_the_opening_only(dy, x, w, b):
    here = x
    return lambda x, w, b: opened(here, sigmoid(seen_in(x) @ w + b))


@mistake(GATE, "seen is treated as a sum over the pixels: it is a mean")
def sum_for_mean(dy, x, w, b):
    here = x
    return lambda x, w, b: opened(x, sigmoid((seen_in(here) + (x - here).sum(axis=(1, 2))) @ w + b))


def bent(x, w, b, slope):
    """gate whose opening moves by slope(opening) where z moves by 1."""
    z = seen_in(x) @ w + b
    opening = sigmoid(z)
    return lambda x, w, b: opened(x, opening + slope(opening) * (seen_in(x) @ w + b - z))


@mistake(GATE, "the slope of the sigmoid is left out")
def straight_sigmoid(dy, x, w, b):
    return bent(x, w, b, np.ones_like)


@mistake(GATE, "the slope of the sigmoid is opening * (1 - opening), and here is opening alone")
def slope_is_opening(dy, x, w, b):
    return bent(x, w, b, lambda opening: opening)


@mistake(GATE, "the slope of the sigmoid is opening * (1 - opening), and here is 1 - opening alone")
def slope_is_the_rest(dy, x, w, b):
    return bent(x, w, b, lambda opening: 1 - opening)


@mistake(GATE, "the slope is that of a tanh, 1 - opening**2: that of a sigmoid is opening * (1 - opening)")
def slope_of_tanh(dy, x, w, b):
    return bent(x, w, b, lambda opening: 1 - opening**2)


@mistake(GATE, "z is in the place of the opening in the slope of the sigmoid, opening * (1 - opening)")
def slope_of_z(dy, x, w, b):
    z = seen_in(x) @ w + b
    return bent(x, w, b, lambda opening: z * (1 - z))


@mistake(GATE, "the opening is in the place of seen in dw: dw is seen^T times the gradient of z")
def opening_for_seen(dy, x, w, b):
    here, old, z = x, w, seen_in(x) @ w + b
    return lambda x, w, b: opened(here, sigmoid(z + sigmoid(z) @ (w - old)))


@mistake(GATE, "what comes by way of seen is divided by the number of images: seen is a mean over the pixels of one")
def seen_over_images(dy, x, w, b):
    here, old, bias = x, w, b
    return lambda x, w, b: opened(x, sigmoid(moving(1 / len(x), seen_in(here), seen_in(x)) @ old + bias))


@mistake(GATE, "seen is treated as a sum over the pixels in dw: it is a mean")
def sum_in_dw(dy, x, w, b):
    here, old, bias = x, w, b
    return lambda x, w, b: opened(here, sigmoid(seen_in(here) @ moving(here[0, ..., 0].size, old, w) + bias))


@mistake(GATE, "the gradient of an opening is a mean over the pixels: it was used at each of them, so it is a sum")
def mean_over_its_pixels(dy, x, w, b):
    return bent(x, w, b, lambda opening: opening * (1 - opening) / x[0, ..., 0].size)


@mistake(GATE, "it is divided by the number of images: w and b have moved them all, so it is a sum")
def mean_over_these_images(dy, x, w, b):
    here = x
    return lambda x, w, b: opened(here, sigmoid(seen_in(here) @ w + b)) / len(here)


@mistake(GATE, "dw is transposed: its rows belong to seen, and its columns to the openings")
def dw_transposed(dy, x, w, b):
    here, old, bias = x, w, b
    return lambda x, w, b: opened(here, sigmoid(seen_in(here) @ (old + (w - old).T) + bias))


@mistake(GATE, "w is used the wrong way round: its rows belong to seen, and its columns to the openings")
def w_transposed(dy, x, w, b):
    here = seen_in(x)
    fixed = here @ w
    return lambda x, w, b: opened(x, sigmoid(fixed + (seen_in(x) - here) @ w.T + b))


@mistake(GATE, "each opening is moved by its own channel only: by w, each channel moves all of them")
def own_channel_only(dy, x, w, b):
    here = seen_in(x)
    return lambda x, w, b: opened(x, sigmoid(here @ w + (seen_in(x) - here) * np.diag(w) + b))


@mistake(GATE, "x is left out where the openings meet it: an opening is multiplied by all the x of its channel")
def x_left_out(dy, x, w, b):
    here = sigmoid(seen_in(x) @ w + b)
    return lambda x, w, b: opened(x, here) + (sigmoid(seen_in(x) @ w + b) - here)[:, None, None]
