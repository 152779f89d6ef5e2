"""For each backward of the library: its forward in the checker's form, names and generic arguments."""

import numpy as np
from generators import spaced

from tinysegnet import ops

rng = np.random.default_rng(3)
X = spaced(rng, (2, 5, 7, 3), gap=0.01)


def pool(x):
    y, corners = ops.max_pool(x)
    return y, (corners, x.shape)


def pool_backward(dy, cache):
    return ops.max_pool_backward(dy, *cache)


def unpool(x, corners, shape):
    return ops.max_unpool(x, corners, shape), corners


FORWARD = {
    "conv2d_backward": ops.conv2d,
    "batch_norm_backward": ops.batch_norm,
    "relu_backward": ops.relu,
    "max_pool_backward": pool,
    "max_unpool_backward": unpool,
    "softmax_cross_entropy_backward": ops.softmax_cross_entropy,
}
RIGHT = {name: getattr(ops, name) for name in FORWARD} | {"max_pool_backward": pool_backward}
NAMES = {
    "conv2d_backward": ("x", "w", "b"),
    "batch_norm_backward": ("x", "gamma", "beta"),
    "relu_backward": ("x",),
    "max_pool_backward": ("x",),
    "max_unpool_backward": ("x",),
    "softmax_cross_entropy_backward": ("logits",),
}
ARGS = {
    "conv2d_backward": (X, rng.standard_normal((3, 3, 3, 2)), rng.standard_normal(2)),
    "batch_norm_backward": (X, rng.uniform(0.5, 2, 3), rng.standard_normal(3)),
    "relu_backward": (X,),
    "max_pool_backward": (X,),
    "max_unpool_backward": (rng.standard_normal((2, 3, 4, 3)), ops.max_pool(X)[1], X.shape),
    "softmax_cross_entropy_backward": (
        rng.standard_normal((2, 5, 7, 4)), rng.integers(0, 5, (2, 5, 7)), rng.uniform(0.5, 3, 4), 4,
    ),
}


def in_checker_form(op, backward):
    """max_pool_backward takes its cache as two arguments; the others are as the checker wants them."""
    if op != "max_pool_backward":
        return backward

    def adapted(dy, cache):
        return backward(dy, *cache)

    adapted.__name__ = backward.__name__
    return adapted
