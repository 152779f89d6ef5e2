"""Known wrong answers, with no backward written out: each is the measured gradient of another forward.

Whoever forgets a road has the right gradient of a forward in which that road is blocked. So a mistake here is a
function of dy and the arguments that returns such a forward: what it holds fixed keeps the value that it has there.
The lists are of pairs, (the sentence that names the mistake, such a function).
"""

import numpy as np


def mistake(of, sentence):
    """A decorator: put a function into a list, with its sentence."""

    def listed(blocked):
        of.append((sentence, blocked))
        return blocked

    return listed


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


def strided(x, w, b, down=0, right=0):
    """conv2d_stride2, with each window so many pixels too far down and right."""
    K, R, Q = len(w), (x.shape[1] + 1) // 2, (x.shape[2] + 1) // 2
    padded = np.pad(x, ((0, 0), (K // 2, K // 2 + 2), (K // 2, K // 2 + 2), (0, 0)))
    rows = [slice(i + down, i + down + 2 * R, 2) for i in range(K)]
    columns = [slice(j + right, j + right + 2 * Q, 2) for j in range(K)]
    return b + sum(padded[:, rows[i], columns[j]] @ w[i, j] for i in range(K) for j in range(K))


CONV2D_STRIDE2 = []


@mistake(CONV2D_STRIDE2, "the kernel is turned by 180 degrees: i and j should run as they do in the forward")
def turned(dy, x, w, b):
    return lambda x, w, b: strided(x, w[::-1, ::-1], b)


@mistake(CONV2D_STRIDE2, "i and j of the kernel are exchanged: i counts rows, and j columns")
def axes_exchanged(dy, x, w, b):
    return lambda x, w, b: strided(x, w.swapaxes(0, 1), b)


@mistake(CONV2D_STRIDE2, "all is shifted by one pixel: the window of y[r, q] has its centre at x[2*r, 2*q]")
def odd_places(dy, x, w, b):
    return lambda x, w, b: strided(x, w, b, 1, 1)


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


@mistake(LAYER_NORM, "the sums over the channels in dx are not divided by C: mean and var are means")
def sums_for_means(dy, x, gamma, beta, eps):
    here, C = x, x.shape[3]

    def forward(x, gamma, beta, eps):
        mean, var = (old + C * (new - old) for old, new in zip(statistics(here), statistics(x)))
        return normed(x, gamma, beta, eps, mean, var)
    return forward


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


def moving(share, here, x):
    """The sum of squares, if it moved by this share of what it does move by from `here` on."""
    return squares(here) + share * (squares(x) - squares(here))


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
    here = x
    return lambda x, alpha, beta: responses(x, alpha, beta, moving(1 / x.shape[3], here, x))


@mistake(LOCAL_RESPONSE, "the power has the exponent -beta where it is derived, and should have -beta - 1 there")
def exponent_stays(dy, x, alpha, beta):
    here, factor = x, responses(1, alpha, beta, squares(x))
    return lambda x, alpha, beta: factor * (x - alpha * beta * here * (squares(x) - squares(here)))


@mistake(LOCAL_RESPONSE, "the exponent is beta, and should be -beta")
def exponent_positive(dy, x, alpha, beta):
    return lambda x, alpha, beta: responses(x, alpha, -beta)


@mistake(LOCAL_RESPONSE, "the sign of what goes by way of the sum is the wrong one: where the sum grows, the factor "
         "shrinks")
def sum_lifts(dy, x, alpha, beta):
    here = x
    return lambda x, alpha, beta: responses(x, alpha, beta, moving(-1, here, x))


@mistake(LOCAL_RESPONSE, "beta is left out where the power is derived")
def beta_left_out(dy, x, alpha, beta):
    here = x
    return lambda x, alpha, beta: responses(x, alpha, beta, moving(1 / beta, here, x))


@mistake(LOCAL_RESPONSE, "alpha is left out where what it multiplies is derived")
def alpha_left_out(dy, x, alpha, beta):
    here = x
    return lambda x, alpha, beta: responses(x, alpha, beta, moving(1 / alpha, here, x))


@mistake(LOCAL_RESPONSE, "the 2 of the square is left out: x * x moves by 2 * x")
def two_left_out(dy, x, alpha, beta):
    here = x
    return lambda x, alpha, beta: responses(x, alpha, beta, moving(1 / 2, here, x))


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


def dice(p, labels, ignore, smooth, axis=(0, 1, 2), overlap=None, sizes=None, void=None, factor=2):
    """dice_loss, with what is given held fixed. `void`: ignored pixels move it too, from that p on."""
    labelled = (labels != ignore)[..., None]
    one_hot = (labels[..., None] == np.arange(p.shape[3])) & labelled
    overlap = (p * one_hot).sum(axis=axis) if overlap is None else overlap
    if sizes is None:
        sizes = (p * labelled).sum(axis=axis) + one_hot.sum(axis=axis)
    if void is not None:
        sizes = sizes + ((p - void) * ~labelled).sum(axis=axis)
    return np.asarray(1 - ((factor * overlap + smooth) / (sizes + smooth)).mean())


def overlap_of(p, labels, ignore):
    return (p * (labels[..., None] == np.arange(p.shape[3])) * (labels != ignore)[..., None]).sum(axis=(0, 1, 2))


DICE_LOSS = []


@mistake(DICE_LOSS, "the lower part of the quotient is taken for a constant: p is in it too")
def sizes_held(dy, p, labels, ignore, smooth):
    labelled = labels != ignore
    one_hot = (labels[..., None] == np.arange(p.shape[3])) & labelled[..., None]
    sizes = p[labelled].sum(axis=0) + one_hot.sum(axis=(0, 1, 2))
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, smooth, sizes=sizes)


@mistake(DICE_LOSS, "the overlap is taken for a constant: p is in it too")
def overlap_held(dy, p, labels, ignore, smooth):
    overlap = overlap_of(p, labels, ignore)
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, smooth, overlap=overlap)


@mistake(DICE_LOSS, "ignored pixels have a gradient: they count in nothing")
def void_said(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, smooth, void=0)


@mistake(DICE_LOSS, "ignored pixels have a gradient: they count in nothing")
def void_moves(dy, p, labels, ignore, smooth):
    here = p
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, smooth, void=here)


@mistake(DICE_LOSS, "it is that of one Dice for all classes together: each class has its own")
def one_for_all(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, smooth, axis=None)


@mistake(DICE_LOSS, "each image has a Dice of its own in it: the sums go over all images")
def each_image(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, smooth, axis=(1, 2))


@mistake(DICE_LOSS, "smooth is left out")
def without_smooth(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, 0)


@mistake(DICE_LOSS, "the 2 before overlap is left out")
def overlap_once(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, smooth, factor=1)


@mistake(DICE_LOSS, "the 2 before overlap is left out where the upper part is derived")
def overlap_once_above(dy, p, labels, ignore, smooth):
    here = overlap_of(p, labels, ignore)

    def forward(p, labels, ignore, smooth):
        there = overlap_of(p, labels, ignore)
        return dice(p, labels, ignore, smooth, overlap=(here + there) / 2)
    return forward


@mistake(DICE_LOSS, "it is that of the sum over the classes: the loss has their mean")
def not_averaged(dy, p, labels, ignore, smooth):
    return lambda p, labels, ignore, smooth: dice(p, labels, ignore, smooth) * p.shape[3]


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


@mistake(GATE, "the slope of the sigmoid is left out")
def straight_sigmoid(dy, x, w, b):
    there = seen_in(x) @ w + b
    return lambda x, w, b: opened(x, sigmoid(there) + seen_in(x) @ w + b - there)


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
