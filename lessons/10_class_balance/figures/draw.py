"""What class weights trade, what the learning rate does to a training, and three ways down a long valley."""

import json
import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet.data import streets
from tinysegnet.training import optim

NOTES = json.loads((Path(__file__).parent / "trainings.json").read_text(encoding="utf-8"))
AMBER = "#c98a00"


def draw():
    return {"balance.png": balance(), "rates.png": rates(), "valley.png": valley()}


def noted(**change):
    """The trainings in which this and nothing else was changed, whatever their seed."""
    keys = {"class_weight_power", "lr", "schedule", "optimiser"}
    return [run for run in NOTES["runs"] if {name: run[name] for name in keys & run.keys()} == change]


def bare(axes, title):
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def balance():
    """Accuracy and IoU of each class for three powers of the weights, and the three figures."""
    data = streets.dataset()
    shares = np.array(NOTES["train"]["pixels"]) / sum(NOTES["train"]["pixels"])
    order = np.argsort(-shares)
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.1, 1))
    axes = above.subplots()
    places = np.arange(len(order))
    powers = (0, GREY, "all weigh 1 (power 0)"), (0.5, BLUE, "power 0.5"), (1, RED, "full weights (power 1)")
    for shift, (power, colour, label) in zip((-0.27, 0, 0.27), powers):
        values = np.mean([run["accuracy"] for run in noted(class_weight_power=power)], axis=0)
        axes.bar(places + shift, values[order], 0.25, color=colour, label=label)
    names = [f"{data.classes[k]}\n{100 * shares[k]:.0f} % of all" for k in order]
    axes.set_xticks(places, names, fontsize=8.5)
    axes.set_ylim(0, 100)
    bare(axes, "How much of each class is found, in % (the classes by size)")
    axes.tick_params(axis="x", labelsize=8.5)
    axes.legend(frameon=False, fontsize=9, ncols=3, loc="upper right")

    left, right = below.subplots(1, 2, width_ratios=(1, 1.4))
    for shift, (power, colour, _) in zip((-0.27, 0, 0.27), powers):
        for place, name in enumerate(("G", "C", "mIoU")):
            both = [run[name][-1] for run in noted(class_weight_power=power)]
            bars = left.bar(place + shift, np.mean(both), 0.25, color=colour)
            left.bar_label(bars, [f"{np.mean(both):.0f}"], fontsize=9, padding=2)
    left.set_xticks(range(3), ["G, of all pixels", "C, mean of classes", "mIoU"])
    left.set_ylim(0, 100)
    bare(left, "The three figures, in %")
    for shift, (power, colour, _) in zip((-0.27, 0, 0.27), powers):
        called = np.mean([np.array(run["called"]) / run["labelled"] for run in noted(class_weight_power=power)], axis=0)
        right.bar(places + shift, called[order], 0.25, color=colour)
    right.axhline(1, color=INK, linewidth=0.8)
    right.set_xticks(places, [data.classes[k] for k in order], rotation=30, ha="right")
    bare(right, "How often a class is named, for each pixel of it (1 is right)")
    return figure


def losses(run):
    """The steps at which losses were noted, and these losses: means of some steps; single ones where it broke down."""
    single = [float(loss) for loss in run.get("losses", [])]
    steps = NOTES["every"] * (np.arange(len(run["loss"])) + 0.5)
    return [*steps, *(NOTES["every"] * len(run["loss"]) + np.arange(len(single)))], run["loss"] + single


def broke_down(run):
    """In words, at which step a training broke down, if it did."""
    return ": " + re.search(r"nan at step \d+", run["stopped"])[0] if "stopped" in run else ""


def rates():
    """The loss and the figures on val of trainings with different rates; the last is constant against cosine."""
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    (one, two), (three, four) = figure.subplots(2, 2)
    kinds = (
        (noted(lr=0.001)[0], "#7a8691", "0.001"),
        (noted(class_weight_power=0.5)[0], GREEN, "0.1"),
        (noted(lr=1.0)[0], BLUE, "1"),
        (noted(lr=3.0)[0], AMBER, "3"),
        (noted(lr=10.0)[0], RED, "10"),
    )
    for run, colour, label in kinds:
        steps, seen = losses(run)
        over = "stopped" in run
        one.plot(steps, seen, color=colour, linewidth=1.6, label=label + broke_down(run))
        for axes, name in ((two, "mIoU"), (three, "G")):
            epochs = np.arange(1, len(run[name]) + 1)
            axes.plot(epochs, run[name], "o-", color=colour, markersize=3.5)
            if over and run[name]:
                axes.plot(epochs[-1], run[name][-1], "x", color=colour, markersize=8, markeredgewidth=2)
    one.set(yscale="log", xlabel="step", ylim=(0.4, 40), xlim=(-10, 490))
    one.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    one.minorticks_off()
    bare(one, "Loss, with rates that begin at")
    one.legend(frameon=False, fontsize=8.5, loc="upper right")
    for axes, name in ((two, "mIoU"), (three, "G")):
        axes.set(ylim=(0, 84), xlabel="epoch")
        bare(axes, f"{name} on val, in %; the colours are those of the rates")
    for schedule, colour, change in (("constant", GREY, {"schedule": "constant"}), ("cosine", BLUE, {})):
        [run] = noted(lr=1.0, **change)
        end = f"mIoU {run['mIoU'][-1]:.0f} % at the end"
        four.plot(*losses(run), color=colour, linewidth=1.4, label=f"{schedule}: {end}")
    four.set(ylim=(0.3, 1.6), xlabel="step")
    bare(four, "Loss with a rate of 1: constant, or falling as a cosine")
    four.legend(frameon=False, fontsize=9)
    return figure


def path(step, lr, momentum, steps):
    """From one place in the valley (a*a + 30*b*b) / 2, so many steps of one of the library's optimisers."""
    name = "adam" if step is optim.adam_step else "sgd"
    params = {"place": np.array([-9.0, 1.6])}
    memory, places = optim.start(name, params), [params["place"].copy()]
    for _ in range(steps):
        step(params, {"place": params["place"] * [1, 30]}, memory, lr, momentum=momentum)
        places.append(params["place"].copy())
    return np.array(places)


def valley():
    figure = Figure(figsize=(10, 5.2), layout="constrained")
    a, b = np.meshgrid(np.linspace(-10, 4, 300), np.linspace(-2.2, 2.2, 120))
    steps = 30
    kinds = (
        (path(optim.sgd_step, 0.06, 0.0, steps), "plain steps, lr 0.06: to and fro across, and slow along", GREY),
        (path(optim.sgd_step, 0.02, 0.8, steps), "momentum 0.8, lr 0.02: what pulls one way adds up", BLUE),
        (path(optim.adam_step, 0.5, 0.8, steps), "Adam, lr 0.5: both directions at one pace", RED),
    )
    for axes, (places, title, colour) in zip(figure.subplots(3, 1, sharex=True), kinds):
        axes.contour(a, b, (a * a + 30 * b * b) / 2, levels=(0.3, 1.5, 5, 12, 25, 45, 70), colors=GREY, linewidths=0.7)
        axes.plot(*places.T, "o-", color=colour if colour != GREY else INK, markersize=3, linewidth=1)
        axes.plot(0, 0, "+", color=GREEN, markersize=11, markeredgewidth=2)
        axes.set_yticks([])
        bare(axes, f"{title}; {steps} steps")
    return figure
