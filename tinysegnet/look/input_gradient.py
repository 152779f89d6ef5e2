"""How much a score at one pixel changes with each pixel of the input: |d score / d input|."""

import numpy as np

from tinysegnet.look.seen import normalised
from tinysegnet.look.ways_up import CORNERS, WAYS
from tinysegnet.ops import fast
from tinysegnet.ops.fast import ops_with


def input_gradient(model, photograph, row, column, label, way=CORNERS):
    """The sum over the three colours of |d score[row, column, label] / d x|, (H, W).

    photograph  uint8 (H, W, 3), as the network sees it
    way         of WAYS, in the place of its unpooling
    x           the normalised photograph

    It is the gradient of what `predict` computes: the batch norms are folded into the convolutions, and forward and
    backward go by an `ops` in which a batch norm, and a dropout, are nothing.
    """
    ops = ops_with(**WAYS[way], **AS_NOTHING, conv2d_backward=only_dx, rng=np.random.default_rng(0))
    scores, _, cache = model.network.forward(model.folded, normalised(model, photograph), ops)
    dscores = np.zeros_like(scores)
    dscores[0, row, column, label] = 1
    dx, _ = model.network.backward(dscores, cache, ops, need_dx=True)
    return np.abs(dx[0]).sum(axis=2)


def only_dx(dy, cache, need_dx=True):
    """dx of conv2d_backward, which is half of the work: the convolution of dy with the kernel rotated and its channels
    exchanged."""
    x, w = cache
    rotated = np.ascontiguousarray(w[::-1, ::-1].swapaxes(2, 3))
    return fast.conv2d(dy, rotated, np.zeros(len(w[0, 0]), w.dtype))[0], None, None


AS_NOTHING = {
    "batch_norm": lambda x, gamma, beta: (x, (None, None), None),
    "batch_norm_backward": lambda dy, cache: (dy, None, None),
    "dropout": lambda x, mask: (x, None),
    "dropout_backward": lambda dy, cache: dy,
}
