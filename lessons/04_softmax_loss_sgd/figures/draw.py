"""What the classifier of single pixels sees, how its loss fell, and which classes it finds: it is trained by
first_network.py, which the page shows, so that page and picture agree."""

from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lessons.engine import course
from lessons.engine.figures import BLUE, GREY, INK, RED
from tinysegnet import metrics, ops
from tinysegnet.data import streets

SHOWN = 11          # of the streets of val


def draw():
    first = course.load(Path(__file__).parents[1] / "first_network.py")
    data = streets.dataset()
    photograph, truth = first.val[SHOWN]
    params = first.weighted
    predicted = ops.conv2d(first.features([(photograph, truth)]), params["w"], params["b"])[0][0].argmax(axis=2)

    figure = Figure(figsize=(10, 6.3), layout="constrained")
    above, legend, below = figure.subfigures(3, 1, height_ratios=(2.9, 0.6, 2.8))
    pictures = photograph, data.colours(truth), data.colours(predicted)
    titles = "a street of val", "truth", "what the pixel classifier sees"
    above.get_layout_engine().set(h_pad=0.06)
    for axes, title, picture in zip(above.subplots(1, 3), titles, pictures):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title, fontsize=10, loc="left", color=INK)
        axes.set_xticks([])
        axes.set_yticks([])
    patches = [Patch(color=to_hex(colour / 255), label=name) for name, colour in zip(data.classes, data.palette)]
    patches.append(Patch(color="black", label="void: does not count"))
    legend.legend(handles=patches, loc="center", ncols=6, frameon=False, fontsize=9)

    left, right = below.subplots(1, 2, width_ratios=(1, 1.9))
    losses = np.array(first.losses)
    smooth = np.convolve(losses, np.ones(10) / 10, "valid")
    left.plot(losses, color=GREY, linewidth=1, label="each step")
    left.plot(np.arange(len(smooth)) + 4.5, smooth, color=BLUE, label="mean of 10 steps")
    left.set(ylim=(0, None), xlabel="step")
    left.set_title("loss, with class weights", fontsize=10, loc="left", color=INK)
    left.legend(frameon=False, fontsize=9)
    places = np.arange(len(data.classes))
    for shift, params, colour, label in (
        (-0.2, first.plain, GREY, "all class weights 1"),
        (0.2, first.weighted, RED, "rarer classes weigh more"),
    ):
        right.bar(places + shift, 100 * metrics.iou(first.judge(params)), 0.38, color=colour, label=label)
    right.set_xticks(places, data.classes, rotation=30, ha="right", fontsize=9)
    right.set_ylim(0, 100)
    right.set_title("IoU of each class on val, in %", fontsize=10, loc="left", color=INK)
    right.legend(frameon=False, fontsize=9)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    return {"pixels.png": figure}
