"""Predictions and what the three figures say of them, and what a shift by some pixels costs each class. The predictions
are made by made_to_please.py, as on the page, so that page and pictures agree."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lessons.engine import course
from lessons.engine.figures import BLUE, GREY, INK, RED
from tinysegnet import metrics
from tinysegnet.data import streets
from tinysegnet.data.camvid import VOID

PREDICTIONS = course.load(Path(__file__).parents[1] / "made_to_please.py")


def draw():
    return {"fooled.png": fooled(), "shifted.png": shifted()}


def fooled():
    data, notes, made = streets.dataset(), PREDICTIONS.notes, PREDICTIONS.made
    shown = notes["shown"]
    photograph, labels = streets.scene(streets.VAL[shown])
    network = np.array([[int(k, 16) for k in row] for row in notes["predicted"]])
    panels = [
        ("a street of val", photograph, "G, C and mIoU: of all 40 streets, in %"),
        ("its labels", data.colours(labels), "black is void"),
        ("a small network", data.colours(network), said(PREDICTIONS.percent(PREDICTIONS.network))),
    ]
    for title in list(made)[1:]:
        panels.append((title, data.colours(made[title][shown]), said(PREDICTIONS.judge(made[title]))))

    figure = Figure(figsize=(10, 5.6), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(4.9, 0.7))
    above.get_layout_engine().set(h_pad=0.05, w_pad=0.05)
    for axes, (title, picture, text) in zip(above.subplots(2, 4).flat, panels):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title, fontsize=10, loc="left", color=INK)
        axes.set_xlabel(text, fontsize=8.5, color=INK)
        axes.set_xticks([])
        axes.set_yticks([])
    patches = [Patch(color=to_hex(colour / 255), label=name) for name, colour in zip(data.classes, data.palette)]
    patches.append(Patch(color="black", label="void"))
    below.legend(handles=patches, loc="center", ncols=6, frameon=False, fontsize=9)
    return figure


def said(figures):
    return "   ".join(f"{name} {value}" for name, value in figures.items())


def shifted():
    """IoU of each class against the shift of a perfect prediction, on streets; and of a bar of some width, on paper."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    shifts = np.arange(5)
    curves = []
    for s in shifts:
        predicted = PREDICTIONS.moved(PREDICTIONS.truth, 0, s)
        curves.append(100 * metrics.iou(metrics.confusion_matrix(PREDICTIONS.labels, predicted, 11, VOID)))
    curves = np.array(curves)                               # (shifts, classes)
    colours = {"Road": BLUE, "Pole": RED, "Pedestrian": "#c98a00"}
    places = spread(curves[-1])
    for k, name in enumerate(streets.CLASSES):
        colour = colours.get(name, GREY)
        left.plot(shifts, curves[:, k], "o-", color=colour, markersize=3.5, linewidth=2 if name in colours else 1.2)
        left.annotate(name, (shifts[-1], curves[-1, k]), (shifts[-1] + 0.22, places[k]), fontsize=8.5, va="center",
                      color=colour if name in colours else INK, annotation_clip=False,
                      arrowprops=dict(arrowstyle="-", color=GREY, linewidth=0.6, shrinkA=0, shrinkB=3))
    left.set(ylim=(0, 102), xlim=(-0.1, 5.1), xlabel="moved by so many pixels to the right")
    left.set_xticks(shifts)
    left.set_title("IoU in % of a perfect prediction that is moved", fontsize=10, loc="left", color=INK)
    widths = np.arange(1, 61)
    for s, colour in ((1, BLUE), (2, RED)):
        iou = 100 * np.clip(widths - s, 0, None) / (widths + s)
        right.plot(widths, iou, color=colour, linewidth=2, label=f"moved by {s} pixel{'s' if s > 1 else ''}")
    right.set(ylim=(0, 102), xlabel="width of the thing, in pixels")
    right.set_title("On paper: IoU of a bar", fontsize=10, loc="left", color=INK)
    right.legend(frameon=False, fontsize=9, loc="lower right")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    return figure


def spread(values, gap=6.0):
    """Places for labels near these values, none closer to the next than the gap."""
    order, places = np.argsort(values), np.array(values, float)
    for below, above in pairwise(order):
        places[above] = max(places[above], places[below] + gap)
    return places - max(0, places.max() - 98)
