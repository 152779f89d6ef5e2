"""Pictures of a run: curves, the confusion matrix, predictions beside the truth."""

import json
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator

from tinysegnet.plots.names import drawable
from tinysegnet.support import atomic
from tinysegnet.support.shapes import ceil_div

WRONG = 220, 30, 40         # red
NO_CLASS = [(grey, grey, grey) for grey in (0, 100, 140, 180, 227)]     # of what does not count, and of what is right
FAR_ENOUGH = 100            # between two colours, where black and white are 442 apart
FEW = 40                    # classes for whose names there is room


def curves(log_path, png_path):
    """Draw log.jsonl: left the loss, of every step and the mean of every epoch, right G, C and mIoU on val."""
    lines = [json.loads(line) for line in Path(log_path).read_text(encoding="utf-8").splitlines()]
    steps = [line for line in lines if "step" in line]
    epochs = [line for line in lines if "step" not in line]
    judged = [line for line in epochs if "mIoU" in line]
    steps_per_epoch = sum(line["epoch"] == epochs[0]["epoch"] for line in steps)
    ends = [line["epoch"] for line in judged]               # training is judged at the end of an epoch,
    middles = [line["epoch"] - 0.5 for line in epochs]      # but its mean loss belongs to the middle

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([(i + 1) / steps_per_epoch for i in range(len(steps))], [line["loss"] for line in steps],
              color="#b8c4d6", linewidth=0.8, label="each step")
    left.plot(middles, [line["loss"] for line in epochs], color="#1f3b63", marker=".", label="mean of the epoch")
    left.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    left.legend(frameon=False)
    for name, colour in (("G", "#5b8c6a"), ("C", "#d08c3f"), ("mIoU", "#a03048")):
        right.plot(ends, [100 * line[name] for line in judged], color=colour, marker=".", label=name)
    right.set(xlabel="epoch", ylabel="% on val", ylim=(0, 100))
    right.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    for axes in (left, right):
        axes.set_xlim(0, ends[-1] * 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    save(figure, png_path)


def confusion(counts, classes, png_path):
    """Draw the confusion matrix: of the pixels of each class, how many % got which name."""
    few = len(classes) <= FEW           # otherwise there is no room for names and numbers
    size = np.clip(1.5 + 0.5 * len(classes), 3.5, 12)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.subplots()
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    if few:
        names = plain(classes, 20)
        axes.set_xticks(range(len(classes)), names, rotation=45, ha="right")
        axes.set_yticks(range(len(classes)), names)
    axes.set(xlabel="called by the network", ylabel="true class")
    figure.suptitle("val: % of the pixels of each true class", fontsize="medium")
    if few:
        for row, column in np.argwhere(share >= 0.5):
            colour = "white" if share[row, column] > 55 else "black"
            axes.text(column, row, f"{share[row, column]:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.spines[:].set_visible(False)
    save(figure, png_path)


def predictions(examples, data, png_path):
    """Draw a row for each (photograph, labels, predicted): the image, the truth, the prediction and the errors."""
    examples = list(examples)
    ratios = [np.clip(labels.shape[0] / labels.shape[1], 0.25, 2) for _, labels, _ in examples]
    names = [*plain(data.classes, 30), "does not count", "wrong"]
    # With a point, as Matplotlib fails at a name that has no outline.
    widest = max(TextPath((0, 0), f"{name}.", size=8).get_extents().width for name in names)
    columns = int(np.clip(740 / (widest + 40), 1, 7))       # of points, with the colour and what lies between them
    legend_rows = ceil_div(len(names), columns)
    colour = wrong_colour(data.palette)
    height = sum(2.6 * ratio + 0.1 for ratio in ratios) + 0.4 + 0.25 * legend_rows
    figure = Figure(figsize=(10.6, height), layout="constrained")
    grid = figure.subplots(len(examples), 4, squeeze=False, height_ratios=ratios)
    for row, (photograph, labels, predicted) in zip(grid, examples):
        counts = labels != data.ignore
        wrong = counts & (labels != predicted)
        grey = np.repeat(photograph.mean(axis=2, keepdims=True) / 2 + 100, 3, axis=2)
        errors = np.where(wrong[..., None], colour, np.where(counts[..., None], grey, 0)).astype(np.uint8)
        for axes, picture in zip(row, (photograph, data.colours(labels), data.colours(predicted), errors)):
            axes.imshow(picture, interpolation="nearest")
            axes.axis("off")
    for axes, title in zip(grid[0], ("image", "truth", "prediction", "errors")):
        axes.set_title(title, fontsize=10)
    colours = [*(to_hex(rgb / 255) for rgb in data.palette), "black", to_hex(colour / 255)]
    patches = [Patch(color=rgb, label=name) for rgb, name in zip(colours, names)]
    figure.legend(handles=patches, loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
    save(figure, png_path)


def wrong_colour(palette):
    """The colour of errors, uint8 (3,): red, or if a class is nearly red, the one farthest from all that are there."""
    taken = np.vstack([palette, NO_CLASS]).astype(int)
    levels = [*range(0, 256, 32), 255]
    candidates = np.array([WRONG, *product(levels, repeat=3)])
    nearest = np.array([np.linalg.norm(taken - candidate, axis=1).min() for candidate in candidates])
    return candidates[0 if nearest[0] >= FAR_ENOUGH else nearest.argmax()].astype(np.uint8)


def shares(pixels, iou, classes, png_path):
    """Draw for each class, the most frequent first, its share of the training pixels, and beside it its IoU on val.

    pixels  (classes,), how many it has
    iou     (classes,), from 0 to 1, or NaN
    """
    order = np.argsort(-pixels, kind="stable")
    share, iou = 100 * pixels[order] / pixels.sum(), 100 * iou[order]
    figure = Figure(figsize=(9, np.clip(1.2 + 0.28 * len(classes), 2, 12)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    rows, few = np.arange(len(classes)), len(classes) <= FEW
    for axes, values, colour in ((left, share, "#b8c4d6"), (right, np.nan_to_num(iou), "#1f3b63")):
        axes.barh(rows, values, color=colour)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.25)
        axes.set_axisbelow(True)
        axes.margins(y=0.02)
    if few:
        for row in rows:
            left.text(share[row], row, f" {share[row]:.2g}", va="center", fontsize=8)
            text = "-" if np.isnan(iou[row]) else f"{iou[row]:.0f}"
            right.text(np.nan_to_num(iou[row]), row, f" {text}", va="center", fontsize=8)
        names = plain(classes, 30)
        left.set_yticks(rows, [names[k] for k in order])
    else:
        left.set_yticks([])
    left.invert_yaxis()
    left.set(xlabel="% of the training pixels that count", xlim=(0, 1.1 * share.max()))
    right.set(xlabel="IoU on val, in %", xlim=(0, 105))
    save(figure, png_path)


def save(figure, png_path):
    with atomic.replacing(png_path) as file:
        figure.savefig(file, format="png", dpi=110)


def shortened(name, letters):
    """A name of at most so many letters."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def plain(names, letters):
    """Names as they are drawn, of at most so many letters: matplotlib would take a dollar for a formula's beginning."""
    return [shortened(name, letters).replace("$", r"\$") for name in drawable(tuple(names))]
