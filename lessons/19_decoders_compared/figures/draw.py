"""Ways up from a pooled map, stamps that overlap, the edges of six networks, and the corners of another street."""

import json
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from lessons.engine.figures import BLUE, GREY, INK, RED
from tinysegnet import ops
from tinysegnet.data import streets
from tinysegnet.data.camvid import VOID
from tinysegnet.ops import more

NOTES = json.loads((Path(__file__).parent / "decoders.json").read_text(encoding="utf-8"))
EDGES = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)[:, :, None, None] / 4         # dark left, light right
SOFT = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], float)[:, :, None, None] / 4
CROP = slice(30, 92), slice(0, 100)         # the part of the street that is shown
TOLD = {
    "bilinear-interpolation": "a size: straight lines", "segnet-basic-replication": "a size: each pixel four times",
    "segnet-basic-fixed-index": "a size: the first corner", "segnet-basic": "corners: SegNet",
    "fcn-basic": "a size, and reduced maps: FCN", "segnet-basic-encoder-addition": "corners and whole maps",
}


def feature_map(seed):
    """Of a street: its edges that get lighter to the right, as in lesson 02. (1, H, W, 1)"""
    photograph, _ = streets.scene(seed)
    grey = photograph.mean(axis=2, keepdims=True)[None] / 255
    return ops.relu(ops.conv2d(grey, EDGES, np.full(1, -0.04))[0])[0]


def soft(x):
    return ops.conv2d(x, SOFT, np.zeros(1))[0]


def draw():
    return {"ways.png": ways(), "stamps.png": stamps(), "edges.png": edges(), "borrowed.png": borrowed_figure()}


def ways(seed=11, rows=slice(28, 68), columns=slice(30, 78)):
    x = feature_map(seed)
    y, corners = ops.max_pool(x)
    lines = more.resize_bilinear(y, x.shape)[0]
    own = ops.max_unpool(y, corners, x.shape)
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.09)
    small = slice(rows.start // 2, rows.stop // 2), slice(columns.start // 2, columns.stop // 2)
    for axes, (title, values) in zip(figure.subplots(2, 4).flat, (
        ("x: edges of a street", x), ("pooled", y),
        ("a size: the first corner", ops.max_unpool(y, corners * 0, x.shape)),
        ("a size: each pixel four times", more.upsample_nearest(y, x.shape)[0]),
        ("a size: straight lines", lines), ("corners: SegNet", own),
        ("straight lines, softened", soft(lines) / 4), ("corners, softened", soft(own)),
    )):
        place = small if values is y else (rows, columns)
        shown = values[0, :, :, 0][place]
        darkest = shown if "softened" in title else x[0, :, :, 0][rows, columns]
        axes.imshow(shown, cmap="Greys", vmin=0, vmax=0.6 * darkest.max(), interpolation="nearest")
        bare(axes, title)
    return figure


def bare(axes, title):
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.set_xticks([])
    axes.set_yticks([])


def stamps():
    """One stamp, two that overlap, and how many reach each pixel of y, with K = 3 and with K = 4."""
    line = np.array([1.0, 3, 3, 1])
    four = np.outer(line, line)[:, :, None, None] / 16
    x = np.zeros((1, 3, 4, 1))
    x[0, 1, 1] = 16
    one = stamped(x, four)
    x[0, 1, 2] = 16
    two = stamped(x, four)
    figure = Figure(figsize=(10, 2.2), layout="constrained")
    panels = figure.subplots(1, 4)
    for axes, title, y, top in (
        (panels[0], "one pixel of x, K = 4", one, 24), (panels[1], "two neighbours", two, 24),
        (panels[2], "stamps at each y, K = 3", stamped(np.ones((1, 3, 4, 1)), np.ones((3, 3, 1, 1))), 6),
        (panels[3], "stamps at each y, K = 4", stamped(np.ones((1, 3, 4, 1)), np.ones((4, 4, 1, 1))), 6),
    ):
        axes.imshow(y, cmap="Blues", vmin=0, vmax=top, interpolation="nearest")
        for (r, q), value in np.ndenumerate(y):
            if value:
                axes.text(q, r, f"{value:.0f}", ha="center", va="center", fontsize=8.5, color=INK)
        bare(axes, title)
        axes.spines[:].set_color(GREY)
        axes.hlines(np.arange(5) + 0.5, -0.5, 7.5, color=GREY, linewidth=0.5)
        axes.vlines(np.arange(7) + 0.5, -0.5, 5.5, color=GREY, linewidth=0.5)
    for axes, places in (panels[0], [1]), (panels[1], [1, 2]):
        for q, colour in zip(places, (RED, BLUE)):
            axes.add_patch(Rectangle((2 * q - 1.5, 0.5), 4, 4, fill=False, edgecolor=colour, linewidth=1.6, zorder=3))
    return figure


def stamped(x, w):
    """(6, 8)"""
    return more.conv_transpose2d(x, w, np.zeros(1), (1, 6, 8, 1))[0][0, :, :, 0]


def edges():
    """A part of a street, its labels, and what each network says of it."""
    data = streets.dataset()
    photograph, labels = streets.scene(streets.VAL[NOTES["shown"]])
    panels = [("a street of val", photograph, ""), ("its labels", data.colours(labels), "black is void")]
    for name, title in TOLD.items():
        predicted = np.array([[int(k, 16) for k in row] for row in NOTES["runs"][name][0]["predicted"]])
        panels.append((title, data.colours(predicted), name))
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(4.1, 0.5))
    above.get_layout_engine().set(h_pad=0.05, w_pad=0.05)
    for axes, (title, picture, text) in zip(above.subplots(2, 4).flat, panels):
        axes.imshow(picture[CROP], interpolation="nearest")
        bare(axes, title)
        axes.set_xlabel(text, fontsize=8.5, color=INK)
    patches = [Patch(color=to_hex(colour / 255), label=name) for name, colour in zip(data.classes, data.palette)]
    patches.append(Patch(color=to_hex(data.colours(np.array([[VOID]]))[0, 0] / 255), label="void"))
    below.legend(handles=patches, loc="center", ncols=6, frameon=False, fontsize=9)
    return figure


def borrowed_figure(seed=11, other=12, rows=slice(28, 68), columns=slice(30, 78)):
    a, b = feature_map(seed), feature_map(other)
    y, own = ops.max_pool(a)
    borrowed = ops.max_pool(b)[1]
    with_own, with_borrowed = (ops.max_unpool(y, corners, a.shape) for corners in (own, borrowed))

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.09)
    panels = figure.subplots(2, 4)
    small = slice(rows.start // 2, rows.stop // 2), slice(columns.start // 2, columns.stop // 2)
    softened = [soft(values) for values in (a, with_own, with_borrowed)]
    for axes, title, values, darkest in (
        (panels[0, 0], "edges of street A", a, a),
        (panels[0, 1], "pooled", y, a),
        (panels[0, 2], "unpooled, A's own corners", with_own, a),
        (panels[0, 3], "unpooled, street B's corners", with_borrowed, a),
        (panels[1, 0], "edges of A, softened", softened[0], softened[0]),
        (panels[1, 1], "street B: gives only its corners", b, a),
        (panels[1, 2], "own corners, softened", softened[1], softened[1]),
        (panels[1, 3], "B's corners, softened", softened[2], softened[1]),
    ):
        place = small if values is y else (rows, columns)
        black = 0.6 * darkest[0, :, :, 0][rows, columns].max()
        axes.imshow(values[0, :, :, 0][place], cmap="Greys", vmin=0, vmax=black, interpolation="nearest")
        axes.set_title(title, fontsize=10, loc="left")
        axes.set(xticks=[], yticks=[])
    return figure
