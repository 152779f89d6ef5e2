"""The operations of SegNet, each a forward and a backward function that stand one under the other in one file."""

from tinysegnet.ops.activation import relu, relu_backward
from tinysegnet.ops.batchnorm import batch_norm, batch_norm_backward, batch_norm_inference
from tinysegnet.ops.conv import col2im, conv2d, conv2d_backward, im2col
from tinysegnet.ops.loss import softmax, softmax_cross_entropy, softmax_cross_entropy_backward
from tinysegnet.ops.pool import max_pool, max_pool_backward, max_unpool, max_unpool_backward

__all__ = [
    "batch_norm", "batch_norm_backward", "batch_norm_inference",
    "col2im", "conv2d", "conv2d_backward", "im2col",
    "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward",
    "relu", "relu_backward",
    "softmax", "softmax_cross_entropy", "softmax_cross_entropy_backward",
]
