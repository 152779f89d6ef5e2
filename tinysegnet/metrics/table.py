"""Figures as text, in %."""

import numpy as np

from tinysegnet.metrics.confusion import class_accuracy, figures, iou


def table(counts, names, figures=figures):
    """Accuracy and IoU of each class in %, a line each, then the figures; `-` where there is nothing to judge."""
    rows = [("%", "accuracy", "IoU")]
    rows += zip(names, map(percent, class_accuracy(counts)), map(percent, iou(counts)))
    width = max(12, *map(len, names))
    lines = [f"{name:{width}}{accuracy:>9}{share:>7}" for name, accuracy, share in rows]
    return "\n".join([*lines, summary(figures(counts))])


def summary(figures):
    """In one line."""
    return "  ".join(f"{name} {percent(value)}" for name, value in figures.items())


def percent(share):
    return "-" if np.isnan(share) else f"{100 * share:.1f}"
