"""The receptive field: which pixels of the image a value can depend on at all, whatever the weights are.

It is the backward of the network with an `ops` whose maps have one channel and say "depends" or "does not". A kernel of
K x K spreads that over K x K pixels, and so does a pooling or an unpooling over the four pixels of a window, as the
maximum may be in any of its corners; another way up has pixels of its own. (The normalisation of the input is left out:
`standardised` sees every pixel.)
"""

import numpy as np

from tinysegnet.look.ways_up import CORNERS
from tinysegnet.ops import more
from tinysegnet.support.shapes import ceil_div


def receptive_field(model, size, row, column, layer=None, way=CORNERS):
    """(top, left, bottom, right), in pixels of an image of `size`, (H, W): the last two are those after the field.

    row, column  of a score, or of a value of layer number `layer`, as in Seen.layers
    way          up, one of WAYS
    """
    ops = Reach(layer, (row, column), way)
    x = np.zeros((1, *size, 1), np.float32)
    y, _, cache = model.network.forward(model.folded, x, ops)
    dx, _ = model.network.backward(y if layer is not None else one_at(y, row, column), cache, ops, need_dx=True)
    rows, columns = (np.flatnonzero(dx[0, :, :, 0].any(axis=axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def one_at(y, row, column):
    dy = np.zeros_like(y)
    dy[0, row, column] = 1
    return dy


ANY = 1                             # as a corner: it may be any of the four
OF_NO_USE = np.zeros((1, 1))        # in the place of the gradients of weights


class Reach:
    """The `ops`. Maps (1, H, W, 1) are 1 where the value can depend on the pixel; all values of a forward are 0.

    layer  the number of the convolution whose value at `pixel` is asked for, or None for the scores
    way    up, one of WAYS
    """

    def __init__(self, layer, pixel, way):
        self.layer, self.pixel, self.way, self.convolutions = layer, pixel, way, 0
        self.rng = np.random.default_rng(0)

    def asked(self, number, dy):
        return one_at(dy, *self.pixel) if number == self.layer else dy

    def numbered(self):
        self.convolutions += 1
        return self.convolutions - 1

    def conv2d(self, x, w, b):
        return x, (len(w), self.numbered())

    def conv2d_backward(self, dy, cache, need_dx=True):
        K, number = cache
        return spread(self.asked(number, dy), K), OF_NO_USE, OF_NO_USE

    depthwise_conv2d, depthwise_conv2d_backward = conv2d, conv2d_backward

    def conv_transpose2d(self, x, w, b, shape):
        return np.zeros((*shape[:3], 1), x.dtype), (len(w), x.shape, self.numbered())

    def conv_transpose2d_backward(self, dy, cache):
        """x[r] goes to y[2r + i - (K - 1) // 2], of i from 0 to K - 1."""
        K, (_, H, W, _), number = cache
        before = (K - 1) // 2
        padded = np.pad(self.asked(number, dy), ((0, 0), (before, K), (before, K), (0, 0)))
        offsets = [(i, j) for i in range(K) for j in range(K)]
        dx = np.max([padded[:, i : i + 2 * H : 2, j : j + 2 * W : 2] for i, j in offsets], axis=0)
        return dx, OF_NO_USE, OF_NO_USE

    def batch_norm(self, x, gamma, beta):
        return x, (None, None), None

    def batch_norm_backward(self, dy, cache):
        return dy, None, None

    def relu(self, x):
        return x, None

    def relu_backward(self, dy, cache):
        return dy

    def dropout(self, x, mask):
        return x, None

    dropout_backward = relu_backward

    def max_pool(self, x):
        N, H, W, C = x.shape
        y = np.zeros((N, ceil_div(H, 2), ceil_div(W, 2), C), x.dtype)
        return y, y + ANY

    def max_pool_backward(self, dy, corners, shape):
        return more.upsample_nearest(dy, shape)[0]

    def max_unpool(self, x, corners, shape):
        return np.zeros(shape, x.dtype)

    def max_unpool_backward(self, dy, corners):
        if self.way == "bilinear":
            return np.sign(more.resize_bilinear_backward(dy, corners.shape))
        fixed = self.way == CORNERS and not corners.any()       # see networks/more/blocks.py
        if fixed or self.way == "first":
            return dy[:, ::2, ::2]
        return np.minimum(more.upsample_nearest_backward(dy, corners.shape), 1)

    def upsample_nearest(self, x, shape):
        return more.upsample_nearest(x, shape)

    def upsample_nearest_backward(self, dy, cache):
        return np.minimum(more.upsample_nearest_backward(dy, cache), 1)

    def resize_bilinear(self, x, shape):
        return more.resize_bilinear(x, shape)

    def resize_bilinear_backward(self, dy, cache):
        return np.sign(more.resize_bilinear_backward(dy, cache))

    def add(self, a, b):
        return np.maximum(a, b)

    def concatenate(self, a, b):
        return a, None

    def concatenate_backward(self, dy, cache):
        return dy, dy


def spread(dy, K):
    """1 wherever dy is 1 in the K x K pixels around."""
    for axis in (1, 2):
        beside = [(0, 0)] * 4
        beside[axis] = K // 2, K // 2
        padded, length = np.pad(dy, beside), dy.shape[axis]
        dy = np.max([padded.take(range(i, i + length), axis) for i in range(K)], axis=0)
    return dy
