"""What single looks see and what their mean does, how right the pixels are by tenths, and what was never seen."""

import json
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lessons.engine import course
from lessons.engine.figures import BLUE, GREY, INK, RED
from tinysegnet.data import streets
from tinysegnet.data.camvid import VOID
from tinysegnet.plots.figures import WRONG
from tinysegnet.plots.overlay import coloured

unseen = course.beside(__file__, "unseen")

NOTES = json.loads((Path(__file__).parent / "not_knowing.json").read_text(encoding="utf-8"))
BAYESIAN, PLAIN = NOTES["runs"]["bayesian-segnet-basic"], NOTES["runs"]["segnet-basic"]
SHOWN = BAYESIAN[0]["shown"]
SCENE = streets.scene(streets.VAL[NOTES["shown"]])


def draw():
    return {"looks.png": looks(), "tenths.png": tenths(), "unseen.png": strange()}


def numbers_in(words):
    return np.array([[int(digit, 16) for digit in row] for row in words])


def doubt_in(words):
    """In the colours of `predict --samples`: dark where the network is sure."""
    return coloured(numbers_in(words) / 15)


def bare(axes, title, picture):
    axes.imshow(picture, interpolation="nearest")
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.set(xticks=[], yticks=[])


def with_legend(height, rows, columns):
    """A figure with rows x columns of axes, and under them the colours of the classes."""
    figure = Figure(figsize=(10, height), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(height - 0.5, 0.5))
    above.get_layout_engine().set(h_pad=0.05, w_pad=0.05)
    data = streets.dataset()
    patches = [Patch(color=to_hex(colour / 255), label=name) for name, colour in zip(data.classes, data.palette)]
    patches.append(Patch(color=to_hex(data.colours(np.array([[VOID]]))[0, 0] / 255), label="void"))
    below.legend(handles=patches, loc="center", ncols=6, frameon=False, fontsize=9)
    return figure, above.subplots(rows, columns), data


def looks():
    photograph, labels = SCENE
    figure, panels, data = with_legend(4.7, 2, 4)
    of_street = SHOWN["street"]
    named = numbers_in(of_street["mean"])
    grey = photograph.mean(axis=2, keepdims=True).repeat(3, axis=2)
    right = np.where((labels == VOID)[..., None], 0, grey)
    errors = np.where(((named != labels) & (labels != VOID))[..., None], WRONG, right).astype(np.uint8)
    for axes, (title, picture) in zip(panels.flat, (
        ("a street of val", photograph), ("its labels", data.colours(labels)),
        *((f"look {i + 1}", data.colours(numbers_in(of_street["looks"][i]))) for i in (0, 1)),
        (f"the mean of {NOTES['samples']} looks", data.colours(named)), ("its errors, red", errors),
        (f"variance of {NOTES['samples']} looks", doubt_in(of_street["variance"])),
        ("1 - p of one look, all kept", doubt_in(of_street["one look"])),
    )):
        bare(axes, title, picture)
    return figure


def tenths():
    figure = Figure(figsize=(10, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    ways = (
        (BAYESIAN, "variance", RED, "-", "variance of 20 looks"),
        (BAYESIAN, "one look", INK, "-", "1 - p of one look, all kept"),
        (PLAIN, "one look", BLUE, "--", "trained without dropout: 1 - p"),
    )
    for runs, key, colour, line, label in ways:
        for run in runs:
            left.plot(range(1, 11), run["doubts"][key]["tenths"], line, color=colour, linewidth=1.3, marker=".",
                      label=label if run is runs[0] else None)
    left.set(xlabel="tenth of the pixels, the surest first", ylabel="% of them right", ylim=(30, 102),
             xticks=range(1, 11))
    left.legend(frameon=False, fontsize=9, loc="lower left")
    for i, run in enumerate(BAYESIAN):
        numbers = [key for key in run["mIoU"] if key.isdigit()]
        right.plot([int(key) for key in numbers], [run["mIoU"][key] for key in numbers], color=RED, marker=".",
                   linewidth=1.3, label="mean of looks" if i == 0 else None)
        right.axhline(run["mIoU"]["one look"], color=INK, linewidth=1, label="one look, all kept" if i == 0 else None)
        right.axhline(PLAIN[i]["mIoU"]["one look"], color=BLUE, linewidth=1, linestyle="--",
                      label="trained without dropout" if i == 0 else None)
    right.set(xlabel="looks", ylabel="mIoU on val, %", xticks=(1, 2, 5, 10, 20), yticks=range(45, 70, 5), ylim=(45, 68))
    right.legend(frameon=False, fontsize=9, loc="center right", bbox_to_anchor=(1, 0.68))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=GREY, alpha=0.5)
    return figure


def strange():
    figure, panels, data = with_legend(6.6, 3, 4)
    for row, (kind, change) in zip(panels, unseen.UNSEEN.items()):
        of_kind = SHOWN[kind]
        for axes, (title, picture) in zip(row, (
            (kind, change(SCENE[0])[0]),
            ("mean of 20 looks", data.colours(numbers_in(of_kind["mean"]))),
            ("variance of 20 looks", doubt_in(of_kind["variance"])),
            ("1 - p of one look, all kept", doubt_in(of_kind["one look"])),
        )):
            bare(axes, title, picture)
    return figure
