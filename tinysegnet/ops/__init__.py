"""The operations of SegNet-Basic, each a forward and a backward function that stand one under the other in one file.

A network takes its operations as an argument, `ops`, by default this module. Whatever has functions of these names can
take its place, and nothing else changes: the faster convolutions of tinysegnet.ops.fast, a learner's own, a recorder.
"""

from tinysegnet.ops import conv, conv_1x1
from tinysegnet.ops.activation import relu, relu_backward
from tinysegnet.ops.batchnorm import batch_norm, batch_norm_backward, batch_norm_inference, fold_batch_norm
from tinysegnet.ops.conv import col2im, im2col
from tinysegnet.ops.loss import softmax, softmax_cross_entropy, softmax_cross_entropy_backward
from tinysegnet.ops.pool import max_pool, max_pool_backward, max_unpool, max_unpool_backward

__all__ = [
    "batch_norm", "batch_norm_backward", "batch_norm_inference",
    "col2im", "conv2d", "conv2d_backward", "fold_batch_norm", "im2col",
    "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward",
    "relu", "relu_backward",
    "softmax", "softmax_cross_entropy", "softmax_cross_entropy_backward",
]


def conv2d(x, w, b):
    """y, cache of conv.conv2d, where a kernel of 1 x 1 needs no columns and goes by conv_1x1."""
    return module_for(w).conv2d(x, w, b)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward. The cache is (x, w), whichever of the two files made it."""
    return module_for(cache[1]).conv2d_backward(dy, cache, need_dx)


def module_for(w):
    return conv_1x1 if getattr(w, "shape", ())[:1] == (1,) else conv
