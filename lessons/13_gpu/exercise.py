"""Lesson 13: the same code on a GPU. Write your answers here, and ask:  python -m pytest lessons/13_gpu

Each docstring ends with a way to do it that is right with NumPy, and does not run on a GPU or runs badly there.
"""

import numpy as np

from tinysegnet.support.backend import array_module, to_numpy


def pad(x, margin):
    """x with `margin` rows and columns of zeros on each side.

    x       (N, H, W, C)
    padded  (N, H + 2 * margin, W + 2 * margin, C), of the dtype of x, and where x is

    With NumPy alone:

        N, H, W, C = x.shape
        padded = np.zeros((N, H + 2 * margin, W + 2 * margin, C), x.dtype)
        padded[:, margin : margin + H, margin : margin + W] = x
    """
    padded = None
    return padded


def pixel_weights(labels, class_weights, ignore):
    """How much each pixel counts in the loss: the weight of its class, divided by the number of labelled pixels.

    labels         (N, H, W), integers, 0 to K - 1 or `ignore` (which may be one of 0 to K - 1)
    class_weights  (K,), floating
    ignore         the label of pixels that do not count
    weights        (N, H, W), of the dtype of class_weights; 0 where ignored, and 0 everywhere if nothing is labelled

    With NumPy alone:

        weights = np.zeros(labels.shape, class_weights.dtype)
        labelled = labels != ignore
        if labelled.any():
            weights[labelled] = class_weights[labels[labelled]] / labelled.sum()

    On the device the host should not wait at all.
    """
    weights = None
    return weights


def class_sums(values, labels, classes):
    """For each class and channel the sum of the values over all pixels that have this label.

    values   (N, H, W, C), floating
    labels   (N, H, W), integers; a label that is none of 0 to classes - 1 counts nowhere
    classes  how many classes there are
    sums     (classes, C), of the dtype of values

    With NumPy alone:

        sums = np.zeros((classes, values.shape[3]), values.dtype)
        inside = (labels >= 0) & (labels < classes)
        np.add.at(sums, labels[inside], values[inside])

    On the device the host should not wait at all.
    """
    sums = None
    return sums


def train(step, batches, every):
    """Train on each batch once, and read the losses in groups: the host waits once for `every` steps.

    step     step(batch) trains on a batch and returns its loss, a 0-d array on the device
    batches  an iterator: it makes a batch when it is asked for the next, and may be used up only once
    every    how many losses are read at once; the last group may be smaller
    losses   the losses of all steps in order, as numbers on the host: a list, or a NumPy array (steps,)

    With a wait at each step:

        losses = []
        for batch in batches:
            losses.append(float(step(batch)))
    """
    losses = None
    return losses
