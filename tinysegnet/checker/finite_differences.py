"""A gradient is a measurement: move one entry a little each way, and see how far the output moves."""

import numpy as np

# Central differences err by about step**2 / 6 * f''' because f is not a straight line, and by about eps * |f| / step
# because f is rounded. With f and its derivatives of order 1 the best step is eps**(1/3) = 6e-6; rounded up.
STEP = 1e-5
TOLERANCE = 1e-6

# How many roundings of relative size eps lie one behind the other on the way from x to y, roughly: an op is some ten
# operations deep, and a batch norm enlarges the roundings of the layers before it.
ROUNDINGS = 30


def numerical_gradient(f, x):
    """df/dx, entry by entry:  (f(x + step) - f(x - step)) / (2 * step).

    f         takes x and returns a number
    x         float64 array of any shape
    gradient  like x

    It costs two calls of f for each entry of x, and knows nothing of how f works: that is why it is to be trusted.
    """
    return central_differences(f, x)[0]


def central_differences(f, x):
    """The numerical gradient of f(x).sum(), and for each entry how far off it can be by rounding alone: the floor.

    f may return an array. A term of the sum that did not move cancels exactly; one that did is off on each side by
    about ROUNDINGS * eps * the size of what is computed with, for which the largest term stands. A gradient that is
    truly 0 can only be checked with this floor: that of a bias before a batch norm, which takes every bias away again,
    is measured as nothing but rounding.
    """
    x = np.array(x, np.float64)
    gradient, floor = np.empty_like(x), np.empty_like(x)
    for i in np.ndindex(x.shape):
        here = x[i]
        above, below = here + STEP, here - STEP
        x[i] = above
        f_above = np.array(f(x), np.float64)
        x[i] = below
        f_below = np.array(f(x), np.float64)
        x[i] = here
        gradient[i] = (f_above - f_below).sum() / (above - below)   # not 2 * STEP: here + STEP was rounded too
        moved = max(1, np.count_nonzero(f_above != f_below))        # 1, because one may have moved too little to show
        floor[i] = moved * rounding_floor(np.abs(f_above).max())
    return gradient, floor


def rounding_floor(size):
    """By how much the difference of two numbers of that size, divided by 2 * step, can be off."""
    return ROUNDINGS * np.finfo(np.float64).eps * size / STEP


def wrong_entries(learner, truth, floor=0.0):
    """Where the learner's array is further from truth than TOLERANCE * max(|learner|, largest |truth|) + floor."""
    scale = np.maximum(np.abs(learner), np.abs(truth).max(initial=0.0))
    return ~(np.abs(learner - truth) <= TOLERANCE * scale + floor)          # ~(<=) and not (>): NaN is wrong


def upstream(y, seed):
    """A random dy of the shape and dtype of y, each entry 0.5 to 1.5 in size, so that none is lost among the others."""
    rng = np.random.default_rng([seed, 1])
    dy = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1, 1], y.shape)
    return np.asarray(dy, y.dtype)
