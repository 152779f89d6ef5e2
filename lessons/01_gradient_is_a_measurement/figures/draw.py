"""The loss of a street against one weight, and how far off a measured slope is for steps of all sizes."""

import numpy as np
from matplotlib.figure import Figure

from lessons.engine.figures import BLUE, GREY, INK, RED
from tinysegnet import ops
from tinysegnet.checker.finite_differences import STEP
from tinysegnet.data import camvid, streets

ENTRY = 0, 0, 0, 3      # the weight that is moved: how much red speaks for Road
EPS = np.finfo(np.float64).eps


def draw():
    photograph, labels = streets.scene(9)
    x = (photograph[None] - photograph.mean()) / photograph.std()                  # (1, H, W, 3)
    w, b = 1.8 * np.random.default_rng(1).standard_normal((1, 1, 3, 11)), np.zeros(11)
    scale = np.ones(11)

    def scores(moved_by):
        moved = w.copy()
        moved[ENTRY] += moved_by
        return ops.conv2d(x, moved, b)

    def loss(moved_by):
        return float(ops.softmax_cross_entropy(scores(moved_by)[0], labels[None], scale, camvid.VOID)[0])

    logits, cache = scores(0)
    here, loss_cache = ops.softmax_cross_entropy(logits, labels[None], scale, camvid.VOID)
    dlogits = ops.softmax_cross_entropy_backward(np.array(1.0), loss_cache)
    slope = ops.conv2d_backward(dlogits, cache)[1][ENTRY]

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
    the_loss(left, loss, float(here), slope)
    the_errors(right, loss, float(here), slope)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return {"step.png": figure}


def the_loss(axes, loss, here, slope):
    """The curve, its tangent, and the two lines through measured points, with a step large enough to be seen."""
    step, reach = 1.4, np.linspace(-2.4, 2.4, 49)
    below, above = loss(-step), loss(step)
    axes.plot(reach, here + slope * reach, color=GREY, linewidth=4, label="the true slope")
    axes.plot(reach, [loss(r) for r in reach], color=INK, linewidth=1.6, label="the loss")
    axes.plot((0, step), (here, above), color=RED, marker="o", markersize=6, label="one-sided: too flat")
    axes.plot((-step, step), (below, above), color=BLUE, marker="o", markersize=6, label="central: nearly as steep")
    axes.set_title("the loss of a street, as one weight moves", fontsize=11, loc="left")
    axes.set(xlabel="how far the weight is moved", ylabel="loss", ylim=(None, loss(-2.4) + 0.12))
    axes.legend(frameon=False, fontsize=10, loc="upper right")


def the_errors(axes, loss, here, slope):
    steps = np.logspace(-13, 0.5, 55)
    above, below = (np.array([loss(sign * s) for s in steps]) for sign in (1, -1))
    one_sided = np.abs((above - here) / steps - slope)
    central = np.abs((above - below) / (2 * steps) - slope)
    axes.axvline(STEP, color=GREY, linewidth=4)
    axes.loglog(steps, EPS * here / steps, color=INK, linestyle=(0, (4, 3)), linewidth=1)
    axes.loglog(steps, one_sided, color=RED, marker=".", linewidth=1)
    axes.loglog(steps, central, color=BLUE, marker=".", linewidth=1)
    axes.text(2e-10, 3e-5, "rounding:\neps |f| / step", color=INK, fontsize=10)
    axes.text(3e-5, 4e-4, "one-sided:\nlike step", color=RED, fontsize=10)
    axes.text(1e-1, 1e-8, "central:\nlike step$^2$", color=BLUE, fontsize=10)
    axes.text(2 * STEP, 1e-1, "the library's step", color="#6b7785", fontsize=10, ha="left", va="top")
    axes.set_title("how far the measured slope is off", fontsize=11, loc="left")
    axes.set(xlabel="step", ylabel="error", ylim=(1e-14, 2e-1))
