"""Drawn cells and their labels, how two losses push, and what networks made of val, as record.py has noted it."""

import json
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from lessons.engine import course
from lessons.engine.figures import BLUE, GREY, INK, RED
from tinysegnet.plots.overlay import coloured

cells = course.load(Path(__file__).parents[1] / "cells.py")
NOTES = json.loads((Path(__file__).parent / "cells.json").read_text(encoding="utf-8"))
RUNS = NOTES["runs"]
PHOTOGRAPHS = 2, 1, 4           # seeds
ENTROPY, DICE = "whole, cross-entropy", "whole, Dice"


def draw():
    return {"labels.png": labels(), "pushes.png": pushes(), "seen.png": seen(), "calibration.png": calibration()}


def bare(axes, title, picture):
    axes.imshow(picture, interpolation="nearest")
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(GREY)


def labels():
    figure = Figure(figsize=(10, 5.7), layout="constrained")
    data = cells.dataset("rims")
    titles = "photograph", "whole", "seams", "rims"
    for row, seed in zip(figure.subplots(3, 4), PHOTOGRAPHS):
        photograph, numbers = cells.scene(seed)
        pictures = [data.colours(way(numbers)) for way in cells.LABELLINGS.values()]
        for axes, title, picture in zip(row, titles, [photograph, *pictures]):
            bare(axes, title if seed == PHOTOGRAPHS[0] else "", picture)
    return figure


def pushes():
    """How hard a pixel's z is pushed, in units of what one labelled pixel, or the lower part, divides by."""
    figure = Figure(figsize=(10, 2.9), layout="constrained")
    z = np.linspace(-8, 8, 200)
    p = 1 / (1 + np.exp(-z))
    for axes, y, title in zip(figure.subplots(1, 2), (1, 0), ("a pixel of a cell", "a pixel of the background")):
        axes.plot(z, p - y, color=INK, label="cross-entropy: p - y")
        for dice, line in (0.05, "--"), (0.8, "-"):
            axes.plot(z, (dice - 2 * y) * p * (1 - p), line, color=RED, label=f"Dice, while D is {dice}")
        axes.axhline(0, color=GREY, linewidth=1)
        axes.set_title(title, fontsize=10, loc="left", color=INK)
        axes.set(xlabel="z", ylabel="dz, not divided")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9, loc="lower right" if y else "upper left")
    return figure


def numbers_in(words):
    return np.array([[int(digit, 16) for digit in row] for row in words])


def parts_in_colours(mask):
    """Each connected part in another colour."""
    colours = (255 * np.array(colormaps["tab10"].colors)).astype(np.uint8)
    parts = cells.components(mask)
    return np.where(mask[..., None], colours[(parts - 1) % len(colours)], np.uint8(255))


def seen():
    figure = Figure(figsize=(10, 4.1), layout="constrained")
    photograph, numbers = cells.scene(NOTES["shown"])
    there = (numbers > 0) & (numbers != cells.VOID)
    shown = {name: runs[0]["shown"] for name, runs in RUNS.items() if "shown" in runs[0]}
    pictures = [("a photograph of val", photograph), ("its cells", parts_in_colours_of(numbers, there))]
    for name, title in (ENTROPY, "p, cross-entropy"), (DICE, "p, Dice"):
        pictures.append((title, coloured(numbers_in(shown[name]["p"]) / 15)))
    for name, title in (
        (ENTROPY, "parts: whole"), ("seams, cross-entropy", "parts: seams"),
        ("seams, weight 10", "parts: seams, weight 10"), ("rims, cross-entropy", "parts: rims"),
    ):
        mask = (numbers_in(shown[name]["named"]) == cells.CELL) & (numbers != cells.VOID)
        pictures.append((f"{title}, {cells.count_cells(mask)}", parts_in_colours(mask)))
    for axes, (title, picture) in zip(figure.subplots(2, 4).flat, pictures):
        bare(axes, title, picture)
    return figure


def parts_in_colours_of(numbers, there):
    colours = (255 * np.array(colormaps["tab10"].colors)).astype(np.uint8)
    picture = np.where(there[..., None], colours[(numbers.astype(int) - 1) % len(colours)], np.uint8(255))
    return np.where((numbers == cells.VOID)[..., None], np.uint8(0), picture)


def calibration():
    figure = Figure(figsize=(10, 3.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    middle = np.arange(10) / 10 + 0.05
    left.plot([0, 1], [0, 1], color=GREY, linewidth=1)
    for name, colour, label in (ENTROPY, BLUE, "cross-entropy"), (DICE, RED, "Dice"):
        for number, run in enumerate(RUNS[name]):
            pixels, of_cells = np.array(run["tenths"]).T
            left.plot(middle, of_cells / pixels, color=colour, marker=".", linewidth=1.3,
                      label=None if number else label)
            right.semilogy(middle, 100 * pixels / pixels.sum(), color=colour, marker=".", linewidth=1.3)
    left.set(xlabel="p, in tenths", ylabel="share that is of a cell", xlim=(0, 1), ylim=(0, 1))
    right.set(xlabel="p, in tenths", ylabel="% of the pixels of val", xlim=(0, 1))
    left.legend(frameon=False, fontsize=9, loc="upper left")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=GREY, alpha=0.5)
    return figure
