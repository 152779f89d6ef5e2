"""Whether a network is right where it is sure: the accuracy of the pixels by their uncertainty."""

import numpy as np

EDGES = np.logspace(-12, 0, 4097)       # of the bins, in which uncertainties from 0 to 1 are counted


def count_by_uncertainty(labels, predicted, uncertainty, ignore):
    """How many pixels are in each bin of uncertainty, and how many of them are right; those labelled `ignore` are left
    out. Counts of several images add up.

    labels, predicted  integers (H, W)
    uncertainty        (H, W), from 0 to 1
    counts             int64 (2, bins): all, and right

    Raises ValueError if the shapes differ.
    """
    if not labels.shape == predicted.shape == uncertainty.shape:
        shapes = labels.shape, predicted.shape, uncertainty.shape
        raise ValueError("labels, predicted and uncertainty should be alike, got {}, {} and {}".format(*shapes))
    counted = labels != ignore
    bins = np.searchsorted(EDGES, uncertainty[counted], side="right")
    right = bins[labels[counted] == predicted[counted]]
    return np.stack([np.bincount(which, minlength=len(EDGES) + 1) for which in (bins, right)])


def accuracy_by_tenth(counts):
    """The accuracy of the surest tenth of the pixels, of the next, and so on, float64 (10,); NaN if there is no pixel.

    counts  of `count_by_uncertainty`. A bin that is in two tenths counts in both by its share
    """
    up_to, right_up_to = np.insert(counts.cumsum(axis=1), 0, 0, axis=1)
    right = np.interp(np.linspace(0, up_to[-1], 11), up_to, right_up_to)
    with np.errstate(invalid="ignore"):
        return np.diff(right) / (up_to[-1] / 10)
