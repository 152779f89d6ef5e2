"""Where the maxima stood, and what unpooling gives back."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from lessons.engine.figures import INK
from tinysegnet import ops
from tinysegnet.data import streets

COLOURS = "#e69f00", "#2b6cb0", "#3c9d7a", "#c65a9a"
WORDS = "0 upper left", "1 upper right", "2 lower left", "3 lower right"
EDGES = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)[:, :, None, None] / 4         # dark left, light right


def feature_map(seed):
    """Of a street: its edges that get lighter to the right, as in lesson 02. (1, H, W, 1)"""
    photograph, _ = streets.scene(seed)
    grey = photograph.mean(axis=2, keepdims=True)[None] / 255
    return ops.relu(ops.conv2d(grey, EDGES, np.full(1, -0.04))[0])[0]


def draw():
    return {"corners.png": corners_figure()}


def corners_figure(seed=11, rows=slice(40, 60), columns=slice(34, 54)):
    x = feature_map(seed)[:, rows, columns]
    y, corners = ops.max_pool(x)
    back = ops.max_unpool(y, corners, x.shape)
    figure = Figure(figsize=(10, 3.25))
    figure.subplots_adjust(left=0.008, right=0.992, top=0.92, bottom=0.12, wspace=0.05)
    panels = figure.subplots(1, 4)
    for axes, title, values in (
        (panels[0], "x, in windows of 2 x 2", x),
        (panels[1], "y: the maximum of each", y),
        (panels[3], "unpooled: y in its corners", back),
    ):
        axes.imshow(values[0, :, :, 0], cmap="Greys", vmin=0, vmax=x.max(), interpolation="nearest",
                    extent=(0, x.shape[2], x.shape[1], 0))
        axes.set_title(title, fontsize=10, loc="left")
    for (r, q), k in np.ndenumerate(corners[0, :, :, 0]):
        tie = y[0, r, q, 0] == 0
        panels[2].add_patch(Rectangle((2 * q, 2 * r), 2, 2, facecolor=COLOURS[k], alpha=0.25 if tie else 1))
        panels[2].text(2 * q + 1, 2 * r + 1.05, str(k), ha="center", va="center", fontsize=7.5,
                       color=INK if tie else "white")
        if not tie:
            place = 2 * q + k % 2, 2 * r + k // 2
            for axes in (panels[0], panels[3]):
                axes.add_patch(Rectangle(place, 1, 1, fill=False, edgecolor=COLOURS[k], linewidth=1.6, zorder=3))
    panels[2].set_title("corners: where it stood", fontsize=10, loc="left")
    for axes in panels:
        axes.set(xlim=(0, x.shape[2]), ylim=(x.shape[1], 0), xticks=[], yticks=[], aspect="equal")
        for line in range(0, x.shape[2] + 1, 2):
            axes.axvline(line, color="#9aa5b1", linewidth=0.5, zorder=2)
            axes.axhline(line, color="#9aa5b1", linewidth=0.5, zorder=2)
    handles = [Patch(color=colour) for colour in COLOURS] + [Patch(color=COLOURS[0], alpha=0.25)]
    figure.legend(handles, [*WORDS, "pale: all four are 0, so the first wins"], loc="lower center", ncols=5,
                  fontsize=9.5, frameon=False, handlelength=1.2, columnspacing=1.6)
    return figure
