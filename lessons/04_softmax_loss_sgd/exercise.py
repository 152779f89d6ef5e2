"""Lesson 04: softmax, loss and SGD. Write your answers here, and ask:  python -m pytest lessons/04_softmax_loss_sgd"""

import numpy as np


def softmax(logits):
    """Scores become probabilities. Logits of +-1000 must be fine.

    logits  (..., classes)
    p       the same, not negative, and 1 in all over the last axis
    """
    p = None
    return p


def softmax_cross_entropy(logits, labels, class_weights, ignore):
    """loss = (sum over labelled pixels of class_weights[label] * -log p[label]) / number of labelled pixels.

    A pixel whose label is `ignore` counts in neither. If no pixel is labelled, the loss is 0 and not NaN.

    logits         (N, H, W, classes)
    labels         (N, H, W), integers: 0 to classes - 1, or `ignore`. That may be any number, one of the classes too
    class_weights  (classes,)
    loss           a NumPy number of the dtype of logits
    log_p          (N, H, W, classes), the logarithm of p
    one_hot        (N, H, W, classes), True and False: True at the label, and nowhere in a pixel that is ignored
    weights        (N, H, W), class_weights[label] / number of labelled pixels, and 0 in a pixel that is ignored; of
                   the dtype of logits
    cache          (log_p, one_hot, weights)

    Each of loss, log_p, one_hot and weights is judged by itself.
    """
    loss = None
    log_p = None
    one_hot = None
    weights = None
    return loss, (log_p, one_hot, weights)


def softmax_cross_entropy_backward(dloss, cache):
    """The gradient of the loss with respect to the logits.

    dloss    one number, 1 where training starts its way back
    cache    (log_p, one_hot, weights), as above
    dlogits  (N, H, W, classes)
    """
    dlogits = None
    return dlogits


def sgd_step(params, grads, velocity, lr, momentum=0.9, weight_decay=0.0):
    """v = momentum * v + lr * (g + weight_decay * w);  w = w - v.  Only a w of four dimensions decays.

    It changes the arrays in params and in velocity, in place, and leaves those in grads as they are.

    params, grads, velocity  dicts of arrays with the same keys: w, g and v of each
    """
    return NotImplemented           # leave this line out when you have written yours: there is nothing to return
