"""Figures as text, in %."""

import numpy as np

from tinysegnet.metrics.confusion import class_accuracy, figures, iou


def table(counts, names, figures=figures, bf=None):
    """Accuracy and IoU of each class in %, a line each, then the figures; `-` where there is nothing to judge.

    bf  (BF, that of each class), as mean_boundary_f1 gives it, for another column
    """
    columns, of_all = {"accuracy": class_accuracy(counts), "IoU": iou(counts)}, figures(counts)
    if bf is not None:
        columns["BF"], of_all = bf[1], of_all | {"BF": bf[0]}
    width = max(12, *map(len, names))
    rows = [("%", *columns), *zip(names, *(map(percent, shares) for shares in columns.values()))]
    lines = [f"{name:{width}}{first:>9}" + "".join(f"{cell:>7}" for cell in others) for name, first, *others in rows]
    return "\n".join([*lines, summary(of_all)])


def summary(figures):
    """In one line."""
    return "  ".join(f"{name} {percent(value)}" for name, value in figures.items())


def percent(share):
    return "-" if np.isnan(share) else f"{100 * share:.1f}"
