"""What stacks of layers see, interleaved images, and what the networks of record.py made of streets."""

import json
from pathlib import Path

import numpy as np
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessons.engine import course
from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet.data import streets

FOLDER = Path(__file__).parent
exercise = course.load(FOLDER.parent / "test_exercise.py")
train_dilated = course.beside(FOLDER, "train_dilated")
DILATED, PSEUDO = (json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in ("dilated", "pseudo"))
YELLOW = "#d9a521"
POOL = "pool"
STACKS = (
    ("3x3 three times: 7 x 7", (1, 1, 1)), ("dilated 1, 2, 4: 15 x 15", (1, 2, 4)),
    ("dilated 2, 2, 2: every second", (2, 2, 2)), ("pooled in between: 18 x 18", (1, POOL, 1, POOL, 1)),
)
NAMES = {"pooling": "pooling, unpooling", "dilated": "dilated", "neither": "neither"}
FEW, SURE, ALL_OF_THEM, TRUTH = (
    "only the labelled", "and pseudo-labels, from 0.9", "and pseudo-labels, all", "all true labels"
)


def draw():
    return {
        "sees.png": sees(), "parts.png": parts(), "seen.png": seen(), "guessed.png": guessed(),
        "classes.png": by_class(),
    }


def bare(axes, title, picture=None, **options):
    if picture is not None:
        axes.imshow(picture, interpolation="nearest", **options)
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(GREY)


def ways(stack, size=20):
    """How many ways lead from each pixel of x to one of y: the gradient, if all weights are 1. (size, size)"""
    height = size
    for layer in stack:
        height = height // 2 if layer == POOL else height
    dy, one = np.zeros((1, height, height, 1)), np.ones((3, 3, 1, 1))
    dy[0, height // 2, height // 2] = 1
    for layer in reversed(stack):
        if layer == POOL:
            dy = dy.repeat(2, axis=1).repeat(2, axis=2)     # the maximum may have been any of the four
        else:
            dy = exercise.dilated_conv2d_backward(dy, (np.zeros_like(dy), one, layer))[0]
    return dy[0, :, :, 0]


def sees():
    """Above a row of pixels and what reads what, below the pixels that one pixel sees."""
    figure = Figure(figsize=(10, 4.0), layout="constrained")
    above, below = figure.subplots(2, 4, height_ratios=(1, 1.75))
    for axes, flat, (title, stack) in zip(above, below, STACKS):
        tree(axes, stack)
        bare(axes, title)
        axes.spines[:].set_visible(False)
        counts = ways(stack)
        rows, columns = np.nonzero(counts)
        flat.imshow(np.where(counts > 0, counts, np.nan), cmap="Blues", norm=LogNorm(0.4, 40), interpolation="nearest")
        flat.hlines(np.arange(21) - 0.5, -0.5, 19.5, color="white", linewidth=0.6)
        flat.vlines(np.arange(21) - 0.5, -0.5, 19.5, color="white", linewidth=0.6)
        side = rows.max() - rows.min() + 1
        flat.add_patch(Rectangle((columns.min() - 0.5, rows.min() - 0.5), side, side, fill=False, edgecolor=RED))
        bare(flat, "")
    return figure


def tree(axes, stack):
    """Who reads whom, from one pixel of y at the top down to x. A layer is (place, its height in the picture)."""
    reached, height, step, levels, scales = [12.0], len(stack), 1, [], []
    for layer in stack:                                             # how far apart pixels are in each map, from x on
        scales.append(step)
        step *= 2 if layer == POOL else 1
    if POOL in stack:
        reached = [12.5]
    for layer, scale in zip(reversed(stack), reversed(scales)):
        reads = (-scale / 2, scale / 2) if layer == POOL else (-layer * scale, 0, layer * scale)
        lower = sorted({place + by for place in reached for by in reads})
        for place in reached:
            for by in reads:
                axes.plot((place, place + by), (height, height - 1), color=YELLOW if layer == POOL else BLUE, lw=0.7)
        levels.append((reached, height))
        reached, height = lower, height - 1
    levels.append((reached, height))
    for places, level in levels:
        axes.plot(places, [level] * len(places), ".", color=INK, markersize=4)
    axes.plot([place for place in np.arange(24.0) if place not in reached], [0] * (24 - len(reached)), ".",
              color=GREY, markersize=4)
    axes.set(xlim=(-1, 24), ylim=(-0.4, len(stack) + 0.4))


def parts(H=8, W=8, d=2, at=(2, 4)):
    """A small image coloured by its interleaved images; where a kernel reads; and the four by themselves."""
    r, q = np.mgrid[:H, :W]
    numbers = (r % d) * d + q % d
    table = np.array([to_rgb(colour) for colour in (BLUE, YELLOW, GREEN, RED)])
    whole = 0.45 + 0.55 * table[numbers]
    alone = train_dilated.interleaved(whole[None], d)               # (d * d, H / d, W / d, 3)
    figure = Figure(figsize=(9, 2.7), layout="constrained")
    left, *others = figure.subplot_mosaic([["x", "0", "1", "2", "3"]], width_ratios=(2, 1, 1, 1, 1)).values()
    bare(left, "x, and the nine pixels of one window, dilation 2", whole)
    taps = [(at[0] + i * d, at[1] + j * d) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    left.plot([q for _, q in taps], [r for r, _ in taps], "o", color=INK, markersize=7)
    for number, (axes, part) in enumerate(zip(others, alone)):
        bare(axes, f"image {number // d}, {number % d}", part)
        inside = [(r // d, q // d) for r, q in taps if numbers[r, q] == number]
        axes.plot([q for _, q in inside], [r for r, _ in inside], "o", color=INK, markersize=7)
    for axes, height, width in ((left, H, W), *((axes, H // d, W // d) for axes in others)):
        axes.hlines(np.arange(height) - 0.5, -0.5, width - 0.5, color="white", linewidth=1)
        axes.vlines(np.arange(width) - 0.5, -0.5, height - 0.5, color="white", linewidth=1)
    return figure


def numbers_in(words):
    """The labels that record.py has written as digits."""
    return np.array([[int(digit, 16) for digit in row] for row in words])


def seen():
    """A street of val, and what the networks with and without pooling say of it."""
    data = streets.dataset()
    photograph, labels = streets.scene(streets.VAL[DILATED["shown"]])
    figure = Figure(figsize=(10, 1.75), layout="constrained")
    pictures = [("a street of val", photograph), ("its labels", data.colours(labels))]
    for kind, title in NAMES.items():
        pictures.append((title, data.colours(numbers_in(DILATED["runs"][kind][0]["predicted"]))))
    for axes, (title, picture) in zip(figure.subplots(1, 5), pictures):
        bare(axes, title, picture)
    return figure


def guessed():
    """An unlabelled street and its pseudo-labels; a street of val and what three networks say of it."""
    data = streets.dataset()
    runs = {name: both[0] for name, both in PSEUDO["runs"].items()}
    of_street = runs[SURE]["guessed"]
    photograph, labels = streets.scene(of_street["street"])
    seen_street, seen_labels = streets.scene(streets.VAL[PSEUDO["shown"]])
    rows = [
        ("a street without labels", photograph),
        ("pseudo-labels, all", numbers_in(runs[ALL_OF_THEM]["guessed"]["labels"])),
        ("from 0.9 on", numbers_in(of_street["labels"])), ("the truth, not used", labels),
        ("a street of val", seen_street), (FEW, numbers_in(runs[FEW]["predicted"])),
        (SURE, numbers_in(runs[SURE]["predicted"])), ("its labels", seen_labels),
    ]
    figure = Figure(figsize=(10, 4.3), layout="constrained")
    for axes, (title, picture) in zip(figure.subplots(2, 4).flat, rows):
        bare(axes, title, picture if picture.ndim == 3 else data.colours(picture))
    return figure


def by_class():
    """The IoU of each class by three trainings: a dot for each seed, and a bar for their mean."""
    figure = Figure(figsize=(10, 3.0), layout="constrained")
    axes = figure.subplots()
    classes = streets.dataset().classes
    for place, (name, colour) in enumerate(((FEW, GREY), (SURE, BLUE), (TRUTH, GREEN))):
        iou = np.array([run["iou"] for run in PSEUDO["runs"][name]])            # (seeds, classes)
        x = np.arange(len(classes)) + 0.27 * (place - 1)
        axes.bar(x, iou.mean(axis=0), 0.25, color=colour, label=name)
        axes.plot(np.tile(x, len(iou)), iou.ravel(), ".", color=INK, markersize=3)
    axes.set_xticks(np.arange(len(classes)), classes, fontsize=9)
    axes.set(ylabel="IoU on val, %", ylim=(0, 100))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="upper right", ncols=3)
    return figure
