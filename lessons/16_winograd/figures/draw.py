"""Six products and four for two values, and what larger tiles save and lose."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch

from lessons.engine import course
from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet.ops.fast import winograd

digits = course.load(Path(__file__).parents[1] / "digits.py")
SOFT = "#57606a"


def draw():
    return {"products.png": products(), "digits.png": lost()}


def box(axes, x, y, words, width, colour=INK, face="white"):
    axes.add_patch(FancyBboxPatch((x - width / 2, y - 0.21), width, 0.42, boxstyle="round,pad=0.02,rounding_size=0.08",
                                  facecolor=face, edgecolor=colour, lw=1.3, zorder=3))
    axes.text(x, y - 0.01, words, ha="center", va="center", fontsize=10.5, color=INK, zorder=4)


def diagram(axes, title, of_d, kernels, of_y, width):
    """Of each product: which d go into it, the g by which they are multiplied, and into which y it goes."""
    middle, right = 1.8 + width / 2, 3.6 + width
    places = [np.linspace(top, -top, count) for top, count in ((1.9, 4), (2.5, len(kernels)), (0.9, 2))]
    for x, names, ys in ((0, [f"d[{i}]" for i in range(4)], places[0]), (right, ["y[0]", "y[1]"], places[2])):
        for words, y in zip(names, ys):
            box(axes, x, y, words, 0.72, GREY, "#f6f8fa")
    for words, y in zip(kernels, places[1]):
        box(axes, middle, y, f"· {words}", width, GREEN)
    for matrix, (x, starts), (end, ends) in (
        (of_d, (0.38, places[0]), (1.78, places[1])), (of_y, (width + 1.82, places[1]), (right - 0.38, places[2])),
    ):
        for to, factors in zip(ends, matrix):
            for start, factor in zip(starts, factors):
                if factor:
                    axes.plot([x, end], [start, to], color=BLUE if factor > 0 else RED, lw=1.5,
                              ls="-" if factor > 0 else (0, (4, 2)), zorder=2)
    axes.set(xlim=(-0.5, right + 0.5), ylim=(-2.85, 2.85), xticks=[], yticks=[])
    axes.set_frame_on(False)
    axes.set_title(title, fontsize=11.5, weight="bold", color=INK, loc="left")


def products():
    figure = Figure(figsize=(10, 4.3))
    sliding, ours = (figure.add_axes((left, 0.09, width, 0.82)) for left, width in ((0.005, 0.42), (0.435, 0.56)))
    eye = np.eye(4)
    diagram(sliding, "Sliding: six products", eye[[0, 1, 2, 1, 2, 3]], ["g[0]", "g[1]", "g[2]"] * 2,
            np.repeat(np.eye(2), 3, axis=1), 1.0)
    A_T, _, B_T = (matrix.copy() for matrix in winograd.winograd_matrices(2))
    B_T[0] = -B_T[0]            # the minus of this row is G's in the library
    kernels = ["g[0]", "(g[0] + g[1] + g[2]) / 2", "(g[0] - g[1] + g[2]) / 2", "g[2]"]
    diagram(ours, "Winograd: four products", B_T, kernels, A_T, 2.65)
    handles = [Line2D([], [], color=BLUE, lw=1.6), Line2D([], [], color=RED, lw=1.6, ls=(0, (4, 2)))]
    figure.legend(handles, ["is added", "is taken away"], loc="lower center", ncols=2, frameon=False, fontsize=10,
                  labelcolor=INK)
    return figure


def lost():
    names = [digits.name(m) for m in digits.ALL_M]
    figure = Figure(figsize=(10, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.35))
    counts = [digits.multiplications(m) for m in digits.ALL_M]
    left.bar(names, counts, 0.6, color=[GREY, GREEN, GREEN, GREEN])
    for i, count in enumerate(counts):
        left.text(i, count + 0.15, f"{count:.3g}", ha="center", fontsize=10, color=INK)
    left.set_title("Multiplications for each y, channel and filter", fontsize=11, weight="bold", color=INK, loc="left")
    left.set(ylim=(0, 10.2), yticks=[])
    for dtype, colour, words in ((np.float16, RED, "float16"), (np.float32, BLUE, "float32")):
        errors = [digits.error(m, dtype) for m in digits.ALL_M]
        right.plot(names, errors, "o-", color=colour, lw=1.8)
        right.text(3.1, errors[-1], words, color=colour, fontsize=10.5, va="center")
    right.set(yscale="log", ylim=(8e-8, 3e-2), xlim=(-0.3, 3.75))
    right.set_title("What is lost: the error of y, as a share of y", fontsize=11, weight="bold", color=INK, loc="left")
    right.grid(axis="y", color=GREY, lw=0.6)
    for axes in (left, right):
        axes.tick_params(colors=SOFT, labelsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(GREY)
    left.spines["left"].set_visible(False)
    return figure
