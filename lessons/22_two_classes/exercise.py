"""Lesson 22: two losses for two classes. Write your answers here, and ask:  python -m pytest lessons/22_two_classes"""

import numpy as np


def sigmoid(z):
    """p = 1 / (1 + exp(-z)): one logit becomes a probability.

    z  (N, H, W), of any size: +-1000 is fine
    p  like z
    """
    p = None
    return p


def binary_cross_entropy(z, labels, ignore):
    """loss = the mean over the labelled pixels of -log p where there is a cell, and of -log(1 - p) where there is none;
    p is the sigmoid of z.

    z       (N, H, W), of any size
    labels  (N, H, W), integers: 1 where there is a cell, 0 where not; where it is `ignore`, a pixel counts in nothing
    loss    a 0-d array of z's dtype; 0 if no pixel is labelled
    cache   (z, labels, ignore), as they came
    """
    loss = None
    cache = None
    return loss, cache


def binary_cross_entropy_backward(dloss, cache):
    """The gradient with respect to the z of binary_cross_entropy.

    dloss  a 0-d array
    cache  (z, labels, ignore)
    dz     like z
    """
    dz = None
    return dz


def foreground_dice(z, labels, ignore, smooth):
    """loss = 1 - (2 * overlap + smooth) / (said + there + smooth)

    Over the labelled pixels of all images: `said` is the sum of p, the sigmoid of z; `there` the number of pixels
    with a cell; and `overlap` the sum of p over these.

    z, labels, ignore  as in binary_cross_entropy
    smooth             a number
    loss               a 0-d array of z's dtype
    cache              (z, labels, ignore, smooth), as they came
    """
    loss = None
    cache = None
    return loss, cache


def foreground_dice_backward(dloss, cache):
    """The gradient with respect to the z of foreground_dice.

    dloss  a 0-d array
    cache  (z, labels, ignore, smooth)
    dz     like z
    """
    dz = None
    return dz
