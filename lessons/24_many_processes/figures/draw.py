"""The turns of a ring all-reduce on four ranks: what each has of each part, read off numbers that went round."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from lessons.engine import course
from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED

R = 4
AMBER = "#c47f00"
COLOURS = BLUE, RED, GREEN, AMBER
ring = course.beside(course.LESSONS / "24_many_processes" / "ring.py", "ring")


def draw():
    return {"ring.png": turns()}


def trace():
    """has[turn, rank, part]: a number with a bit for each rank whose part is in what this rank has of it."""
    has = np.zeros((2 * R - 1, R, R), int)

    def note(rank, turn, parts):
        has[turn, rank] = np.concatenate(parts)

    ring.on_ranks(R, lambda rank: rank.sum(np.full(R, 2**rank.rank)), note)
    return has


def turns():
    has = trace()
    figure = Figure(figsize=(10, 4.15))
    grid = figure.add_gridspec(2, R + 1, left=0.005, right=0.995, top=0.93, bottom=-0.02, wspace=0.1, hspace=0.16,
                               width_ratios=[1.15, 1, 1, 1, 1])
    neighbours(figure.add_subplot(grid[0, 0]))
    key(figure.add_subplot(grid[1, 0]))
    places = [(0, column) for column in range(1, R + 1)] + [(1, column) for column in range(2, R + 1)]
    for turn, place in enumerate(places):
        axes = figure.add_subplot(grid[place])
        held(axes, has[turn], has[turn - 1] if turn else has[turn])
        axes.set_title("before" if turn == 0 else f"after turn {turn}", fontsize=10.5, loc="left", color=INK)
    says(figure.add_subplot(grid[1, 1]))
    return figure


def held(axes, has, before):
    """A row for each rank and a square for each part, with a bar for each rank that is in it. What has come in this
    turn has a thick edge."""
    for rank, part in np.ndindex(R, R):
        whole, new = has[rank, part] == 2**R - 1, has[rank, part] != before[rank, part]
        axes.add_patch(Rectangle((part + 0.06, rank + 0.06), 0.88, 0.88, facecolor="#e9edf1" if whole else "white",
                                 edgecolor=INK if new else GREY, lw=2 if new else 0.9))
        for one in range(R):
            if has[rank, part] >> one & 1:
                axes.add_patch(Rectangle((part + 0.17 + 0.18 * one, rank + 0.2), 0.13, 0.6, color=COLOURS[one], lw=0))
    for rank in range(R):
        axes.text(-0.1, rank + 0.5, str(rank), fontsize=10, color=COLOURS[rank], ha="right", va="center", weight="bold")
    axes.set(xlim=(-0.45, R + 0.05), ylim=(R + 0.05, -0.05), aspect="equal", anchor="NW")
    axes.axis("off")


def neighbours(axes):
    """The ring: who sends to whom."""
    at = [np.array([np.sin(angle), np.cos(angle)]) for angle in 2 * np.pi * np.arange(R) / R]
    for rank, here in enumerate(at):
        axes.add_patch(FancyArrowPatch(here, at[(rank + 1) % R], connectionstyle="arc3,rad=-0.35", arrowstyle="-|>",
                                       mutation_scale=15, color=INK, lw=1.6, shrinkA=16, shrinkB=16))
        axes.add_patch(Circle(here, 0.24, color=COLOURS[rank], lw=0))
        axes.text(*here, str(rank), fontsize=12, color="white", ha="center", va="center", weight="bold")
    axes.text(0, 0, "sends to", fontsize=10, color=INK, ha="center", va="center")
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.4, 1.4), aspect="equal", anchor="NW")
    axes.set_title("four ranks in a ring", fontsize=10.5, loc="left", color=INK)
    axes.axis("off")


def key(axes):
    lines = (
        ("row", "what a rank has"), ("column", "a part of the array"), ("bar", "whose numbers are in it"),
        ("thick", "came in this turn"), ("grey", "the sum of all"),
    )
    for i, (name, text) in enumerate(lines):
        axes.text(0.02, 0.97 - 0.15 * i, name, fontsize=9.5, color=INK, va="top", weight="bold")
        axes.text(0.31, 0.97 - 0.15 * i, text, fontsize=9.5, color=INK, va="top")
    axes.axis("off")


def says(axes):
    text = (f"Turns 1 to {R - 1} add:\nwhat comes is added\nto what is there.\n\n"
            f"Turns {R} to {2 * R - 2} pass on:\nwhat comes takes the\nplace of what is there.")
    axes.text(0.06, 0.97, text, fontsize=9.5, color=INK, va="top", linespacing=1.45)
    axes.axis("off")
