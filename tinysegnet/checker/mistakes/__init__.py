"""Known wrong answers: what people get when an op goes wrong in one of the usual ways.

Each module has the tables of an op or two, those of its forward and of its backward: see table.py. The checkers run a
function that failed on the cases of its table and name each mistake whose answer it gives.
"""

from tinysegnet.checker.mistakes import (
    activation,
    batchnorm,
    conv,
    conv_transpose,
    depthwise,
    dropout,
    loss,
    pool,
    resize,
    upsample_nearest,
)

TABLES = {
    "conv2d_backward": conv.backward,
    "batch_norm_backward": batchnorm.backward,
    "relu_backward": activation.backward,
    "max_pool_backward": pool.pool_backward,
    "max_unpool_backward": pool.unpool_backward,
    "softmax_cross_entropy_backward": loss.backward,
    "conv_transpose2d_backward": conv_transpose.backward,
    "depthwise_conv2d_backward": depthwise.backward,
    "dropout_backward": dropout.backward,
    "resize_bilinear_backward": resize.resize_backward,
    "upsample_nearest_backward": upsample_nearest.upsample_backward,
}

FORWARD_TABLES = {
    "conv2d": conv.forward,
    "batch_norm": batchnorm.forward,
    "relu": activation.forward,
    "max_pool": pool.pool,
    "max_unpool": pool.unpool,
    "softmax": loss.of_softmax,
    "softmax_cross_entropy": loss.forward,
    "conv_transpose2d": conv_transpose.forward,
    "depthwise_conv2d": depthwise.forward,
    "dropout": dropout.forward,
    "resize_bilinear": resize.resize,
    "upsample_nearest": upsample_nearest.upsample,
}


def table_for(function):
    """The table for a function of that name, or None."""
    return (TABLES | FORWARD_TABLES).get(getattr(function, "__name__", None))
