"""SegNet-Basic (Badrinarayanan, Kendall and Cipolla, TPAMI 2017, section 3): parameters in, logits out.

    encoder 1 .. 4   conv 7 x 7, 64 filters -> batch norm -> ReLU -> max-pool, whose corners are remembered
    decoder 4 .. 1   unpool into the corners of that level -> conv 7 x 7, 64 filters -> batch norm      (no ReLU)
    classifier       conv 1 x 1 to the classes

`params` and `stats` are dicts of arrays: params["encoder1.conv.w"], stats["encoder1.norm.mean"]. An optimiser sees only
params.
`ops` is anything that has the functions of tinysegnet.ops: a learner's own can take their place.
"""

import math

import numpy as np

import tinysegnet.ops
from tinysegnet.errors import InputError


def init(seed, classes=11, width=64, levels=4, kernel=7, dtype=np.float32):
    """Draw the weights: He et al. (2015), Gaussian with standard deviation sqrt(2 / fan-in); biases 0, scales 1.

    Returns params (1,416,587 numbers with the default arguments, the paper's network) and stats (means 0, variances 1).
    Shifts start at 0.001, as in the authors' Caffe files.
    """
    rng = np.random.default_rng(seed)
    start = {"b": 0, "gamma": 1, "beta": 0.001, "mean": 0, "var": 1}

    def fill(name, shape):
        kind = name.rpartition(".")[2]
        if kind == "w":
            return (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:3]))).astype(dtype)
        return np.full(shape, start[kind], dtype)

    params, stats = shapes(classes, width, levels, kernel)
    return {name: fill(name, params[name]) for name in params}, {name: fill(name, stats[name]) for name in stats}


def shapes(classes=11, width=64, levels=4, kernel=7):
    """The shapes of the arrays in params and in stats, under their names, in the order of the network."""
    params, stats = {}, {}
    down, up = range(1, levels + 1), range(levels, 0, -1)
    for block in [*(f"encoder{level}" for level in down), *(f"decoder{level}" for level in up)]:
        inputs = 3 if block == "encoder1" else width
        params |= {f"{block}.conv.w": (kernel, kernel, inputs, width), f"{block}.conv.b": (width,)}
        params |= {f"{block}.norm.gamma": (width,), f"{block}.norm.beta": (width,)}
        stats |= {f"{block}.norm.mean": (width,), f"{block}.norm.var": (width,)}
    params |= {"classifier.w": (1, 1, width, classes), "classifier.b": (classes,)}
    return params, stats


def forward(params, x, ops=tinysegnet.ops):
    """The network in training: batch norm uses the statistics of this batch.

    x            (N, H, W, 3), H and W at least 2**levels
    logits       (N, H, W, classes)
    batch_stats  means and variances of this batch, with the keys of stats
    cache        what backward needs

    Returns logits, batch_stats, cache. Raises InputError if the images are too small to be halved at every level.
    """
    check_size(params, *x.shape[1:3])
    batch_stats, cache = {}, {}

    def conv(name, x):
        y, cache[name] = ops.conv2d(x, params[f"{name}.w"], params[f"{name}.b"])
        return y

    def norm(name, x):
        y, (mean, var), cache[name] = ops.batch_norm(x, params[f"{name}.gamma"], params[f"{name}.beta"])
        batch_stats[f"{name}.mean"], batch_stats[f"{name}.var"] = mean, var
        return y

    for level in range(1, levels_of(params) + 1):
        x = conv(f"encoder{level}.conv", x)
        x = norm(f"encoder{level}.norm", x)
        x, cache[f"encoder{level}.relu"] = ops.relu(x)
        shape = x.shape
        x, corners = ops.max_pool(x)
        cache[f"level{level}"] = corners, shape
    for level in range(levels_of(params), 0, -1):
        corners, shape = cache[f"level{level}"]
        x = ops.max_unpool(x, corners, shape)
        x = conv(f"decoder{level}.conv", x)
        x = norm(f"decoder{level}.norm", x)
    logits = conv("classifier", x)
    return logits, batch_stats, cache


def backward(dlogits, cache, ops=tinysegnet.ops):
    """The list of forward, from its last line to its first: each op hands the gradient on to the one before it.

    No gradient passes from decoder to encoder by way of the corners: they are positions, and moving x a little moves
    none of them.

    What has been used is taken out of the cache, so that its memory is free for what is still to come.

    dlogits  (N, H, W, classes)
    grads    a gradient for every parameter, under the same key
    """
    grads = {}

    def conv(name, dy, need_dx=True):
        dx, grads[f"{name}.w"], grads[f"{name}.b"] = ops.conv2d_backward(dy, cache.pop(name), need_dx)
        return dx

    def norm(name, dy):
        dx, grads[f"{name}.gamma"], grads[f"{name}.beta"] = ops.batch_norm_backward(dy, cache.pop(name))
        return dx

    levels = sum(name.startswith("level") for name in cache)
    dx = conv("classifier", dlogits)
    for level in range(1, levels + 1):
        corners, _ = cache[f"level{level}"]
        dx = norm(f"decoder{level}.norm", dx)
        dx = conv(f"decoder{level}.conv", dx)
        dx = ops.max_unpool_backward(dx, corners)
    for level in range(levels, 0, -1):
        corners, shape = cache[f"level{level}"]
        dx = ops.max_pool_backward(dx, corners, shape)
        dx = ops.relu_backward(dx, cache.pop(f"encoder{level}.relu"))
        dx = norm(f"encoder{level}.norm", dx)
        dx = conv(f"encoder{level}.conv", dx, need_dx=level > 1)
    return grads


def predict(params, stats, x, ops=tinysegnet.ops):
    """The network at test time: batch norm, with the given statistics, is part of the convolution; nothing is kept.

    x       (N, H, W, 3)
    logits  (N, H, W, classes)
    """
    check_size(params, *x.shape[1:3])

    def conv_norm(block, x):
        of_conv = params[f"{block}.conv.w"], params[f"{block}.conv.b"]
        of_norm = params[f"{block}.norm.gamma"], params[f"{block}.norm.beta"]
        w, b = ops.fold_batch_norm(*of_conv, *of_norm, stats[f"{block}.norm.mean"], stats[f"{block}.norm.var"])
        return ops.conv2d(x, w, b)[0]

    remembered = []
    for level in range(1, levels_of(params) + 1):
        x, _ = ops.relu(conv_norm(f"encoder{level}", x))
        shape = x.shape
        x, corners = ops.max_pool(x)
        remembered.append((corners, shape))
    for level in range(levels_of(params), 0, -1):
        corners, shape = remembered.pop()
        x = conv_norm(f"decoder{level}", ops.max_unpool(x, corners, shape))
    return ops.conv2d(x, params["classifier.w"], params["classifier.b"])[0]


def check_complete(params, stats, classes, path):
    """Raise InputError unless the arrays read from `path` are those of a SegNet-Basic for so many classes."""
    first = params.get("encoder1.conv.w")
    if first is not None and first.ndim == 4:
        found = [{name: a.shape for name, a in arrays.items()} for arrays in (params, stats)]
        dtypes = {a.dtype.name for a in (*params.values(), *stats.values())}
        K, _, _, width = first.shape
        if found == [*shapes(classes, width, levels_of(params), K)] and K % 2 and dtypes in ({"float32"}, {"float64"}):
            return
    raise InputError(f"{path} does not hold a SegNet-Basic of {classes} classes: give another file")


def levels_of(params):
    return sum(name.startswith("encoder") and name.endswith(".conv.w") for name in params)


def smallest_side(params):
    """Of an image, in pixels, so that something is left after halving at every level."""
    return 2 ** levels_of(params)


def check_size(params, height, width, crop=None):
    """Raise InputError if images of that size, or such a part of them, cannot be halved at every level."""
    smallest = math.ceil(smallest_side(params) / (crop or 1))
    if min(height, width) < smallest:
        raise InputError(
            f"images of {height}x{width} pixels are too small for a network that halves {'a part of ' if crop else ''}"
            f"them {levels_of(params)} times: use at least {smallest}x{smallest}"
        )
