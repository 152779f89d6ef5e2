"""Lesson 21: boundary F1. Write your answers here, and ask:  python -m pytest lessons/21_boundaries"""

import math

import numpy as np


def boundary(labels, c, ignore):
    """Where the outline of class c is.

    A pixel is in it if its right, lower or lower-right neighbour is of the class and it is not, or the reverse; and
    neither of the two is labelled `ignore`. What is beyond the border of the image is no neighbour.

    labels  (H, W), integers
    line    (H, W), bool
    """
    line = None
    return line


def count_pairs(a, b, tolerance):
    """How many pairs can be made of a pixel of a and one of b. They are at most the tolerance apart, and none is in two
    pairs.

    a, b       (H, W), bool
    tolerance  in pixels, the distance between their centres; what is just so far apart may be a pair
    pairs      an integer, the largest that there is
    """
    pairs = None
    return pairs


def boundary_f1(labels, predicted, classes, ignore, tolerance):
    """F1 of the outline of each class, in one image: 2 pairs / (pixels of the true outline + pixels of the predicted).

    Where the label is `ignore`, the prediction counts as `ignore` too. 0 if only one of the two has an outline of the
    class, NaN if neither has.

    labels, predicted  (H, W), integers
    f1                 (classes,), float64
    """
    f1 = None
    return f1
