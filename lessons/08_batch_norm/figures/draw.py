"""What batch norm does to two channels of a street; the three paths of x; whose statistics are used at test time."""

import json
from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

from lessons.engine.figures import BLUE, GREEN, INK, RED
from tinysegnet import ops
from tinysegnet.data import streets
from tinysegnet.data.camvid import CLASSES, PALETTE

HERE = Path(__file__).parent
BRIGHT = np.full((3, 3, 3), 1 / 9)                                                          # 3 times the brightness
EDGES = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)[:, :, None] * np.ones(3) / 12     # dark left, light right
AMBER = "#c47f00"


def draw():
    return {"channels.png": channels(), "paths.png": paths(), "company.png": company(), "statistics.png": statistics()}


def channels(seed=11):
    """Two channels of a street, as a convolution gives them and normalised."""
    photograph, _ = streets.scene(seed)
    w = np.stack([BRIGHT, EDGES], axis=3)                                                   # (3, 3, 3, 2)
    x, _ = ops.conv2d(photograph[None, :, :] / 255, w, np.zeros(2))
    x = x[:, 1:-1, 1:-1]                                                                    # without the border
    x_hat, _, _ = ops.batch_norm(x, np.ones(2), np.zeros(2))

    figure = Figure(figsize=(10, 5.2), layout="constrained")
    panels = figure.subplots(2, 3, width_ratios=(1, 1.15, 1.15))
    for c, (name, colour) in enumerate((("brightness", AMBER), ("edges", BLUE))):
        reach = np.abs(x[..., c]).max()
        style = {"cmap": "gray"} if c == 0 else {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
        panels[c, 0].imshow(x[0, :, :, c], interpolation="nearest", **style)
        panels[c, 0].set_title(f"channel {c}: {name}", fontsize=10.5, loc="left", color=INK)
        panels[c, 0].set(xticks=[], yticks=[])
        for axes, values, span in ((panels[c, 1], x, (-1.3, 3)), (panels[c, 2], x_hat, (-4.3, 4.3))):
            axes.hist(values[..., c].ravel(), bins=np.linspace(*span, 87), color=colour)
            axes.axvline(values[..., c].mean(), color=INK, lw=1.2, ls="--")
            axes.set(xlim=span, yticks=[])
            axes.spines[["left", "right", "top"]].set_visible(False)
        for axes, when, values in ((panels[c, 1], "before", x[..., c]), (panels[c, 2], "after", x_hat[..., c])):
            title = f"{when}: mean {values.mean().round(2) + 0.0:.2f}, standard deviation {values.std():.2f}"
            axes.set_title(title, fontsize=10.5, loc="left", color=INK)
    return figure


def paths():
    """x, mean, var and x_hat as boxes, and the three ways through them."""
    figure = Figure(figsize=(10, 4.1))
    axes = figure.add_axes((0.005, 0.01, 0.99, 0.98))
    axes.set(xlim=(0, 100), ylim=(3, 44))
    axes.axis("off")
    middle = 24

    def box(x, y, width, title, text, colour=INK, height=9):
        axes.add_patch(FancyBboxPatch((x, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=1.2",
                                      facecolor="#f6f7f9", edgecolor=colour, lw=1.6))
        axes.text(x + width / 2, y + 1.4, title, ha="center", va="center", fontsize=13, color=INK, weight="bold")
        axes.text(x + width / 2, y - 2.2, text, ha="center", va="center", fontsize=9.5, color=INK)

    def arrow(start, end, colour, bend=0.0):
        bent = f"arc3,rad={bend}"
        axes.add_patch(FancyArrowPatch(start, end, connectionstyle=bent, arrowstyle="-|>", color=colour,
                                       mutation_scale=17, lw=2, shrinkA=0, shrinkB=0))

    def says(x, y, text, colour, **where):
        where = {"ha": "center", "va": "center", "linespacing": 1.45} | where
        axes.text(x, y, text, fontsize=10, color=colour, **where)

    box(2, middle, 15, "x[m]", "one pixel of M")
    box(36, 38, 15, "mean", "one for the channel", RED)
    box(36, 9, 15, "var", "one for the channel", GREEN)
    box(66, middle, 15, "x_hat", "all M pixels")
    box(88, middle, 10, "y", "all M")
    arrow((17.4, middle), (65.6, middle), BLUE)
    says(41.5, middle + 2.2, "1  directly: this pixel alone, slope 1 / std", BLUE)
    arrow((14, middle + 4.8), (35.6, 38), RED, -0.25)
    arrow((51.4, 38), (70, middle + 4.8), RED, -0.25)
    says(18, 38.3, "2  slope 1 / M", RED)
    says(76, 38.3, "every pixel falls\nby 1 / std", RED)
    arrow((14, middle - 4.8), (35.6, 9), GREEN, 0.25)
    arrow((51.4, 9), (70, middle - 4.8), GREEN, 0.25)
    says(15.5, 8.3, "3  slope\n2 (x[m] - mean) / M", GREEN)
    says(79, 8.3, "each pixel falls by\nits x_hat / (2 std²)", GREEN)
    arrow((81.4, middle), (87.6, middle), INK)
    says(84.4, middle + 2.4, "gamma", INK)
    axes.add_patch(FancyArrowPatch((43.5, 33.2), (43.5, 28.2), arrowstyle="-", color="#8a939c", lw=1.3, ls=":"))
    axes.add_patch(FancyArrowPatch((43.5, 22.8), (43.5, 13.9), arrowstyle="-|>", color="#8a939c", lw=1.3, ls=":",
                                   mutation_scale=12))
    says(45, 17.8, "slope 0", "#57606a", ha="left")
    return figure


def brightness(seed):
    return streets.scene(seed)[0].mean(axis=2)[None, :, :, None] / 255


def company(seeds=range(40)):
    """One channel, brightness, of a dark and a light street, normalised by statistics of three kinds."""
    maps = {seed: brightness(seed) for seed in seeds}
    in_order = sorted(maps, key=lambda seed: maps[seed].mean())
    dark, light = in_order[0], in_order[-1]
    ones, zeros = np.ones(1), np.zeros(1)

    def normalised(some, shown):
        _, (mean, var), _ = ops.batch_norm(np.concatenate([maps[seed] for seed in some]), ones, zeros)
        return ops.batch_norm_inference(maps[shown], ones, zeros, mean, var)[0, :, :, 0]

    figure = Figure(figsize=(10, 4.55), layout="constrained")
    panels = figure.subplots(2, 4)
    for row, (shown, name) in enumerate(((dark, "a dark street"), (light, "a light street"))):
        panels[row, 0].imshow(maps[shown][0, :, :, 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        panels[row, 0].set_title(name, fontsize=10.5, loc="left", color=INK)
        for axes, words, some in zip(panels[row, 1:], ("its own", "the two together", "all forty"),
                                     ([shown], [dark, light], seeds)):
            y = normalised(some, shown)
            picture = axes.imshow(y, cmap="RdBu_r", vmin=-3, vmax=3, interpolation="nearest")
            axes.set_title(f"{words}: mean {y.mean() + 0.0:+.2f}", fontsize=10.5, loc="left", color=INK)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
    bar = figure.colorbar(picture, ax=panels, location="bottom", shrink=0.45, aspect=34, pad=0.03)
    bar.set_label("brightness, in standard deviations from the mean of the statistics named above", color=INK)
    return figure


def statistics():
    """What a trained network says with statistics of each kind, from statistics.json."""
    record = json.loads((HERE / "statistics.json").read_text(encoding="utf-8"))
    settings, shown = record["settings"], streets.VAL[3]
    photograph, labels = streets.scene(shown, settings["height"], settings["width"])
    colours = ListedColormap(np.vstack([PALETTE, [[0, 0, 0]]]) / 255)                       # the last is void

    figure = Figure(figsize=(10, 5.5), layout="constrained")
    panels = figure.subplots(2, 3)
    panels[0, 0].imshow(photograph, interpolation="nearest")
    panels[0, 0].set_title("a street of val", fontsize=10.5, loc="left", color=INK)
    pictures = {"truth": labels} | {
        name: np.array([[int(letter, 16) for letter in row] for row in record["street"][name]])
        for name in ("the exact pass", "running averages", "its own", "never taken")
    }
    for axes, (name, classes) in zip(panels.flat[1:], pictures.items()):
        axes.imshow(classes, cmap=colours, vmin=0, vmax=len(PALETTE), interpolation="nearest")
        title = name if name == "truth" else f"{name}: mIoU {record['figures'][name]['mIoU']:.0f} %"
        axes.set_title(title, fontsize=10.5, loc="left", color=INK)
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
    names = *CLASSES, "void: does not count"
    patches = [Patch(color=colours(i), label=name) for i, name in enumerate(names)]
    figure.legend(handles=patches, loc="outside lower center", ncols=6, frameon=False, fontsize=9.5)
    return figure
