"""The blocks of other networks: other ways up than unpooling, maps that go across with their gradients, dropout.

They take their operations from `ops`, and those that it lacks, as that of the core does, from ops/more.
"""

from tinysegnet.networks.blocks import Block, Param, by_forward, conv_norm, fold, names_of
from tinysegnet.ops import more
from tinysegnet.ops.more.conv_transpose2d import bilinear
from tinysegnet.ops.more.dropout import draw_mask
from tinysegnet.support.backend import array_module, to_device


def operation(ops, name):
    return getattr(ops, name, None) or getattr(more, name)


def upsample(name, way):
    """Bring the map back to the shape before `pool` of that name, with nothing learnt.

    way  "resize_bilinear" or "upsample_nearest"
    """
    def forward(params, x, ops, kept):
        _, shape = kept[name]
        y, cache = operation(ops, way)(x, shape)
        return y, {}, cache

    def backward(dy, cache, ops, need_dx):
        return operation(ops, f"{way}_backward")(dy, cache), {}

    return Block({}, {}, forward, backward, by_forward(forward))


def upsample_learnt(name, of_pool, C, F, K, start=bilinear):
    """The same by a transposed convolution from C channels to F, by default at first the bilinear one."""
    w, b = f"{name}.w", f"{name}.b"

    def forward(params, x, ops, kept):
        _, (N, H, W, _) = kept[of_pool]
        y, cache = operation(ops, "conv_transpose2d")(x, params[w], params[b], (N, H, W, F))
        return y, {}, cache

    def backward(dy, cache, ops, need_dx):
        dx, dw, db = operation(ops, "conv_transpose2d_backward")(dy, cache)
        return dx, {w: dw, b: db}

    learnt = {w: Param((K, K, C, F), start, decays=True), b: Param((F,), 0, decays=False)}
    return Block(learnt, {}, forward, backward, by_forward(forward))


def unpool_fixed(name):
    """Unpooling that does not know where the maxima were: all values go to the first corner (a fixed index array)."""
    def forward(params, x, ops, kept):
        corners, shape = kept[name]
        first = corners * 0
        return ops.max_unpool(x, first, shape), {}, first

    def backward(dy, first, ops, need_dx):
        return ops.max_unpool_backward(dy, first), {}

    return Block({}, {}, forward, backward, by_forward(forward))


def single_channel_conv_norm(name, C, K):
    """conv_norm whose kernels see one channel each: w (K, K, 1, C)."""
    conv, norm = conv_norm(name, 1, C, K)
    w, b, *_ = names_of(name)

    def forward(params, x, ops, kept):
        y, cache = operation(ops, "depthwise_conv2d")(x, params[w][:, :, 0], params[b])
        return y, {}, cache

    def backward(dy, cache, ops, need_dx):
        dx, dw, db = operation(ops, "depthwise_conv2d_backward")(dy, cache)
        return dx, {w: dw[:, :, None], b: db}

    def predict(params, stats, x, ops, kept):
        if stats is not None:
            params = fold(name, params, stats, ops)
        return forward(params, x, ops, kept)[0]

    return conv._replace(forward=forward, backward=backward, predict=predict), norm


def lend(name):
    """Let the map cross to the `add_lent` or `concatenate_lent` of that name. It is used twice, so two gradients add
    up: that from the decoder lies in a list which both blocks have as their cache."""
    def forward(params, x, ops, kept):
        if f"{name}.lent" in kept:
            raise ValueError(f"lend: two of one chain are called {name!r}")
        gradients = []
        kept[f"{name}.lent"] = x, gradients
        return x, {}, gradients

    def backward(dy, gradients, ops, need_dx):
        while gradients:
            dy = operation(ops, "add")(dy, gradients.pop())
        return dy, {}

    return Block({}, {}, forward, backward, by_forward(forward))


def add_lent(name, reduction=None):
    """Add the map that was lent under that name, or what a `conv` makes of it, which reduces its channels."""

    def forward(params, x, ops, kept):
        lent, gradients = kept[f"{name}.lent"]
        cache = None
        if reduction:
            lent, _, cache = reduction.forward(params, lent, ops, kept)
        return operation(ops, "add")(x, lent), {}, (gradients, cache)

    def backward(dy, both, ops, need_dx):
        gradients, cache = both
        dlent, grads = reduction.backward(dy, cache, ops, True) if reduction else (dy, {})
        gradients.append(dlent)
        return dy, grads

    return Block(reduction.params if reduction else {}, {}, forward, backward, by_forward(forward))


def concatenate_lent(name):
    """Put the map that was lent under that name behind x, as more channels."""
    def forward(params, x, ops, kept):
        lent, gradients = kept[f"{name}.lent"]
        y, cache = operation(ops, "concatenate")(x, lent)
        return y, {}, (gradients, cache)

    def backward(dy, both, ops, need_dx):
        gradients, cache = both
        dx, dlent = operation(ops, "concatenate_backward")(dy, cache)
        gradients.append(dlent)
        return dx, {}

    return Block({}, {}, forward, backward, by_forward(forward))


def dropout(rate=0.5):
    """Leave out each value with probability `rate`, by masks that are drawn by ops.rng, a NumPy generator. Without one
    `predict` leaves out nothing: in training what stayed was made larger for it, so that the mean is the same."""
    def forward(params, x, ops, kept):
        rng = getattr(ops, "rng", None)
        if rng is None:
            raise ValueError("dropout: ops has no rng to draw by: give ops_with(rng=numpy.random.default_rng(seed))")
        mask = to_device(draw_mask(rng, x.shape, rate, x.dtype), array_module(x))
        y, cache = operation(ops, "dropout")(x, mask)
        return y, {}, cache

    def backward(dy, cache, ops, need_dx):
        return operation(ops, "dropout_backward")(dy, cache), {}

    def predict(params, stats, x, ops, kept):
        return x if getattr(ops, "rng", None) is None else forward(params, x, ops, kept)[0]

    return Block({}, {}, forward, backward, predict)
