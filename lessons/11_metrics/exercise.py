"""Lesson 11: metrics. Write your answers here, and ask:  python -m pytest lessons/11_metrics"""

import numpy as np


def confusion_matrix(labels, predicted, classes, ignore):
    """counts[i, j] = how many pixels of class i were called class j. Pixels labelled `ignore` are left out.

    labels     integers, of any shape: 0 to classes - 1, or `ignore`. That may be any number, one of the classes too
    predicted  integers, of the same shape: 0 to classes - 1
    counts     (classes, classes), int64, also for classes that do not occur
    """
    counts = None
    return counts


def global_accuracy(counts):
    """G: the share of all labelled pixels that are right. NaN if there is none.

    counts  (classes, classes), as above
    share   a number from 0 to 1
    """
    share = None
    return share


def class_average(counts):
    """C: the share of each class's pixels that are right, and of these shares the mean.

    A class without a labelled pixel is left out of the mean. NaN if there is no labelled pixel at all.

    counts  (classes, classes)
    mean    a number from 0 to 1
    """
    mean = None
    return mean


def mean_iou(counts):
    """mIoU: the pixels that are of a class and called so, over those that are either; and the mean over the classes.

    A class that is neither labelled nor predicted is left out of the mean. NaN if that goes for all.

    counts  (classes, classes)
    mean    a number from 0 to 1
    """
    mean = None
    return mean
