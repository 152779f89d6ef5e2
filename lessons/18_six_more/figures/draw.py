"""What the six forwards do to a street; and what moves in y when one number of x is raised."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from PIL import Image, ImageFilter

from lessons.engine import course
from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet.data import streets

forwards = course.load(Path(__file__).parents[1] / "forwards.py")
HOUSE = streets.CLASSES.index("Building")
EDGES = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)[:, :, None, None] / 4


def draw():
    return {"six.png": six(), "moved.png": moved()}


def titled(axes, title):
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.set_xticks([])
    axes.set_yticks([])


def six():
    photograph, labels = streets.scene(11)
    x = photograph[None] / 255                                                      # (1, H, W, 3)
    grey = x.mean(axis=3, keepdims=True)
    H, W = labels.shape
    figure = Figure(figsize=(10, 5.9), layout="constrained")
    (a, b, c), (d, e, f) = figure.subplots(2, 3)

    edges = np.zeros_like(grey)
    edges[:, :, 1:-1] = grey[:, :, 2:] - grey[:, :, :-2]
    y, _ = forwards.leaky_relu(edges, np.array([0.25]))
    reach = np.abs(edges).max() / 1.6
    a.imshow(y[0, :, :, 0], cmap="RdBu_r", vmin=-reach, vmax=reach)
    titled(a, "Leaky ReLU of edges: blue is paler, not gone")

    y, _ = forwards.conv2d_stride2(grey, EDGES, np.zeros(1))
    b.imshow(y[0, 1:-1, 1:-1, 0], cmap="RdBu_r", vmin=-0.6, vmax=0.6, extent=(W / 4, 3 * W / 4, 3 * H / 4, H / 4))
    b.add_patch(Rectangle((W / 4, H / 4), W / 2, H / 2, fill=False, edgecolor=INK))
    b.set(xlim=(0, W), ylim=(H, 0))
    b.text(W / 2, 0.2 * H, "y", fontsize=11, ha="center", va="center", color=INK)
    b.text(W / 2, 0.88 * H, "the frame is as large as x", fontsize=9.5, ha="center", va="center", color=INK)
    titled(b, "Convolution with stride 2: edges, half as large")

    y, _ = forwards.layer_norm(x, np.ones(3), np.zeros(3))
    c.imshow(np.clip(y[0] / (2 * np.sqrt(2)) + 0.5, 0, 1))
    titled(c, "Layer norm of red, green, blue: hue is left")

    y, _ = forwards.local_response(x, 2e-5 * 255**2, 0.75)                          # as of an x up to 255
    shown = x[0].copy()
    shown[:, W // 2 :] = y[0, :, W // 2 :] / y.max()
    d.imshow(shown)
    d.axvline(W / 2, color="white", linewidth=1.5)
    titled(d, "Local response: what is bright is held down")

    p, there = said(labels), labels == HOUSE
    counted = labels != streets.VOID
    picture = np.ones((H, W, 3))
    for mask, colour in ((p * there, GREEN), (p * ~there, RED), ((1 - p) * there, BLUE)):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        picture -= (mask * counted)[..., None] * (1 - rgb)
    picture[~counted] = 0.75
    e.imshow(np.clip(picture, 0, 1))
    both = np.stack([1 - p, p], axis=-1)[None]
    one = np.where(counted, there, streets.VOID)[None]
    dice = 1 - forwards.dice_loss(both, one, streets.VOID)[0]
    e.legend(handles=[Patch(color=GREEN, label="overlap"), Patch(color=RED, label="said only"),
                      Patch(color=BLUE, label="there only"), Patch(color="0.75", label="void")],
             fontsize=8, loc="lower center", frameon=False, ncols=2)
    titled(e, f"Dice of buildings and the rest: {dice:.2f}")

    cast = x * [1.0, 0.75, 0.45]
    y, _ = forwards.gate(cast, -5 * np.eye(3), np.full(3, 2.0))
    opening = y.sum(axis=(0, 1, 2)) / cast.sum(axis=(0, 1, 2))
    shown = cast[0].copy()
    shown[:, W // 2 :] = y[0, :, W // 2 :] * shown.mean() / y.mean()
    f.imshow(np.clip(shown, 0, 1))
    f.axvline(W / 2, color="white", linewidth=1.5)
    titled(f, "Gate: red {:.2f}, green {:.2f}, blue {:.2f}".format(*opening))
    return figure


def said(labels):
    """What a network might say of houses: too soft, and six pixels too far to the right."""
    mask = Image.fromarray((255 * (labels == HOUSE)).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5))
    return np.roll(np.array(mask) / 255, 6, axis=1)


def moves(forward, args, place):
    """By how much y moves for each unit that this entry of x does, measured."""
    step, here = 1e-4, args[0]
    up, down = here.copy(), here.copy()
    up[place] += step
    down[place] -= step
    return (forward(up, *args[1:])[0] - forward(down, *args[1:])[0]) / (2 * step)


def grid(axes, values, form, reach, cmap="RdBu_r", size=10):
    axes.imshow(values, cmap=cmap, vmin=-reach, vmax=reach)
    for r, q in np.ndindex(values.shape):
        axes.text(q, r, form(values[r, q]), ha="center", va="center", fontsize=size, color=INK)
    axes.set_xticks(np.arange(-0.5, values.shape[1]), minor=True)
    axes.set_yticks(np.arange(-0.5, values.shape[0]), minor=True)
    axes.grid(which="minor", color=GREY, linewidth=0.8)
    axes.tick_params(which="minor", length=0)


def bars(axes, forward, args):
    """How all channels of a pixel move with the last."""
    y = moves(forward, args, (0, 0, 0, 4)).ravel()
    drawn = axes.bar(range(5), y, 0.7, color=[BLUE if value < 0 else RED for value in y])
    axes.bar_label(drawn, [f"{value:+.2f}" for value in y], fontsize=10, padding=3)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylim(-0.22, 0.22)
    axes.set_xticks(range(5), [f"channel {i}\nx = {x:g}" for i, x in enumerate(args[0].ravel())])
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    axes.tick_params(axis="x", length=0)


def moved():
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    rows = 9 * "a" + 11 * "d" + ";" + 10 * "b" + 10 * "c"
    a, d, b, c = figure.subplot_mosaic(rows, height_ratios=(1.3, 1)).values()
    figure.get_layout_engine().set(hspace=0.08, wspace=0.08)
    rng = np.random.default_rng(0)

    args = rng.standard_normal((1, 7, 7, 1)), np.ones((3, 3, 1, 1)), np.zeros(1)
    counts = np.array([[(np.abs(moves(forwards.conv2d_stride2, args, (0, r, q, 0))) > 0.5).sum() for q in range(7)]
                       for r in range(7)])
    grid(a, counts, str, 8)
    titled(a, "Stride 2, 3 x 3 kernel: how many y each x moves")

    pixel = np.array([1.0, 3.0, 4.0, 5.0, 7.0]).reshape(1, 1, 1, 5)
    titled(b, "Layer norm: how y moves with the last channel of a pixel")
    bars(b, forwards.layer_norm, (pixel, np.ones(5), np.zeros(5)))
    titled(c, "Local response: the same, with alpha 0.05 and beta 0.75")
    bars(c, forwards.local_response, (pixel, 0.05, 0.75))

    x = np.array([[0.5, 1.0, 1.5, 1.0], [1.0, 1.5, 0.5, 1.0], [1.0, 0.5, 1.0, 1.0]])
    args = np.stack([x, x[::-1]], axis=-1)[None], np.array([[2.0, -2.0], [0.0, 1.0]]), np.array([-2.0, 1.0])
    y = moves(forwards.gate, args, (0, 1, 1, 0))[0]                                     # (3, 4, 2)
    both = np.concatenate([y[..., 0], np.full((3, 1), np.nan), y[..., 1]], axis=1)
    grid(d, both, lambda value: "" if np.isnan(value) else f"{value:+.2f}", 1, size=9)
    d.add_patch(Rectangle((3.53, -0.6), 0.94, 3.2, color="white", zorder=5))
    titled(d, "Gate: how y moves with one x, in its own channel (left)\nand in the other (right)")
    return figure
