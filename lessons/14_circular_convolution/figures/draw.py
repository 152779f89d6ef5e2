"""A row of a street by way of its frequencies; the matrix of waves; and tiles that overlap."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet.data import streets
from tinysegnet.ops.fast.fourier import transforms

SEED, ROW, KERNEL = 9, 64, 9
SOFT = "#57606a"


def draw():
    return {"street.png": street(), "waves.png": waves(), "tiles.png": tiles()}


def row(r=ROW):
    photograph, _ = streets.scene(SEED)
    return photograph, photograph[r].mean(axis=1) / 255


def by_frequencies(x, w):
    """y, and the complex spectra of x, w and y."""
    forward, inverse = transforms(len(x), np.dtype(float))
    half = len(forward) // 2
    x_hat, w_hat = (made[:half] + 1j * made[half:] for made in (forward @ x, forward[:, : len(w)] @ w))
    y_hat = x_hat * w_hat.conj()
    return inverse @ np.concatenate([y_hat.real, y_hat.imag]), x_hat, w_hat, y_hat


def street():
    """Left x, w and y as rows of pixels, right how much of each frequency they have."""
    photograph, x = row()
    kernel = np.full(KERNEL, 1 / KERNEL)
    y, *spectra = by_frequencies(x, kernel)
    T = len(x)

    figure = Figure(figsize=(10, 7.4))
    bottoms, tall = (0.715, 0.40, 0.085), 0.195
    names = "x: a row of 128 pixels", "correlated with w: nine weights of 1/9", "is y: the row, blurred"
    pixels = []
    for bottom, name, values in zip(bottoms, names, (x, kernel, y)):
        axes = figure.add_axes((0.055, bottom, 0.49, tall))
        pixels.append(axes)
        above = 0.03 if values is kernel else 0.05
        figure.text(0.055, bottom + tall + above, name, fontsize=11, color=INK, weight="bold", va="center")
        axes.set(xlim=(-0.5, T - 0.5), xticks=[0, 32, 64, 96, 127])
        bare(axes)
        if values is kernel:
            axes.bar(np.arange(KERNEL), kernel, width=0.8, color=BLUE)
            axes.set(ylim=(0, 0.16), yticks=[0, 0.1])
        else:
            axes.plot(np.arange(T), values, color=BLUE, lw=1.5)
            axes.set(ylim=(0.05, 1.08), yticks=[0.5])
            strip = figure.add_axes((0.055, bottom + tall + 0.004, 0.49, 0.024))
            strip.imshow(values[None], cmap="gray", vmin=0, vmax=1.06, aspect="auto", interpolation="nearest")
            strip.axis("off")
    pixels[2].axvspan(T - KERNEL + 0.5, T - 0.5, color=RED, alpha=0.16, lw=0)
    pixels[2].text(T - KERNEL - 1, 0.82, "these eight have wrapped around:\ntheir windows go on at the left end",
                   fontsize=9, color=RED, ha="right", va="center", linespacing=1.3)
    pixels[2].set_xlabel("pixel", fontsize=9.5, color=SOFT, labelpad=2)

    inset = figure.add_axes((0.255, 0.402, 0.27, 0.188))
    inset.imshow(photograph, interpolation="nearest")
    inset.axhline(ROW, color=RED, lw=1.4)
    inset.axis("off")

    for bottom, name, values in zip(bottoms, ("size of x_hat", "times that of w_hat", "is that of y_hat"), spectra):
        axes = figure.add_axes((0.635, bottom, 0.345, tall))
        figure.text(0.635, bottom + tall + 0.03, name, fontsize=11, color=INK, weight="bold", va="center")
        axes.fill_between(np.arange(len(values)), 1e-4, np.abs(values), color=GREEN, alpha=0.35, lw=0)
        axes.plot(np.abs(values), color=GREEN, lw=1.5)
        axes.set(yscale="log", xlim=(0, T // 2), xticks=[0, 16, 32, 48, 64])
        axes.set(ylim=(0.01, 2) if name.endswith("w_hat") else (0.005, 100))
        axes.set_yticks([0.1, 1] if name.endswith("w_hat") else [0.01, 1, 100])
        axes.minorticks_off()
        bare(axes)
    axes.set_xlabel("frequency: waves in the row", fontsize=9.5, color=SOFT, labelpad=2)
    return figure


def bare(axes):
    axes.tick_params(labelsize=8.5, colors=SOFT, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)


def waves(T=8):
    """The rows of the forward matrix: each a wave, and dots where it is taken."""
    forward, _ = transforms(T, np.dtype(float))
    L = len(forward) // 2
    fine = np.linspace(0, T, 400)
    figure = Figure(figsize=(10, 4.9))
    for half, (left, name, wave, sign, colour) in enumerate((
        (0.115, "the first L rows: cos", np.cos, 1, BLUE), (0.575, "the other L rows: -sin", np.sin, -1, RED),
    )):
        figure.text(left, 0.955, name, fontsize=12, color=INK, weight="bold", va="center")
        for l in range(L):      # noqa: E741, as in the equations
            axes = figure.add_axes((left, 0.76 - 0.165 * l, 0.40, 0.135))
            axes.plot((-0.3, T), (0, 0), color=GREY, lw=0.9)
            axes.plot(fine, sign * wave(2 * np.pi * l * fine / T), color=colour, lw=1, alpha=0.4)
            axes.plot(np.arange(T), forward[half * L + l], "o", color=colour, ms=6.5)
            axes.set(xlim=(-0.3, T + 0.75), ylim=(-1.3, 1.3), yticks=[])
            axes.set_xticks(range(T) if l == L - 1 else [])
            axes.tick_params(labelsize=9, colors=SOFT, length=0)
            axes.set_frame_on(False)
            if not forward[half * L + l].round(9).any():
                axes.text(T + 0.12, 0, "all 0", fontsize=9.5, color=SOFT, ha="left", va="center", style="italic")
            if half == 0:
                figure.text(0.015, 0.8275 - 0.165 * l, f"l = {l}", fontsize=11, color=INK, va="center")
    for left in (0.315, 0.775):
        figure.text(left, 0.012, "place n in the row", fontsize=9.5, color=SOFT, ha="center", va="bottom")
    return figure


def tiles(S=20, K=3, T=8):
    """A row in tiles of T that overlap by K - 1, what each gives, and what of it is kept."""
    M = T - K + 1
    _, street_row = row(50)
    x = street_row[26 : 26 + 2 * S : 2]
    w = np.full(K, 1 / K)
    colours = (BLUE, GREEN, "#b7791f")
    figure = Figure(figsize=(10, 6.5))
    axes = figure.add_axes((0.005, 0.005, 0.99, 0.99))
    axes.set(xlim=(-4.6, S + 0.3), ylim=(16.2, -0.6), aspect="auto")
    axes.axis("off")

    def cell(column, top, face, text, edge="white", ink=None):
        axes.add_patch(Rectangle((column, top), 1, 1, facecolor=face, edgecolor=edge, lw=1.2))
        axes.text(column + 0.5, top + 0.53, text, fontsize=9, ha="center", va="center", color=ink or "white")

    def pixels(columns, top):
        for n in columns:
            shade = float(np.clip(x[n] * 1.1, 0, 0.92))
            cell(n, top, str(round(shade, 3)), str(n), ink="white" if shade < 0.55 else INK)

    def label(top, text, weight="normal"):
        axes.text(-4.45, top, text, fontsize=10.5, va="center", color=INK, weight=weight, linespacing=1.35)

    label(0.5, "x", "bold")
    pixels(range(S), 0)
    for tile, colour in enumerate(colours):
        first, top = tile * M, 2.1 + 3.8 * tile
        label(top + 0.5, f"tile {tile}: eight pixels")
        pixels(range(first, first + T), top)
        axes.add_patch(Rectangle((first, top), T, 1, fill=False, edgecolor=colour, lw=2.4))
        label(top + 2.35, "correlated in a circle")
        y, *_ = by_frequencies(x[first : first + T], w)
        assert np.allclose(y[:M], [(x[r : r + K] * w).sum() for r in range(first, first + M)])
        for r in range(T):
            if r < M:
                cell(first + r, top + 1.85, colour, str(first + r))
            else:
                cell(first + r, top + 1.85, "#f6f7f9", "", edge=GREY)
                axes.plot((first + r + 0.25, first + r + 0.75), (top + 2.1, top + 2.6), color=RED, lw=1.8)
                axes.plot((first + r + 0.25, first + r + 0.75), (top + 2.6, top + 2.1), color=RED, lw=1.8)
        axes.add_patch(FancyArrowPatch((first + 0.5 * M, top + 1.08), (first + 0.5 * M, top + 1.8), color=colour,
                                       arrowstyle="-|>", mutation_scale=13, lw=1.4))
        if tile == 0:
            axes.text(first + T + 0.3, top + 2.36, "two have wrapped around: thrown away", fontsize=10, color=RED,
                      va="center")
    label(14.6, "y", "bold")
    for tile, colour in enumerate(colours):
        for r in range(tile * M, (tile + 1) * M):
            cell(r, 14.1, colour, str(r))
        kept = 2.1 + 3.8 * tile + 2.85
        for edge in (0, M) if tile == len(colours) - 1 else (0,):
            axes.plot((tile * M + edge, tile * M + edge), (kept, 14.1), color=colour, lw=1, ls=(0, (2, 3)))
    return figure
