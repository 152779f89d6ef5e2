"""The network as a U with its sizes; what each layer remembers; how far a pixel of the deepest map sees."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch, Rectangle

from lessons.engine.figures import BLUE, GREEN, INK, RED
from tinysegnet import networks
from tinysegnet.data import streets
from tinysegnet.ops import fast

LEVELS, WIDTH = 4, 64
AMBER = "#c47f00"
PLACE = 8, 10           # of a pixel in the deepest map, row and column


def draw():
    return {"network.png": network(), "memory.png": memory(), "sees.png": sees()}


def sizes(height=360, width=480):
    """(height, width) of the maps from the image down to the deepest, as pooling makes them."""
    x, seen = np.zeros((1, height, width, 1), np.float32), [(height, width)]
    for _ in range(LEVELS):
        x, _ = fast.max_pool(x)
        seen.append(x.shape[1:3])
    return seen


def network():
    figure = Figure(figsize=(10, 6.6))
    axes = figure.add_axes((0.005, 0.005, 0.99, 0.99))
    axes.set(xlim=(0, 100), ylim=(0, 66))
    axes.axis("off")
    maps = sizes()
    rows = [51.5, 39.5, 27.5, 15.5]
    lefts, wide, tall = (4, 8.5, 13, 17.5), 25, 7.2

    def box(x, y, title, text, colour):
        axes.add_patch(FancyBboxPatch((x, y - tall / 2), wide, tall, boxstyle="round,pad=0,rounding_size=1",
                                      facecolor="#f6f7f9", edgecolor=colour, lw=1.7))
        axes.text(x + wide / 2, y + 1.5, title, ha="center", va="center", fontsize=11, weight="bold", color=INK)
        axes.text(x + wide / 2, y - 1.6, text, ha="center", va="center", fontsize=9.3, color=INK)

    def arrow(start, end, colour, style="-", width=1.8):
        axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=15, color=colour, lw=width,
                                       ls=style, shrinkA=0, shrinkB=0))

    def says(x, y, text, colour=INK, **options):
        axes.text(x, y, text, color=colour, **{"ha": "center", "va": "center", "fontsize": 9.3} | options)

    for i, (y, left) in enumerate(zip(rows, lefts)):
        level, right = i + 1, 100 - left - wide
        (H, W), (h, w) = maps[i], maps[i + 1]
        box(left, y, f"encoder{level}   {H}x{W}", "conv, norm, ReLU, pool", BLUE)
        box(right, y, f"decoder{level}   {H}x{W}", "unpool, conv, norm", GREEN)
        arrow((left + wide + 0.4, y), (right - 0.4, y), AMBER, (0, (4, 2.5)), 1.5)
        size = f"{h * w * WIDTH / 1e6:.2f} MB"
        says(50, y + 1.6, f"corners {h}x{w}x64" + (f": {size}" if level < LEVELS else ""), "#8a5a00")
        says(50, y - 1.7, "" if level < LEVELS else size, "#8a5a00")
        if level < LEVELS:
            arrow((left + 14, y - tall / 2 - 0.3), (left + 14, rows[level] + tall / 2 + 0.3), BLUE)
            says(left + 15.3, y - 6, f"{h}x{w}x64", BLUE, ha="left")
            arrow((right + wide - 14, rows[level] + tall / 2 + 0.3), (right + wide - 14, y - tall / 2 - 0.3), GREEN)
            says(right + wide - 15.3, y - 6, f"{h}x{w}x64", GREEN, ha="right")
    left, right = lefts[-1] + 14, 100 - lefts[-1] - 14
    bottom, (h, w) = 5.2, maps[-1]
    axes.plot([left, left, right - 0.01], [rows[-1] - tall / 2 - 0.3, bottom, bottom], color=INK, lw=1.8)
    arrow((right, bottom - 0.07), (right, rows[-1] - tall / 2 - 0.3), INK)
    axes.plot([right - 0.01, right], [bottom, bottom], color=INK, lw=1.8)
    says(50, bottom + 1.7, f"the only values that go across: {h}x{w}x64")
    arrow((18, 61.2), (18, rows[0] + tall / 2 + 0.3), BLUE)
    says(18, 63, "photograph 360x480x3", fontsize=10.5)
    arrow((82, rows[0] + tall / 2 + 0.3), (82, 61.2), GREEN)
    says(82, 63, "classifier, conv 1x1: logits 360x480x11", fontsize=10.5)
    return figure


def memory():
    """MB of a cache at 360x480, one image, float32: the sizes of the network's cache, kind by kind."""
    maps = sizes()
    kept = {}
    for i in range(LEVELS):
        pixels, pooled = np.prod(maps[i]), np.prod(maps[i + 1])
        inputs = 3 if i == 0 else WIDTH
        kept[f"encoder{i + 1}"] = pixels * inputs * 4, pixels * WIDTH * 4, pixels * WIDTH, pooled * WIDTH
    for i in range(LEVELS)[::-1]:
        kept[f"decoder{i + 1}"] = np.prod(maps[i]) * WIDTH * 4, np.prod(maps[i]) * WIDTH * 4, 0, 0
    kept["classifier"] = np.prod(maps[0]) * WIDTH * 4, 0, 0, 0

    figure = Figure(figsize=(10, 4.1), layout="constrained")
    axes = figure.subplots()
    names, left = list(kept), np.zeros(len(kept))
    kinds = "x, for the convolution", "x_hat, for batch norm", "the mask of ReLU, a byte each", "corners, a byte each"
    for k, (kind, colour) in enumerate(zip(kinds, (BLUE, GREEN, RED, AMBER))):
        values = np.array([kept[name][k] for name in names]) / 1e6
        axes.barh(names, values, left=left, color=colour, label=kind, height=0.68)
        left += values
    for y, total in enumerate(left):
        axes.text(total + 0.8, y, f"{total:.1f}", va="center", fontsize=10, color=INK)
    axes.invert_yaxis()
    axes.set(xlim=(0, 99))
    axes.set_xlabel("MB for one image of 360x480", color=INK)
    axes.set_title(f"What forward keeps for backward: {left.sum():.0f} MB", fontsize=12, loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=10, loc="center right")
    return figure


def seen_by_one(seed=27, place=PLACE, filters=16):
    """A street of 240x320, and how much the deepest map's pixel at that place depends on each of its pixels."""
    photograph, _ = streets.scene(seed, 240, 320)
    params, _ = networks.init(networks.build("segnet-basic", filters=filters), seed=0, dtype=np.float64)
    x, passed = photograph[None] / 255 - 0.5, []
    for level in range(1, LEVELS + 1):
        x, of_conv = fast.conv2d(x, params[f"encoder{level}.conv.w"], params[f"encoder{level}.conv.b"])
        x, of_relu = fast.relu(x)
        shape = x.shape
        x, corners = fast.max_pool(x)
        passed.append((of_conv, of_relu, corners, shape))
    dx = np.zeros_like(x)
    dx[0, place[0], place[1]] = 1
    for of_conv, of_relu, corners, shape in passed[::-1]:
        dx = fast.relu_backward(fast.max_pool_backward(dx, corners, shape), of_relu)
        dx, _, _ = fast.conv2d_backward(dx, of_conv)
    strength = np.abs(dx[0]).sum(axis=2)
    return photograph, strength * (strength > 1e-9 * strength.max())


def sees():
    photograph, strength = seen_by_one()
    rows, columns = (np.flatnonzero(strength.any(axis=axis)) for axis in (1, 0))
    top, left, tall, wide = rows[0], columns[0], len(rows), len(columns)

    figure = Figure(figsize=(10, 3.95), layout="constrained")
    panels = figure.subplots(1, 2)
    panels[0].imshow(photograph, interpolation="nearest")
    panels[0].set_title(f"a street of 240x320, and what one pixel sees: {tall}x{wide}", fontsize=10.5, loc="left",
                        color=INK)
    panels[1].imshow(photograph.mean(axis=2), cmap="gray", vmin=-250, vmax=255, interpolation="nearest", alpha=0.35)
    shown = np.ma.masked_equal(strength / strength.max(), 0)
    picture = panels[1].imshow(shown, cmap="magma_r", vmin=0, vmax=0.7, interpolation="nearest")
    title = "how much it depends on each of them: less towards the rim"
    panels[1].set_title(title, fontsize=10.5, loc="left", color=INK)
    for axes in panels:
        axes.add_patch(Rectangle((left - 0.5, top - 0.5), wide, tall, fill=False, edgecolor="#ff3b30", lw=2))
        axes.set(xticks=[], yticks=[])
    corner = 16 * PLACE[1] - 0.5, 16 * PLACE[0] - 0.5
    panels[0].add_patch(Rectangle(corner, 16, 16, fill=False, edgecolor="#ffd400", lw=2))
    handles = (Patch(facecolor="none", edgecolor="#ffd400", lw=2, label="the 16x16 pixels that it stands for"),
               Patch(facecolor="none", edgecolor="#ff3b30", lw=2, label="what it sees"))
    figure.legend(handles=handles, loc="outside lower left", ncols=2, frameon=False, fontsize=9.5)
    bar = figure.colorbar(picture, ax=panels[1], location="bottom", shrink=0.55, aspect=30, ticks=[], pad=0.02)
    bar.set_label("size of the gradient, from none to large", color=INK)
    return figure
