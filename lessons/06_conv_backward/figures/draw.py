"""Who reads whom through a kernel, forward and backward; and what a gradient asks of a street."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle

from lessons.engine.figures import BLUE, GREY, INK, RED
from tinysegnet import ops
from tinysegnet.data import streets

KERNEL = np.arange(1.0, 10).reshape(3, 3, 1, 1)
CAR = 8
SIZE, MIDDLE = 5, 2


def draw():
    return {"kernel.png": kernel(), "street.png": street()}


def kernel():
    """Three pairs of 5 x 5 grids: above the side of x, below that of y, with the numbers of w that lie between them."""
    figure = Figure(figsize=(10, 7.1))
    reads, sends, asks = weights()
    tall = 0.272 / 0.71
    upright = "The kernel lies there as it stands."
    rotated = "The kernel is rotated by 180 degrees."
    for k, (title, text, above, below, colour) in enumerate((
        ("1  Forward", f"y[2, 2] reads nine pixels of x.\n{upright}", reads, None, "#e8a200"),
        ("2  Backward, from one dy", f"dy[2, 2] goes back to those nine.\n{upright}", sends, None, BLUE),
        ("3  Backward, to one dx", f"dx[2, 2] collects from nine dy.\n{rotated}", None, asks, RED),
    )):
        left = 0.03 + 0.327 * k
        figure.text(left, 0.965, title, fontsize=12.5, color=INK, weight="bold", va="center")
        figure.text(left, 0.907, text, fontsize=10, color=INK, va="center", linespacing=1.4)
        names = ("x", "y") if k == 0 else ("dx", "dy")
        axes = [figure.add_axes((left, bottom, 0.272, tall)) for bottom in (0.475, 0.015)]
        for grid, values, name in zip(axes, (above, below), names):
            squares(grid, values, colour)
            grid.text(-0.4, 4.44, name, fontsize=11, va="bottom", color="#57606a", style="italic")
        wide, single = (axes[0], axes[1]) if below is None else (axes[1], axes[0])
        near = 3.5 if wide is axes[0] else 0.5
        edge = 1.5 if single is axes[1] else 2.5
        for far, there in ((0.5, 1.5), (3.5, 2.5)):
            ends = (wide, (far, near)), (single, (there, edge))
            (a, start), (b, end) = ends if k != 1 else ends[::-1]
            figure.add_artist(ConnectionPatch(start, end, "data", "data", axesA=a, axesB=b, color=colour, lw=1.6,
                                              arrowstyle="-|>", mutation_scale=14, shrinkB=1))
    return figure


def weights():
    """By what numbers the library multiplies: x to y[2, 2], dy[2, 2] to dx, dy to dx[2, 2]."""
    reads, sends, asks = np.zeros((3, SIZE, SIZE))
    for r, q in np.ndindex(SIZE, SIZE):
        one = np.zeros((1, SIZE, SIZE, 1))
        one[0, r, q, 0] = 1
        y, cache = ops.conv.conv2d(one, KERNEL, np.zeros(1))
        dx, _, _ = ops.conv.conv2d_backward(one, cache)
        reads[r, q], asks[r, q] = y[0, MIDDLE, MIDDLE, 0], dx[0, MIDDLE, MIDDLE, 0]
        if (r, q) == (MIDDLE, MIDDLE):
            sends = dx[0, :, :, 0]
    return reads, sends, asks


def squares(axes, values, colour):
    """A grid with the numbers in the cells that have one; or, for None, with its middle filled."""
    shades = ("#fdf3dc", "#fbecc8", "#fae4b3", "#f8dc9f", "#f6d38a", "#f4ca75", "#f2c060", "#efb54b", "#eca936")
    for r, q in np.ndindex(SIZE, SIZE):
        lit = values is None and (r, q) == (MIDDLE, MIDDLE)
        value = int(values[r, q]) if values is not None else 0
        face = colour if lit else shades[value - 1] if value else "#f6f7f9"
        axes.add_patch(Rectangle((q - 0.5, r - 0.5), 1, 1, facecolor=face, edgecolor=GREY, lw=0.9))
        if value:
            axes.text(q, r, str(value), fontsize=14, ha="center", va="center", color=INK)
    if values is not None:
        axes.add_patch(Rectangle((0.5, 0.5), 3, 3, fill=False, edgecolor=colour, lw=2.2))
    axes.set(xlim=(-0.54, 4.54), ylim=(4.54, -0.54))
    axes.axis("off")


def street():
    """A street, its edges on the cars alone as dy, and the dx that comes back."""
    photograph, labels = streets.scene(21)
    x = photograph.mean(axis=2)[None, :, :, None] / 255
    edges = np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]])[:, :, None, None] / 4
    y, cache = ops.conv.conv2d(x, edges, np.zeros(1))
    dy = y * (labels == CAR)[None, :, :, None]
    dx, _, _ = ops.conv.conv2d_backward(dy, cache)

    figure = Figure(figsize=(10, 2.9), layout="constrained")
    for axes, title, values, colours, reach in zip(
        figure.subplots(1, 3),
        ("x: a street in grey", "dy: the edges on the cars alone", "dx: red where lighter raises the loss"),
        (x - 0.5, dy, dx), ("gray", "RdBu_r", "RdBu_r"), (0.5, 0.5, 0.5),
    ):
        axes.imshow(values[0, :, :, 0], cmap=colours, vmin=-reach, vmax=reach, interpolation="nearest")
        axes.set_title(title, fontsize=10.5, loc="left", color=INK)
        axes.set_xticks([])
        axes.set_yticks([])
    return figure
