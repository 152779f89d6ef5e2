"""Four scores of each pixel of a street, by a matrix chosen by hand, and which of them is the largest."""

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lessons.engine.figures import INK
from tinysegnet import ops
from tinysegnet.data import streets

#                  sky  leaves  asphalt  wall
W = np.array([[     0,    -3,      0,      3],       # red
              [     1,     6,      0,      0],       # green
              [     1,    -3,      0,     -3]])      # blue      # fmt: skip
B = np.array([-1, 0, 0.25, 0])
SCORES = "sky: green + blue - 1", "leaves: 6 green - 3 red - 3 blue", "asphalt: 0.25, always", "wall: 3 red - 3 blue"
COLOURS = "#7db4e6", "#4f8a46", "#5b5d63", "#c77b52"


def draw():
    photograph, _ = streets.scene(11)
    y, _ = ops.conv2d(photograph[None] / 255, W[None, None].astype(float), B)       # (1, H, W, 4)
    scores = y[0]

    figure = Figure(figsize=(10, 5.6), layout="constrained")
    panels = figure.subplots(2, 3)
    panels[0, 0].imshow(photograph, interpolation="nearest")
    panels[0, 0].set_title("x: three numbers for each pixel", fontsize=10, loc="left", color=INK)
    where = panels[0, 1], panels[0, 2], panels[1, 0], panels[1, 1]
    for f, axes in enumerate(where):
        shown = axes.imshow(scores[:, :, f], cmap="RdBu_r", vmin=-1.2, vmax=1.2, interpolation="nearest")
        axes.set_title(SCORES[f], fontsize=10, loc="left", color=INK)
    panels[1, 2].imshow(scores.argmax(axis=2), cmap=ListedColormap(COLOURS), vmin=0, vmax=3, interpolation="nearest")
    panels[1, 2].set_title("whose score is the largest", fontsize=10, loc="left", color=INK)
    for axes in panels.flat:
        axes.set_xticks([])
        axes.set_yticks([])
    bar = figure.colorbar(shown, ax=panels, location="right", shrink=0.5, pad=0.01, ticks=[-1, 0, 1])
    bar.set_label("a score", color=INK)
    patches = [Patch(color=colour, label=title.partition(":")[0]) for colour, title in zip(COLOURS, SCORES)]
    figure.legend(handles=patches, loc="outside lower center", ncols=4, frameon=False, fontsize=10)
    return {"scores.png": figure}
