"""Pictures of a run: curves, the confusion matrix, predictions beside the truth."""

import json
import warnings
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from tinysegnet.support.errors import writing
from tinysegnet.support.shapes import ceil_div

WRONG = 220, 30, 40         # red


def curves(log_path, png_path):
    """Draw log.jsonl: left the loss, of every step and the mean of every epoch, right G, C and mIoU on val."""
    lines = [json.loads(line) for line in Path(log_path).read_text(encoding="utf-8").splitlines()]
    steps = [line for line in lines if "step" in line]
    epochs = [line for line in lines if "mIoU" in line]
    steps_per_epoch = len(steps) / len(epochs)
    ends = [line["epoch"] for line in epochs]               # training is judged at the end of an epoch,
    middles = [end - 0.5 for end in ends]                   # but its mean loss belongs to the middle

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([(i + 1) / steps_per_epoch for i in range(len(steps))], [line["loss"] for line in steps],
              color="#b8c4d6", linewidth=0.8, label="each step")
    left.plot(middles, [line["loss"] for line in epochs], color="#1f3b63", marker=".", label="mean of the epoch")
    left.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    left.legend(frameon=False)
    for name, colour in (("G", "#5b8c6a"), ("C", "#d08c3f"), ("mIoU", "#a03048")):
        right.plot(ends, [100 * line[name] for line in epochs], color=colour, marker=".", label=name)
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
    few = len(classes) <= 40            # otherwise there is no room for names and numbers
    size = np.clip(1.5 + 0.5 * len(classes), 3.5, 12)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.subplots()
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    if few:
        axes.set_xticks(range(len(classes)), plain(classes), rotation=45, ha="right")
        axes.set_yticks(range(len(classes)), plain(classes))
    axes.set(xlabel="called by the network", ylabel="true class", title="val: % of the pixels of each true class")
    if few:
        for row, column in np.argwhere(share >= 0.5):
            colour = "white" if share[row, column] > 55 else "black"
            axes.text(column, row, f"{share[row, column]:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.spines[:].set_visible(False)
    save(figure, png_path)


def predictions(examples, data, png_path):
    """Draw a row for each (photograph, labels, predicted): the image, the truth, the prediction and the errors."""
    examples = list(examples)
    ratios = [labels.shape[0] / labels.shape[1] for _, labels, _ in examples]
    legend_rows = ceil_div(len(data.classes) + 2, 7)
    height = sum(2.6 * ratio + 0.1 for ratio in ratios) + 0.4 + 0.25 * legend_rows
    figure = Figure(figsize=(10.6, height), layout="constrained")
    grid = figure.subplots(len(examples), 4, squeeze=False, height_ratios=ratios)
    for row, (photograph, labels, predicted) in zip(grid, examples):
        counts = labels != data.ignore
        wrong = counts & (labels != predicted)
        grey = np.repeat(photograph.mean(axis=2, keepdims=True) / 2 + 100, 3, axis=2)
        errors = np.where(wrong[..., None], WRONG, np.where(counts[..., None], grey, 0)).astype(np.uint8)
        for axes, picture in zip(row, (photograph, data.colours(labels), data.colours(predicted), errors)):
            axes.imshow(picture, interpolation="nearest")
            axes.axis("off")
    for axes, title in zip(grid[0], ("image", "truth", "prediction", "errors")):
        axes.set_title(title, fontsize=10)
    patches = [Patch(color=to_hex(rgb / 255), label=name) for name, rgb in zip(plain(data.classes), data.palette)]
    patches += [Patch(color="black", label="does not count"), Patch(color=to_hex(np.array(WRONG) / 255), label="wrong")]
    figure.legend(handles=patches, loc="outside lower center", ncols=7, frameon=False, fontsize=8)
    save(figure, png_path)


def save(figure, png_path):
    with writing(png_path), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)        # of a script that the font does not have
        figure.savefig(png_path, dpi=110)


def plain(names):
    """Names of classes as they are: matplotlib would take a dollar for the beginning of a formula."""
    return [name.replace("$", r"\$") for name in names]
