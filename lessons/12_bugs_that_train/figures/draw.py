"""The losses of the healthy network and of six that have a bug, and what each bug costs."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from lessons.engine.figures import BLUE, GREY, INK, RED

NOTES = json.loads((Path(__file__).parent / "trainings.json").read_text(encoding="utf-8"))
DARK_GREY = "#7a8691"


def draw():
    return {"curves.png": curves(), "cost.png": cost()}


def bare(axes, title):
    axes.set_title(title, fontsize=10.5, loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def letters():
    return [name for name in NOTES["runs"] if name != "healthy"]


def curves():
    """A plot for each letter, the healthy network's loss behind each; one seed."""
    steps = NOTES["every"] * (np.arange(len(NOTES["runs"]["healthy"][0]["loss"])) + 0.5)
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    plots = figure.subplots(2, 3, sharex=True, sharey=True)
    for axes, letter in zip(plots.ravel(), letters()):
        axes.plot(steps, NOTES["runs"]["healthy"][0]["loss"], color=DARK_GREY, linewidth=1.4, label="healthy")
        axes.plot(steps, NOTES["runs"][letter][0]["loss"], color=BLUE, linewidth=1.8, label=f"network {letter}")
        bare(axes, f"Network {letter}")
        axes.grid(axis="y", color=GREY, linewidth=0.5)
        axes.legend(frameon=False, fontsize=9)
    figure.suptitle("The loss of each network, beside that of the healthy one", fontsize=11.5, color=INK)
    plots[0, 0].set_ylim(0, None)
    for axes in plots[1]:
        axes.set_xlabel("step", fontsize=9.5)
    for axes in plots[:, 0]:
        axes.set_ylabel("loss", fontsize=9.5)
    return figure


def cost():
    """mIoU of each network, the mean of the seeds as a bar and each seed as a dot."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    names = ["healthy", *letters()]
    for place, name in enumerate(names):
        values = [run["mIoU"] for run in NOTES["runs"][name]]
        axes.bar(place, np.mean(values), 0.6, color=DARK_GREY if name == "healthy" else RED, alpha=0.75)
        axes.plot([place] * len(values), values, "o", color=INK, markersize=4)
        axes.text(place, max(values) + 1, f"{np.mean(values):.1f}", ha="center", fontsize=11, color=INK)
    healthy = np.mean([run["mIoU"] for run in NOTES["runs"]["healthy"]])
    axes.axhline(healthy, color=DARK_GREY, linewidth=0.9, linestyle="--", zorder=0)
    axes.set_xticks(range(len(names)), [name if name == "healthy" else f"network {name}" for name in names])
    axes.set_ylim(0, 1.18 * max(run["mIoU"] for runs in NOTES["runs"].values() for run in runs))
    bare(axes, "mIoU on val after 300 steps, in %: the mean of two trainings, and each of them as a dot")
    axes.tick_params(axis="x", labelsize=10.5, length=0)
    return figure
