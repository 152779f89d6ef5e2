"""A gradient is a measurement: move one entry a little each way, and see how far the output moves."""

import numpy as np

# Central differences err by about step**2 / 6 * f''' because f is not a straight line, and by about eps * |f| / step
# because f is rounded. With f and its derivatives of order 1 the best step is eps**(1/3) = 6e-6; rounded up.
STEP = 1e-5
TOLERANCE = 1e-6

# How many roundings of relative size eps lie one behind the other on the way from x to sum(dy * y), roughly: an op is
# some ten operations deep, and the sum adds a few.
ROUNDINGS = 16


def numerical_gradient(f, x):
    """df/dx, entry by entry:  (f(x + step) - f(x - step)) / (2 * step).

    f         takes x and returns a number
    x         float64 array of any shape, as it was when this returns
    gradient  like x

    It costs two calls of f for each entry of x, and knows nothing of how f works: that is why it is to be trusted.
    """
    x = np.array(x, np.float64)
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        here = x[i]
        above, below = here + STEP, here - STEP
        x[i] = above
        f_above = float(f(x))
        x[i] = below
        f_below = float(f(x))
        x[i] = here
        gradient[i] = (f_above - f_below) / (above - below)     # not 2 * STEP: here + STEP was rounded too
    return gradient


def rounding_floor(terms):
    """How far off a numerical gradient of f = terms.sum() can be by rounding alone.

    f is off by at most ROUNDINGS * eps * sum|terms|, and the difference of two such values is divided by 2 * STEP. A
    gradient that is truly 0 can only be checked with this floor: that of a bias before a batch norm, which takes every
    bias away again, is measured as nothing but rounding.
    """
    return ROUNDINGS * np.finfo(np.float64).eps * float(np.abs(terms).sum()) / STEP


def wrong_entries(yours, truth, floor=0.0):
    """Where yours is further from truth than TOLERANCE * max(|yours|, largest |truth|) + floor."""
    scale = np.maximum(np.abs(yours), np.abs(truth).max(initial=0.0))
    return ~(np.abs(yours - truth) <= TOLERANCE * scale + floor)            # ~(<=) and not (>): NaN is wrong


def upstream(y, seed):
    """A random dy of the shape and dtype of y, each entry 0.5 to 1.5 in size, so that none is lost among the others."""
    rng = np.random.default_rng([seed, 1])
    dy = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1, 1], y.shape)
    return np.asarray(dy, y.dtype)
