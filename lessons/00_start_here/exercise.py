"""Lesson 00: is your NumPy enough? Write your answers here, and ask:  python -m pytest lessons/00_start_here

Ten small tasks, one line each (q8: two). In each, put your answer in the place of None.
"""

import numpy as np


def q1(x):
    """axis: the mean colour of each image, over all its rows and columns.

    x  (N, H, W, C)
    y  (N, C), of the dtype of x

    An image of two pixels, [1, 5] and [3, 7], has the mean [2, 6].
    """
    y = None
    return y


def q2(x):
    """keepdims: take from each row its own largest number.

    x  (N, C)
    y  (N, C), of the dtype of x

    [[1, 4, 2],          [[-3, 0, -2],
     [9, 5, 9]]  gives    [ 0, -4, 0]]
    """
    y = None
    return y


def q3(labels, classes):
    """broadcasting: True where the label is that class, False for all other classes.

    labels   (H, W), integers 0 to classes - 1
    classes  how many there are
    y        (H, W, classes), True and False

    With three classes a pixel of label 2 becomes [False, False, True]. np.arange(classes) is a beginning.
    """
    y = None
    return y


def q4(x):
    """reshape: one row for each pixel, row by row of the image; its channels stay side by side.

    x  (H, W, C)
    y  (H*W, C)

    [[[1, 2], [3, 4]],           [[1, 2],
     [[5, 6], [7, 8]]]   gives    [3, 4],
                                  [5, 6],
                                  [7, 8]]
    """
    y = None
    return y


def q5(x, dy):
    """@ and the transpose: y[c, f] is the sum over all n of x[n, c] * dy[n, f].

    x   (N, C)
    dy  (N, F)
    y   (C, F)

    With x = [[1, 2], [3, 4], [5, 6]] and dy = [[10], [100], [1000]], y[0, 0] is 1 * 10 + 3 * 100 + 5 * 1000 = 5310,
    and y[1, 0] is 6420.
    """
    y = None
    return y


def q6(x):
    """slices with a step: cut each image into windows of 2x2, and take the lower left number of each window.

    x  (N, H, W, C), H and W even
    y  (N, H/2, W/2, C)

    [[1, 2, 3, 4],
     [5, 6, 7, 8]]  has two windows, and their lower left numbers are [5, 7].
    """
    y = None
    return y


def q7(x, labels, ignore):
    """a mask: the pixels of x whose label is not `ignore`, row by row of the image.

    x       (H, W, C)
    labels  (H, W), integers
    ignore  one of the labels
    y       (M, C), where M is the number of the other pixels
    """
    y = None
    return y


def q8(x):
    """view or copy: x with zeros in its left column. x itself stays as it was.

    x  (H, W)
    y  (H, W), of the dtype of x

    [[1, 2],         [[0, 2],
     [3, 4]]  gives   [0, 4]], and x is still [[1, 2], [3, 4]]. Two lines.
    """
    y = None
    return y


def q9(scores):
    """argmax: the class with the highest score at each pixel. Of two equally high, the first.

    scores  (H, W, classes)
    y       (H, W), int64

    A pixel with the scores [0.1, 2.5, -1.0] gets class 1.
    """
    y = None
    return y


def q10(labels, classes):
    """counting: how many pixels have label 0, how many label 1, and so on, for all classes.

    labels   (H, W), integers 0 to classes - 1
    classes  how many there are; not all need occur
    y        (classes,), int64

    [[0, 2],
     [2, 2]]  with four classes gives [1, 0, 3, 0]. np.bincount is a beginning.
    """
    y = None
    return y
