"""A street, the class of each of its pixels, one class by itself, and what colour alone would say."""

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tinysegnet.data import streets

OTHERS = range(100, 140)        # streets to take the mean colours from


def draw():
    data = streets.dataset()
    photograph, labels = streets.scene(9)
    car = data.classes.index("Car")
    mask = np.where(labels == car, 255, 30).astype(np.uint8)
    by_colour = nearest_colour(photograph, len(data.classes))

    figure = Figure(figsize=(10, 6.5), layout="constrained")
    grid = figure.subplots(2, 2)
    for axes, title, picture in (
        (grid[0, 0], "what goes in: a street", photograph),
        (grid[0, 1], "what should come out: a class for each pixel", data.colours(labels)),
        (grid[1, 0], "one class by itself: white is Car", np.repeat(mask[..., None], 3, axis=2)),
        (grid[1, 1], "by colour alone: the nearest mean colour", data.colours(by_colour)),
    ):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title, fontsize=11, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
    there = [k for k in range(len(data.classes)) if (labels == k).any() or (by_colour == k).any()]
    patches = [Patch(color=to_hex(data.palette[k] / 255), label=data.classes[k]) for k in there]
    patches.append(Patch(color="black", label="void: does\nnot count"))
    figure.legend(handles=patches, loc="outside right center", frameon=False, fontsize=11, labelspacing=0.9)
    return {"street.png": figure}


def nearest_colour(photograph, classes):
    """The class of each pixel whose mean colour, over other streets, is nearest to the pixel's own."""
    pictures, labels = (np.stack(arrays) for arrays in zip(*map(streets.scene, OTHERS)))
    means = np.stack([pictures[labels == k].mean(axis=0) for k in range(classes)])              # (classes, 3)
    return ((photograph[:, :, None] - means) ** 2).sum(axis=-1).argmin(axis=-1)
