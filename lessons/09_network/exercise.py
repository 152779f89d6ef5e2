"""Lesson 09: the network. Write your answers here, and ask:  python -m pytest lessons/09_network

Both functions only put operations together. All of them are in `ops`, under the names that you know:

    y, cache = ops.conv2d(x, w, b)                          dx, dw, db = ops.conv2d_backward(dy, cache, need_dx=True)
    y, (mean, var), cache = ops.batch_norm(x, gamma, beta)  dx, dgamma, dbeta = ops.batch_norm_backward(dy, cache)
    y, cache = ops.relu(x)                                  dx = ops.relu_backward(dy, cache)
    y, corners = ops.max_pool(x)                            dx = ops.max_pool_backward(dy, corners, shape)
    y = ops.max_unpool(x, corners, shape)                   dx = ops.max_unpool_backward(dy, corners)
"""


def forward(params, x, ops):
    """A SegNet-Basic of two levels, in training: batch norm uses the statistics of this batch.

        encoder1, encoder2   conv -> batch norm -> ReLU -> max-pool, whose corners are remembered
        decoder2, decoder1   unpool into the corners of that level -> conv -> batch norm
        classifier           conv 1 x 1

    params       a dict of arrays. For each of encoder1, encoder2, decoder2, decoder1:
                 "encoder1.conv.w", "encoder1.conv.b", "encoder1.norm.gamma", "encoder1.norm.beta";
                 and "classifier.w" (1, 1, C, classes), "classifier.b"
    x            (N, H, W, 3)
    logits       (N, H, W, classes)
    batch_stats  a dict: the mean and var of each batch norm, under "encoder1.norm.mean", "encoder1.norm.var" and so on
    cache        whatever your backward will need. Nobody else looks into it
    """
    logits = None
    batch_stats = None
    cache = None
    return logits, batch_stats, cache


def backward(dlogits, cache, ops):
    """The gradient of the loss with respect to every parameter: the list of forward, from its last line to its first.

    dlogits  (N, H, W, classes), the gradient with respect to the logits
    cache    that of your own forward: this one is TODO until forward is done
    grads    a dict: for each key of params a gradient of the same shape

    The classifier, the decoders and the encoders are judged apart: leave out the keys that you have not got to.
    """
    grads = None
    return grads
