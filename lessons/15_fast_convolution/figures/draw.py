"""A street cut into tiles and put together again; what a tile costs; and how a race went."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessons.engine import course
from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet import ops
from tinysegnet.data import streets

FOLDER = Path(__file__).parent
SEED, T, K = 9, 40, 9
TILE = 1, 1                     # the one that is shown by itself
SOFT, YELLOW = "#57606a", "#e0a526"


def draw():
    recorded = json.loads((FOLDER / "race.json").read_text(encoding="utf-8"))
    race = course.load(FOLDER.parent / "race.py")
    return {
        "tiles.png": tiles(),
        "cost.png": cost(),
        "race.png": race.chart(recorded["seconds"], race.title(recorded["size"])),
    }


def tiles():
    """Left the street with its tiles, in the middle one of them blurred in a circle, right what is kept of all."""
    photograph, _ = streets.scene(SEED)
    grey = photograph.mean(axis=2) / 255
    (H, W), M, half = grey.shape, T - K + 1, K // 2
    rows, columns = -(-H // M), -(-W // M)
    padded = np.zeros(((rows - 1) * M + T, (columns - 1) * M + T))
    padded[half : half + H, half : half + W] = grey
    w_hat = np.fft.rfft2(np.full((K, K), 1 / K**2), (T, T))
    y, places = np.zeros((rows * M, columns * M)), [(r, q) for r in range(rows) for q in range(columns)]
    blurred = {}
    for r, q in places:
        x_hat = np.fft.rfft2(padded[r * M : r * M + T, q * M : q * M + T])
        blurred[r, q] = np.fft.irfft2(x_hat * w_hat.conj(), (T, T))
        y[r * M : r * M + M, q * M : q * M + M] = blurred[r, q][:M, :M]
    right, _ = ops.conv2d(grey[None, :, :, None], np.full((K, K, 1, 1), 1 / K**2), np.zeros(1))
    assert np.allclose(y[:H, :W], right[0, :, :, 0])

    figure = Figure(figsize=(10, 3.3))
    axes = [figure.add_axes((left, 0.01, width, 0.85)) for left, width in ((0.01, 0.36), (0.40, 0.22), (0.65, 0.34))]
    axes[0].imshow(padded, cmap="gray", vmin=0, vmax=1)
    for r, q in places:
        axes[0].add_patch(Rectangle((q * M - 0.5, r * M - 0.5), T, T, fill=False, edgecolor=GREY, lw=0.7))
    for (r, q), colour in ((TILE, GREEN), ((TILE[0], TILE[1] + 1), YELLOW)):
        axes[0].add_patch(Rectangle((q * M - 0.5, r * M - 0.5), T, T, fill=False, edgecolor=colour, lw=2.6))
    titles = [f"{len(places)} tiles of {T}x{T}: the green one\nand its neighbour share {K - 1} columns"]

    axes[1].imshow(blurred[TILE], cmap="gray", vmin=0, vmax=1)
    wrapped = np.zeros((T, T, 4))
    wrapped[..., :3], wrapped[..., 3] = (0.72, 0.2, 0.2), 0.45
    wrapped[:M, :M, 3] = 0
    axes[1].imshow(wrapped)
    axes[1].add_patch(Rectangle((-0.5, -0.5), M, M, fill=False, edgecolor=GREEN, lw=2.6))
    titles.append("the green one, blurred in a\ncircle: red has wrapped around")

    axes[2].imshow(y[:H, :W], cmap="gray", vmin=0, vmax=1)
    for r, q in places:
        axes[2].add_patch(Rectangle((q * M - 0.5, r * M - 0.5), M, M, fill=False, edgecolor=GREY, lw=0.7))
    axes[2].add_patch(Rectangle((TILE[1] * M - 0.5, TILE[0] * M - 0.5), M, M, fill=False, edgecolor=GREEN, lw=2.6))
    titles.append(f"y: {M}x{M} values of each tile,\nside by side, and no seam")
    for one, words in zip(axes, titles):
        one.set(xticks=[], yticks=[], anchor="N")
        one.set_frame_on(False)
        one.set_title(words, fontsize=10.5, color=INK, loc="left")
    return figure


def multiplications(T, K=7, C=64):
    """For each value of y and channel of x: of the product, of the transforms there, and of those back."""
    M, L = T - K + 1, T // 2 + 1
    kept = M * M * C * C
    there = C * (2 * L * T * M + 4 * L * L * T)         # down: M columns of each tile are its own; across
    back = C * (4 * L * L * M + 2 * L * M * M)
    return 3 * 2 * L * L * C * C / kept, there / kept, back / kept


def cost():
    sides = np.arange(10, 61, 2)
    parts = np.array([multiplications(T) for T in sides]).T
    figure = Figure(figsize=(10, 4.4))
    axes = figure.add_axes((0.075, 0.125, 0.90, 0.74))
    bottom = np.zeros(len(sides))
    names = "the product, at each frequency", "the transforms there", "the transforms back"
    for part, name, colour in zip(parts, names, (GREEN, BLUE, "#8fb3d9")):
        axes.bar(sides, part, 1.6, bottom=bottom, color=colour, label=name)
        bottom += part
    best = sides[bottom.argmin()]
    axes.axhline(49, color=RED, lw=1.6)
    axes.text(60.8, 48, "sliding: 7 · 7 = 49", fontsize=10.5, color=RED, ha="right", va="top")
    axes.annotate(f"T = {best}: {bottom.min():.1f}", (best, bottom.min() + 0.5), (best, 19), fontsize=10.5, color=INK,
                  ha="center", arrowprops=dict(arrowstyle="-|>", color=INK, lw=1.1))
    axes.set(xlim=(8.5, 61.5), ylim=(0, 53), xticks=sides[::5])
    axes.set_xlabel("side T of a tile, in pixels", fontsize=10, color=SOFT)
    axes.legend(loc="upper center", bbox_to_anchor=(0.46, 0.86), frameon=False, fontsize=10)
    axes.tick_params(colors=SOFT, labelsize=9.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    title = "Multiplications for each value of y and channel of x"
    figure.text(0.015, 0.93, title, fontsize=12, weight="bold", color=INK)
    return figure
