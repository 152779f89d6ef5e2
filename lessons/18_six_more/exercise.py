"""Lesson 18: six more. Write your answers here, and ask:  python -m pytest lessons/18_six_more

The six forwards are in lessons/18_six_more/forwards.py. A cache holds all that its forward was given, and nothing else:
what you need of what was computed on the way, compute again.
"""

import numpy as np


def leaky_relu_backward(dy, cache):
    """The gradients of the loss with respect to x and slope.

    dy      (N, H, W, C)
    cache   (x, slope): x (N, H, W, C), slope (C,)
    dx      like x
    dslope  like slope
    """
    dx = None
    dslope = None
    return dx, dslope


def conv2d_stride2_backward(dy, cache):
    """The gradients of the loss with respect to x, w and b.

    dy     (N, (H + 1)//2, (W + 1)//2, F)
    cache  (x, w, b): x (N, H, W, C), w (K, K, C, F), b (F,)
    dx     like x
    dw     like w
    db     like b
    """
    dx = None
    dw = None
    db = None
    return dx, dw, db


def layer_norm_backward(dy, cache):
    """The gradients of the loss with respect to x, gamma and beta.

    dy      (N, H, W, C)
    cache   (x, gamma, beta, eps): x (N, H, W, C), gamma and beta (C,), eps a number
    dx      like x
    dgamma  like gamma
    dbeta   like beta
    """
    dx = None
    dgamma = None
    dbeta = None
    return dx, dgamma, dbeta


def local_response_backward(dy, cache):
    """The gradient of the loss with respect to x.

    dy     (N, H, W, C)
    cache  (x, alpha, beta): x (N, H, W, C), alpha and beta numbers
    dx     like x
    """
    dx = None
    return dx


def dice_loss_backward(dloss, cache):
    """The gradient of the loss with respect to p.

    dloss  a 0-d array
    cache  (p, labels, ignore, smooth): p (N, H, W, classes), labels (N, H, W), ignore and smooth numbers
    dp     like p
    """
    dp = None
    return dp


def gate_backward(dy, cache):
    """The gradients of the loss with respect to x, w and b.

    dy     (N, H, W, C)
    cache  (x, w, b): x (N, H, W, C), w (C, C), b (C,)
    dx     like x
    dw     like w
    db     like b
    """
    dx = None
    dw = None
    db = None
    return dx, dw, db
