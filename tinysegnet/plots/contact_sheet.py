"""A contact sheet of a data set: photographs, their labels in colour, and what each class will weigh in training."""

from contextlib import suppress
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from tinysegnet.plots.figures import plain, save
from tinysegnet.support.errors import InputError
from tinysegnet.support.shapes import ceil_div

PAIRS, COLUMNS = 8, 2       # of photographs and labels
WIDTH = 10.6                # inches
PIXELS, LETTERS = 600, 40   # at most, of a side of a picture, and of a name


def draw(data, train, weights, formula, png_path):
    """Draw some photographs of train, evenly spread, with their labels; and below, a bar for each class.

    data     a DataSet
    train    its Survey
    weights  (classes,), those of the loss
    formula  by which they come about, in words
    """
    examples = readable(data)
    rows = ceil_div(len(examples), COLUMNS)
    ratio = np.clip(np.mean([labels.shape[0] / labels.shape[1] for *_, labels in examples]), 0.25, 2)
    high, classes = rows * WIDTH / (2 * COLUMNS) * ratio, len(data.classes)
    table = 0.22 * classes + 1.1
    figure = Figure(figsize=(WIDTH, high + table), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(high, table))
    grid = above.subplots(rows, 2 * COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    titles = plain([name for name, *_ in examples], LETTERS)
    for i, (title, (_, photograph, labels)) in enumerate(zip(titles, examples)):
        left = grid[i // COLUMNS, 2 * (i % COLUMNS)]
        left.imshow(photograph)
        left.set_title(title, fontsize=7)
        grid[i // COLUMNS, 2 * (i % COLUMNS) + 1].imshow(data.colours(labels), interpolation="nearest")
    bars(below, data, train, weights, formula)
    save(figure, png_path)


def readable(data):
    """(name, photograph, labels) of samples of train, every so many pixels: of each part the first that can be used."""
    samples, found = data.samples("train"), []
    for start, end in pairwise(np.linspace(0, len(samples), min(PAIRS, len(samples)) + 1).round().astype(int)):
        for sample in samples[start:end]:
            with suppress(InputError):
                photograph, labels = data.read(sample)
                step = ceil_div(max(labels.shape), PIXELS)
                found.append((sample[0].name, photograph[::step, ::step].copy(), labels[::step, ::step].copy()))
                break
    return found


def bars(figure, data, train, weights, formula):
    """The legend, with the share of the pixels of each class and its weight."""
    left, right = figure.subplots(1, 2, sharey=True)
    all_pixels = train.pixels.sum() + train.void
    places, share = np.arange(len(data.classes)), 100 * train.pixels / all_pixels
    for axes, values, form in ((left, share, "{:.2f} %"), (right, weights, "{:.2f}")):
        axes.barh(places, values, color=data.palette / 255, edgecolor="#404040", linewidth=0.5)
        for place, value in zip(places, values):
            axes.text(value, place, " " + form.format(value), va="center", fontsize=8)
        axes.set_xlim(0, 1.2 * max(values.max(), 1e-9))
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.set_xticks([])
    left.set_yticks(places, plain(data.classes, LETTERS), fontsize=8)
    left.set_ylim(len(places) - 0.5, -0.5)
    void = f"{100 * train.void / all_pixels:.2f} %, black, do not count"
    left.set_title(f"share of the pixels of train ({void})", fontsize=9)
    right.set_title(f"weight in the loss: {formula}", fontsize=9)
    right.set_xlabel("$f$: pixels of the class / pixels of the images in which it occurs", fontsize=8)
