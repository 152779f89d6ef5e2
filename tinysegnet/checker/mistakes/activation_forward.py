"""Known wrong answers of relu."""

import numpy as np

from tinysegnet.ops.activation import relu

READ = "tinysegnet/ops/activation.py"
RESULTS = ("y",)
forward = relu


def cases():
    rng = np.random.default_rng(0)
    for shape in ((2, 4, 5, 3), (3, 7, 6, 2)):
        yield (rng.standard_normal(shape),)


def absolute_value(x):
    """y is the absolute value of x: where x is negative, y should be 0"""
    return {"y": np.abs(x)}


def minimum(x):
    """y is the smaller of x and 0, and must be the larger"""
    return {"y": np.minimum(x, 0)}


def the_mask(x):
    """y is 1 where x is positive: it should be x itself there"""
    return {"y": (x > 0).astype(x.dtype)}


def unchanged(x):
    """y is x: what is negative should have become 0"""
    return {"y": x}


def turned_round(x):
    """y is minus x where x is negative: the sign is the wrong way round"""
    return {"y": np.maximum(-x, 0)}


def leaky(x):
    """y keeps a hundredth of what is negative: that is the leaky ReLU; here it is 0"""
    return {"y": np.where(x > 0, x, 0.01 * x)}


def cut_at_one(x):
    """y is cut off at 1: ReLU has no upper end"""
    return {"y": np.clip(x, 0, 1)}


def squared(x):
    """y is the square of x where x is positive: it should be x itself there"""
    return {"y": np.maximum(x, 0) ** 2}


MISTAKES = (absolute_value, minimum, the_mask, unchanged, turned_round, leaky, cut_at_one, squared)
