"""Blocks: what networks are made of. Blocks in a chain are a block, and that is what makes a network.

A block says what it has to learn, and does three things with the operations `ops`:

    forward(params, x, ops, kept)         -> y, batch_stats, cache    in training: batch norm by this batch alone
    backward(dy, cache, ops, need_dx)     -> dx, grads                uses the cache up
    predict(params, stats, x, ops, kept)  -> y                        afterwards: batch norm by stats

x, y, dy and dx are maps (N, H, W, C). params, grads, stats and batch_stats are dicts of arrays by their full names,
"encoder1.conv.w". `kept` is a dict for what crosses from the encoder to the decoder: `pool` puts its corners there
under a name, and the `unpool` of that name takes them. dx may be None where it is not needed, as for the image.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import tinysegnet.ops
from tinysegnet.support.shapes import check_size


class Param(NamedTuple):
    shape: tuple
    start: float | Callable     # a number, or start(rng, shape) -> array
    decays: bool                # whether weight decay applies


class Block(NamedTuple):
    params: dict                # what has to be learnt, {name: Param}, in the order of the network
    stats: dict                 # the statistics of its batch norms, {name: shape}
    forward: Callable
    backward: Callable
    predict: Callable
    levels: int = 0             # how many times it halves its map

    @property
    def shapes(self):
        return {name: param.shape for name, param in self.params.items()}

    @property
    def decays(self):
        return {name for name, param in self.params.items() if param.decays}


def he_normal(rng, shape):
    """Gaussian with standard deviation sqrt(2 / fan-in): maps keep their size through a ReLU (He et al., 2015)."""
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:3]))


def chain(*blocks):
    """One block after the other: forward goes through the list, and backward through the same list from its end.

    Raises ValueError if two blocks have a parameter of the same name, or a cache is used twice; InputError if x is too
    small to be halved at every level. (In `predict` stats are None if params are folded: see inference.fold_all.)
    """
    params = {name: param for block in blocks for name, param in block.params.items()}
    stats = {name: shape for block in blocks for name, shape in block.stats.items()}
    levels = sum(block.levels for block in blocks)
    if len(params) < sum(len(block.params) for block in blocks):
        raise ValueError("chain: two blocks have a parameter of the same name")

    def forward(params, x, ops=tinysegnet.ops, kept=None):
        check_size(levels, *x.shape[1:3])
        kept, batch_stats, caches = {} if kept is None else kept, {}, []
        for block in blocks:
            x, block_stats, cache = block.forward(params, x, ops, kept)
            batch_stats |= block_stats
            caches.append(cache)
        return x, batch_stats, caches

    def backward(dy, cache, ops=tinysegnet.ops, need_dx=False):
        if len(cache) != len(blocks):
            raise ValueError("backward: this cache has been used up: call forward again")
        grads = {}
        for i in reversed(range(len(blocks))):
            dy, block_grads = blocks[i].backward(dy, cache.pop(), ops, need_dx or i > 0)
            grads |= block_grads
        return dy, grads

    def predict(params, stats, x, ops=tinysegnet.ops, kept=None):
        check_size(levels, *x.shape[1:3])
        kept = {} if kept is None else kept
        for block in blocks:
            x = block.predict(params, stats, x, ops, kept)
        return x

    return Block(params, stats, forward, backward, predict, levels)


def conv(name, C, F, K):
    """A convolution from C channels to F by K x K kernels. Biases start at 0 and, by custom, do not decay."""
    w, b = f"{name}.w", f"{name}.b"                             # the keys of params

    def forward(params, x, ops, kept):
        y, cache = ops.conv2d(x, params[w], params[b])
        return y, {}, cache

    def backward(dy, cache, ops, need_dx):
        dx, dw, db = ops.conv2d_backward(dy, cache, need_dx)
        return dx, {w: dw, b: db}

    learnt = {w: Param((K, K, C, F), he_normal, decays=True), b: Param((F,), 0, decays=False)}
    return Block(learnt, {}, forward, backward, by_forward(forward))


def conv_norm(name, C, F, K):
    """Two blocks: a convolution, and its batch norm, which in `predict` is a part of the convolution. Scales start at 1
    and shifts at 0.001, as in the authors' Caffe files."""
    w, b, gamma, beta, mean, var = names_of(name)

    def forward(params, x, ops, kept):
        y, (batch_mean, batch_var), cache = ops.batch_norm(x, params[gamma], params[beta])
        return y, {mean: batch_mean, var: batch_var}, cache

    def backward(dy, cache, ops, need_dx):
        dx, dgamma, dbeta = ops.batch_norm_backward(dy, cache)
        return dx, {gamma: dgamma, beta: dbeta}

    def convolved_and_normalised(params, stats, x, ops, kept):
        if stats is not None:                                   # or else it has been done once for all
            params = fold(name, params, stats, ops)
        return ops.conv2d(x, params[w], params[b])[0]

    def as_it_is(params, stats, x, ops, kept):
        return x

    learnt = {gamma: Param((F,), 1, decays=False), beta: Param((F,), 0.001, decays=False)}
    norm = Block(learnt, {mean: (F,), var: (F,)}, forward, backward, as_it_is)
    return conv(f"{name}.conv", C, F, K)._replace(predict=convolved_and_normalised), norm


def names_of(name):
    """Of the arrays of the conv_norm of that name: w, b, gamma, beta, mean, var."""
    kinds = "conv.w", "conv.b", "norm.gamma", "norm.beta", "norm.mean", "norm.var"
    return [f"{name}.{kind}" for kind in kinds]


def fold(name, params, stats, ops):
    """The w and b of the conv_norm of that name in which its batch norm is a part of the convolution, as a dict."""
    w, b, gamma, beta, mean, var = names_of(name)
    arrays = params[w], params[b], params[gamma], params[beta], stats[mean], stats[var]
    return dict(zip((w, b), ops.fold_batch_norm(*arrays)))


def relu():
    def forward(params, x, ops, kept):
        y, cache = ops.relu(x)
        return y, {}, cache

    def backward(dy, cache, ops, need_dx):
        return ops.relu_backward(dy, cache), {}

    return Block({}, {}, forward, backward, by_forward(forward))


def pool(name):
    """Halve the map, and keep for the `unpool` of that name where the maxima were, and the shape to give back."""

    def forward(params, x, ops, kept):
        if name in kept:
            raise ValueError(f"pool: two of one chain are called {name!r}")
        y, corners = ops.max_pool(x)
        kept[name] = corners, x.shape                           # for the decoder; and as cache, for the backward
        return y, {}, kept[name]

    def backward(dy, cache, ops, need_dx):
        corners, shape = cache
        return ops.max_pool_backward(dy, corners, shape), {}

    return Block({}, {}, forward, backward, by_forward(forward), levels=1)


def unpool(name):
    """Bring the map back to the shape it had in the encoder, each value in its corner. No gradient goes across to the
    encoder: corners are positions, and moving x a little moves none of them."""

    def forward(params, x, ops, kept):
        corners, shape = kept[name]
        return ops.max_unpool(x, corners, shape), {}, corners

    def backward(dy, corners, ops, need_dx):
        return ops.max_unpool_backward(dy, corners), {}

    return Block({}, {}, forward, backward, by_forward(forward))


def by_forward(forward):
    """The `predict` of a block that does the same in training and afterwards."""
    return lambda params, stats, x, ops, kept: forward(params, x, ops, kept)[0]
