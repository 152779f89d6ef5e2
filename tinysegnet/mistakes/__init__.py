"""Known wrong answers: what people get when a backward goes wrong in one of the usual ways.

A module here is the table of one backward:

    READ        the file to read again
    forward     the op that it belongs to: nobody who computes something else has made these mistakes
    cases()     generic arguments of the op: all sizes differ, so that no two mistakes look alike
    MISTAKES    functions wrong(dy, *args) -> {"dw": the wrong answer}, each with a sentence that names the mistake

The checker runs a backward that failed on the same cases and names each mistake whose answer it gives.
"""

from tinysegnet.mistakes import activation, batchnorm, conv, loss, pool, unpool

TABLES = {
    "conv2d_backward": conv,
    "batch_norm_backward": batchnorm,
    "relu_backward": activation,
    "max_pool_backward": pool,
    "max_unpool_backward": unpool,
    "softmax_cross_entropy_backward": loss,
}


def table_for(backward):
    """The table for a backward of that name, or None."""
    return TABLES.get(getattr(backward, "__name__", None))
