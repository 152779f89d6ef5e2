"""How good a segmentation is: the confusion matrix, and the three figures of the paper (section 3.3) read off it."""

import numpy as np


def confusion_matrix(labels, predicted, classes, ignore):
    """counts[i, j] = how many pixels of class i were called class j; pixels labelled `ignore` are left out.

    labels, predicted  integer arrays of one shape, on the host
    counts             (classes, classes), int64. Matrices of several images add up.

    Raises ValueError if the shapes differ, or a number is not that of a class; TypeError if they are no integers.
    """
    if labels.shape != predicted.shape:
        raise ValueError(f"confusion_matrix: labels {labels.shape} and predicted {predicted.shape} should be alike")
    counted = labels != ignore
    i, j = (a[counted].astype(np.int64, casting="same_kind") for a in (labels, predicted))
    if wrong := [n for a in (i, j) if a.size for n in (a.min(), a.max()) if not 0 <= n < classes]:
        raise ValueError(f"confusion_matrix: there is a {wrong[0]}, and {classes} classes are 0 to {classes - 1}")
    return np.bincount(i * classes + j, minlength=classes * classes).reshape(classes, classes)


def global_accuracy(counts):
    """G: the share of all labelled pixels that are right. A network that says "road" everywhere scores well."""
    return ratio(np.trace(counts), counts.sum())


def class_accuracy(counts):
    """The share of each class's pixels that are right, (classes,); NaN for a class without a pixel."""
    return ratio(np.diag(counts), counts.sum(axis=1))


def class_average(counts):
    """C: the mean over the classes of their accuracies. A small class weighs as much as a large one."""
    return mean_of_present(class_accuracy(counts))


def iou(counts):
    """Intersection over union of each class, tp / (tp + fn + fp), (classes,); NaN if neither labelled nor predicted."""
    tp = np.diag(counts)
    return ratio(tp, counts.sum(axis=1) + counts.sum(axis=0) - tp)


def mean_iou(counts):
    """mIoU: the mean over the classes of their IoU. Unlike C it also punishes calling too much by a class's name."""
    return mean_of_present(iou(counts))


def ratio(part, whole):
    with np.errstate(invalid="ignore"):
        return part / np.asarray(whole, np.float64)


def mean_of_present(values):
    """The mean without the NaNs, of classes that do not occur; NaN if none occurs."""
    values = values[~np.isnan(values)]
    return values.mean() if values.size else np.nan


def figures(counts):
    """The three figures by the names of the paper."""
    return {"G": global_accuracy(counts), "C": class_average(counts), "mIoU": mean_iou(counts)}
