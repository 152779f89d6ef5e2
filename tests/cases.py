"""For each backward of the library: its forward in the checker's form, names and generic arguments.

A new op, in ops/ or in ops/more/, needs an entry in FORWARD, NAMES and ARGS; its backward is found by its name.
"""

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
from generators import spaced

from tinysegnet import ops
from tinysegnet.ops import more

rng = np.random.default_rng(3)
X = spaced(rng, (2, 5, 7, 3), gap=0.01)
SMALL = np.random.default_rng(4).standard_normal((2, 5, 4, 3))


class Entries(dict):
    """Of each backward; one that lacks is an AssertionError with a sentence."""

    def __init__(self, name, entries):
        super().__init__(entries)
        self.name = name

    def __missing__(self, op):
        raise AssertionError(f"{op} has no entry in {self.name} of tests/cases.py")


class Backwards(dict):
    """The functions of the library by their names, wherever in ops/ they are; those here come first."""

    def __missing__(self, op):
        modules = ops, *(import_module(f"{more.__name__}.{module.name}") for module in iter_modules(more.__path__))
        for module in modules:
            if hasattr(module, op):
                return getattr(module, op)
        raise AssertionError(f"there is no function {op} in tinysegnet/ops/__init__.py or a file of ops/more/")


def pool(x):
    y, corners = ops.max_pool(x)
    return y, (corners, x.shape)


def pool_backward(dy, cache):
    return ops.max_pool_backward(dy, *cache)


def unpool(x, corners, shape):
    return ops.max_unpool(x, corners, shape), corners


def add(a, b):
    return more.add(a, b), None


def add_backward(dy, cache):
    """The library has none: networks hand dy on to both."""
    return dy, dy


FORWARD = Entries("FORWARD", {
    "conv2d_backward": ops.conv2d,
    "batch_norm_backward": ops.batch_norm,
    "relu_backward": ops.relu,
    "max_pool_backward": pool,
    "max_unpool_backward": unpool,
    "softmax_cross_entropy_backward": ops.softmax_cross_entropy,
    "conv_transpose2d_backward": more.conv_transpose2d,
    "depthwise_conv2d_backward": more.depthwise_conv2d,
    "resize_bilinear_backward": more.resize_bilinear,
    "upsample_nearest_backward": more.upsample_nearest,
    "concatenate_backward": more.concatenate,
    "add_backward": add,
    "dropout_backward": more.dropout,
})
RIGHT = Backwards(max_pool_backward=pool_backward, add_backward=add_backward)
NAMES = Entries("NAMES", {
    "conv2d_backward": ("x", "w", "b"),
    "batch_norm_backward": ("x", "gamma", "beta"),
    "relu_backward": ("x",),
    "max_pool_backward": ("x",),
    "max_unpool_backward": ("x",),
    "softmax_cross_entropy_backward": ("logits",),
    "conv_transpose2d_backward": ("x", "w", "b"),
    "depthwise_conv2d_backward": ("x", "w", "b"),
    "resize_bilinear_backward": ("x",),
    "upsample_nearest_backward": ("x",),
    "concatenate_backward": ("a", "b"),
    "add_backward": ("a", "b"),
    "dropout_backward": ("x",),
})
ARGS = Entries("ARGS", {
    "conv2d_backward": (X, rng.standard_normal((3, 3, 3, 2)), rng.standard_normal(2)),
    "batch_norm_backward": (X, rng.uniform(0.5, 2, 3), rng.standard_normal(3)),
    "relu_backward": (X,),
    "max_pool_backward": (X,),
    "max_unpool_backward": (rng.standard_normal((2, 3, 4, 3)), ops.max_pool(X)[1], X.shape),
    "softmax_cross_entropy_backward": (
        rng.standard_normal((2, 5, 7, 4)), rng.integers(0, 5, (2, 5, 7)), rng.uniform(0.5, 3, 4), 4,
    ),
    "conv_transpose2d_backward": (SMALL, rng.standard_normal((4, 4, 3, 2)), rng.standard_normal(2), (2, 9, 7, 2)),
    "depthwise_conv2d_backward": (SMALL, rng.standard_normal((3, 3, 3)), rng.standard_normal(3)),
    "resize_bilinear_backward": (SMALL, (2, 9, 7, 3)),
    "upsample_nearest_backward": (SMALL, (2, 9, 7, 3)),
    "concatenate_backward": (X, rng.standard_normal((2, 5, 7, 4))),
    "add_backward": (X, rng.standard_normal(X.shape)),
    "dropout_backward": (X, (rng.random(X.shape) >= 0.3) / 0.7),
})


def in_checker_form(op, backward):
    """max_pool_backward takes its cache as two arguments; the others are as the checker wants them."""
    if op != "max_pool_backward":
        return backward

    def adapted(dy, cache):
        return backward(dy, *cache)

    adapted.__name__ = backward.__name__
    return adapted
