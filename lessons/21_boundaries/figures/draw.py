"""Three predictions of one mIoU, made by same_miou.py, and which pixels of their outlines have a partner."""

import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lessons.engine import course
from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet.data import streets
from tinysegnet.data.camvid import VOID
from tinysegnet.metrics.boundary import TOLERANCE, boundary

PREDICTIONS = course.load(Path(__file__).parents[1] / "same_miou.py")
SHOWN = 11                                  # of val
ROWS, COLUMNS = slice(14, 86), slice(14, 122)


def draw():
    return {"same.png": same()}


def same():
    data, truth, made = streets.dataset(), PREDICTIONS.truth, PREDICTIONS.made
    photograph, _ = streets.scene(streets.VAL[SHOWN])
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(4.1, 0.3))
    above.get_layout_engine().set(h_pad=0.05, w_pad=0.05)
    panels = above.subplots(2, 4)
    shown(panels[0, 0], photograph, "a street")
    shown(panels[1, 0], data.colours(truth[SHOWN]), "the truth, its void filled")
    for (top, bottom), (title, predicted) in zip(panels.T[1:], made.items()):
        miou, bf = PREDICTIONS.judge(predicted)
        shown(top, data.colours(predicted[SHOWN]), title)
        shown(bottom, paired(truth[SHOWN], predicted[SHOWN]), "")
        bottom.set_xlabel(f"of 40 streets: mIoU {miou:.0f}   BF {bf:.0f}", fontsize=9, color=INK)
    words = {GREEN: "predicted, with a partner", RED: "predicted, without one", BLUE: "true, without one"}
    below.legend(handles=[Patch(color=colour, label=label) for colour, label in words.items()], loc="center", ncols=3,
                 frameon=False, fontsize=9)
    return figure


def shown(axes, picture, title):
    axes.imshow(picture[ROWS, COLUMNS], interpolation="nearest")
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(GREY)


def paired(labels, predicted):
    """The outlines of all classes in colours: a pixel without a partner for one of them is shown as such."""
    picture = np.full((*labels.shape, 3), 255, np.uint8)
    found = {GREEN: [], BLUE: [], RED: []}                      # what comes later is drawn over what came before
    for c in range(11):
        true, called = (np.argwhere(boundary(one, c, VOID)).tolist() for one in (labels, predicted))
        partner = matching(true, called, TOLERANCE * math.hypot(*labels.shape))
        found[GREEN] += [place for j, place in enumerate(called) if j in partner]
        found[RED] += [place for j, place in enumerate(called) if j not in partner]
        found[BLUE] += [place for i, place in enumerate(true) if i not in partner.values()]
    for colour, places in found.items():
        for r, q in places:
            picture[r, q] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return picture


def matching(a, b, tolerance):
    """{number in b: number in a} of the pairs, by augmenting paths."""
    near = [[j for j, place in enumerate(b) if math.dist(one, place) <= tolerance] for one in a]
    partner = {}

    def find(i, seen):
        for j in near[i]:
            if j not in seen:
                seen.add(j)
                if j not in partner or find(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    for i in range(len(a)):
        find(i, set())
    return partner
