"""A filter on a street, number by number, and the matrix that im2col makes of a 3 x 3 image."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle

from lessons.engine.figures import GREY, INK, RED
from tinysegnet import ops
from tinysegnet.data import streets

EDGES = np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]])        # light above, dark below
MARK = "#e8a200"


def draw():
    return {"window.png": window(), "im2col.png": columns()}


def window():
    """A street, what the filter sees in it, and below the numbers of one window."""
    photograph, _ = streets.scene(21)
    x = np.round(photograph.mean(axis=2))[None, :, :, None]                         # grey levels, (1, H, W, 1)
    y, _ = ops.conv.conv2d(x, EDGES[:, :, None, None], np.zeros(1))
    grey, seen = x[0, :, :, 0], y[0, :, :, 0]
    inside = seen[10:-10, 75:115]
    r, q = np.unravel_index(inside.argmax(), inside.shape)          # a strong edge, away from the border
    r, q = r + 10, q + 75
    part = grey[r - 1 : r + 2, q - 1 : q + 2]

    figure = Figure(figsize=(10, 6.6))
    pictures = [figure.add_axes((left, 0.42, 0.46, 0.515)) for left in (0.025, 0.515)]
    pictures[0].imshow(grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    pictures[1].imshow(seen, cmap="RdBu_r", vmin=-500, vmax=500, interpolation="nearest")
    for axes, title in zip(pictures, ("x: a street in grey, and one window", "y: red where it gets darker downwards")):
        axes.set_title(title, fontsize=11, loc="left", color=INK)
        axes.set_xticks([])
        axes.set_yticks([])
    pictures[0].add_patch(Rectangle((q - 1.5, r - 1.5), 3, 3, fill=False, color=MARK, lw=2))
    pictures[1].add_patch(Rectangle((q - 1.5, r - 1.5), 3, 3, fill=False, color=MARK, lw=2))

    lefts, wide, high = (0.025, 0.275, 0.525), 0.195, 0.2955
    grids = [figure.add_axes((left, 0.015, wide, high)) for left in lefts]
    texts = "the window of x", "the kernel w", "their products"
    for axes, values, title in zip(grids, (part, EDGES, part * EDGES), texts):
        axes.set_title(title, fontsize=11, color=INK)
        if values is part:
            cells(axes, values, lambda v: str(v / 255), lambda v: "white" if v < 140 else INK, 13)
        else:
            cells(axes, values, signed, lambda v: INK, 13)
    for left, sign in ((0.2475, "\u00d7"), (0.4975, "="), (0.752, "sum")):
        figure.text(left, 0.16, sign, fontsize=16 if sign != "sum" else 11, ha="center", va="center", color=INK)
    one = figure.add_axes((0.79, 0.085, 0.19, 0.15))
    one.set_title("one number of y", fontsize=11, color=INK)
    one.add_patch(Rectangle((0, 0), 1, 1, facecolor="#67001f", edgecolor=MARK, lw=2.5))
    one.text(0.5, 0.5, f"{seen[r, q]:.0f}", fontsize=20, ha="center", va="center", color="white")
    one.set(xlim=(-0.02, 1.02), ylim=(-0.04, 1.04))
    one.axis("off")
    for corner, end in (((q - 1.5, r + 1.5), (-0.5, -0.5)), ((q + 1.5, r + 1.5), (2.5, -0.5))):
        line(figure, pictures[0], corner, grids[0], end, MARK)
    line(figure, one, (0.5, 1.42), pictures[1], (q, r + 1.5), MARK)
    return figure


def columns():
    """x with its zeros, the matrix of its neighbourhoods, the kernel as one column, and the product."""
    x = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    padded = np.pad(x[0, :, :, 0], 1)
    matrix = ops.im2col(padded[:, :, None], 3).reshape(9, 9)
    y, _ = ops.conv.conv2d(x, EDGES[:, :, None, None], np.zeros(1))

    figure = Figure(figsize=(10, 5.15))
    unit = 0.043                                                                   # the width of a cell
    tall = unit * 10 / 5.15
    top = 0.80

    def grid(left, values, colour, title, note, size=11):
        rows, across = values.shape
        axes = figure.add_axes((left, top - rows * tall, across * unit, rows * tall))
        cells(axes, values, colour, lambda v: INK if v else "#8a949e", size)
        middle = left + across * unit / 2
        figure.text(middle, 0.945, title, fontsize=11, ha="center", color=INK)
        figure.text(middle, 0.895, note, fontsize=9, ha="center", color="#57606a")
        return axes

    image = grid(0.025, padded, number, "x and its zeros", "padded to 5 x 5")
    table = grid(0.335, matrix, number, "columns = im2col(x, 3)", "nine pixels, nine places (i, j) of the kernel")
    grid(0.805, EDGES.reshape(9, 1), signed, "w", "(9, 1)")
    result = grid(0.92, y.reshape(9, 1), lambda v: "white", "y", "(9, 1)")
    for m in range(9):
        table.text(-0.65, m, f"pixel {m // 3}, {m % 3}", fontsize=9, ha="right", va="center",
                   color=RED if m == 1 else INK)
        table.text(m, -0.75, f"{m // 3},{m % 3}", fontsize=9, ha="center", va="center", color="#57606a")
    for x_place, sign in ((0.763, "@"), (0.884, "=")):
        figure.text(x_place, top - 4.5 * tall, sign, fontsize=15, ha="center", va="center", color=INK)
    frame(image, 0.5, -0.5, 3, 3)
    frame(table, -0.5, 0.5, 9, 1)
    frame(result, -0.5, 0.5, 1, 1)
    figure.text(0.025, 0.19, "In the red frame: the window\nof pixel 0, 1. Read row by row\n"
                "it is row 1 of the matrix, and\nits product with w is y there.",
                fontsize=9.5, color=RED, va="center", linespacing=1.45)
    return figure


def cells(axes, values, colour, ink, size):
    """A grid of coloured cells with their numbers in them."""
    for (r, q), value in np.ndenumerate(values):
        axes.add_patch(Rectangle((q - 0.5, r - 0.5), 1, 1, facecolor=colour(value), edgecolor=GREY, lw=0.8))
        axes.text(q, r, f"{value + 0.0:.0f}", fontsize=size, ha="center", va="center", color=ink(value))
    rows, across = values.shape
    axes.set(xlim=(-0.54, across - 0.46), ylim=(rows - 0.46, -0.54))
    axes.axis("off")


def number(value):
    """Nine soft colours for 1 to 9, and none for a zero of the padding."""
    soft = ("#cfe3f7", "#b5d8c6", "#fbe3b0", "#f7c9b6", "#ddcdf0", "#f5c4d5", "#c5e6e8", "#e3dfae", "#d7c7b8")
    return soft[int(value) - 1] if value else "#f3f4f6"


def signed(value):
    return "white" if value == 0 else "#f8d0c0" if value > 0 else "#c6dcf2"


def frame(axes, left, top, across, rows):
    axes.add_patch(Rectangle((left, top), across, rows, fill=False, edgecolor=RED, lw=2.2, clip_on=False, zorder=5))


def line(figure, a, start, b, end, colour):
    patch = ConnectionPatch(start, end, "data", "data", axesA=a, axesB=b, color=colour, lw=1.4)
    patch.set_annotation_clip(False)            # it may begin beside its axes
    figure.add_artist(patch)
