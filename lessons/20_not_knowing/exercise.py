"""Lesson 20: dropout, and many looks. Write your answers here, and ask:  python -m pytest lessons/20_not_knowing"""

import numpy as np


def draw_mask(rng, shape, rate, dtype):
    """What a map is multiplied by: 0 with probability `rate`, and else what makes the mean of the mask 1.

    rng    a numpy.random.Generator: draw rng.random(shape, np.float32), whatever the dtype, one number for each entry
           of the mask; an entry is dropped if its number is below rate
    shape  of the mask, such as (N, H, W, C)
    rate   from 0 to below 1
    dtype  of the mask
    """
    mask = None
    return mask


def dropout(x, mask):
    """Leave out some values of x, and make the others larger.

    x      (N, H, W, C)
    mask   like x: 0, or 1 / (1 - rate)
    y      like x
    cache  mask
    """
    y = None
    cache = None
    return y, cache


def dropout_backward(dy, cache):
    """The gradient of the loss with respect to the x of dropout.

    dy     (N, H, W, C), the gradient with respect to y
    cache  mask, as dropout returns it
    dx     like dy
    """
    dx = None
    return dx


def mean_and_variance(looks):
    """Of arrays that come one after the other. Keep none of them: what is kept has the size of one, however many come.

    looks     an iterator over T arrays of one shape and dtype, one or more: `for p in looks` gives each once
    mean      like one of them, the mean of the T numbers at each place
    variance  likewise: the mean of the squares of their distances from that mean
    """
    mean = None
    variance = None
    return mean, variance
