"""Known wrong answers: what people get when an op goes wrong in one of the usual ways.

A module here is the table of one function. That of a backward:

    READ        the file to read again
    forward     the op that it belongs to: nobody who computes something else has made these mistakes
    cases()     generic arguments of the op: all sizes differ, so that no two mistakes look alike
    MISTAKES    functions wrong(dy, *args) -> {"dw": the wrong answer}, each with a sentence that names the mistake

That of a forward has functions wrong(*args) -> {"y": the wrong answer}, and in RESULTS the names of what the forward
returns. The checkers run a function that failed on the same cases and name each mistake whose answer it gives.
"""

from tinysegnet.checker.mistakes import (
    activation,
    activation_forward,
    batchnorm,
    batchnorm_forward,
    conv,
    conv_forward,
    loss,
    loss_forward,
    pool,
    pool_forward,
    softmax_forward,
    unpool,
    unpool_forward,
)

TABLES = {
    "conv2d_backward": conv,
    "batch_norm_backward": batchnorm,
    "relu_backward": activation,
    "max_pool_backward": pool,
    "max_unpool_backward": unpool,
    "softmax_cross_entropy_backward": loss,
}

FORWARD_TABLES = {
    "conv2d": conv_forward,
    "batch_norm": batchnorm_forward,
    "relu": activation_forward,
    "max_pool": pool_forward,
    "max_unpool": unpool_forward,
    "softmax": softmax_forward,
    "softmax_cross_entropy": loss_forward,
}


def table_for(function):
    """The table for a function of that name, or None."""
    return (TABLES | FORWARD_TABLES).get(getattr(function, "__name__", None))
