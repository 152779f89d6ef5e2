"""A small graph with its values and gradients; and a SegNet of two levels as the list that a tape makes of it."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from lessons.engine import course
from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet import networks
from tinysegnet.data import streets

lesson = course.load(Path(__file__).parents[1] / "test_exercise.py")
tape = lesson.tape
AMBER = "#c47f00"


def draw():
    return {"graph.png": graph(), "list.png": network()}


def canvas(tall, high):
    figure = Figure(figsize=(10, tall))
    axes = figure.add_axes((0.005, 0.005, 0.99, 0.99))
    axes.set(xlim=(0, 100), ylim=(0, high))
    axes.axis("off")
    return figure, axes


def arrow(axes, start, end, colour, bend=0.0, width=1.8, style="-", head="-|>"):
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle=head, mutation_scale=15, color=colour, lw=width, ls=style,
                                   connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=0))


def graph():
    given = {"a": 3.0, "b": 2.0, "c": -1.0}
    a, b, c = (tape.Node(np.array(value)) for value in given.values())
    d = tape.multiply(a, b)
    e = tape.add(d, c)
    loss = tape.multiply(e, d)
    grads = lesson.backward(loss)
    of_loss, of_e, of_d = (node.hand_back(grads[node]) for node in (loss, e, d))

    figure, axes = canvas(4.3, 43)
    wide, tall = 13, 9
    places = {"a": (2, 30.5), "b": (2, 17), "c": (2, 3), "d": (30, 24), "e": (58, 10.5), "loss": (85, 24)}
    formula = {"d": "d = a * b", "e": "e = d + c", "loss": "loss = e * d"}
    for (name, (x, y)), node in zip(places.items(), (a, b, c, d, e, loss)):
        axes.add_patch(FancyBboxPatch((x, y), wide, tall, boxstyle="round,pad=0,rounding_size=1", facecolor="#f6f7f9",
                                      edgecolor=INK, lw=1.6))
        axes.text(x + wide / 2, y + 6.8, formula.get(name, name), ha="center", va="center", fontsize=11.5, color=INK,
                  weight="bold")
        axes.text(x + wide / 2 - 0.9, y + 2.6, f"{node.value:g}", ha="right", va="center", fontsize=12.5, color=BLUE)
        axes.plot([x + wide / 2] * 2, [y + 1.2, y + 4.2], color=GREY, lw=1.2)
        axes.text(x + wide / 2 + 0.9, y + 2.6, f"{grads[node]:g}", ha="left", va="center", fontsize=12.5, color=RED)

    def edge(start, end, label, place, bend=0.0):
        arrow(axes, start, end, INK, bend)
        axes.text(*place, f"{label:g}", fontsize=11.5, color=RED, ha="center", va="center",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})

    edge((15.4, 34.8), (29.6, 30.4), of_d[0], (22.5, 32.7))
    edge((15.4, 21.7), (29.6, 26.6), of_d[1], (22.5, 24.2))
    edge((15.4, 7.7), (57.6, 13.2), of_e[1], (36.5, 10.4))
    edge((43.4, 26.4), (57.6, 18.2), of_e[0], (50.5, 22.3))
    edge((43.4, 30.2), (84.6, 30.2), of_loss[1], (64, 30.2))
    edge((71.4, 16.6), (84.6, 25.6), of_loss[0], (78, 21.1))
    axes.text(36.5, 21.6, f"{of_loss[1]:g} + {of_e[0]:g}", ha="center", va="center", fontsize=11.5, color=RED)
    axes.text(98, 40.3, "in a box: value | gradient", ha="right", va="center", fontsize=10.8, color=INK)
    axes.text(98, 37.2, "on an arrow: what is handed back along it", ha="right", va="center", fontsize=10.8, color=RED)
    return figure


def network(H=48, W=64, filters=16):
    """The nodes of the operations, in the order in which they were made."""
    photograph, labels = streets.scene(11, H, W)
    segnet = networks.build("segnet-basic", filters=filters, levels=2)
    params, _ = networks.init(segnet, seed=0)
    nodes = {name: tape.Node(a) for name, a in params.items()}
    logits, _, _ = segnet.forward(nodes, tape.Node((photograph[None] / 255 - 0.5).astype(np.float32)), ops=tape)
    loss, _ = tape.softmax_cross_entropy(logits, labels[None], np.ones(11, np.float32), 255)
    made = [node for node in lesson.parents_first(loss) if node.parents]
    block = {nodes[name]: name.partition(".")[0] for name in params}

    figure, axes = canvas(6.5, 65)
    top, step = 58.2, 3.45
    axes.text(22, 62.3, "operation", fontsize=11, color=INK, weight="bold", va="center")
    axes.text(43, 62.3, "with the parameters of", fontsize=11, color=INK, weight="bold", va="center")
    axes.text(67, 62.3, "its value", fontsize=11, color=INK, weight="bold", va="center")
    rows, pools = {}, []
    for i, node in enumerate(made):
        y = rows[node] = top - i * step
        owner = block.get(node.parents[-1], "")
        colour = BLUE if owner.startswith("encoder") else GREEN
        if node.name in ("relu", "max_pool"):
            colour = BLUE
        if node.name == "loss" or owner == "classifier":
            colour = INK
        axes.add_patch(FancyBboxPatch((18.5, y - 1.3), 63, 2.6, boxstyle="round,pad=0,rounding_size=0.6",
                                      facecolor="#f6f7f9", edgecolor=colour, lw=1.2))
        axes.text(20.3, y - 0.1, i, fontsize=9, color="#7a8590", ha="center", va="center")
        axes.text(22, y - 0.1, node.name, fontsize=10.3, color=INK, va="center", family="monospace")
        weights = ", ".join(("w", "b") if node.name == "conv2d" else ("gamma", "beta"))
        axes.text(43, y - 0.1, f"{owner}:  {weights}" if owner else "", fontsize=10, color=colour, va="center")
        shape = "x".join(map(str, node.value.shape[1:])) if node.value.ndim else "one number"
        axes.text(67, y - 0.1, shape, fontsize=10.3, color=INK, va="center")
        if node.name == "max_pool":
            pools.append(node)
        if node.name == "max_unpool":
            start, end = rows[pools.pop()], y
            far = 86 if pools else 91.5
            axes.plot([81.9, far, far], [start, start, end], color=AMBER, lw=1.5, ls=(0, (4, 2.5)))
            arrow(axes, (far, end), (81.9, end), AMBER, style=(0, (4, 2.5)), width=1.5)
    bottom = top - (len(made) - 1) * step
    arrow(axes, (13.5, top + 1), (13.5, bottom - 1), INK, width=2.2)
    axes.text(11.5, (top + bottom) / 2, "forward writes it down", rotation=90, ha="center", va="center", fontsize=11.5,
              color=INK)
    arrow(axes, (6, bottom - 1), (6, top + 1), RED, width=2.2)
    axes.text(4, (top + bottom) / 2, "backward reads it from the end", rotation=90, ha="center", va="center",
              fontsize=11.5, color=RED)
    axes.text(94.2, (top + bottom) / 2 + 2, "corners: data, no nodes.\nNo gradient goes this way", rotation=270,
              ha="left", va="center", fontsize=10.3, color="#8a5a00")
    return figure
